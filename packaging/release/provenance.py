#!/usr/bin/env python3
"""Prints the release's provenance: an in-toto statement with SLSA's predicate (version 1 of both). It tells
which files, of which sources, by which command, with which tools. No time of day: two builds say the same.

    provenance.py VERSION COMMIT TAG SOURCES FILE...
"""

import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

VERSION, COMMIT, TAG, SOURCES = sys.argv[1:5]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def digest(path):
    return {"sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()}


def package(name):
    try:
        version = run("dpkg-query", "-W", "-f", "${Version}", name)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"name": name, "uri": f"pkg:deb/debian/{name}@{version}"}


def system():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.M).group(1)


swift = re.search(r"Swift version (\S+)", run("swift", "--version")).group(1)
packages = map(package, ["gcc", "libc6-dev", "libcurl4-openssl-dev", "libssl-dev", "rpm", "squashfs-tools"])
print(json.dumps({
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": pathlib.Path(path).name, "digest": digest(path)} for path in sorted(sys.argv[5:])],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {
        "buildDefinition": {
            "buildType": "https://wif-agent.invalid/packaging/release.sh",
            "externalParameters": {"command": ["packaging/release.sh", VERSION], "tag": TAG or None},
            "internalParameters": {
                "SOURCE_DATE_EPOCH": int(os.environ["SOURCE_DATE_EPOCH"]),
                "system": system(), "machine": platform.machine()},
            "resolvedDependencies": [
                {"name": "sources", "uri": "git+wif-agent", "digest": {"gitCommit": COMMIT}},
                {"name": pathlib.Path(SOURCES).name, "digest": digest(SOURCES)},
                {"name": "swift", "uri": f"pkg:generic/swift@{swift}"},
                *filter(None, packages)]},
        "runDetails": {"builder": {"id": os.environ.get("WIF_BUILDER", "https://wif-agent.invalid/local")}},
    }}, indent=1))
