#!/usr/bin/env bash
# Started by roots.sh in namespaces of its own: mounts the root with a layer above it, and runs the suites there.
#   packaging/roots-inside.sh ROOT LAYER [NAME-OF-TEST...]
set -euo pipefail
root=$1 layer=$2 source=$PWD
shift 2
mount -t tmpfs tmpfs "$layer"
mkdir "$layer"/{upper,work,root}
mount -t overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/root"
root=$layer/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root$source" "$root/opt/wif-agent" "$root/opt/swift"
mount --bind "$source" "$root$source"
ip link set lo up
# Not each release's packages bring one.
[ -e "$root/etc/hosts" ] || printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$root/etc/hosts"

archive=$(echo "$source"/.build/packages/wif-agent-*-linux-"$(uname -m)".tar.gz)
tar -xzf "$archive" -C "$root/opt/wif-agent" --strip-components=1
mkdir "$root/opt/suite"
cp "$root"/opt/wif-agent/usr/bin/wif-* "$root"/opt/wif-agent/usr/libexec/wif-agent/wif-exchange "$root/opt/suite/"
runtime=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": *"\(.*\)".*/\1/p')/linux
[ ! -d "$runtime" ] || mount --bind "$runtime" "$root/opt/swift"

cat >"$root/opt/inside" <<'S'
set -uo pipefail
cd "$1" && shift
unset TMPDIR
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
status=0
. /etc/os-release
echo "$PRETTY_NAME: $(ldd --version | head -n 1), $(curl --version | grep -oE '(libcurl|OpenSSL)/[^ ]+' | tr '\n' ' ')"
if [ $# -eq 0 ]; then
    WIF_BIN=/opt/wif-agent/usr/bin packaging/demo.sh >/tmp/demo 2>&1 && grep '^All of it' /tmp/demo || { cat /tmp/demo && status=1; }
    tests=.build/debug/wif-agentPackageTests.xctest
    if [ -e "$tests" ] && [ -e /opt/swift/libswiftCore.so ]; then
        # One at a time: they have time limits, and the machine may be busy.
        LD_LIBRARY_PATH=/opt/swift "$tests" --testing-library swift-testing --no-parallel \
            --filter 'HTTPTests|CryptoTests|ExchangesTests|TokenSourcesTests' >/tmp/tests 2>&1 || { grep -E '^(✘|↳)' /tmp/tests; status=1; }
        tail -n 1 /tmp/tests
    else
        echo 'no Swift tests have been built: swift build --build-tests'
    fi
fi
WIF_BIN=/opt/suite Tests/EndToEndTests/run.py "$@" || status=1
exit "$status"
S
exec chroot "$root" bash /opt/inside "$source" "$@"
