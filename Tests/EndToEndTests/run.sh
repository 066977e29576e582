#!/usr/bin/env bash
# Runs the end-to-end tests with the built programs (WIF_BIN, default .build/debug).
set -euo pipefail
cd "$(dirname "$0")"
exec python3 -m unittest "$@"
