#!/usr/bin/env bash
# Installs the Debian package of .build/release in a root of its own, boots it with the real systemd and
# runs inside.py in it. Needs root, debootstrap and systemd-nspawn; the root, without the package, is kept
# in .build. The container has a network of its own, which is a loopback interface and nothing else.
#
# usage: run.sh [TEST...]
set -euo pipefail
cd "$(dirname "$0")/../.."
binaries=$PWD/.build/release

if [ "$(id -u)" -ne 0 ]; then
    echo 'skipped: it takes root to boot a system'
    exit 0
fi
. packaging/requirements.sh
install_missing debootstrap systemd-container=systemd-nspawn squashfs-tools=mksquashfs

. /etc/os-release
[ "$ID" = debian ] || { echo "skipped: no root is made for $ID, only for Debian"; exit 0; }

# owner LIBRARY: the package that the library which wif-exchange is linked with belongs to.
owner() {
    local path
    path=$(ldd "$binaries/wif-exchange" | awk -v name="$1" 'index($1, name) { print $3; exit }')
    { dpkg -S "$path" 2>/dev/null || dpkg -S "$(realpath "$path")"; } | head -n 1 | cut -d: -f1
}

include=systemd,systemd-sysv,dbus,libpam-systemd,polkitd,python3,procps,ca-certificates,$(owner libcurl),$(owner libssl)
base=.build/booted-root
stamp="$VERSION_CODENAME $include"
if [ "$(cat "$base.stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$base" "$base.stamp"
    mirror=http://deb.debian.org/debian
    debootstrap --variant=minbase --include="$include" "$VERSION_CODENAME" "$base" "$mirror" \
        >"$base.log" 2>&1 || { tail -n 20 "$base.log"; exit 1; }
    rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
    echo "$stamp" >"$base.stamp"
fi

root=$(mktemp -d "$PWD/.build/booted-XXXXXX")
trap 'rm -rf "$root"' EXIT
cp -a "$base/." "$root"
: >"$root/etc/machine-id"

suite=$root/opt/suite
install -D -s -m 755 -t "$suite" "$binaries/wif-emulator"
install -m 644 -t "$suite" Tests/BootedSystem/inside.py Tests/EndToEndTests/world.py
cp -r packaging/systemd "$suite/units"

# The package, and a newer one for the upgrade.
packaging/deb/build.sh --staged >/dev/null
cp .build/packages/wif-agent_*.deb "$suite/older.deb"
dpkg-deb -R "$suite/older.deb" "$root/newer"
sed -i 's/^Version: .*/&.1/' "$root/newer/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$root/newer" "$suite/newer.deb" >/dev/null
rm -r "$root/newer"
# The extension image, and a newer one.
packaging/archive.sh --staged >/dev/null
archive=$(echo .build/packages/wif-agent-*-linux-"$(uname -m)".tar.gz)
staged=$root/staged
cp -a ".build/stage/$(basename "$archive" .tar.gz)" "$staged"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
packaging/release/sysext.sh "$staged" "$suite/older.raw"
touch "$staged/usr/share/wif-agent/newer"
packaging/release/sysext.sh "$staged" "$suite/newer.raw"
rm -r "$staged"
chroot "$root" dpkg -i /opt/suite/older.deb >"$root/install.log" 2>&1 || { cat "$root/install.log"; exit 1; }
printf '%s\n' "$@" >"$suite/tests"
cat >"$root/etc/systemd/system/suite.service" <<'U'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
Environment=WIF_BIN=/opt/suite PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
ExecStart=/bin/sh -c 'cd /opt/suite && xargs -a tests python3 -W ignore inside.py -v; echo $? >/opt/suite/status; journalctl -b --no-pager >/opt/suite/journal 2>&1'
StandardOutput=file:/opt/suite/log
StandardError=file:/opt/suite/log
TimeoutStartSec=600
[Install]
WantedBy=multi-user.target
U
ln -s ../suite.service "$root/etc/systemd/system/multi-user.target.wants/suite.service"

timeout -k 5 660 systemd-nspawn --quiet --boot --register=no --keep-unit --private-network \
    --directory="$root" --console=pipe </dev/null >"$root/console.log" 2>&1 || true
cp "$suite/journal" .build/booted.journal 2>/dev/null || true
if [ "$(cat "$suite/status" 2>/dev/null)" = 0 ]; then
    tail -n 3 "$suite/log"
else
    cat "$suite/log" 2>/dev/null || tail -n 40 "$root/console.log"
    echo 'the journal is in .build/booted.journal'
    exit 1
fi
