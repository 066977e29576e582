#!/usr/bin/env bash
# Started by packaging/release.sh --verify: a release as its user would look at it, without its sources.
# Who signed it, that every file is the one that was signed, that the programs are the same in all of them and
# are what their version says, and that what describes the files speaks of these files.
#   packaging/release/verify.sh DIR [--signers FILE | --unsigned]
set -euo pipefail
here=$(realpath "$(dirname "$0")/..")
for tool in ssh-keygen sha256sum dpkg-deb rpm2cpio cpio unsquashfs readelf python3; do
    command -v "$tool" >/dev/null || { echo "verify.sh: $tool is needed to look into the files"; exit 1; }
done
directory=$(realpath "${1:?a directory is missing}")
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
good() { printf '  ✓ %s\n' "$*"; }
bad() {
    printf '  ✗ %s\n' "$*"
    exit 1
}
cd "$directory"

case ${1-} in
--signers)
    ssh-keygen -q -Y verify -f "$(cd "$OLDPWD" && realpath "$2")" -I wif-agent -n wif-agent-release \
        -s SHA256SUMS.sig <SHA256SUMS >/dev/null 2>&1 || bad 'SHA256SUMS is not signed by one who may'
    good 'the signature'
    ;;
--unsigned) good 'the signature was not asked for' ;;
*) bad 'say who may sign: --signers FILE (or --unsigned)' ;;
esac
sha256sum --check --quiet --strict SHA256SUMS || bad 'the checksums'
find . -mindepth 1 -printf '%P\n' | grep -vxE 'SHA256SUMS(\.sig)?' | LC_ALL=C sort >"$scratch/there"
sed 's/^[0-9a-f]*  //' SHA256SUMS | LC_ALL=C sort | diff - "$scratch/there" || bad 'files without a checksum'
good "$(wc -l <SHA256SUMS) files, by their checksums, and no others"

notes=(wif-agent-*.intoto.json)
version=${notes[0]#wif-agent-}
version=${version%.intoto.json}
found=0
for archive in wif-agent-"$version"-linux-*.tar.gz; do
    machine=${archive#"wif-agent-$version-linux-"}
    machine=${machine%.tar.gz}
    case $machine in x86_64) debian=amd64 ;; aarch64) debian=arm64 ;; *) debian=$machine ;; esac
    trees=$scratch/$machine
    mkdir -p "$trees"/{archive,deb,rpm,image,raw}
    tar -xzf "$archive" -C "$trees/archive" --strip-components=1
    dpkg-deb -x "wif-agent_${version}_$debian.deb" "$trees/deb"
    (cd "$trees/rpm" && rpm2cpio "$directory"/wif-agent-"$version"-*."$machine".rpm | cpio -idm --quiet)
    unsquashfs -q -n -d "$trees/raw" -f "wif-agent-$version-linux-$machine.raw" >/dev/null
    python3 - "wif-agent-$version-linux-$machine.oci.tar" "$trees/image" <<'P'
import io, json, sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    def blob(found):
        return archive.extractfile("blobs/sha256/" + found["digest"].partition(":")[2]).read()
    manifest = json.loads(blob(json.load(archive.extractfile("index.json"))["manifests"][0]))
    own = tarfile.open(fileobj=io.BytesIO(blob(manifest["layers"][-1])))
    own.extractall(sys.argv[2])
P
    for program in usr/bin/wif-agent usr/bin/wif-emulator usr/libexec/wif-agent/wif-exchange; do
        for tree in deb rpm raw image; do
            [ "$tree $program" != 'image usr/bin/wif-emulator' ] || continue
            cmp -s "$trees/archive/$program" "$trees/$tree/$program" || bad "$machine: $program in the $tree is another"
        done
    done
    good "$machine: the same programs in archive, deb, rpm, extension image and image"
    "$here/audit.sh" "$trees/archive" >"$scratch/audit" || { cat "$scratch/audit" && bad "$machine: the audit"; }
    good "$machine: nothing asked for beyond glibc 2.34, libcurl 7.76, OpenSSL 3.0"
    python3 - "wif-agent-$version-linux-$machine.spdx.json" "$trees/archive" <<'P' || bad "$machine: the bill of materials"
import hashlib, json, pathlib, sys
root = pathlib.Path(sys.argv[2])
listed = {file["fileName"][2:]: next(sum["checksumValue"] for sum in file["checksums"] if sum["algorithm"] == "SHA256")
          for file in json.load(open(sys.argv[1]))["files"]}
found = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
         for path in root.rglob("*") if path.is_file()}
sys.exit(listed != found)
P
    good "$machine: the bill of materials lists the archive's files"
    [ "$machine" = "$(uname -m)" ] || continue
    said=$("$trees/archive/usr/bin/wif-agent" --version)
    case $said in
    "wif-agent $version (release build of commit "*) ;;
    *) bad "the program says that it is $said" ;;
    esac
    good "$said"
    found=1
done
[ "$found" = 1 ] || good "none of them is for this machine: not run"
images=(wif-agent-"$version"-linux-*.oci.tar)
if [ "${#images[@]}" -gt 1 ]; then
    python3 - "wif-agent-$version-linux.oci.tar" "${images[@]}" <<'P' || bad 'the image of all architectures'
import hashlib, json, sys, tarfile
def opened(name):
    archive = tarfile.open(name)
    blobs = {member.name.rpartition("/")[2]: archive.extractfile(member).read()
             for member in archive if member.name.startswith("blobs/sha256/")}
    if any(hashlib.sha256(data).hexdigest() != digest for digest, data in blobs.items()):
        sys.exit(f"{name}: a blob of another digest")
    return blobs, json.load(archive.extractfile("index.json"))["manifests"]
blobs, [whole] = opened(sys.argv[1])
listed = {manifest["platform"]["architecture"]: manifest["digest"]
          for manifest in json.loads(blobs[whole["digest"].partition(":")[2]]).get("manifests", ())}
singles = [opened(name) for name in sys.argv[2:]]
found = {manifest["platform"]["architecture"]: manifest["digest"] for _, [manifest] in singles}
sys.exit(listed != found or not all(one.items() <= blobs.items() for one, _ in singles))
P
    good "one image of all ${#images[@]} architectures, made of theirs"
fi

python3 - "$version" <<'P' || bad 'the provenance'
import hashlib, json, pathlib, sys
statement = json.load(open(f"wif-agent-{sys.argv[1]}.intoto.json"))
stated = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
others = {"SHA256SUMS", "SHA256SUMS.sig", f"wif-agent-{sys.argv[1]}.intoto.json"}
found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path(".").iterdir()}
sys.exit(stated != {name: digest for name, digest in found.items() if name not in others})
P
good 'the provenance speaks of these files'
mkdir "$scratch/pipelines"
tar -xzf "wif-agent-$version-pipelines.tar.gz" -C "$scratch/pipelines"
for archive in wif-agent-"$version"-linux-*.tar.gz; do
    digest=$(sha256sum "$archive" | cut -d ' ' -f 1)
    for file in github-action/action.yml ci/gitlab.yml ci/circleci.yml ci/bitbucket-pipelines.yml; do
        grep -q "$digest" "$scratch"/pipelines/*/"$file" || bad "$file does not name $archive"
    done
done
good 'the action and the includes fetch these archives'
