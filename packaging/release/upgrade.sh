#!/usr/bin/env bash
# Tries a release's archive and extension image where there is no compiler, and neither package: in a clean root
# of each system the archive is unpacked below /opt and installed, the demo is played, a credential is had, the
# next version takes the place of the first under the running agent, and the first comes back; each time the agent
# starts anew and uses on what it has. The extension image is merged and unmerged. Needs root.
#
# usage: packaging/release/upgrade.sh [--next OTHER] RELEASE [SYSTEM...]
#   --next OTHER  a release of the next version; without it the same one, unpacked again, plays it
#   RELEASE       a folder that packaging/release.sh made
#   SYSTEM        releases of Debian; default: the one that this is, trixie and sid
set -euo pipefail
next=''
[ "${1-}" != --next ] || { next=$(realpath "$2") && shift 2; }
release=$(realpath "${1:?a release is missing}")
shift
next=${next:-$release}
cd "$(dirname "$0")/../.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
install_missing mmdebstrap squashfs-tools=unsquashfs
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/try.sh" <<'END_OF_TRY'
set -eu
fail() { echo "  ✗ $*"; cat /agent.log 2>/dev/null; exit 1; }
good() { echo "  ✓ $*"; }
for version in 1 2; do
    mkdir -p /opt/wif-agent-$version
    tar -xzf "/archive-$version.tar.gz" -C /opt/wif-agent-$version --strip-components=1
done
! command -v gcc cc swift >/dev/null || fail 'there is a compiler'
switch() { rm -rf /opt/wif-agent; cp -a "/opt/wif-agent-$1" /opt/wif-agent; /opt/wif-agent/install.sh >/dev/null; }
switch 1
[ "$(readlink /usr/local/bin/wif-agent)" = /opt/wif-agent/usr/bin/wif-agent ] || fail 'the link'
grep -q '^ExecStart=/opt/wif-agent/usr/bin/wif-agent run$' /etc/systemd/system/wif-agent.service || fail 'the unit'
grep -q '^ExecStart=/opt/wif-agent/usr/libexec/wif-agent/wif-exchange ' /etc/systemd/system/wif-exchange@.service || fail 'the unit'
systemd-analyze verify --man=no wif-agent.service wif-exchange.socket >/verify 2>&1 || { cat /verify; fail 'the units'; }
[ "$(stat -c '%U:%G %a' /etc/wif-agent)" = 'root:wif-agent 750' ] || fail 'the mode of /etc/wif-agent'
good 'installed below /opt: units, users, links'
WIF_BIN=/opt/wif-agent/usr/bin /demo/packaging/demo.sh >/demo.log 2>&1 || { cat /demo.log; fail 'the demo'; }
good "the demo: $(grep -c ' ✓ ' /demo.log) checks, $(grep '^All of it' /demo.log)"
wif-emulator --directory /world >/world.log 2>&1 &
emulator=$!
until [ -e /world/ready ]; do kill -0 "$emulator" || fail 'the emulator'; sleep 0.1; done
set -a; . /world/environment; set +a
cp /world/mondoo.json /etc/wif-agent/mondoo.json
start() {
    wif-agent run -c /etc/wif-agent/mondoo.json --output json:/run/credential.json >/agent.log 2>&1 &
    agent=$!
    wif-agent wait --timeout 30 || fail 'no credential'
}
start
good "a credential by $(wif-agent --version)"
before=$(sha256sum </run/credential.json)
same() { [ "$before" = "$(sha256sum </run/credential.json)" ] || fail "$1"; }
for version in 2 1; do
    switch "$version"
    wif-agent status --check || fail 'the running agent'
    same 'the output was touched'
    wif-agent refresh || fail 'no refresh by the old agent and the new worker'
    [ "$before" != "$(sha256sum </run/credential.json)" ] || fail 'nothing new was delivered'
    before=$(sha256sum </run/credential.json)
    kill -TERM "$agent"
    wait "$agent" || fail 'the end'
    start
    grep -q ' adopted ' /agent.log || fail 'nothing was adopted'
    same 'another credential'
    good "in its place $(wif-agent --version): the credential is used on"
done
kill -TERM "$agent"; wait "$agent"
state=$(echo /run/wif-agent/state/*.json)
sed -i 's/"format":1/"format":2/' "$state"
start
grep -q 'a newer version of wif-agent kept is ignored' /agent.log || fail 'no word of it'
[ "$before" != "$(sha256sum </run/credential.json)" ] || fail 'it was used on'
good 'what a newer version kept is ignored with a word, and had anew'
kill -TERM "$agent" "$emulator"; wait
/opt/wif-agent/install.sh --remove
[ ! -e /etc/systemd/system/wif-agent.service ] && [ ! -L /usr/local/bin/wif-agent ] || fail 'the removal'
[ -e /etc/wif-agent/mondoo.json ] || fail 'the removal took an account file'
good 'removed'
END_OF_TRY

. /etc/os-release
systems=("$@")
[ $# -gt 0 ] || mapfile -t systems < <(printf '%s\n' "$VERSION_CODENAME" trixie sid | sort -u)
for system in "${systems[@]}"; do
    root=$scratch/root
    case $system in bookworm) libraries=libcurl4,libssl3 ;; *) libraries=libcurl4t64,libssl3t64 ;; esac
    # A mirror that is a copy of some day has lists that are out of date. The last three packages are for the demo.
    mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="$libraries,systemd,procps,ca-certificates,curl,jq,python3-minimal" \
        "$system" "$root" "${MIRROR:-http://deb.debian.org/debian}"
    cp "$release"/*-linux-"$(uname -m)".tar.gz "$root/archive-1.tar.gz"
    cp "$next"/*-linux-"$(uname -m)".tar.gz "$root/archive-2.tar.gz"
    mkdir -p "$root/demo/packaging"
    cp packaging/{demo,requirements}.sh "$root/demo/packaging/"
    cp "$scratch/try.sh" "$root/"
    echo "  $(. "$root/etc/os-release" && echo "$PRETTY_NAME"):"
    unshare --net --pid --fork --mount --mount-proc="$root/proc" \
        sh -c "ip link set lo up; mount -t tmpfs tmpfs '$root/run'; exec env --unset=TMPDIR chroot '$root' bash /try.sh"
    rm -rf "$root"
done

image=$(echo "$release"/*-linux-"$(uname -m)".raw)
export image
if command -v systemd-sysext >/dev/null && [ -e /dev/loop-control ]; then
    # A mount of /run and shared propagation, as a booted system has them.
    unshare --mount --propagation private bash -euc '
        mount --make-rshared /
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p /run/extensions
        cp "$image" /run/extensions/wif-agent.raw
        systemd-sysext merge >/dev/null 2>&1
        [ -e /usr/lib/systemd/system/wif-agent.service ]
        echo "  ✓ merged by systemd-sysext: $(/usr/bin/wif-agent --version)"
        cp "$image" /run/extensions/wif-agent.raw.new
        mv /run/extensions/wif-agent.raw.new /run/extensions/wif-agent.raw
        systemd-sysext refresh >/dev/null 2>&1
        /usr/bin/wif-agent --version >/dev/null
        systemd-sysext unmerge >/dev/null 2>&1
        [ ! -e /usr/bin/wif-agent ] || [ -e /usr/libexec/wif-agent/wif-exchange ]
        echo "  ✓ refreshed and unmerged"' || { echo '  ✗ systemd-sysext'; exit 1; }
else
    echo '  systemd-sysext: no loop devices here'
fi
