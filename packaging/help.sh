#!/usr/bin/env bash
# Renders the manual pages as the texts that `wif-agent help` shows, with the bold and underlined letters of a
# terminal, in ASCII, which every terminal has.
#   packaging/help.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?a directory is missing}
command -v mandoc >/dev/null || {
    . packaging/requirements.sh
    install_missing mandoc
}
mkdir -p "$out"
for page in man/*.[1-8]; do
    mandoc -T ascii "$page" >"$out/${page##*/}"
    chmod 644 "$out/${page##*/}"
done
