#!/usr/bin/env bash
# The release archive: wif-agent-VERSION-linux-ARCH.tar.gz in .build/packages, its SBOM and the checksums
# of both. The same sources give the same bytes, wherever they are built.
#   packaging/archive.sh          # builds first
#   packaging/archive.sh --staged # from the release build that is there
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${1-}" = --staged ] || packaging/build.sh
version=$(.build/release/wif-agent --version | cut -d ' ' -f 2)
name=wif-agent-$version-linux-$(uname -m)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
out=.build/packages
rm -rf ".build/stage/$name"
mkdir -p "$out" ".build/stage/$name"
packaging/stage.sh ".build/stage/$name"
install -m 755 packaging/release/install.sh ".build/stage/$name/install.sh"
touch --date="@$SOURCE_DATE_EPOCH" ".build/stage/$name/install.sh" ".build/stage/$name"
rm -f "$out"/wif-agent-*-linux-*
tar --create --directory=.build/stage --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip -9n >"$out/$name.tar.gz"
packaging/sbom.py "$version" ".build/stage/$name" >"$out/$name.spdx.json"
(cd "$out" && sha256sum "$name.tar.gz" "$name.spdx.json" >"$name.sha256")
ls -l "$out/$name".*
