#!/usr/bin/env python3
"""Lays out the GitHub action and the includes for other CI systems, pinned to the archives of one release:
they fetch these and no others.

    pipelines.py VERSION URL FILES OUT    FILES: the folder with the release's archives
"""

import hashlib
import pathlib
import re
import shutil
import sys

VERSION, URL, FILES, OUT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
HERE = pathlib.Path(__file__).resolve().parent.parent


def replaced(path, *pairs):
    """Each text must be there: a changed file is noticed."""
    text = path.read_text()
    for old, new in pairs:
        if old not in text:
            sys.exit(f"{path}: no {old!r} to replace")
        text = text.replace(old, new)
    path.write_text(text)


archives = {
    re.search(r"-linux-([a-z0-9_]+)\.tar\.gz$", path.name).group(1):
        hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(FILES.glob(f"wif-agent-{VERSION}-linux-*.tar.gz"))}
sums = " ".join(f"{machine}={digest}" for machine, digest in archives.items())
place = f"{URL}/wif-agent-{{version}}-linux-{{arch}}.tar.gz"
shutil.copytree(HERE / "github-action", OUT / "github-action")
shutil.copytree(HERE / "ci", OUT / "ci")
replaced(
    OUT / "github-action" / "action.yml",
    ("where wif-agent is in PATH already\n    default: ''", f"where wif-agent is in PATH already\n    default: '{VERSION}'"),
    ("MACHINE=DIGEST each\n    default: ''", f"MACHINE=DIGEST each\n    default: '{sums}'"),
    ('are replaced\n    default: \'\'', f"are replaced\n    default: '{place}'"))
archive = place.replace("{version}", VERSION)
replaced(OUT / "ci" / "gitlab.yml",
         ('WIF_AGENT_URL: ""', f'WIF_AGENT_URL: "{archive}"'),
         ('WIF_AGENT_SHA256: ""', f'WIF_AGENT_SHA256: "{sums}"'))
replaced(OUT / "ci" / "circleci.yml",
         ('url: {type: string, default: ""}', f'url: {{type: string, default: "{archive}"}}'),
         ('sha256: {type: string, default: ""}', f'sha256: {{type: string, default: "{sums}"}}'))
replaced(OUT / "ci" / "bitbucket-pipelines.yml",
         ("${WIF_AGENT_URL-}", f"${{WIF_AGENT_URL-{archive.replace('{arch}', '$(uname -m)')}}}"),
         ("${WIF_AGENT_SHA256-}", f"${{WIF_AGENT_SHA256-{sums}}}"))
