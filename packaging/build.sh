#!/usr/bin/env bash
# The programs as they are shipped: optimised, with Swift's and C++'s runtimes inside, so that a
# machine needs neither. Leaves them in .build/release.
#
# The linker takes libstdc++.a because it finds it first, in a folder that holds nothing else: the
# shared one would cost each idle agent about a megabyte of resident memory. For the same reason code is
# made small (-Osize): half a megabyte less, and no slower. In the same folder is a libcurl.so with the names
# of the real one's functions and nothing else: Debian's gives them versions that no other system's has.
# Swift's libraries lose their tables for unwinding, 0.7 MB: nothing in these programs catches a C++ exception.
# No symbol is exported, as Swift's own arguments for static libraries have it: nobody loads anything into these.
set -euo pipefail
cd "$(dirname "$0")/.."

first=$PWD/.build/first-libraries
mkdir -p "$first"
toolchain=$(dirname "$(dirname "$(realpath "$(command -v swiftc)")")")
for archive in "$toolchain"/lib/swift_static/linux/{libswiftCore,libswift_Concurrency,libdispatch}.a "$(gcc -print-file-name=libstdc++.a)"; do
    if [ -e "$archive" ]; then
        # It may be a link from an earlier version of this script.
        rm -f "$first/${archive##*/}"
        objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame \
            "$archive" "$first/${archive##*/}"
    fi
done
# swiftc names the folder of its own libraries before any other.
linker=$(command -v ld.gold || echo "$toolchain/bin/ld.lld")
printf '%s\n' '#!/bin/sh' "exec $linker \"-L$first\" \"\$@\"" >"$first/ld"
chmod +x "$first/ld"
nm --dynamic --defined-only "$(gcc -print-file-name=libcurl.so)" |
    sed -En 's/^[0-9a-f]+ T (curl_[a-z0-9_]+)(@.*)?$/void \1(void) {}/p' |
    gcc -shared -nostdlib -fno-builtin -w -Wl,-soname,libcurl.so.4 -o "$first/libcurl.so" -x c -
printf '%s\n' 'Name: libcurl' 'Description: its names alone' "Version: $(pkg-config --modversion libcurl)" \
    "Cflags: $(pkg-config --cflags libcurl)" "Libs: -L$first -lcurl" >"$first/libcurl.pc"
export PKG_CONFIG_PATH=$first${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
if [ -z "${WIF_COMMIT-}" ] && WIF_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null); then
    [ -z "$(git status --porcelain --untracked-files=no)" ] || WIF_COMMIT+=-changed
fi
# Where there is no history, as in a container's build, the version names no commit.
if [ -n "$WIF_COMMIT" ]; then export WIF_COMMIT; else unset WIF_COMMIT; fi
for product in wif-agent wif-exchange wif-emulator; do
    swift build -c release -Xswiftc -Osize --static-swift-stdlib --disable-local-rpath -Xswiftc "-use-ld=$first/ld" -Xlinker --icf=all \
        -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now -Xlinker --no-export-dynamic \
        --product "$product" "$@"
done
