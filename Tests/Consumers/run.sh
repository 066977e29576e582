#!/usr/bin/env bash
# Those who consume credentials, with real processes: exec and its command, shells, curl, a terminal,
# a GitHub Actions step. usage: run.sh DIRECTORY-OF-THE-PROGRAMS; needs bash, dash, zsh, fish, curl, jq,
# python3, unshare. Status 0 if all held.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${1:-.build/debug}" && pwd)
scratch=$(mktemp -d)
failures=0
emulator=''

finish() {
    [ -z "$emulator" ] || kill "$emulator" 2>/dev/null
    rm -rf "$scratch"
}
trap finish EXIT

# holds TEXT COMMAND...: the command must succeed; its output is shown only if it does not.
holds() {
    local text=$1
    shift
    if "$@" >"$scratch/out" 2>&1; then
        echo "  ✓ $text"
    else
        echo "  ✗ $text (status $?)"
        sed 's/^/      /' "$scratch/out" | cut -c1-300
        failures=$((failures + 1))
    fi
}

# ends STATUS COMMAND...: the command ends with that status.
ends() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$wanted" ] || { echo "status $status, not $wanted"; return 1; }
}

# until_it COMMAND...: waits up to 20 s for it to succeed.
until_it() {
    local _
    for _ in {1..200}; do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    echo "waited 20 s for: $*"
    return 1
}

env -i PATH="$PATH" "$bin/wif-emulator" --platform gcp --credential-lifetime 8 \
    --directory "$scratch/world" >/dev/null 2>"$scratch/emulator.log" &
emulator=$!
until_it test -e "$scratch/world/ready" || exit 1
. "$scratch/world/environment"
account=$scratch/mondoo.json
cp "$scratch/world/accounts/mondoo-gcp.json" "$account"
agent() { "$bin/wif-agent" "$@"; }
run() { timeout 60 "$bin/wif-agent" exec -c "$account" --runtime-dir "$scratch/none" "$@"; }

echo 'exec'
environment() {
    # shellcheck disable=SC2016
    run -- sh -c '
        [ "$(cat "$WIF_AGENT_FILE")" = "$MONDOO_CONFIG_BASE64" ] || exit 1
        printf %s "$MONDOO_CONFIG_BASE64" | base64 -d | jq -e .private_key >/dev/null || exit 2
        date -d "$WIF_AGENT_EXPIRES_AT" >/dev/null || exit 3
        directory=$(dirname "$WIF_AGENT_FILE")
        [ "$(stat -c %a "$directory") $(stat -c %a "$WIF_AGENT_FILE")" = "700 600" ] || exit 4
        echo "$directory" >"$1"' sh "$scratch/place" || return
    [ -s "$scratch/place" ] && [ ! -e "$(cat "$scratch/place")" ]
}
not_its_own() {
    local said
    said=$(NOTIFY_SOCKET=/x LISTEN_FDS=1 LISTEN_PID=1 WATCHDOG_USEC=1 OTHER=kept run -- env) || return
    ! grep -qE '^(NOTIFY_SOCKET|LISTEN_|WATCHDOG_)' <<<"$said" && grep -q '^OTHER=kept' <<<"$said"
}
limits() {
    local said
    said=$(umask 027; ulimit -Sc 7; run -- bash -c 'umask; ulimit -c') || return
    [ "$said" = $'0027\n7' ]
}
descriptors() {
    local mine
    mine=$(cd /proc/self/fd && ls | wc -l)
    [ "$(run -- sh -c 'ls /proc/self/fd | wc -l')" -le "$mine" ] && [ "$(run -- cat <(echo handed))" = handed ]
}
exact_bytes() { [ "$(X=$'\xfe' run -- sh -c 'printf %s "$1$X"' sh $'\xff' | od -An -tx1)" = ' ff fe' ]; }
format_json() { run --format json -- sh -c 'jq -e .mrn "$WIF_AGENT_FILE"'; }
terminated() {
    local status=0
    : >"$scratch/up"
    rm -f "$scratch/told"
    "$bin/wif-agent" exec -c "$account" -- "$@" >"$scratch/up" &
    until_it test -s "$scratch/up" || return
    kill -TERM $!
    touch "$scratch/told"
    wait $! || status=$?
    return "$status"
}
while_waiting() {
    local status=0
    "$bin/wif-agent" exec -c "$scratch/slow.json" -- true 2>"$scratch/slow.log" &
    until_it grep -q 'trying again' "$scratch/slow.log" || return
    kill -TERM $!
    wait $! || status=$?
    return "$status"
}
jq '.credentialSource = {"provider": "gcp"} | .universeDomain = "http://127.0.0.1:9"' "$account" >"$scratch/slow.json"
refresh_signal() {
    # shellcheck disable=SC2016
    ends 3 run --refresh-signal HUP -- bash -c 'old=$(cat "$WIF_AGENT_FILE")
        trap "[ \"\$(cat "$WIF_AGENT_FILE")\" != \"\$old\" ] && exit 3; exit 4" HUP
        while :; do sleep 0.1; done'
}
restart() {
    # shellcheck disable=SC2016
    ends 5 run --restart-on-refresh -- bash -c 'echo "$MONDOO_CONFIG_BASE64" >>"$1"
        [ "$(sort -u "$1" | wc -l)" -ge 3 ] && exit 5
        trap "" USR1; while :; do sleep 0.1; done' bash "$scratch/starts"
}
orphans() {
    # shellcheck disable=SC2016
    unshare -pf --mount-proc "$bin/wif-agent" exec -c "$account" -- bash -c '
        for i in 1 2 3 4 5 6 7 8; do (sleep 0.1 &); done
        for i in {1..200}; do
            ps -eo comm=,stat= | grep -qE "^sleep|Z" || exit 0
            sleep 0.05
        done
        exit 1'
}
first_process() {
    local status=0
    unshare -pf --mount-proc "$bin/wif-agent" exec -c "$account" -- sh -c 'echo up; exec sleep 100' >"$scratch/up1" &
    until_it test -s "$scratch/up1" || return
    kill -TERM "$(ps -o pid= --ppid $!)"
    wait $! || status=$?
    [ "$status" -eq 143 ]
}
exchanges() { curl -fsS "$WIF_EMULATOR_URL/_emulator/requests?path=/SecureTokenService/" | jq '.requests | length'; }
joins() {
    local before after first
    first=$(exchanges)
    "$bin/wif-agent" run -c "$account" --runtime-dir "$scratch/run" 2>"$scratch/agent.log" &
    local server=$!
    agent wait --runtime-dir "$scratch/run" --timeout 20 || return
    before=$(agent get -c "$account" --runtime-dir "$scratch/run")
    # shellcheck disable=SC2016
    after=$(timeout 60 "$bin/wif-agent" exec -c "$account" --runtime-dir "$scratch/run" -- \
        sh -c 'echo "$MONDOO_CONFIG_BASE64"')
    # Kept fresh by the agent's refreshes, without an exchange of its own.
    # shellcheck disable=SC2016
    timeout 60 "$bin/wif-agent" exec -c "$account" --runtime-dir "$scratch/run" \
        --refresh-signal HUP -- bash -c 'trap "exit 6" HUP; while :; do sleep 0.1; done'
    local status=$? made refreshes
    made=$(($(exchanges) - first))
    refreshes=$(agent status --json --runtime-dir "$scratch/run" | jq '.accounts[0].refreshes')
    kill "$server"
    wait "$server" 2>/dev/null
    [ "$before" = "$after" ] && [ "$status" -eq 6 ] || return
    # One of the agent's own may be on its way.
    echo "$made exchanges, $refreshes refreshes" && [ "$refreshes" -gt 0 ] && [ "$made" -le $((refreshes + 1)) ]
}
holds 'the environment, a private file, both gone at the end' environment
holds 'nothing of the service manager' not_its_own
holds 'umask and core limit as before' limits
holds 'open descriptors as before, and no others' descriptors
holds 'arguments and environment byte for byte' exact_bytes
holds '--format json' format_json
holds "the command's code" ends 9 run -- sh -c 'exit 9'
holds '128 and the signal' ends 137 run -- sh -c 'kill -KILL $$'
holds 'no such command: 127' ends 127 run -- /no/such
holds 'not in PATH: 127' ends 127 run -- no-such-command
holds 'not executable: 126' ends 126 run -- /etc/passwd
holds 'a directory: 126' ends 126 run -- /tmp
holds 'a missing command: 64' ends 64 run --
holds 'SIGTERM ends a simple command: 143' ends 143 terminated sh -c 'echo up; exec sleep 100'
holds 'SIGTERM is handled by one that wants to' ends 7 terminated \
    bash -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'
holds 'SIGTERM is ignored by one that wants to' ends 8 terminated \
    bash -c 'trap "" TERM; echo up; until [ -e "$1" ]; do sleep 0.1; done; exit 8' bash "$scratch/told"
holds 'SIGTERM before the first credential: 143' ends 143 while_waiting
holds '--refresh-signal' refresh_signal
holds '--restart-on-refresh' restart
holds 'joins a running agent' joins
if unshare -pf --mount-proc true 2>/dev/null; then
    holds 'as process 1: reaps orphans' orphans
    holds 'as process 1: SIGTERM' first_process
fi
holds 'nothing left behind' bash -c '! ls -d /dev/shm/wif-agent-* /run/wif-agent-* 2>/dev/null'

echo 'a terminal'
holds 'job control' timeout 120 python3 "$here/terminal.py" "$bin/wif-agent" "$account"

echo 'shells'
sourced() { # SHELL COMMAND: what the variable holds after the env output was read.
    agent get -c "$account" --format env >"$scratch/env"
    # shellcheck disable=SC2016
    [ "$("$1" -c ". '$scratch/env'; printenv MONDOO_CONFIG_BASE64 WIF_AGENT_EXPIRES_AT")" = \
        "$(sed "s/^export [A-Z0-9_]*='//; s/'$//" "$scratch/env")" ]
}
evaluated() { bash -c 'c=$("$1" get -c "$2" --format env) && eval "$c" && test -n "$MONDOO_CONFIG_BASE64"' \
    bash "$bin/wif-agent" "$account"; }
for shell in bash dash zsh fish; do holds "$shell reads the env output" sourced "$shell"; done
holds 'eval in a script' evaluated
holds 'completions' python3 "$here/completions.py" "$bin/wif-agent"

echo 'a directory'
# Readers who open the generation once never see two of them mixed. What others put there before is neither
# followed nor removed; once it is gone all goes on.
generations() {
    mkdir -p "$scratch/set"
    ln -sfn /etc "$scratch/set/..data"
    ln -sf /etc/passwd "$scratch/set/credential"
    "$bin/wif-agent" run -c "$account" --runtime-dir "$scratch/run2" \
        --output "directory:$scratch/set" 2>"$scratch/agent2.log" &
    local server=$! status=0
    if agent wait --runtime-dir "$scratch/run2" --timeout 2; then return 1; fi
    [ "$(readlink "$scratch/set/credential")" = /etc/passwd ] || return 1
    rm "$scratch/set/credential" "$scratch/set/..data"
    agent wait --runtime-dir "$scratch/run2" --timeout 20 || return
    python3 - "$scratch/set" <<'P' || status=$?
import base64, os, sys, time

seen, end = set(), time.monotonic() + 12
while len(seen) < 3 and time.monotonic() < end:
    at = os.open(sys.argv[1] + "/..data", os.O_RDONLY | os.O_DIRECTORY)
    read = lambda name: os.fdopen(os.open(name, os.O_RDONLY, dir_fd=at), "rb").read()
    raw, document, env, expiry = map(read, ["credential", "credential.json", "credential.env", "expires_at"])
    os.close(at)
    assert base64.b64decode(raw) == document and raw in env and expiry.strip() in env
    seen.add(raw)
assert len(seen) == 3, len(seen)
assert os.readlink(sys.argv[1] + "/credential") == "..data/credential"
P
    kill "$server"
    wait "$server" 2>/dev/null
    return "$status"
}
shared_directory() {
    mkdir -p "$scratch/shared"
    chmod 0777 "$scratch/shared"
    ends 74 agent run --once -c "$account" --output "json:$scratch/shared/a.json" &&
        agent run --once -c "$account" --output "json:$scratch/shared/a.json,sharedDirectory=true" &&
        jq -e .mrn "$scratch/shared/a.json"
}
holds 'always one generation' generations
holds 'one that others write to, where that is said' shared_directory

echo 'a GitHub Actions step'
export GITHUB_ENV=$scratch/github-env
in_a_job() {
    printf 'BEFORE=1' >"$GITHUB_ENV"
    agent get -c "$account" --format github >"$scratch/masks" || return
    python3 - "$GITHUB_ENV" "$scratch/masks" <<'P'
import base64, json, sys

lines, found = open(sys.argv[1]).read().split("\n"), {}
while lines:
    line = lines.pop(0)
    if "<<" in line:
        name, end = line.split("<<")
        at = lines.index(end)
        found[name], lines = "\n".join(lines[:at]), lines[at + 1:]
    elif line:
        name, found[name] = line.split("=")[0], line.split("=")[1]
value = found["MONDOO_CONFIG_BASE64"]
json.loads(base64.b64decode(value))
assert set(found) == {"BEFORE", "MONDOO_CONFIG_BASE64", "WIF_AGENT_EXPIRES_AT"}, found.keys()
assert open(sys.argv[2]).read() == "::add-mask::%s\n" % value
P
}
not_there() { ends 74 agent get -c "$account" --format github; }
holds 'masks first, then adds to GITHUB_ENV' in_a_job
ln -sf "$scratch/world/ready" "$scratch/link"
GITHUB_ENV=$scratch/link holds 'a symbolic link is refused' not_there
GITHUB_ENV=$scratch/absent holds 'a missing file is refused' not_there
GITHUB_ENV=$scratch holds 'a directory is refused' not_there
GITHUB_ENV=/dev/full holds 'a device is refused' not_there
GITHUB_ENV='' holds 'outside a job: 78' ends 78 agent get -c "$account" --format github

[ "$failures" -eq 0 ] || { echo "$failures did not hold"; exit 1; }
