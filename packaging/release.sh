#!/usr/bin/env bash
# Everything that a release consists of, in one folder, from a clean tree at the tag vVERSION. The same sources
# give the same bytes. Needs root, for the owners in the image.
#
# usage: packaging/release.sh VERSION [--out DIR] [--key FILE] [--with DIR]... [--untagged] [--built]
#        packaging/release.sh --sign DIR --key FILE
#        packaging/release.sh --verify DIR [--signers FILE | --unsigned]
#   --out DIR      where to (default .build/release-VERSION); must not be there
#   --key FILE     an SSH key to sign SHA256SUMS with; without it the release is signed later, where the key is
#   --with DIR     a release of the same version that was built on another architecture: its files are added
#   --untagged     to try it: HEAD need not have the tag
#   --built        to try it: the programs of .build/release as they are, instead of a build of their own
#   --signers FILE who may sign: a file of allowed signers (ssh-keygen(1)), with the principal wif-agent
# WIF_RELEASE_URL is where the publisher puts the files: the action and the CI includes fetch them from there.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
fail() {
    say "release.sh: $*"
    exit 1
}
namespace=wif-agent-release

sign() { # DIR KEY
    rm -f "$1/SHA256SUMS.sig"
    ssh-keygen -q -Y sign -f "$2" -n "$namespace" "$1/SHA256SUMS" 2>/dev/null || fail "$2 does not sign"
}

verify=no sign=no version='' out='' key='' untagged=no built=no others=() verification=()
while [ $# -gt 0 ]; do
    case $1 in
    --verify | --sign) declare "${1#--}=yes" && out=${2:?a directory is missing} && shift ;;
    --out) out=$2 && shift ;;
    --key) key=$(realpath "$2") && shift ;;
    --with) others+=("$(realpath "$2")") && shift ;;
    --signers) verification+=("$1" "$2") && shift ;;
    --unsigned) verification+=("$1") ;;
    --untagged) untagged=yes ;;
    --built) built=yes ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    -*) fail "there is no flag $1" ;;
    *) version=$1 ;;
    esac
    shift
done
[ "$verify" = no ] || exec packaging/release/verify.sh "$out" "${verification[@]}"
if [ "$sign" = yes ]; then
    sign "$out" "${key:?--key is missing}"
    exit 0
fi

[ -n "$version" ] || fail 'a version is missing'
[ "$(id -u)" -eq 0 ] || fail 'needs root, for the owners of the files in the image'
install_missing squashfs-tools=mksquashfs mmdebstrap rpm=rpmbuild cpio binutils=readelf openssl openssh-client=ssh-keygen
stated=$(sed -n 's/^package let programVersion = "\(.*\)"$/\1/p' Sources/Federation/Version.swift)
[ "$version" = "$stated" ] || fail "the sources are of version $stated, not $version"
grep -qx "$version" packaging/CHANGES || fail "packaging/CHANGES says nothing of $version"
[ -z "$(git status --porcelain)" ] || [ "$untagged$built" = yesyes ] || fail 'the tree is not clean'
commit=$(git rev-parse HEAD)
tag=v$version
if [ "$(git rev-parse -q --verify "$tag^{commit}" || true)" != "$commit" ]; then
    [ "$untagged" = yes ] || fail "$tag is not the tag of HEAD: git tag -s $tag"
    tag=''
fi
out=$(realpath -m "${out:-.build/release-$version}")
[ ! -e "$out" ] || fail "$out is there already"
url=${WIF_RELEASE_URL:-https://releases.wif-agent.invalid}/v$version
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
umask 022
machine=$(uname -m)
name=wif-agent-$version-linux-$machine
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
files=$scratch/files
mkdir "$files"

# packed NAME DIRECTORY: the folder NAME of the directory, as NAME.tar.gz.
packed() {
    tar --create --directory="$2" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
        --mtime="@$SOURCE_DATE_EPOCH" "$1" | gzip -9n >"$files/$1.tar.gz"
}

say "release.sh: the programs of ${commit:0:12}"
tree=$scratch/tree
git clone -q --no-hardlinks . "$tree"
if [ "$built" = yes ]; then
    mkdir -p "$tree/.build/release"
    cp .build/release/wif-{agent,exchange,emulator} "$tree/.build/release/"
else
    (cd "$tree" && packaging/build.sh) >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" && fail 'the build'; }
fi
packaging/audit.sh "$tree/.build/release" >&2 || fail 'the programs ask for what older systems lack'

say 'release.sh: archive, packages, images'
(cd "$tree" && packaging/archive.sh --staged && packaging/deb/build.sh --staged && packaging/rpm/build.sh --staged) \
    >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" && fail 'the packages'; }
cp "$tree"/.build/packages/{*.tar.gz,*.deb,*.rpm,*.spdx.json} "$files/"
staged=$tree/.build/stage/$name
packaging/release/sysext.sh "$staged" "$files/$name.raw"
packaging/release/image.sh "$staged" "$version" "$commit" "$files/$name.oci.tar"

git archive --format=tar --prefix="wif-agent-$version/" HEAD | gzip -9n >"$files/wif-agent-$version-source.tar.gz"
for other in "${others[@]}"; do
    cp --no-clobber "$other"/wif-agent*{-linux-*,.deb,.rpm} "$files/" || fail "$other has not all of a release"
done
images=("$files"/*.oci.tar)
[ "${#images[@]}" -lt 2 ] || packaging/release/oci.py index "$files/wif-agent-$version-linux.oci.tar" "${images[@]}"

say 'release.sh: pipelines, provenance, checksums'
packaging/release/pipelines.py "$version" "$url" "$files" "$scratch/wif-agent-$version-pipelines"
packed "wif-agent-$version-pipelines" "$scratch"
awk -v version="$version" '$0 == version { on = 1; next } /^[0-9]/ { on = 0 } on' packaging/CHANGES >"$files/RELEASE-NOTES"
packaging/release/provenance.py "$version" "$commit" "$tag" "$files/wif-agent-$version-source.tar.gz" "$files"/* \
    >"$scratch/provenance"
mv "$scratch/provenance" "$files/wif-agent-$version.intoto.json"
(cd "$files" && sha256sum -- * >"$scratch/sums" && mv "$scratch/sums" SHA256SUMS)
if [ -n "$key" ]; then sign "$files" "$key"; else say "release.sh: not signed yet: packaging/release.sh --sign $out --key FILE"; fi
chmod 644 "$files"/*
mkdir -p "$(dirname "$out")"
mv "$files" "$out"
(cd "$out" && ls -l)
