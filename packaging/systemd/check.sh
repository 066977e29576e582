#!/usr/bin/env bash
# Holds the units against systemd: they load without complaint, and each is as confined as
# its limit here says, by the figures of systemd-analyze security. Nothing is started or installed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# The machine's own units stand by for what these are ordered after.
units=$root/etc/systemd/system
mkdir -p "$units/wif-agent.service.d" "$root/usr/lib/systemd"
cp -r /usr/lib/systemd/system "$root/usr/lib/systemd/"
cp ./*.service ./*.socket examples/*.service examples/*.path "$units"
for program in usr/bin/wif-agent usr/libexec/wif-agent/wif-exchange bin/kill bin/systemctl usr/bin/cnspec; do
    install -D -m 755 /dev/stdin "$root/$program" <<<'#!/bin/sh'
done

analyze() { systemd-analyze --no-pager --root="$root" "$@"; }

complaints=$(analyze --man=no verify wif-agent.service wif-agent@mondoo.service wif-exchange.socket \
    wif-exchange@0.service wif-agent-metrics.socket scanner.service daemon.service \
    daemon-refresh.path 2>&1) || { echo "$complaints"; exit 1; }
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
echo "units: clean"

# exposure UNIT LIMIT TITLE
exposure() {
    local found
    found=$(analyze --offline=true security "$1" 2>/dev/null | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
    echo "$3: exposure ${found:-unknown}, at most $2"
    awk -v found="${found:-99}" -v limit="$2" 'BEGIN { exit !(found + 0 <= limit + 0) }'
}

exposure wif-agent.service 0.4 wif-agent.service
exposure wif-agent@mondoo.service 0.4 wif-agent@.service
exposure wif-exchange@0.service 1.3 wif-exchange@.service
for drop_in in drop-ins/*.conf; do
    cp "$drop_in" "$units/wif-agent.service.d/"
    complaints=$(analyze --man=no verify wif-agent.service 2>&1) && [ -z "$complaints" ] || {
        echo "$drop_in: $complaints"
        exit 1
    }
    [ "$drop_in" != drop-ins/private-users.conf ] \
        || exposure wif-agent.service 0.3 'wif-agent.service with private-users.conf'
    rm "$units"/wif-agent.service.d/*
done
