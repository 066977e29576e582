#!/usr/bin/env bash
# Shows wif-agent's main job on this machine: builds it (with WIF_BIN: takes the programs of that folder), plays
# the outside world (wif-emulator), and follows one credential through probe, exchange, delivery, refresh, trouble and recovery.
#
# Each step is checked. Exit status 0 only if all of it was seen. Leaves nothing behind but .build/.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh

readonly lifetime=$((8 * ${PATIENCE:-1}))
bin=${WIF_BIN:-$PWD/.build/release}
scratch='' agent='' emulator='' step='the start'

heading() {
    step=$1
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$step"; else printf '\n%s\n' "$step"; fi
}

# seen TEXT COMMAND...: the command must succeed; its output is shown only if it does not.
seen() {
    local text=$1
    shift
    if "$@" >"$scratch/seen" 2>&1; then
        printf '  ✓ %s\n' "$text"
    else
        printf '  ✗ %s\n' "$text"
        sed 's/^/      /' "$scratch/seen"
        return 1
    fi
}

# shown COMMAND...: the command as a user would type it, then its output, indented.
shown() {
    printf '  $ %s\n' "$(printf '%s ' "$@" | sed "s|$bin/||g; s|$scratch|~|g")"
    "$@" 2>&1 | sed "s|$scratch|~|g; s/^/    /" | cut -c1-150
}

# await SECONDS COMMAND...: until the command succeeds.
await() {
    local deadline=$((SECONDS + $1 * ${PATIENCE:-1}))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

ends() { # ends PID SECONDS: the process is gone in time.
    local tries=$(($2 * 10))
    while kill -0 "$1" 2>/dev/null; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}

cleanup() {
    local status=$? process
    trap '' INT TERM
    for process in $agent $emulator; do
        kill "$process" 2>/dev/null && { ends "$process" 5 || kill -KILL "$process"; }
    done
    wait 2>/dev/null || true
    if [ "$status" -ne 0 ] && [ -s "$scratch/agent.log" ]; then
        say "the agent's log:"
        tail -n 20 "$scratch/agent.log" >&2
    fi
    [ -z "$scratch" ] || rm -rf "$scratch"
    [ "$status" -eq 0 ] || say "demo.sh: FAILED at: $step"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() {
    install_missing pkg-config libcurl4-openssl-dev libssl-dev curl jq python3
    packaging/build.sh 2>&1 |
        grep -vE 'mktemp|^\[[0-9]+/[0-9]+\]' || [ "${PIPESTATUS[0]}" -eq 0 ]
}

start_world() {
    env -i PATH="$PATH" "$bin/wif-emulator" --platform all --credential-lifetime "$lifetime" \
        --directory "$scratch/world" >/dev/null 2>"$scratch/emulator.log" &
    emulator=$!
    until [ -e "$scratch/world/ready" ]; do
        kill -0 "$emulator" || return 1
        sleep 0.1
    done
    # shellcheck disable=SC1091
    . "$scratch/world/environment"
}

start_agent() {
    "$bin/wif-agent" run -c "$account" --runtime-dir "$runtime" \
        --output "json:$scratch/out/mondoo.json" --output "envfile:$scratch/out/mondoo.envfile" \
        --output "socket:$runtime/mondoo.sock" 2>"$scratch/agent.log" &
    agent=$!
}

# How often the agent has logged an event.
count() { grep -c " $1 " "$scratch/agent.log" || true; }
refreshed() { [ "$(count refreshed)" -ge "$1" ]; }

read_socket() {
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
while (data := s.recv(65536)): sys.stdout.buffer.write(data)' "$runtime/mondoo.sock"
}

valid_json() { jq -e '.mrn and .private_key and .certificate' "$scratch/out/mondoo.json"; }
is_private() { [ "$(stat -c %a "$1")" = 600 ]; }
same_in_socket() { read_socket | base64 -d | cmp - "$scratch/out/mondoo.json"; }
same_in_envfile() {
    sed -n 's/^MONDOO_CONFIG_BASE64=//p' "$scratch/out/mondoo.envfile" | base64 -d |
        cmp - "$scratch/out/mondoo.json"
}
same_as_before() { cmp "$scratch/before.json" "$scratch/out/mondoo.json"; }
differs_from_before() { ! same_as_before; }
refused_for_now() { # The refresh must fail, as a transient failure.
    local status=0
    "${on[@]}" refresh --timeout 10 || status=$?
    [ "$status" -eq 75 ]
}
got_from_agent() { "${on[@]}" get -c "$account" --format json | cmp - "$scratch/out/mondoo.json"; }
fault() { curl -sSf -X "$@" "$WIF_EMULATOR_URL/_emulator/faults"; }

if [ -z "${WIF_BIN-}" ]; then
    heading 'Building (the first time takes some minutes)'
    build
fi
scratch=$(mktemp -d)
account=$scratch/world/mondoo.json
runtime=$scratch/run
on=("$bin/wif-agent")
export WIF_AGENT_RUNTIME_DIR=$runtime
mkdir -m 700 "$runtime"
begin=$SECONDS

heading "A world: GCP, Azure and GitHub, their issuers, and Mondoo; credentials live $lifetime seconds"
seen 'it serves' start_world
shown jq -c . "$account"

heading 'Is the account file right, and who are we?'
shown "$bin/wif-agent" check -c "$account"
shown "$bin/wif-agent" token -c "$account"
for source in gcp azure github; do
    seen "a token from $source" "${on[@]}" token -c "$scratch/world/accounts/mondoo-$source.json"
done

heading 'The agent: probe, exchange, deliver'
start_agent
seen 'it is ready' "${on[@]}" wait --timeout 15
seen 'a service account in a file, for MONDOO_CONFIG_PATH' valid_json
seen 'that only its owner can read' is_private "$scratch/out/mondoo.json"
# Awaited: a refresh may come between two looks.
seen 'the same in an env file' await 10 same_in_envfile
seen 'the same on a Unix socket' await 10 same_in_socket
seen 'and from wif-agent get' await 10 got_from_agent
shown "$bin/wif-agent" status

heading 'It replaces the credential before it expires'
cp "$scratch/out/mondoo.json" "$scratch/before.json"
seen 'a first refresh' await 10 refreshed 2
seen 'a second refresh' await 10 refreshed 3
seen 'the file holds another credential' await 10 differs_from_before
seen 'the socket too' await 10 same_in_socket

heading 'The service fails: what works stays delivered'
fault POST -d '{"match":{"role":"mondoo"},"status":503}' >/dev/null
cp "$scratch/out/mondoo.json" "$scratch/before.json"
seen 'a refresh fails' refused_for_now
seen 'the credential is still in the file' same_as_before
seen 'and on the socket' same_in_socket
shown "$bin/wif-agent" status

heading 'It recovers by itself'
fault DELETE >/dev/null
seen 'a new credential' await 15 differs_from_before
seen 'ready again' "${on[@]}" wait --timeout 5
grep -E ' (refreshed|refresh-failed) ' "$scratch/agent.log" | tail -n 4 | cut -c1-150 | sed 's/^/    /'

heading 'It stops cleanly'
kill -TERM "$agent"
seen 'within two seconds' ends "$agent" 2
status=0
wait "$agent" || status=$?
agent=''
seen 'with status 0' test "$status" -eq 0
seen 'the socket is gone' test ! -e "$runtime/mondoo.sock"
kill -TERM "$emulator"
wait "$emulator" || true
emulator=''

cat <<END

All of it was seen, in $((SECONDS - begin)) seconds.

On a real VM on GCP or Azure, or in a GitHub Actions job:
  1. In Mondoo's console add a workload identity provider, and save the file it generates
     as /etc/wif-agent/mondoo.json.
  2. install -s -t /usr/local/bin .build/release/wif-agent .build/release/wif-exchange
  3. wif-agent check && wif-agent token && wif-agent run
README.md has the systemd unit, man/wif-agent.1 the rest.
END
