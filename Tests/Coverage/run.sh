#!/usr/bin/env bash
# Which lines the tests reach: the Swift tests and the end-to-end runs together, as a table by room.
#
#   run.sh [--swift-only] [--filter REGEX] [--lines ROOM] [NAME...]
#
# NAMEs choose classes of end-to-end tests, as for Tests/EndToEndTests/run.py; --lines lists what is not reached in
# a room, file by file. Programs and tests are instrumented, in a folder of their own (.build-coverage). Counters are
# written as they count (a mapped file), since some programs are killed; where they go is linked into the programs,
# since workers get no environment. A worker that the agent starts may open no file and is not counted: what runs
# there alone (Diagnosis, wif-exchange) shows by the Swift tests only, though the end-to-end tests judge it too.
# Of 2026-11: all 94.2 %; Agent 97, Crypto 95.6, Federation 95.3, HTTP 96.1, Kernel 96.7, Outputs 95.1, Policy 97.6,
# Exchanges 90.6, TokenSources 93.9, Worker 95.8, wif-agent 92.4, wif-emulator 90.2; Diagnosis 67.9, wif-exchange 84.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD
build=$here/.build-coverage
profiles=${TMPDIR:-/tmp}/wif-agent-coverage
end_to_end=1 lines='' filter=. names=()
while [ $# -gt 0 ]; do
    case $1 in
    --swift-only) end_to_end='' ;;
    --filter) filter=$2; shift ;;
    --lines) lines=$2; shift ;;
    -*) sed -n 's/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    *) names+=("$1") ;;
    esac
    shift
done
tools=$(dirname "$(readlink -f "$(command -v swift)")")
[ -x "$tools/llvm-cov" ] || tools=/opt/swift/usr/bin

rm -rf "$profiles"
# Workers that root starts run as another user.
mkdir -p "$profiles" && chmod 1777 "$profiles"
mkdir -p "$build"
printf 'char __llvm_profile_filename[] = "%s/%%c%%4m.profraw";\n' "$profiles" >"$build/place.c"
cc -c -o "$build/place.o" "$build/place.c"
swift build --build-tests --enable-code-coverage ${JOBS:+-j $JOBS} --scratch-path "$build" \
    -Xswiftc -Xllvm -Xswiftc -runtime-counter-relocation -Xlinker "$build/place.o" 2>&1 | tail -3
programs=$build/debug
tests=$(echo "$programs"/*PackageTests.xctest)

failed=0
"$tests" --testing-library swift-testing --filter "$filter" >"$profiles/swift.log" 2>&1 || failed=1
tail -1 "$profiles/swift.log"
if [ -n "$end_to_end" ]; then
    WIF_BIN=$programs Tests/EndToEndTests/run.py "${names[@]}" >"$profiles/end-to-end.log" 2>&1 || failed=1
    tail -3 "$profiles/end-to-end.log"
fi

"$tools/llvm-profdata" merge --failure-mode=warn -sparse "$profiles"/*.profraw -o "$profiles/all.profdata"
objects=()
for program in wif-agent wif-exchange wif-emulator; do objects+=(-object "$programs/$program"); done
"$tools/llvm-cov" export -summary-only -instr-profile "$profiles/all.profdata" "$tests" "${objects[@]}" \
    >"$profiles/summary.json"
python3 - "$profiles/summary.json" "$here/Sources/" <<'TABLE'
import collections
import json
import sys

rooms = collections.defaultdict(lambda: [0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    if file["filename"].startswith(sys.argv[2]):
        room = file["filename"][len(sys.argv[2]):].split("/")[0]
        rooms[room][0] += file["summary"]["lines"]["count"]
        rooms[room][1] += file["summary"]["lines"]["covered"]
rooms["all"] = [sum(column) for column in zip(*rooms.values())]
print(f"{'room':16}{'lines':>8}{'reached':>9}{'share':>8}")
for room, (count, covered) in rooms.items():
    print(f"{room:16}{count:8}{covered:9}{100 * covered / max(count, 1):7.1f}%")
TABLE
if [ -n "$lines" ]; then
    "$tools/llvm-cov" show -instr-profile "$profiles/all.profdata" "$tests" "${objects[@]}" \
        -region-coverage-lt=100 "$here/Sources/$lines" | grep -E '^/|^ +[0-9]+\| +0\|' || true
fi
exit "$failed"
