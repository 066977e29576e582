#!/usr/bin/env bash
# Tries the Debian package of .build/packages in clean roots: lintian, installation, a credential by the
# installed programs, an upgrade under a running agent, removal, purge. Needs root.
#   packaging/deb/test.sh [RELEASE...]    # default: bookworm trixie
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
install_missing mmdebstrap lintian binutils=objdump
package=$(echo "$PWD"/.build/packages/wif-agent_*.deb)
[ -e "$package" ] || packaging/deb/build.sh
package=$(echo "$PWD"/.build/packages/wif-agent_*.deb)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

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
apt-get -qq install -y --no-install-recommends /older.deb >/dev/null
wif-agent --version
[ "$(stat -c '%U:%G %a' /etc/wif-agent)" = 'root:wif-agent 750' ] || fail 'the mode of /etc/wif-agent'
getent passwd wif-exchange >/dev/null || fail 'no user wif-exchange'
wif-emulator --directory /world --clock-offset 0 >/world.log 2>&1 &
for _ in $(seq 100); do [ -e /world/ready ] && break; sleep 0.1; done
set -a; . /world/environment; set +a
cp /world/mondoo.json /etc/wif-agent/mondoo.json
chgrp wif-agent /etc/wif-agent/mondoo.json; chmod 640 /etc/wif-agent/mondoo.json
echo 'WIF_AGENT_HOLD=80' >>/etc/default/wif-agent
wif-agent run --output json:/run/credential.json >/agent.log 2>&1 &
wif-agent wait --timeout 30 || { cat /agent.log; fail 'no credential'; }
before=$(sha256sum </run/credential.json)
dpkg -i /newer.deb >/dev/null
wif-agent status --check || fail 'the upgrade lost the credential'
wif-agent refresh || fail 'no refresh after the upgrade'
[ "$before" != "$(sha256sum </run/credential.json)" ] || fail 'nothing new was delivered'
grep -q HOLD=80 /etc/default/wif-agent || fail 'the upgrade took the settings'
apt-get -qq remove -y wif-agent >/dev/null
[ ! -e /usr/bin/wif-agent ] && [ -e /etc/default/wif-agent ] || fail 'the removal'
kill %1 %2
dpkg --purge wif-agent >/dev/null
[ ! -e /etc/default/wif-agent ] || fail 'the purge left the settings'
[ -e /etc/wif-agent/mondoo.json ] || fail 'the purge took an account file'
END

for release in "${@:-bookworm trixie}"; do
    for name in $release; do
        echo "$name:"
        mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd \
            "$name" "$scratch/$name"
        cp "$package" "$scratch/$name/older.deb"
        cp "$scratch/newer.deb" "$scratch/try.sh" "$scratch/$name/"
        # A network of its own, in which the emulator alone is; what the package needs is fetched before.
        chroot "$scratch/$name" sh -c \
            'apt-get -qq install -y --no-install-recommends --download-only /older.deb' >/dev/null
        unshare --net --pid --fork --mount --mount-proc="$scratch/$name/proc" \
            sh -c "ip link set lo up; mount -t tmpfs tmpfs '$scratch/$name/run'; exec chroot '$scratch/$name' bash /try.sh"
        echo "$name: installed, upgraded under a running agent, removed, purged"
        rm -rf "${scratch:?}/$name"
    done
done
