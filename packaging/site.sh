#!/usr/bin/env bash
# Renders README and the manual pages into a small static site: mandoc's HTML, one style sheet, no scripts; the
# browser searches. Every link and anchor within it is checked.
#   packaging/site.sh [DIRECTORY]    # default .build/site
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
out=${1:-.build/site}
command -v mandoc >/dev/null || install_missing mandoc
rm -rf "$out"
mkdir -p "$out/man"
cp -r man/pictures "$out/man/"
cp packaging/site/style.css "$out/"
for page in man/*.[1-8]; do
    mandoc -T html -O "style=../style.css,man=%N.%S.html,toc" "$page" >"$out/man/${page##*/}.html"
done
python3 packaging/site/site.py "$out"
