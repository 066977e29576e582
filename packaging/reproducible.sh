#!/usr/bin/env bash
# Makes the release of the last commit twice, in folders of their own, and compares the two byte by byte; then
# verifies it as a user would, and tries whether what is wrong with one is found.
#   packaging/reproducible.sh [--built]   # --built: of the programs that are there, to try the rest
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(sed -n 's/^package let programVersion = "\(.*\)"$/\1/p' Sources/Federation/Version.swift)
for name in one other; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$scratch/$name.key"; done
for name in one other; do echo "wif-agent $(cat "$scratch/$name.key.pub")" >"$scratch/$name.signers"; done
for place in first second; do
    packaging/release.sh "$version" --untagged "$@" --key "$scratch/one.key" --out "$scratch/$place" \
        >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; exit 1; }
done
diff -r "$scratch/first" "$scratch/second"
echo "two releases, the same bytes:"
cat "$scratch/first/SHA256SUMS"
(cd "$scratch/first" && stat -c '%10s %n' -- *)
packaging/release.sh --verify "$scratch/first" --signers "$scratch/one.signers"

packaging/release/upgrade.sh "$scratch/first"

wrong() { # TEXT: what was just done to the copy is found
    local text=$1
    if packaging/release/verify.sh "$scratch/second" --signers "${2:-$scratch/one.signers}" >"$scratch/log" 2>&1; then
        echo "  ✗ $text was not found"
        exit 1
    fi
    grep -q '✗' "$scratch/log" || { cat "$scratch/log"; exit 1; }
    echo "  ✓ $text: $(grep '✗' "$scratch/log" | sed 's/^ *✗ //')"
    rm -rf "$scratch/second"
    cp -r "$scratch/first" "$scratch/second"
}
wrong "another's signature" "$scratch/other.signers"
sed -i 's/^.\(.*tar.gz\)/0\1/' "$scratch/second/SHA256SUMS"
wrong 'a checksum that was changed'
printf x >>"$scratch/second/wif-agent-$version-pipelines.tar.gz"
wrong 'a file that was changed'
touch "$scratch/second/more"
wrong 'a file that nobody signed'
rm "$scratch/second/wif-agent-$version.intoto.json"
wrong 'a file that is missing'
sed -i 's/"sha256": "./"sha256": "x/' "$scratch/second/wif-agent-$version.intoto.json"
(cd "$scratch/second" && sha256sum -- wif* RELEASE-NOTES >SHA256SUMS)
packaging/release.sh --sign "$scratch/second" --key "$scratch/one.key"
wrong 'a provenance of other files'
