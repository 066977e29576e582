#!/usr/bin/env bash
# The rpm, wif-agent-VERSION-RELEASE.ARCH.rpm in .build/packages. The same sources give the same bytes.
# It asks for glibc 2.34, OpenSSL 3.0 and a libcurl of any version: that is RHEL 9, Amazon Linux 2023, Fedora,
# openSUSE Leap 15.6 and what is newer.
#   packaging/rpm/build.sh          # builds first
#   packaging/rpm/build.sh --staged # from the release build that is there
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/requirements.sh
install_missing rpm=rpmbuild
[ "${1-}" = --staged ] || packaging/build.sh
version=$(.build/release/wif-agent --version | cut -d ' ' -f 2)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
# Whoever publishes the package names themselves.
maintainer=${MAINTAINER:-wif-agent developers <maintainers@wif-agent.invalid>}
out=${OUT:-.build/packages} root=.build/stage/rpm
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$root"
mkdir -p "$out" "$root"
packaging/stage.sh "$root"
rpmbuild -bb --quiet --define "_topdir $scratch" --define "staged $PWD/$root" \
    --define "agent_version $version" --define "agent_release ${RELEASE:-1}" --define "packager $maintainer" \
    --define "agent_date $(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
    --define '_buildhost reproducible' --define 'use_source_date_epoch_as_buildtime 1' \
    --define 'clamp_mtime_to_source_date_epoch 1' --define 'source_date_epoch_from_changelog 0' \
    --define '_binary_payload w6.xzdio' packaging/rpm/wif-agent.spec
rm -f "$out"/wif-agent-*.rpm
mv "$scratch"/RPMS/*/wif-agent-*.rpm "$out/"
ls -l "$out"/wif-agent-*.rpm
