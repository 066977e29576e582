#!/usr/bin/env bash
# The Debian package, wif-agent_VERSION_ARCH.deb in .build/packages. The same sources give the same bytes.
# It fits Debian 12 and newer, and Ubuntu 22.04 and newer: it asks for glibc 2.34. libcurl's package is libcurl4 in
# Debian 12 and Ubuntu 22.04, libcurl4t64 since; OpenSSL's is libssl3, libssl3t64.
#   packaging/deb/build.sh          # builds first
#   packaging/deb/build.sh --staged # from the release build that is there
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${1-}" = --staged ] || packaging/build.sh
version=$(.build/release/wif-agent --version | cut -d ' ' -f 2)
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
# Whoever publishes the package names themselves.
maintainer=${MAINTAINER:-wif-agent developers <maintainers@wif-agent.invalid>}
out=.build/packages root=.build/stage/deb
rm -rf "$root"
mkdir -p "$out" "$root/DEBIAN"
packaging/stage.sh "$root"

# The highest version of glibc's symbols that a program asks for.
glibc=$(find "$root" -path '*/wif-*' -type f -perm -100 -exec objdump -T {} + |
    grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d _ -f 2)
size=$(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@GLIBC@/$glibc/; s/@SIZE@/$size/; s/@MAINTAINER@/$maintainer/" \
    packaging/deb/control >"$root/DEBIAN/control"
echo /etc/default/wif-agent >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "packaging/deb/$script" "$root/DEBIAN/$script"
done
docs=$root/usr/share/doc/wif-agent
install -m 644 packaging/deb/copyright "$docs/copyright"
{
    echo "wif-agent ($version) stable; urgency=medium"
    echo
    echo "  * See the project's history."
    echo
    echo " -- $maintainer  $(date -R -u -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$docs/changelog.gz"
gzip -9n "$docs/README.md"
install -D -m 644 packaging/deb/lintian-overrides "$root/usr/share/lintian/overrides/wif-agent"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort |
    xargs md5sum >DEBIAN/md5sums)
find "$root" -depth -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
package=$out/wif-agent_${version}_$architecture.deb
rm -f "$out"/wif-agent_*.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package"
