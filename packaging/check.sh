#!/usr/bin/env bash
# Everything that must hold before a change is accepted: format, build, tests, release build and
# linkage, man pages. With --all also the sanitizers and the slow suites.
#
# Works from a fresh clone on a Debian machine with only the Swift toolchain; installs the rest.
# Ends with one line: "check.sh: passed", or "check.sh: FAILED at: STEP" and status 1.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh

readonly release=.build/release
current='arguments'
started=$SECONDS
# The job that gets the SDKs.
sdks=''

usage() {
    cat <<'END'
usage: packaging/check.sh [--all]
  --all   also the tests under the thread and address sanitizers, and the slow suites
END
}

finish() {
    local status=$?
    if [ "$status" -eq 0 ]; then
        echo "check.sh: passed in $((SECONDS - started)) s"
    else
        echo "check.sh: FAILED at: $current"
    fi
}

# step TITLE COMMAND...: a heading, the command, the time it took; ends the script if it fails.
step() {
    local from=$SECONDS
    current=$1
    shift
    printf '\n==> %s\n' "$current"
    "$@"
    printf '    %s: %d s\n' "$current" "$((SECONDS - from))"
}

requirements() {
    install_missing pkg-config libcurl4-openssl-dev libssl-dev mandoc openssl jq curl gcc \
        python3 iproute2=ip procps=ps binutils=readelf \
        dash zsh fish util-linux=unshare systemd=systemd-analyze strace
    consumer_programs
    mkdir -p .build
    consumer_sdks >.build/consumers.log 2>&1 &
    sdks=$!
    swift --version 2>&1 | head -n 1
}

format() { swift format lint --strict --parallel -r Sources Tests Package.swift; }

build() { swift build --build-tests; }

# run_tests LOG ARGUMENT...: the tests; of their output what failed and the closing line, unless that
# is missing: then the end of the log. All of it is in .build/LOG.
run_tests() {
    local log=.build/$1 status=0
    shift
    mkdir -p .build
    swift test --disable-xctest "$@" >"$log" 2>&1 || status=$?
    grep -E '^(✘|↳|error:|  (Sources|Tests)/)' "$log" | grep -vE '^↳ (Testing Library|Target)' || true
    grep -E '^. Test run with .* (passed|failed) ' "$log" || tail -n 40 "$log"
    [ "$status" -eq 0 ] || echo "all of the output is in $log"
    return "$status"
}

tests() { run_tests tests.log --skip-build; }

consumers() { Tests/Consumers/run.sh .build/debug; }

slow_tests() { WIF_AGENT_SLOW_TESTS=1 run_tests slow-tests.log --skip-build; }

# Thousands of restarts; errors at every call of a start, a reload, an end, …, and at every allocation.
slow_end_to_end() {
    WIF_AGENT_SLOW_TESTS=1 WIF_BIN=$release Tests/EndToEndTests/run.py \
        test_agent.Adoption test_calls test_delivery test_doctor_blind test_memory
}

release_build() { packaging/build.sh; }

# By the SPDX project's own validator, from PyPI.
bill_of_materials() {
    local venv=.build/packages-venv
    if [ ! -x "$venv/bin/pyspdxtools" ]; then
        python3 -c 'import ensurepip' 2>/dev/null || as_root apt-get -qq install -y python3-venv
        python3 -m venv "$venv"
        "$venv/bin/pip" -q install --disable-pip-version-check spdx-tools || {
            echo 'spdx-tools is not to be had: the bill of materials is not validated'
            return 0
        }
    fi
    "$venv/bin/pyspdxtools" --infile "$1"
    echo "$1: valid"
}

packages() {
    packaging/archive.sh --staged
    bill_of_materials .build/packages/*.spdx.json
    packaging/deb/build.sh --staged
    packaging/deb/test.sh
    packaging/rpm/build.sh --staged
    packaging/rpm/test.sh
}

# The programs as they are shipped.
end_to_end() {
    PROMTOOL=$(promtool_path) || true
    [ -n "$PROMTOOL" ] || echo 'promtool is not to be had: metrics, alerts and queries are not linted'
    export PROMTOOL
    wait "$sdks" || echo 'not all SDKs are to be had (.build/consumers.log): their tests are skipped'
    WIF_BIN=$release PATH=$(consumers_path) Tests/EndToEndTests/run.py
}

# The agent lives for months: no network library may be in its process, directly or through another.
linkage() {
    local program
    for program in wif-agent wif-exchange wif-emulator; do
        ldd "$release/$program" >"$scratch/$program.ldd"
        if grep -E 'not found|libswift|libFoundation' "$scratch/$program.ldd"; then
            echo "$program: needs a library that a machine without Swift lacks"
            return 1
        fi
        if readelf -d "$release/$program" | grep -E 'R(UN)?PATH'; then
            echo "$program: looks for libraries where others may put them"
            return 1
        fi
    done
    if grep -E 'libcurl|libcrypto|libssl' "$scratch/wif-agent.ldd"; then
        echo "wif-agent: links a network library"
        return 1
    fi
    for program in wif-agent wif-exchange; do
        if grep -q FoundationEssentials "$release/$program"; then
            echo "$program: holds Foundation, 6.6 MB that it does not need"
            return 1
        fi
    done
    grep -q libcurl "$scratch/wif-exchange.ldd" || {
        echo "wif-exchange: does not link libcurl"
        return 1
    }
    echo "wif-agent: $(wc -l <"$scratch/wif-agent.ldd") libraries, none of libcurl, libcrypto, libssl"
    echo "wif-exchange: $(wc -l <"$scratch/wif-exchange.ldd") libraries"
    packaging/audit.sh "$release"
}

demo() {
    WIF_BIN=$PWD/$release packaging/demo.sh >"$scratch/demo" || { cat "$scratch/demo"; return 1; }
    grep '^All of it' "$scratch/demo"
}

# What README shows is what the programs print.
pictures() { packaging/pictures.py check "$release"; }

# The most a stripped binary may weigh: a stray import shows here the same day.
sizes() {
    local program bytes limit=20000000
    for program in wif-agent wif-exchange wif-emulator; do
        strip -o "$scratch/$program" "$release/$program"
        bytes=$(stat -c %s "$scratch/$program")
        printf '%-14s %5.1f MB stripped (%5.1f MB as built)\n' "$program" \
            "$(megabytes "$bytes")" "$(megabytes "$(stat -c %s "$release/$program")")"
        [ "$bytes" -le "$limit" ] || {
            echo "$program: over $limit bytes stripped"
            return 1
        }
    done
}

megabytes() { awk -v bytes="$1" 'BEGIN { print bytes / 1e6 }'; }

manuals() {
    local page pages=(man/*.[1-8])
    [ -e "${pages[0]}" ] || { echo "no manual pages in man/"; return 1; }
    for page in "${pages[@]}"; do
        mandoc -T lint -W warning "$page"
        echo "$page: clean"
    done
}

documents() {
    local lines words
    lines=$(wc -l <README.md) words=$(wc -w <README.md)
    echo "README.md: $lines lines, $words words"
    [ "$lines" -le 100 ] && [ "$words" -le 800 ] || { echo "README.md: at most 100 lines and 800 words"; return 1; }
    packaging/site.sh
}

scripts() {
    local script list=(packaging/*.sh packaging/*/*.sh Tests/BootedSystem/*.sh Tests/Benchmarks/*.sh Tests/Consumers/*.sh Tests/Container/*.sh Tests/Coverage/*.sh Tests/Pipelines/*.sh
        Tests/Fuzz/*.sh Tests/Simulation/*.sh .ci/run)
    for script in "${list[@]}"; do
        [ -e "$script" ] && bash -n "$script"
    done
    if command -v shellcheck >/dev/null 2>&1; then
        printf '%s\n' "${list[@]}" | xargs -n 8 -P 2 shellcheck -x -S warning
    else
        echo "shellcheck is not installed; only the syntax was looked at"
    fi
}

# The account's life against a model world, with seeds drawn anew each time and printed.
simulation() { Tests/Simulation/run.sh --seeds 10000; }

# Each parser of foreign bytes: all that once failed, then a search. What once failed is among the tests, too.
fuzz() { Tests/Fuzz/run.sh --seed 1 --seconds 12; }

units() { packaging/systemd/check.sh; }

conformance() { Tests/PolicyTests/Comparison/conformance.sh; }

pipelines() {
    install_missing nodejs=node curl openssl
    Tests/Pipelines/run.sh "$release" .build/manifests-venv/bin/python
}

image() { Tests/Container/run.sh "$release"; }

booted_system() { Tests/BootedSystem/run.sh; }

sanitized() {
    local sanitizer=$1 path=.build-${1:0:1}san symbolizer
    # Programs that tests start have no PATH to find it by, and suppressions go by names.
    symbolizer=external_symbolizer_path=$(command -v llvm-symbolizer)
    # The runtime keeps what it allocated once until the end; only what is lost is a leak.
    ASAN_OPTIONS="detect_leaks=1 $symbolizer" \
        TSAN_OPTIONS="halt_on_error=1 $symbolizer suppressions=$PWD/Tests/thread-sanitizer.suppressions" \
        run_tests "$sanitizer.log" --no-parallel --sanitize="$sanitizer" --scratch-path "$path"
}

all=no
case ${1-} in
'') ;;
--all) all=yes ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 64 ;;
esac

scratch=$(mktemp -d)
trap 'finish; rm -rf "$scratch"' EXIT

step 'requirements' requirements
step 'format' format
step 'scripts' scripts
step 'documents' documents
step 'manual pages' manuals
step 'units' units
step 'build' build
step 'tests' tests
step 'consumers' consumers
step 'release build' release_build
step 'linkage' linkage
step 'sizes' sizes
step 'pictures' pictures
step 'demo' demo
step 'end to end' end_to_end
if [ "$all" = yes ]; then
    step 'fuzz' fuzz
    step 'simulation' simulation
    step 'packages' packages
    step 'release' packaging/reproducible.sh
    step 'other systems' packaging/roots.sh
    step 'arm64' packaging/arm64.sh
    step 'manifests' packaging/manifests.sh
    step 'pipelines' pipelines
    step 'image' image
    step 'booted system' booted_system
    step 'CEL conformance' conformance
    step 'slow tests' slow_tests
    step 'slow end to end' slow_end_to_end
    step 'thread sanitizer' sanitized thread
    step 'address sanitizer' sanitized address
fi
