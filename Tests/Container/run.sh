#!/usr/bin/env bash
# Builds the image of packaging/container with buildah, on base images made by mmdebstrap, and runs what the
# image says as packaging/kubernetes does: as its user, with a read-only root, no capability, as process 1,
# against wif-emulator. Needs root. What it stores is in .build/container and goes at the end, but for the
# base. The image's root is entered with unshare, not with podman: that wants a cgroup tree of its own.
#
# usage: run.sh BINARIES [--compile]
#   BINARIES   a folder with the programs that need no Swift (.build/release)
#   --compile  the first stage compiles with this machine's toolchain; else its `swift build` takes the
#              programs from BINARIES, and everything but the compiler is tried
set -euo pipefail
cd "$(dirname "$0")/../.."
binaries=$(realpath "${1:?usage: run.sh BINARIES [--compile]}")
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: it takes root to make the base image'; exit 0; }
install_missing buildah mmdebstrap jq util-linux=unshare
. /etc/os-release
[ "$ID" = debian ] || { echo "skipped: no base image is made for $ID, only for Debian"; exit 0; }

store=$PWD/.build/container
mkdir -p "$store"
scratch=$(mktemp -d)
emulator='' first=''
where=(--root "$store/storage" --runroot "$scratch/run" --storage-driver overlay)
build() { buildah "${where[@]}" "$@"; }
finish() {
    [ -z "$first" ] || kill -KILL "$first" 2>/dev/null || true
    [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
    build rm -a >/dev/null 2>&1 || true
    build rmi -a -f >/dev/null 2>&1 || true
    umount "$store/storage/overlay" 2>/dev/null || true
    rm -rf "$scratch" "$store/storage"
}
trap finish EXIT
holds() {
    local text=$1
    shift
    "$@" >"$scratch/out" 2>&1 || {
        echo "  ✗ $text"
        tail -n 30 "$scratch/out"
        tail -n 20 "$scratch/agent.log" 2>/dev/null || true
        exit 1
    }
    echo "  ✓ $text"
}

base=$store/$VERSION_CODENAME.tar
[ -e "$base" ] || {
    mmdebstrap --quiet --variant=minbase "$VERSION_CODENAME" "$base.new" http://deb.debian.org/debian
    mv "$base.new" "$base"
}
image() { # NAME PACKAGE...: from the base, with what stands on standard input as /usr/local/bin/swift
    local working
    working=$(build from scratch)
    build add -q "$working" "$base" / >/dev/null
    [ $# -lt 2 ] || build run --isolation chroot --network host "$working" sh -c \
        'apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"' sh "${@:2}" </dev/null >"$scratch/out" 2>&1
    if [ "$1" = builder ]; then
        cat >"$scratch/swift"
        chmod 755 "$scratch/swift"
        build copy -q "$working" "$scratch/swift" /usr/local/bin/swift >/dev/null
    fi
    build commit -q --rm "$working" "localhost/$1" >/dev/null
}
volumes=(-v "$binaries:/prebuilt:ro")
if [ "${2-}" = --compile ]; then
    toolchain=$(dirname "$(dirname "$(realpath "$(command -v swift)")")")
    volumes=(-v "$toolchain:/toolchain:ro")
    # What the toolchain needs, as its own image has it.
    image builder libc6-dev libcurl4 libncurses6 libedit2 libsqlite3-0 libxml2 binutils git <<'S'
#!/bin/sh
exec /toolchain/bin/swift "$@"
S
else
    image builder <<'S'
#!/bin/sh
mkdir -p .build/release && cp /prebuilt/wif-* .build/release/
S
fi
image base

holds 'both stages build' build build -q --isolation chroot --network host "${volumes[@]}" \
    --build-arg BUILDER=localhost/builder --build-arg BASE=localhost/base \
    -f packaging/container/Containerfile -t localhost/wif-agent .
build inspect --type image localhost/wif-agent | jq -c '.OCIv1.config | {User, Entrypoint, Cmd}'

mkdir -p "$scratch/world"
"$binaries/wif-emulator" --platform gcp --directory "$scratch/world" >/dev/null 2>"$scratch/emulator.log" &
emulator=$!
for _ in {1..100}; do [ -e "$scratch/world/ready" ] && break; sleep 0.1; done
metadata=$(sed -n "s/^export \(GCE_METADATA_HOST\)=/\1=/p" "$scratch/world/environment" | tr -d "'")

root=$(build mount "$(build from localhost/wif-agent)")
install -D -m 644 -T "$scratch/world/accounts/mondoo-gcp.json" "$root/etc/wif-agent/mondoo.json"
config() { build inspect --type image localhost/wif-agent | jq -r ".OCIv1.config | $1"; }
user=$(config '.User | split(":")[0]')
mapfile -t command < <(config '.Entrypoint + .Cmd | .[]')
locked=(setpriv --reuid "$user" --regid "$(config '.User | split(":")[1]')" --clear-groups --no-new-privs
    --bounding-set -all --inh-caps -all env -i "PATH=/usr/bin:/bin" "$metadata")
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --propagation private bash -c '
    root=$1 user=$2
    shift 2
    mount --bind "$root" "$root" && mount -o remount,bind,ro "$root" &&
        mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" &&
        mount -t tmpfs -o "mode=0755,uid=$user,gid=$user,size=1m" tmpfs "$root/run/wif-agent" &&
        exec chroot "$root" "$@"' bash "$root" "$user" "${locked[@]}" "${command[@]}" >"$scratch/agent.log" 2>&1 &
container=$!
up() {
    for _ in {1..300}; do
        first=$(ps -o pid= --ppid "$container" | tr -d ' ')
        [ -n "$first" ] && grep -qs '^Name:.wif-agent$' "/proc/$first/status" && return
        kill -0 "$container" || return
        sleep 0.1
    done
    return 1
}
inside() { nsenter --target "$first" --mount --pid --root --wd=/ "${locked[@]}" "$@"; }
credential() { inside wif-agent get -c /etc/wif-agent/mondoo.json --format json | jq -e .private_key; }
stops() {
    local status=0
    kill -TERM "$first"
    wait "$container" || status=$?
    first=''
    return "$status"
}
holds 'it starts as the image says' up
holds 'ready' inside wif-agent wait --timeout 30
holds 'status --check, the probe of packaging/kubernetes' inside wif-agent status --check
holds 'a credential' credential
# shellcheck disable=SC2016
holds 'not root, no capability, none to be gained' sh -c '
    grep -q "^Uid:.65532.65532.65532.65532" "$1" && grep -q "^CapEff:.0000000000000000" "$1" &&
        grep -q "^CapBnd:.0000000000000000" "$1" && grep -q "^NoNewPrivs:.1" "$1"' sh "/proc/$first/status"
holds 'nothing but its volume can be written' inside sh -c '! touch /tmp/x && ! touch /etc/wif-agent/x'
holds 'help shows a manual page, without man and pager' sh -c \
    'nsenter "$@" wif-agent help kubernetes | grep -q "native sidecar"' sh --target "$first" --mount --pid --root --wd=/ "${locked[@]}"
holds 'the certificates are there' inside test -s /etc/ssl/certs/ca-certificates.crt
holds 'it stops at SIGTERM, with 0' stops
