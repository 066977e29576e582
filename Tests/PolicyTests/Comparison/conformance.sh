#!/bin/sh
# Holds the evaluator against CEL's public conformance cases.
#   usage: conformance.sh [FOLDER]     of .textproto files; else those in cel-python's source distribution
set -eu
cd "$(dirname "$0")/../../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
folder=${1-}
if [ -z "$folder" ]; then
    python3 -m venv "$scratch/venv"
    "$scratch/venv/bin/pip" -q download --disable-pip-version-check --no-deps --no-binary cel-python \
        --dest "$scratch" cel-python==0.5.0
    tar -C "$scratch" -xzf "$scratch"/cel_python-*.tar.gz
    folder=$(echo "$scratch"/cel_python-*/features)
fi
python3 Tests/PolicyTests/Comparison/conformance.py "$folder" > "$scratch/cases.json"
WIF_POLICY_CASES="$scratch/cases.json" swift test --disable-xctest --filter PolicyTests.ComparisonTests
