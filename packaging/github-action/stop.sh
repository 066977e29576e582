#!/usr/bin/env bash
# Started by stop.cjs: ends the agent, which revokes what it is to, and removes what the job left.
set -euo pipefail
pid=${STATE_pid-} directory=${STATE_directory-}

# The process that start.sh started, and none that got its number since; a dead one that nobody
# reaps, as in a container whose first process does not, runs no more.
runs() {
    local facts
    [ -n "$pid" ] && facts=$(cat "/proc/$pid/status" 2>/dev/null) || return
    [[ $facts == Name:*wif-agent$'\n'* && $facts != *$'\nState:\tZ'* ]]
}

if runs; then
    kill -TERM "$pid"
    for _ in {1..150}; do
        runs || break
        sleep 0.1
    done
    if runs; then
        echo '::warning::wif-agent did not stop within 15 seconds'
        kill -KILL "$pid"
    fi
elif [ -n "$pid" ]; then
    echo '::warning::wif-agent did not run any more when the job ended'
fi
if [ -n "$directory" ]; then
    if [ -e "$directory/log" ]; then
        if [ "${STATE_log-}" != shown ]; then
            # It quotes what services answer: no command to the runner is taken from it.
            end=$(</proc/sys/kernel/random/uuid)
            printf '::group::log of wif-agent\n::stop-commands::%s\n' "$end"
            cat "$directory/log"
            printf '::%s::\n::endgroup::\n' "$end"
        fi
        if grep -q ' revocation-failed ' "$directory/log"; then
            echo '::warning::a credential was not revoked; it lives until it expires'
        fi
    fi
    rm -rf "$directory"
fi
