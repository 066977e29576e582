#!/usr/bin/env bash
# The same sources on arm64, on a machine that is x86_64: cross-compiled with the Swift of Debian sid, and run by
# qemu-user: the demo, the Swift tests and the end-to-end tests. Needs root and apt-get; about half an hour.
# What comes out is a proof, not a release: its runtime asks for sid's glibc. Where there is a machine with
# arm64, packaging/release.sh makes the release there, as it does on x86_64.
#
# usage: packaging/arm64.sh [--only STEP]... [NAME-OF-TEST...]
#   --only STEP   build, demo, swift or suite: that one alone (build comes before the first of the others)
#   NAME          of the end-to-end tests those alone
#
# What it installs and builds is kept in $ARM64 (/var/tmp/wif-agent-arm64).
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
[ "$(uname -m)" = x86_64 ] || { echo 'skipped: only from x86_64; here packaging/check.sh proves the same'; exit 0; }
steps=()
while [ "${1-}" = --only ]; do steps+=("$2") && shift 2; done
[ "${#steps[@]}" -gt 0 ] || steps=(build demo swift suite)
source=$PWD
work=${ARM64:-/var/tmp/wif-agent-arm64}
own_folder "$work" ARM64
install_missing mmdebstrap util-linux=unshare qemu-user-static=qemu-aarch64-static binfmt-support=update-binfmts
[ -e /proc/sys/fs/binfmt_misc/status ] || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64

# A mirror that is a copy of some day has lists that are out of date; they are signed all the same.
readonly late='Acquire::Check-Valid-Until "false"'
readonly libraries=$work/arm64/usr/lib/aarch64-linux-gnu
export PATIENCE=6   # qemu is some six times slower
readonly products='wif-agent wif-exchange wif-emulator'

# root ARCH PACKAGES [OPTION...]: a system of sid in $work/ARCH.
root() {
    local arch=$1 contents=$2
    shift 2
    [ ! -e "$work/$arch" ] || return 0
    rm -rf "$work/$arch.new"
    mmdebstrap --quiet --arch="$arch" --aptopt="$late" --aptopt='APT::Sandbox::User "root"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io --include="$contents" "$@" \
        sid "$work/$arch.new" "${MIRROR:-http://deb.debian.org/debian}"
    mv "$work/$arch.new" "$work/$arch"
}

# inside COMMAND...: in the amd64 system, with $work as /w and the sources where they are.
inside() {
    unshare --mount --propagation private bash -c '
        root=$1 source=$2 work=$3 && shift 3
        mkdir -p "$root/w" "$root$source"
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
        mount --bind "$work" "$root/w" && mount --bind "$source" "$root$source"
        exec chroot "$root" env --unset=TMPDIR "$@"' inside "$work/amd64" "$source" "$work" "$@"
}

# The compiler's libraries for arm64, from the package that a system of arm64 would install.
resources() {
    local package
    [ ! -e "$work/resources" ] || return 0
    mkdir -p "$work/packages"
    cp /etc/resolv.conf "$work/amd64/etc/"
    inside sh -ec "printf '%s;\n' '$late' 'APT::Sandbox::User \"root\"' >/etc/apt/apt.conf.d/99wif
        dpkg --add-architecture arm64 && apt-get -qq update
        cd /w/packages && apt-get -qq download swiftlang:arm64 libswiftlang:arm64"
    for package in "$work"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/arm64" --wildcards --exclude='*/swift/host*' \
            --exclude='*/liblldb*' --exclude='*/libsourcekit*' --exclude='*/libclang.so*' --exclude='*/libLTO*' \
            './usr/libexec/swift/lib/*'
    done
    rm -r "$work/packages"
    [ -e "$work/arm64/lib" ] || ln -s usr/lib "$work/arm64/lib"
    ln -sfn ../libexec/swift/lib/swift "$work/arm64/usr/lib/swift"
    ln -sfn ../libexec/swift/lib/swift_static "$work/arm64/usr/lib/swift_static"
    mkdir -p "$work/arm64/static"
    ln -sf ../usr/lib/gcc/aarch64-linux-gnu/15/libstdc++.a "$work/arm64/static/"
    # The package lacks this one, which tests that import Foundation are linked with.
    inside /usr/libexec/swift/bin/llvm-ar rcs /w/arm64/usr/lib/swift/linux/lib_Testing_Foundation.a
    touch "$work/resources"
}

# A Swift SDK (https://www.swift.org/documentation/articles/static-linux-getting-started.html) of both.
sdk() {
    local bundle=$work/sdk/wif.artifactbundle
    mkdir -p "$bundle/arm64"
    cat >"$bundle/info.json" <<'J'
{"schemaVersion": "1.0", "artifacts": {"wif-arm64": {"type": "swiftSDK", "version": "1", "variants": [{"path": "arm64"}]}}}
J
    cat >"$bundle/arm64/swift-sdk.json" <<'J'
{"schemaVersion": "4.0", "targetTriples": {"aarch64-unknown-linux-gnu": {
    "sdkRootPath": "/w/arm64", "swiftResourcesPath": "/w/arm64/usr/lib/swift",
    "swiftStaticResourcesPath": "/w/arm64/usr/lib/swift_static", "toolsetPaths": ["toolset.json"]}}}
J
    cat >"$bundle/arm64/toolset.json" <<'J'
{"schemaVersion": "1.0", "rootPath": "/usr/libexec/swift/bin", "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]}}
J
}

# Warnings of another compiler are not errors here. 6.2.3 stops at its own mistakes about the memory of throwing
# initialisers of noncopyable types; with the last option it goes on.
compile() {
    inside sh -ec 'cd "$1" && shift && export HOME=/w/home
        export PKG_CONFIG_LIBDIR=/w/arm64/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=/w/arm64
        exec swift build --swift-sdks-path /w/sdk --swift-sdk wif-arm64 --scratch-path /w/build \
            -Xswiftc -no-warnings-as-errors -Xswiftc -Xllvm -Xswiftc -dont-abort-on-memory-lifetime-errors "$@"' \
        sh "$source" "$@" >>"$work/build.log" 2>&1 || { grep error: "$work/build.log"; return 1; }
}

# What qemu-user itself cannot bear: it writes a file where a program opens /proc/self/maps, as Swift's runtime
# does, and a worker may write none. In the programs under test, that one limit is not set.
forgive_qemu() {
    cat >"$work/forgive.c" <<'C'
#define _GNU_SOURCE
#include <sys/resource.h>

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
    return resource == RLIMIT_FSIZE ? 0 : prlimit(0, resource, limit, 0);
}
C
    compile_c forgive.c "${libraries#"$work/"}/libforgiveqemu.so" -shared -fPIC -nostdlib
}

# compile_c FILE OUT [OPTION...]: both in $work.
compile_c() {
    local file=$1 out=$2
    shift 2
    inside /usr/libexec/swift/bin/clang --target=aarch64-linux-gnu --sysroot=/w/arm64 -fuse-ld=lld -O1 "$@" \
        -o "/w/$out" "/w/$file"
}

# What looks for what qemu lacks, so that tests which need it are skipped.
probe() {
    cp Tests/Faults/probe.c "$work/"
    compile_c probe.c bin/probe
    runnable "$work/bin/probe"
}

# runnable FILE [FOLDER]: with the libraries of the arm64 system, where this one has none.
runnable() {
    patchelf --set-interpreter "$work/arm64/usr/lib/ld-linux-aarch64.so.1" --force-rpath \
        --set-rpath "${2:+$2:}$libraries" "$1"
    patchelf --add-needed libforgiveqemu.so "$1"
}

build() {
    local program built=$work/build/aarch64-unknown-linux-gnu
    mkdir -p "$work/bin"
    : >"$work/build.log"
    forgive_qemu
    probe
    for program in $products; do
        compile -c release -Xswiftc -Osize --static-swift-stdlib --disable-local-rpath -Xlinker -L/w/arm64/static \
            -Xlinker --icf=all -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now --product "$program"
        cp "$built/release/$program" "$work/bin/"
        runnable "$work/bin/$program"
        "$work/bin/$program" --version
    done
    compile --build-tests
    cp "$built/debug/wif-agentPackageTests.xctest" "$work/bin/tests"
    runnable "$work/bin/tests" "$work/arm64/usr/lib/swift/linux"
}

demo() {
    WIF_BIN=$work/bin packaging/demo.sh >"$work/demo.log" 2>&1 || { cat "$work/demo.log"; return 1; }
    grep '^All of it' "$work/demo.log"
}

# One at a time: qemu's threads are several times slower, and tests have time limits. Left out is what takes minutes
# there and sees nothing of the machine: the simulation, the fleet, the parsers' seeds, the rules on sources.
swift_tests() {
    MISSING=$("$work/bin/probe") LD_LIBRARY_PATH=$work/arm64/usr/lib/swift/linux:$libraries \
        "$work/bin/tests" --testing-library swift-testing --no-parallel \
        --skip 'SimulationTests|FleetTests|PolicyTests.FuzzTests|FuzzTests|RoomTests' >"$work/tests.log" 2>&1 || {
        grep -E '^(✘|↳)' "$work/tests.log"
        return 1
    }
    tail -n 1 "$work/tests.log"
}

suite() { MISSING=$("$work/bin/probe") WIF_BIN=$work/bin Tests/EndToEndTests/run.py -j 2 "$@"; }

root amd64 swiftlang,git,ca-certificates,pkgconf,libc6-dev,libstdc++-15-dev --variant=apt
root arm64 libc6-dev,libcurl4-openssl-dev,libssl-dev,libstdc++-15-dev --variant=extract
resources
sdk
install_missing patchelf
status=0
for step in "${steps[@]}"; do
    from=$SECONDS
    case $step in
    build) build ;;
    demo) demo || status=1 ;;
    swift) swift_tests || status=1 ;;
    suite) suite "$@" || status=1 ;;
    *) echo "arm64.sh: no step is called $step"; exit 64 ;;
    esac
    echo "arm64 $step: $((SECONDS - from)) s"
done
exit "$status"
