#!/usr/bin/env bash
# Builds the archive, the Debian package and the rpm of the last commit in two folders of different names, and
# compares them byte by byte.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for place in one another/deeper; do
    git clone -q "$repository" "$scratch/$place"
    (cd "$scratch/$place" && packaging/archive.sh && packaging/deb/build.sh --staged &&
        packaging/rpm/build.sh --staged) \
        >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; exit 1; }
done
diff -r "$scratch/one/.build/packages" "$scratch/another/deeper/.build/packages"
echo "two builds, the same bytes:"
(cd "$scratch/one/.build/packages" && sha256sum ./*)
