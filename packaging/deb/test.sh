#!/usr/bin/env bash
# Tries the Debian package of .build/packages in clean roots: lintian, installation, a credential by the
# installed programs, an upgrade and the way back under a running agent, removal, purge. Needs root.
#   packaging/deb/test.sh [RELEASE...]    # default: the release it was built on, and trixie
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
install_missing mmdebstrap lintian binutils=objdump dpkg-dev=dpkg-shlibdeps
package=$(echo "$PWD"/.build/packages/wif-agent_*.deb)
[ -e "$package" ] || packaging/deb/build.sh
package=$(echo "$PWD"/.build/packages/wif-agent_*.deb)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What the libraries that it is linked with are packaged as, here.
mkdir -p "$scratch/source/debian"
printf 'Source: wif-agent\n\nPackage: wif-agent\nArchitecture: any\nDescription: it\n' >"$scratch/source/debian/control"
dpkg-deb -x "$package" "$scratch/tree"
needs=$(cd "$scratch/source" && dpkg-shlibdeps --warnings=0 -O "$scratch/tree"/usr/bin/wif-* "$scratch/tree"/usr/libexec/wif-agent/*)
depends=$(dpkg-deb -f "$package" Depends | tr -s ',| ' '\n')
for name in $(echo "${needs#*=}" | sed 's/([^)]*),*//g'); do
    grep -qx "$name" <<<"$depends" || { echo "$package depends on no $name: $needs"; exit 1; }
done
echo "depends on what it is linked with: $needs"

lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package"
echo 'lintian: clean'

# The same package with a higher version, as an upgrade sees it.
dpkg-deb -R "$package" "$scratch/newer"
sed -i 's/^Version: .*/&.1/' "$scratch/newer/DEBIAN/control"
dpkg-deb --root-owner-group -Zxz --build "$scratch/newer" "$scratch/newer.deb" >/dev/null

cat >"$scratch/try.sh" <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive
fail() { echo "FAILED: $*"; exit 1; }
apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 /older.deb >/dev/null
dpkg -L wif-agent | while read -r path; do [ ! -f "$path" ] || echo "$path"; done >/files
[ "$(wc -l </files)" -gt 20 ] || fail 'few files'
newer() { dpkg -i /newer.deb; }
older() { dpkg --force-downgrade -i /older.deb; }
. /upgrade-test.sh
apt-get -qq remove -y -o Dpkg::Use-Pty=0 wif-agent >/dev/null
[ ! -e /usr/bin/wif-agent ] && [ -e /etc/default/wif-agent ] || fail 'the removal'
dpkg --purge wif-agent >/dev/null
while read -r path; do [ ! -e "$path" ] || fail "the purge left $path"; done </files
[ -e /etc/wif-agent/mondoo.json ] || fail 'the purge took an account file'
END

. /etc/os-release
releases=("$@")
[ $# -gt 0 ] || mapfile -t releases < <(printf '%s\n' "$VERSION_CODENAME" trixie | sort -u)
for name in "${releases[@]}"; do
    echo "$name:"
    # With the lists of packages, from which apt takes what the package depends on.
    mmdebstrap --quiet --variant=minbase --include=systemd --skip=cleanup/apt/lists \
        "$name" "$scratch/$name"
    cp "$package" "$scratch/$name/older.deb"
    cp "$scratch/newer.deb" "$scratch/try.sh" packaging/upgrade-test.sh "$scratch/$name/"
    # A network of its own, in which the emulator alone is; what the package needs is fetched before.
    env --unset=TMPDIR chroot "$scratch/$name" sh -c \
        'apt-get -qq install -y --no-install-recommends --download-only /older.deb' >/dev/null
    unshare --net --pid --fork --mount --mount-proc="$scratch/$name/proc" \
        sh -c "ip link set lo up; mount -t tmpfs tmpfs '$scratch/$name/run'; exec env --unset=TMPDIR chroot '$scratch/$name' bash /try.sh"
    echo "$name: installed, upgraded and put back under a running agent, removed, purged"
    rm -rf "${scratch:?}/$name"
done
