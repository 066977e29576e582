#!/usr/bin/env bash
# The release as an extension image for systemd-sysext: a squashfs with the /usr of a staged tree. It fits
# every distribution of its architecture; it belongs to /var/lib/extensions/wif-agent.raw.
#   packaging/release/sysext.sh STAGED OUT
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -a "$1/usr" "$scratch/"
case $(uname -m) in aarch64) architecture=arm64 ;; *) architecture=$(uname -m | tr _ -) ;; esac
release=$scratch/usr/lib/extension-release.d/extension-release.wif-agent
mkdir -p "${release%/*}"
# From systemd 254 on, merging has the manager read the units; before, daemon-reload does.
printf '%s\n' 'ID=_any' "ARCHITECTURE=$architecture" 'EXTENSION_RELOAD_MANAGER=1' >"$release"
rm -f "$2"
env -u SOURCE_DATE_EPOCH mksquashfs "$scratch" "$2" -noappend -no-xattrs -all-root -no-progress -quiet -processors 1 -comp zstd \
    -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH" >/dev/null
