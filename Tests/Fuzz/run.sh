#!/usr/bin/env bash
# libFuzzer over every parser of foreign bytes, under the address sanitizer.
#
# usage: Tests/Fuzz/run.sh [--seed N] [--seconds S | --executions N] [TARGET...]    (no targets: all)
#   --seed N         the same search each time, so that what it says of a change does not hang on chance
#   --seconds S      that long for each target (20)
#   --executions N   that many inputs for each target instead
# First the seeds and the inputs that once failed (Regressions/) are run. What is found new is kept in
# .build-fuzz/corpus, what fails in .build-fuzz/finds: mend it, then move it to Regressions/TARGET.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=Tests/Fuzz
scratch=.build-fuzz
program=$scratch/release/wif-fuzz
limit=-max_total_time=20
seed=0
while [[ ${1-} == -* ]]; do
    case $1 in
    --seed) seed=$2 ;;
    --seconds) limit=-max_total_time=$2 ;;
    --executions) limit=-runs=$2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) sed -n '4p' "$0" >&2; exit 64 ;;
    esac
    shift 2
done

# The sanitizer of the coverage goes to the compiler alone: at the linker's it would bring a main.
build() {
    local library
    library=$(find -L "$(dirname "$(readlink -f "$(command -v swift)")")/../lib/clang" \
        -name "libclang_rt.fuzzer_no_main-$(uname -m).a" | head -n 1)
    [ -n "$library" ] || { echo 'this toolchain has no libFuzzer'; return 1; }
    WIF_FUZZ=1 swift build -c release --product wif-fuzz --scratch-path "$scratch" \
        -Xswiftc -enable-testing -Xswiftc -sanitize=address \
        -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer,address \
        -Xlinker --whole-archive -Xlinker "$library" -Xlinker --no-whole-archive -Xlinker -lstdc++
}

# fuzz TARGET: replays, then searches; one line of what came of it, or the end of the log.
fuzz() {
    local target=$1 corpus=$scratch/corpus/$1 log=$scratch/$1.log kept=()
    mkdir -p "$corpus" "$scratch/finds"
    if [ -d "$here/Regressions/$target" ]; then kept=("$here/Regressions/$target"); fi
    # What the runtimes allocate once and keep is no leak; what parsers allocate is counted.
    if ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no "$program" "$target" "$limit" -seed="$seed" -timeout=30 -rss_limit_mb=2048 \
        -max_len=4096 -dict="$here/words.dict" -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$scratch/finds/$target-" \
        "$corpus" "$here/Seeds/$target" "${kept[@]}" >"$log" 2>&1
    then
        awk -v target="$target" '/number_of_executed_units/ { runs = $2 }
            /average_exec_per_sec/ { rate = $2 } / cov: / { sub(".* cov: ", ""); cov = $1 }
            END { printf "%-10s %9d executions, %6d a second, %d edges\n", target, runs, rate, cov }' "$log"
    else
        grep -v '^#[0-9]' "$log" | tail -n 60
        echo "$target: FAILED"
        return 1
    fi
}

mkdir -p "$scratch"
build >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log"; exit 1; }
if [ $# -eq 0 ]; then mapfile -t targets < <("$program"); else targets=("$@"); fi
echo "built in $SECONDS s; ${#targets[@]} targets, each with $limit"
export -f fuzz
export here scratch program limit seed
printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET bash -c 'set -euo pipefail; fuzz TARGET'
