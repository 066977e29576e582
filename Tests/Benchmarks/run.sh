#!/usr/bin/env bash
# How fast and how small, as ratios to what the same machine does in the same run: one table.
#
# usage: Tests/Benchmarks/run.sh [--compare REVISION] [PART]...     (without parts: all)
#   PART: get socket idle memory worker fleet accounts sandbox
#   --compare   a revision beside this tree: both are measured twice, in turn, and the middle is shown
# Needs the release binaries (packaging/build.sh), gcc, libcurl, jq.
# WIF_BIN names another directory with the three programs; RUNS how often each is started.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${WIF_BIN:-$here/../../.build/release}
bin=$(cd "$bin" && pwd)
runs=${RUNS:-31}
readonly all_parts='get socket idle memory worker fleet accounts sandbox'

# compare REVISION PART...: the revision is built in .build/compare, and measured with the means of this tree.
compare() {
    local root tree revision rows order name
    root=$(cd "$here/../.." && pwd) revision=$(git -C "$here" rev-parse --short "$1^{commit}")
    tree=$root/.build/compare/$revision
    shift
    [ -e "$tree" ] || git -C "$root" worktree add --quiet --detach "$tree" "$revision"
    (cd "$tree" && packaging/build.sh) >&2
    rows=$(mktemp -d)
    for order in old new new old; do
        case $order in old) name=$tree/.build/release ;; new) name=$bin ;; esac
        ROWS=$rows/$order WIF_BIN=$name "$0" "$@" >/dev/null
    done
    awk -F '\t' -v old="$revision" '
        FILENAME ~ /old$/ { if (!($1 in first)) { names[++count] = $1; first[$1] = $2 } else first[$1] = middle(first[$1], $2); next }
        { second[$1] = ($1 in second) ? middle(second[$1], $2) : $2 }
        function middle(a, b) { return a ~ /^[0-9.]+$/ && b ~ /^[0-9.]+$/ ? (a + b) / 2 : a " | " b }
        END {
            printf "%-58s %16s %16s %8s\n", "", old, "this tree", "ratio"
            for (i = 1; i <= count; i++) {
                name = names[i]
                ratio = first[name] ~ /^[0-9.]+$/ && first[name] > 0 ? sprintf("%.2f", second[name] / first[name]) : ""
                printf "%-58s %16s %16s %8s\n", name, first[name], second[name], ratio
            }
        }' "$rows/old" "$rows/new"
    rm -rf "$rows"
}

if [ "${1-}" = --compare ]; then
    compare "${@:2}"
    exit
fi
parts=" ${*:-$all_parts} "
scratch=$(mktemp -d)
processes=()
table=()

cleanup() {
    local process
    for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap cleanup EXIT

wanted() { [[ $parts == *" $1 "* ]]; }

compile() { gcc -O2 -pthread -o "$scratch/$1" "$here/$1.c" "${@:2}"; }

# row WHAT VALUE TARGET VERDICT
row() {
    table+=("$(printf '%-58s %14s   %-14s %s' "$@")")
    [ -z "${ROWS-}" ] || printf '%s\t%s\n' "$1" "$2" >>"$ROWS"
}

# compared WHAT VALUE TARGET: a row whose value must be at most (or, with a leading >, at least) TARGET.
compared() {
    local verdict
    verdict=$(awk -v value="$2" -v target="${3#>}" -v least="${3:0:1}" 'BEGIN {
        print ((least == ">" ? value >= target : value <= target) ? "ok" : "MISSED") }')
    if [ "${3:0:1}" = '>' ]; then row "$1" "$2" "at least ${3#>}" "$verdict"
    else row "$1" "$2" "at most $3" "$verdict"; fi
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

await() {
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || { echo "timed out: $*" >&2; return 1; }
        sleep 0.05
    done
}

# start_world DIRECTORY ARGUMENT...: an emulator; its variables come into the environment.
start_world() {
    "$bin/wif-emulator" --directory "$1" --platform gcp "${@:2}" >/dev/null 2>"$scratch/emulator.log" &
    processes+=($!)
    await 10 test -e "$1/ready"
    # shellcheck disable=SC1091
    . "$1/environment"
}

# start_agent RUNTIME ARGUMENT...: an agent that is ready; its pid in $agent.
start_agent() {
    mkdir -p "$1"
    chmod 700 "$1"
    "$bin/wif-agent" run --runtime-dir "$1" "${@:2}" 2>"$1/log" &
    agent=$!
    processes+=("$agent")
    "$bin/wif-agent" wait --runtime-dir "$1" --timeout 300 >/dev/null || { cat "$1/log" >&2; return 1; }
}

# The system's CA store with the emulator's CA in it: once as a bundle, once as a hashed directory.
make_store() {
    local link
    cat /etc/ssl/certs/ca-certificates.crt "$scratch/tls/ca.pem" >"$scratch/bundle.pem"
    mkdir -p "$scratch/certs"
    for link in /etc/ssl/certs/*.[0-9]; do
        [ -e "$link" ] && cp -L "$link" "$scratch/certs/"
    done
    cp "$scratch/tls/ca.pem" \
        "$scratch/certs/$(openssl x509 -noout -hash -in "$scratch/tls/ca.pem").0"
}

# What the service's documentation tells to type, with jq in between.
documented() {
    cat >"$scratch/documented.sh" <<END
#!/bin/sh
set -e
token=\$(curl -sSf -H 'Metadata-Flavor: Google' \
    'http://$GCE_METADATA_HOST/computeMetadata/v1/instance/service-accounts/default/identity?audience=$1')
jq -n --arg audience '$1' --arg issuer '$2' --arg token "\$token" \
    '{audience: \$audience, issuer_uri: \$issuer, jwt_token: \$token}' |
    curl -sSf --cacert '$scratch/bundle.pem' -X POST -H 'Content-Type: application/json; charset=utf-8' \
        '$3/SecureTokenService/ExchangeExternalToken' -d @- | jq -r .base64_credential
END
    chmod +x "$scratch/documented.sh"
}

measure_get() {
    local account=$scratch/tls/mondoo.json audience issuer endpoint baseline times
    start_world "$scratch/tls" --tls
    unset SSL_CERT_FILE
    make_store
    compile get-baseline -lcurl
    audience=$(jq -r .audience "$account") issuer=$(jq -r .issuerUri "$account")
    endpoint=$(jq -r .universeDomain "$account")
    documented "$audience" "$issuer" "$endpoint"
    baseline=("$scratch/get-baseline" "http://$GCE_METADATA_HOST" "$endpoint" "$audience" "$issuer")
    mkdir -m 700 "$scratch/none"
    # In the environment of all of them: starting env(1) beside one alone would count against it.
    export SSL_CERT_DIR=$scratch/certs
    mapfile -t times < <("$scratch/median" "$runs" \
        "$bin/wif-agent" get --fresh -c "$account" \
        --- "$scratch/documented.sh" --- "${baseline[@]}" "$scratch/bundle.pem" \
        --- "${baseline[@]}" "$scratch/certs" \
        --- env SSL_CERT_FILE="$scratch/bundle.pem" "$bin/wif-agent" get --fresh -c "$account")
    row 'wif-agent get --fresh, cold, HTTPS (ms)' "${times[0]}" '' ''
    compared '  / the documented curl and jq' "$(ratio "${times[0]}" "${times[1]}")" 0.33
    compared '  / minimal C, libcurl with its default CA handling' "$(ratio "${times[0]}" "${times[2]}")" 0.5
    compared '  / minimal C, libcurl with a CA directory' "$(ratio "${times[0]}" "${times[3]}")" 1.3
    unset SSL_CERT_DIR
    row '  with a bundle, / minimal C with the same bundle' "$(ratio "${times[4]}" "${times[2]}")" '' ''

    SSL_CERT_DIR=$scratch/certs start_agent "$scratch/running" -c "$account" --output "socket:$scratch/running/s.sock"
    mapfile -t times < <("$scratch/median" $((runs * 3)) \
        "$bin/wif-agent" get --runtime-dir "$scratch/running" -c "$account" --- /bin/true \
        --- "$bin/wif-agent" --version)
    row 'wif-agent get, from a running agent (ms)' "${times[0]}" '' ''
    compared '  / true' "$(ratio "${times[0]}" "${times[1]}")" 4
    row '  of which starting the program (wif-agent --version / true)' "$(ratio "${times[2]}" "${times[1]}")" '' ''
}

rate() { "$scratch/socket-load" "$1" 16 "${SECONDS_OF_LOAD:-1}" | cut -d' ' -f1; }
middle() { sort -n | sed -n 3p; }

# rates PATH PATH: the median rate of each, of five measured in turn.
rates() {
    for _ in 1 2 3 4 5; do
        rate "$1" >>"$scratch/rates.1"
        rate "$2" >>"$scratch/rates.2"
    done
    middle <"$scratch/rates.1"
    middle <"$scratch/rates.2"
    rm "$scratch"/rates.[12]
}

measure_socket() {
    local path bytes rates slow
    compile socket-load
    compile socket-server
    start_world "$scratch/plain"
    start_agent "$scratch/sockets" -c "$scratch/plain/mondoo.json" --output "socket:$scratch/sockets/s.sock"
    path=$scratch/sockets/s.sock
    bytes=$("$scratch/socket-load" "$path" 1 0.2 | sed 's/.* \([0-9]*\) bytes/\1/')
    "$scratch/socket-server" "$scratch/yardstick.sock" "$bytes" 2>/dev/null &
    processes+=($!)
    await 5 test -S "$scratch/yardstick.sock"
    mapfile -t rates < <(rates "$path" "$scratch/yardstick.sock")
    row "credential socket, 16 readers, $bytes bytes (per second)" "${rates[0]}" '' ''
    compared '  / minimal C epoll server' "$(ratio "${rates[0]}" "${rates[1]}")" '>0.95'
    python3 -c '
import socket, sys, time
for _ in range(8):
    s = socket.socket(socket.AF_UNIX)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    s.connect(sys.argv[1])
    globals().setdefault("kept", []).append(s)
print("connected", flush=True)
time.sleep(600)' "$path" >"$scratch/slow" &
    processes+=($!)
    await 5 grep -q connected "$scratch/slow"
    mapfile -t slow < <(rates "$path" "$scratch/yardstick.sock")
    compared '  the same beside 8 readers that read nothing' "$(ratio "${slow[0]}" "${slow[1]}")" '>0.5'
}

memory() { awk -v key="$2:" '$1 == key { print $2 / 1024 }' "/proc/$1/smaps_rollup"; }
# The median of 9 samples in two seconds: what bursts of work need comes and goes.
settled_memory() {
    for _ in 1 2 3 4 5 6 7 8 9; do
        memory "$1" "$2"
        sleep 0.2
    done | sort -n | sed -n 5p
}
switches() { # switches PID: "thread count" for each thread.
    awk '/^Pid:/ { thread = $2 } /ctxt_switches/ { sum[thread] += $2 }
        END { for (thread in sum) print thread, sum[thread] }' "/proc/$1"/task/*/status
}
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
metric() { # metric RUNTIME NAME: the sum over its labels.
    curl -sSf --unix-socket "$1/control.sock" http://agent/metrics |
        awk -v name="$2" '$1 ~ "^" name "({|$)" { sum += $2 } END { printf "%d", sum }'
}

measure_idle() {
    start_world "$scratch/idle-world"
    start_agent "$scratch/idle" -c "$scratch/idle-world/mondoo.json" \
        --output "json:$scratch/idle/out.json" --output "socket:$scratch/idle/s.sock"
    sleep 5
    compared 'idle agent: resident (MB)' "$(memory "$agent" Rss)" 8.5
    compared 'idle agent: private dirty (MB)' "$(memory "$agent" Private_Dirty)" 0.8
    compared 'idle agent: child processes' "$(pgrep -c -P "$agent" || true)" 0
    switches "$agent" >"$scratch/before"
    sleep "${IDLE_SECONDS:-60}"
    switches "$agent" >"$scratch/after"
    compared "idle agent: context switches in ${IDLE_SECONDS:-60} s" \
        "$(awk 'NR == FNR { old[$1] = $2; next } { sum += $2 - old[$1] } END { print sum + 0 }' \
            "$scratch/before" "$scratch/after")" 0
    row 'idle agent: descriptors' "$(descriptors "$agent")" '' ''
}

# As long as is asked for: REFRESHES (2000) and then READS (100000) of a socket; 40 accounts with credentials
# of 3 s are some 20 refreshes a second, ACCOUNTS=120 LIFETIME=1 some 70. Of 2026-11, x86_64, 2 cores, with
# REFRESHES=20000: 8.5 MB private at the 10,000th, the 20,000th and after 100,000 reads, no descriptor more.
measure_memory() {
    local number accounts=() early half end files goal=${REFRESHES:-2000} count=${ACCOUNTS:-40}
    start_world "$scratch/busy-world" --credential-lifetime "${LIFETIME:-3}"
    for number in $(seq "$count"); do
        cp "$scratch/busy-world/mondoo.json" "$scratch/busy-world/account$number.json"
        accounts+=(-c "$scratch/busy-world/account$number.json")
    done
    mkdir -p "$scratch/busy"
    chmod 700 "$scratch/busy"
    "$bin/wif-agent" run --runtime-dir "$scratch/busy" "${accounts[@]}" 2>"$scratch/busy/log" &
    agent=$!
    processes+=("$agent")
    refreshes() { [ "$(metric "$scratch/busy" wif_agent_refreshes_total)" -ge "$1" ]; }
    await 120 refreshes $((count * 3))
    early=$(settled_memory "$agent" Private_Dirty) files=$(descriptors "$agent")
    await 900 refreshes $((goal / 2))
    half=$(settled_memory "$agent" Private_Dirty)
    await 900 refreshes "$goal"
    end=$(settled_memory "$agent" Private_Dirty)
    row "$count accounts, private MB early, at the $((goal / 2))th, ${goal}th refresh" \
        "$(printf '%.1f %.1f %.1f' "$early" "$half" "$end")" '' ''
    compared "after $goal refreshes: growth since the start (MB)" \
        "$(awk -v a="$end" -v b="$early" 'BEGIN { printf "%.2f", a - b }')" 1
    compared "after $goal refreshes: descriptors more than at the start" \
        $(($(descriptors "$agent") - files)) 4
    row "after $goal refreshes: failures" "$(metric "$scratch/busy" wif_agent_refresh_failures_total)" '' ''
    read_much "${READS:-100000}"
    compared "after ${READS:-100000} socket reads: growth since the start (MB)" \
        "$(awk -v a="$(settled_memory "$agent" Private_Dirty)" -v b="$early" 'BEGIN { printf "%.2f", a - b }')" 1
    compared "after ${READS:-100000} socket reads: descriptors more than at the start" \
        $(($(descriptors "$agent") - files)) 4
}

# A worker that is given 256 jobs, as many as one ever gets.
measure_worker() {
    local memories
    start_world "$scratch/worker-world" --tls
    read -ra memories < <(python3 "$here/worker-memory.py" "$bin" "$scratch/worker-world/mondoo.json")
    row 'worker: resident MB after 16 jobs' "${memories[0]}" '' ''
    compared '  after 256 jobs / after 16' "$(ratio "${memories[1]}" "${memories[0]}")" 1.05
    compared '  the most it ever had' "${memories[2]}" 25
}

# read_much COUNT: so many reads of a credential socket of the busy agent.
read_much() {
    local left=$1
    compile socket-load
    while [ "$left" -gt 0 ]; do
        left=$(awk -v left="$left" -v rate="$(rate "$scratch/busy/account1.sock")" \
            -v seconds="${SECONDS_OF_LOAD:-1}" 'BEGIN { print int(left - rate * seconds) }')
    done
}

# A simulation in virtual time (Tests/FederationTests/Fleet.swift): 100,000 agents with credentials of 3,600 s
# at a service that takes 200 requests a second and asks the others to wait 10 s; once it is down for 30 minutes,
# once all agents start anew. Of 2026-11, our schedule (35 % to 60 %) beside the window before it (50 % to 75 %),
# half-life without jitter, 5 min before expiry, and 2/3 of the lease:
#                                            ours   50..75 %   half-life       5 min         2/3
#   outage:  ran out                        8,393     27,299       8,074      49,547      31,713
#            of them a schedule could save      0          0           0           0           0
#            all ready again after          472 s      479 s       476 s       360 s       475 s
#            later peak / mean               1.20       1.63        3.60        6.60        4.80
#   restart: all ready again after          580 s      579 s       577 s       582 s       579 s
#            later peak / mean               1.23       1.71        3.60        6.60        4.80
# Other windows (the worst of five seeds): requests more than with 50..75 %, ran out, later peak / mean and a second:
#   40..60 %  +25 %  10,166  1.63  91       38..60 %  +27 %   9,383  1.44  82       36..61 %  +29 %   9,521  1.29  74
#   35..60 %  +31 %   8,509  1.24  73       35..61 %  +30 %   9,381  1.23  71       33..62 %  +31 %   9,605  1.17  68
#   35..65 %  +25 %  12,197  1.16  64       33..60 %  +34 %   8,057  1.15  69       30..55 %  +47 %   3,725  1.10  72
#   50..75 %    0 %  27,499  1.64  73       60..75 %   -8 %  32,775  2.96 122       35..55 %  +39 %   4,673  1.31  81
# 35..60 % is the one that asks a service for no more at its peak than 50..75 % did. With it an outage of 20 min
# (a third of the lifetime) costs 3 of the 100,000 their credential, against 3,800.
measure_fleet() {
    local name policy mean peak back served ready lost savable later
    (cd "$here/../.." && WIF_AGENT_FLEET=1 swift test --disable-xctest --filter 'A fleet') >"$scratch/fleet" 2>&1 ||
        { cat "$scratch/fleet" >&2; return 1; }
    while IFS=$'\t' read -r _ name policy mean peak back served ready lost savable later; do
        row "$name, $policy: requests/s, mean and peak before" "$mean $peak" '' ''
        row '    peak while it comes back, most answered' "$back ${served%.*}" '' ''
        row '    seconds until all are ready, ran out' "${ready%.*} ${lost%.*}" '' ''
        if [ "$policy" = ours ]; then
            compared '    ran out although a schedule could have saved it' "${savable%.*}" 0
            compared '    two lifetimes later: peak / mean' "$later" 1.7
        else
            row '    two lifetimes later: peak / mean' "$later" '' ''
        fi
    done < <(grep ^fleet "$scratch/fleet")
}

# seconds_of_cpu PID: of a process, user and system together, and of all its children.
seconds_of_cpu() {
    local child files=()
    for child in $(pgrep -P "$1"); do files+=("/proc/$child/stat"); done
    # One of them may just have ended.
    { cat "/proc/$1/stat" "${files[@]}" 2>/dev/null || true; } |
        awk -v tick="$(getconf CLK_TCK)" '{ sub(".*[)] ", "") } NR == 1 { own = $12 + $13 }
            { children += (NR == 1) ? $14 + $15 : $12 + $13 }
            END { print own / tick, children / tick }'
}

# How each measure grows: what one account of the last two steps costs, over one of the first two.
growth() { # growth COUNT VALUE COUNT VALUE COUNT VALUE
    awk -v a="$1" -v x="$2" -v b="$3" -v y="$4" -v c="$5" -v z="$6" 'BEGIN {
        first = (y - x) / (b - a); printf "%.2f", (first > 0 ? (z - y) / (c - b) / first : 1) }'
}

# 10, 100 and 1000 accounts with credentials of a minute: a minute is an hour of those that live an hour.
# Of 2026-11, x86_64, 2 cores that others kept busy: 1000 accounts are ready after 10 to 15 s, an hour's refreshes
# of all take the agent 0.7 s of CPU and the workers 1.9 s; 21 KB private and 2 descriptors an account.
measure_accounts() {
    local count counts=(10 100 1000) number folder=$scratch/accounts runtime start used refreshes resident
    local memories=() files=() starts=() costs=() baseline
    start_world "$scratch/crowd" --credential-lifetime 60
    compile accounts-baseline -lcurl
    baseline=$("$scratch/accounts-baseline" "http://$GCE_METADATA_HOST" "$(jq -r .universeDomain "$scratch/crowd/mondoo.json")" \
        "$(jq -r .audience "$scratch/crowd/mondoo.json")" "$(jq -r .issuerUri "$scratch/crowd/mondoo.json")" /etc/ssl/certs 1000)
    mkdir -m 700 "$folder"
    for count in "${counts[@]}"; do
        for number in $(seq "$count"); do cp "$scratch/crowd/mondoo.json" "$folder/a$number.json"; done
        runtime=$scratch/crowd$count start=$EPOCHREALTIME
        # Nobody listens there: what it would be told is made all the same.
        NOTIFY_SOCKET=$scratch/nobody start_agent "$runtime" --config-dir "$folder"
        starts+=("$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')")
        mapfile -t used < <(seconds_of_cpu "$agent")
        refreshes=$(metric "$runtime" wif_agent_refreshes_total)
        sleep "${CROWD_SECONDS:-60}"
        mapfile -t -O 1 used < <(seconds_of_cpu "$agent")
        refreshes=$(($(metric "$runtime" wif_agent_refreshes_total) - refreshes))
        memories+=("$(settled_memory "$agent" Private_Dirty)") files+=("$(descriptors "$agent")")
        mapfile -t used < <(awk '{ own = $1 - own; all = $1 + $2 - all } END { print own; print all }' \
            < <(printf '%s\n' "${used[@]}"))
        costs+=("$(awk -v used="${used[0]}" -v count="$refreshes" 'BEGIN { printf "%.2f", used * 1000 / count }')")
        row "$count accounts: start to all ready (s)" "${starts[-1]}" '' ''
        row "  $refreshes refreshes: CPU (s), with the workers" "${used[*]}" '' ''
        row '  failures' "$(metric "$runtime" wif_agent_refresh_failures_total)" '' ''
        row '  private MB, descriptors' "${memories[-1]} ${files[-1]}" '' ''
        resident=$(settled_memory "$agent" Rss)
        kill "$agent"
        wait "$agent" || true
    done
    grown() { growth "${counts[0]}" "$1" "${counts[1]}" "$2" "${counts[2]}" "$3"; }
    compared '1000 accounts: start to all ready / C, 16 at a time' "$(ratio "${starts[2]}" "$baseline")" 1.3
    compared '1000 accounts: resident (MB)' "$resident" 30
    compared 'an account: private KB' "$(awk -v a="${memories[1]}" -v b="${memories[2]}" \
        'BEGIN { printf "%.0f", (b - a) * 1024 / 900 }')" 18
    row 'an account: private KB, descriptors' "$(awk -v a="${memories[1]}" -v b="${memories[2]}" \
        -v x="${files[1]}" -v y="${files[2]}" 'BEGIN { printf "%.0f %.1f", (b - a) * 1024 / 900, (y - x) / 900 }')" '' ''
    compared 'an account more, from 100 to 1000 / from 10 to 100: memory' "$(grown "${memories[@]}")" 1.5
    compared '  descriptors' "$(grown "${files[@]}")" 1.1
    compared '  time to ready' "$(grown "${starts[@]}")" 1.5
    compared 'CPU of the agent per refresh, 1000 accounts / 100' "$(ratio "${costs[2]}" "${costs[1]}")" 1.5
}

measure_sandbox() {
    local sources=$here/../../Sources/CLinux parts
    compile sandbox -I"$sources/include" "$sources"/*.c -lm
    read -ra parts < <("$scratch/sandbox")
    row "a worker's start (us): filter before exec, own filter, files" "${parts[*]:0:3}" '' ''
    compared '  all of the sandbox (us)' "${parts[3]}" 300
}

compile median
for part in $all_parts; do
    if wanted "$part"; then
        echo "measuring: $part" >&2
        "measure_$part"
    fi
done
printf '\n%-58s %14s   %-14s\n' "$(uname -m), $(nproc) cores, $runs runs" 'measured' 'target'
printf '%s\n' "${table[@]}"
