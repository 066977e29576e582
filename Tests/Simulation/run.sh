#!/usr/bin/env bash
# Plays seeds: histories of faults, edits and orders of events against a model world, a simulated day each.
# Every safety and liveness rule is looked at after each step (Tests/Simulation/World/World.swift).
#
#   run.sh [--seeds N] [--first SEED] [--jobs N] [--unseen]   20,000 fresh seeds, printed
#   run.sh --digest --first 1 --seeds 2000    one number of all that they do: equal before and after a change
#                                             that only makes them faster
#
# A seed that fails prints its shortest history and its trace; `--seeds 1 --first SEED` plays it again.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The modules are optimised as one; of `package` declarations the compiler does that only with these flags.
# A program of an earlier build is never played in place of one that cannot be built.
if ! words=$(swift build -c release --product wif-simulation --scratch-path .build-simulation \
    --static-swift-stdlib -Xswiftc -cross-module-optimization -Xswiftc -enable-library-evolution \
    -Xswiftc -Xfrontend -Xswiftc -package-cmo -Xswiftc -Xfrontend -Xswiftc -allow-non-resilient-access \
    -Xswiftc -no-warnings-as-errors 2>&1); then
    grep -A 5 'error:' <<<"$words" >&2 || printf '%s\n' "$words" >&2
    exit 70
fi
exec .build-simulation/release/wif-simulation "$@"
