#!/usr/bin/env bash
# Tries the rpm: rpmlint, what it holds against the staged tree, what it asks for, and in a clean root
# installation, an upgrade and the way back under a running agent, and removal. The root is Debian's, which has the
# libraries that the programs were built with; systemd's helper for scriptlets is played by one that notes its
# calls. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
install_missing mmdebstrap rpm=rpmbuild rpmlint cpio
[ -e "$(echo .build/packages/wif-agent-*.rpm)" ] || packaging/rpm/build.sh
package=$(realpath .build/packages/wif-agent-*.rpm)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

rpmlint -c packaging/rpm/rpmlint.toml "$package" >"$scratch/rpmlint" 2>&1 || { cat "$scratch/rpmlint"; exit 1; }
grep ' 0 errors, 0 warnings' "$scratch/rpmlint" || { cat "$scratch/rpmlint"; exit 1; }

# Contents: the staged tree's bytes and modes, nothing else, all of it root's.
mkdir "$scratch/staged" "$scratch/tree"
packaging/stage.sh "$scratch/staged"
(cd "$scratch/tree" && rpm2cpio "$package" | cpio -idm --quiet)
mkdir -p "$scratch/staged/usr/share/zsh/site-functions"
mv "$scratch"/staged/usr/share/zsh/{vendor-completions,site-functions}/_wif-agent
rmdir "$scratch/staged/usr/share/zsh/vendor-completions"
mkdir "$scratch/staged/etc/wif-agent"
diff -r "$scratch/staged" "$scratch/tree" || fail 'the contents'
(cd "$scratch/staged" && find . -type f -printf '10%m root:root /%P\n'; find . -type l -printf '120%m root:root /%P\n'; echo '40750 root:wif-agent /etc/wif-agent') |
    sort >"$scratch/expected"
rpm -qp --qf '[%{FILEMODES:octal} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]' "$package" |
    grep -v '^40755 root:root ' | sed 's/^100/10/' | sort >"$scratch/found"
diff "$scratch/expected" "$scratch/found" || fail 'modes and owners'
[ "$(rpm -qp --configfiles "$package")" = /etc/default/wif-agent ] || fail 'the configuration files'
[ "$(rpm -qp --qf '[%{FILEFLAGS:fflags}\n]' "$package" | grep -c c)" = 1 ] || fail 'the flags of the files'
rpm -qp --requires "$package" >"$scratch/requires"
grep -qx 'libcurl.so.4()(64bit)' "$scratch/requires" || fail 'it does not ask for libcurl'
grep CURL_ "$scratch/requires" && fail "it asks for a version that only Debian's libcurl has"
echo "$(wc -l <"$scratch/found") files and folders as they were staged, $(wc -l <"$scratch/requires") requirements"

RELEASE=2 OUT=$scratch packaging/rpm/build.sh --staged >/dev/null
. /etc/os-release
root=$scratch/root
mmdebstrap --quiet --variant=minbase --include=systemd,ca-certificates,libcurl4,libssl3,rpm "$VERSION_CODENAME" "$root"
cp "$package" "$root/older.rpm"
cp "$scratch"/wif-agent-*.rpm "$root/newer.rpm"
cp packaging/upgrade-test.sh "$root/"
cat >"$root/usr/lib/systemd/systemd-update-helper" <<'END'
#!/bin/sh
echo "$*" >>/helper.log
END
chmod 755 "$root/usr/lib/systemd/systemd-update-helper"
cat >"$root/try.sh" <<'END'
set -eu
fail() { echo "FAILED: $*"; exit 1; }
# The libraries are there, but rpm knows none of Debian's packages.
rpm() { command rpm --dbpath /var/lib/rpm --nodeps --force-debian "$@"; }
rpm -i /older.rpm
rpm -V wif-agent || fail 'the installed files'
newer() { rpm -U /newer.rpm; }
older() { rpm -U --oldpackage /older.rpm; }
. /upgrade-test.sh
rpm -e wif-agent
[ ! -e /usr/bin/wif-agent ] && [ ! -e /usr/libexec/wif-agent ] || fail 'the removal'
grep -q HOLD=80 /etc/default/wif-agent.rpmsave || fail 'the removal took the settings'
[ -e /etc/wif-agent/mondoo.json ] || fail 'the removal took an account file'
units='wif-agent.service wif-agent-metrics.socket wif-exchange.socket'
restart='mark-restart-system-units wif-agent.service'
printf '%s\n' "install-system-units $units" "$restart" "$restart" "remove-system-units $units" |
    diff - /helper.log || fail 'what systemd was told'
END
unshare --net --pid --fork --mount --mount-proc="$root/proc" \
    sh -c "ip link set lo up; mount -t tmpfs tmpfs '$root/run'; exec env --unset=TMPDIR chroot '$root' bash /try.sh"
echo 'installed, upgraded and put back under a running agent, removed'
