#!/usr/bin/env python3
"""Writes an OCI image archive, the same bytes for the same input: what `podman load` and `skopeo copy
oci-archive:` take.

    oci.py image OUT ARCHITECTURE VERSION COMMIT DIRECTORY...    one layer a directory, the lowest first
    oci.py index OUT ARCHIVE...                                  one archive of those of several architectures
"""

import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
CREATED = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
USER = 65532
TYPE = "application/vnd.oci.image."


def plain(member):
    """A member without what tells of the place where it was made. Only the agent's own folder is not root's."""
    member.mtime = EPOCH
    member.uid = member.gid = USER if member.name == "run/wif-agent" else 0
    member.uname = member.gname = ""
    return member


def layer(directory):
    """The tar of a directory, its members in the order of their names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(pathlib.Path(directory).rglob("*")):
            tar.add(path, str(path.relative_to(directory)), recursive=False, filter=plain)
    return out.getvalue()


class Layout:
    """The blobs of an image layout and the manifests that its index names."""

    def __init__(self):
        self.blobs, self.manifests = {}, []

    def add(self, media, data):
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": TYPE + media, "digest": "sha256:" + digest, "size": len(data)}

    def write(self, out):
        files = {f"blobs/sha256/{digest}": data for digest, data in self.blobs.items()}
        files["oci-layout"] = document({"imageLayoutVersion": "1.0.0"})
        files["index.json"] = document({
            "schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": self.manifests})
        with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
            for name, data in sorted(files.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mtime, member.mode = len(data), EPOCH, 0o644
                tar.addfile(member, io.BytesIO(data))


def document(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image(out, architecture, version, commit, *directories):
    layout, tars = Layout(), [layer(directory) for directory in directories]
    config = {
        "created": CREATED, "architecture": architecture, "os": "linux",
        "config": {
            "User": f"{USER}:{USER}", "Entrypoint": ["/usr/bin/wif-agent"], "Cmd": ["run"],
            "Env": ["PATH=/usr/bin:/bin"], "WorkingDir": "/",
            "Labels": {
                "org.opencontainers.image.title": "wif-agent",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": commit}},
        "rootfs": {"type": "layers",
                   "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]},
        "history": [{"created": CREATED, "created_by": "packaging/release.sh"} for _ in tars]}
    manifest = {
        "schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json",
        "config": layout.add("config.v1+json", document(config)),
        "layers": [layout.add("layer.v1.tar+gzip", gzip.compress(tar, 9, mtime=0)) for tar in tars]}
    found = layout.add("manifest.v1+json", document(manifest))
    found["platform"] = {"architecture": architecture, "os": "linux"}
    found["annotations"] = {"org.opencontainers.image.ref.name": f"wif-agent:{version}"}
    layout.manifests.append(found)
    layout.write(out)


def index(out, *archives):
    layout, manifests, reference = Layout(), [], None
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in tar:
                data = tar.extractfile(member).read()
                if member.name.startswith("blobs/sha256/"):
                    layout.blobs[member.name.rpartition("/")[2]] = data
                elif member.name == "index.json":
                    for manifest in json.loads(data)["manifests"]:
                        reference = manifest.pop("annotations")
                        manifests.append(manifest)
    architectures = [manifest["platform"]["architecture"] for manifest in manifests]
    if len(set(architectures)) != len(architectures):
        sys.exit(f"two images of one architecture: {' '.join(architectures)}")
    found = layout.add("index.v1+json", document({
        "schemaVersion": 2, "mediaType": TYPE + "index.v1+json",
        "manifests": sorted(manifests, key=lambda manifest: manifest["platform"]["architecture"])}))
    found["annotations"] = reference
    layout.manifests.append(found)
    layout.write(out)


{"image": image, "index": index}[sys.argv[1]](*sys.argv[2:])
