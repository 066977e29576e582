#!/bin/sh
# Holds the evaluator against other CEL runtimes on random expressions. Slow, so no part of the suite.
#   usage: compare.sh [COUNT [SEED]]     PYTHON names an interpreter that has one of the runtimes
set -eu
cd "$(dirname "$0")/../../.."
cases=$(mktemp)
trap 'rm -f "$cases"' EXIT
status=0
"${PYTHON:-python3}" Tests/PolicyTests/Comparison/generate.py "${1:-2000}" "${2:-1}" > "$cases" || status=$?
if [ "$status" -eq 77 ]; then
    echo "skipped: no CEL runtime; pip install cel-python common-expression-language" >&2
    exit 0
fi
[ "$status" -eq 0 ] || exit "$status"
WIF_POLICY_CASES="$cases" swift test --disable-xctest --filter PolicyTests.ComparisonTests
