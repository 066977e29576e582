#!/usr/bin/env python3
"""Prints the software bill of materials of a staged installation, SPDX 2.3 in JSON.

What is inside: this project's programs and the runtimes that they carry. What they need beside them are
the shared libraries that they name, as the dynamic linker does.

    packaging/sbom.py VERSION DIRECTORY
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

VERSION, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
PROGRAMS = ["usr/bin/wif-agent", "usr/bin/wif-emulator", "usr/libexec/wif-agent/wif-exchange"]
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
# What static linking put into every program.
INSIDE = [
    ("Swift standard library", "swift", "Apache-2.0 WITH Swift-exception", "https://swift.org"),
    ("swift-foundation (FoundationEssentials)", "swift", "Apache-2.0 WITH Swift-exception",
     "https://github.com/swiftlang/swift-foundation"),
    ("libdispatch", "swift", "Apache-2.0 WITH Swift-exception",
     "https://github.com/swiftlang/swift-corelibs-libdispatch"),
    ("libstdc++", "gcc", "GPL-3.0-or-later WITH GCC-exception-3.1", "https://gcc.gnu.org"),
]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def versions():
    swift = re.search(r"Swift version (\S+)", run("swift", "--version")).group(1)
    return {"swift": swift, "gcc": run("gcc", "-dumpfullversion").strip()}


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def package(name, version, licence, location, **more):
    return {
        "SPDXID": identifier(name), "name": name, "versionInfo": version,
        "downloadLocation": location, "filesAnalyzed": False, "licenseConcluded": licence,
        "licenseDeclared": licence, "copyrightText": "NOASSERTION", **more}


def needed():
    """The shared libraries that the programs name."""
    names = set()
    for program in PROGRAMS:
        names.update(re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "-d", ROOT / program)))
    return sorted(names)


def relation(of, kind, to):
    return {"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to}


def main():
    found = versions()
    own = package("wif-agent", VERSION, "NOASSERTION", "NOASSERTION",
                  primaryPackagePurpose="APPLICATION")
    packages, relations = [own], [relation("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    for name, source, licence, location in INSIDE:
        packages.append(package(name, found[source], licence, location))
        relations.append(relation(own["SPDXID"], "CONTAINS", packages[-1]["SPDXID"]))
    for name in needed():
        packages.append(package(name, "NOASSERTION", "NOASSERTION", "NOASSERTION",
                                primaryPackagePurpose="LIBRARY"))
        relations.append(relation(own["SPDXID"], "DYNAMIC_LINK", packages[-1]["SPDXID"]))
    files = []
    for path in sorted(path for path in ROOT.rglob("*") if path.is_file()):
        name = "./" + str(path.relative_to(ROOT))
        data = path.read_bytes()
        files.append({
            "SPDXID": identifier("file" + name), "fileName": name,
            "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION",
            "checksums": [
                {"algorithm": "SHA1", "checksumValue": hashlib.sha1(data).hexdigest()},
                {"algorithm": "SHA256", "checksumValue": hashlib.sha256(data).hexdigest()}]})
        relations.append(relation(own["SPDXID"], "CONTAINS", files[-1]["SPDXID"]))
    # SPDX 2.3, 7.9: over the sorted SHA1s of all of its files.
    sums = "".join(sorted(file["checksums"][0]["checksumValue"] for file in files))
    own["filesAnalyzed"] = True
    own["packageVerificationCode"] = {
        "packageVerificationCodeValue": hashlib.sha1(sums.encode()).hexdigest()}
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    when = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc)
    print(json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"wif-agent-{VERSION}",
        "documentNamespace": f"https://spdx.org/spdxdocs/wif-agent-{VERSION}-{digest}",
        "creationInfo": {"created": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: packaging/sbom.py"]},
        "packages": packages, "files": files, "relationships": relations}, indent=1))


main()
