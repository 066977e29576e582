#!/usr/bin/env bash
# The GitHub action and the include files of other CI systems, run as their runners run them.
# usage: run.sh DIRECTORY-OF-THE-PROGRAMS PYTHON; PYTHON must have ruamel.yaml. Needs node, curl, openssl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WIF_BIN=$(cd "${1:?a directory is missing}" && pwd)
export WIF_BIN
PYTHONPATH=$here/../EndToEndTests exec "${2:-python3}" -W ignore -m unittest discover -s "$here" -p 'test_*.py'
