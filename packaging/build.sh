#!/usr/bin/env bash
# The programs as they are shipped: optimised, with Swift's and C++'s runtimes inside, so that a
# machine needs neither. Leaves them in .build/release.
#
# The linker takes libstdc++.a because it finds it first, in a folder that holds nothing else: the
# shared one would cost each idle agent about a megabyte of resident memory. For the same reason code is
# made small (-Osize): half a megabyte less, and no slower.
set -euo pipefail
cd "$(dirname "$0")/.."

static=$PWD/.build/static-libraries
mkdir -p "$static"
archive=$(gcc -print-file-name=libstdc++.a)
if [ -e "$archive" ]; then ln -sf "$archive" "$static/libstdc++.a"; fi
for product in wif-agent wif-exchange wif-emulator; do
    swift build -c release -Xswiftc -Osize --static-swift-stdlib --disable-local-rpath -Xlinker "-L$static" -Xlinker --icf=all \
        -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now \
        --product "$product" "$@"
done
