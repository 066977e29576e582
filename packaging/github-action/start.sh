#!/usr/bin/env bash
# Started by start.cjs: installs wif-agent if VERSION says which, starts it for ACCOUNT, waits for the
# first credential and hands it to the later steps. DIRECTORY is private and goes at the job's end.
set -euo pipefail
fail() {
    echo "::error::$1"
    exit 1
}
[ "$(uname -s)" = Linux ] || fail 'wif-agent runs on Linux only'

if [ -n "$VERSION" ]; then
    [ -n "$URL" ] || fail 'url is missing'
    [ -n "$SHA256" ] || fail 'sha256 is missing'
    url=${URL//'{version}'/$VERSION}
    machine=$(uname -m) digest=''
    url=${url//'{arch}'/$machine}
    for item in $SHA256; do
        case $item in "$machine"=*) digest=${item#*=} ;; *=*) ;; *) digest=$item ;; esac
    done
    [ -n "$digest" ] || fail "sha256 names no archive for $machine"
    archive=$DIRECTORY/archive
    curl --proto '=https' --tlsv1.2 -fsSL --retry 3 -o "$archive" "$url" || fail "$url could not be downloaded; the input url says where the releases are"
    echo "$digest  $archive" | sha256sum -c --quiet - || fail "$url is not the archive with that digest"
    mkdir "$DIRECTORY/tree" "$DIRECTORY/bin"
    tar -xzf "$archive" -C "$DIRECTORY/tree" --strip-components=1
    # The worker is looked for beside the agent.
    mv "$DIRECTORY/tree/usr/bin/wif-agent" "$DIRECTORY/tree/usr/libexec/wif-agent/wif-exchange" "$DIRECTORY/bin"
    rm -r "$archive" "$DIRECTORY/tree"
    echo "$DIRECTORY/bin" >>"$GITHUB_PATH"
    PATH=$DIRECTORY/bin:$PATH
fi
command -v wif-agent >/dev/null || fail 'wif-agent is not in PATH: name a version to install'

run=$DIRECTORY/run
# In a session of its own, with none of the step's descriptors: neither a cancelled step nor its end
# takes the agent along.
setsid wif-agent run -c "$ACCOUNT" --runtime-dir "$run" --output "raw:$DIRECTORY/credential" \
    </dev/null >>"$DIRECTORY/log" 2>&1 &
agent=$!
echo "pid=$agent" >>"$GITHUB_STATE"
# An agent that ends at once would be waited for in vain.
wif-agent wait --fail-fast --runtime-dir "$run" --timeout "$TIMEOUT" 2>"$DIRECTORY/reason" &
ready=$!
wait -n "$agent" "$ready" || true
if ! kill -0 "$agent" 2>/dev/null || ! wait "$ready"; then
    kill "$ready" 2>/dev/null || true
    # It quotes what services answer: no command to the runner is taken from it.
    end=$(</proc/sys/kernel/random/uuid)
    printf '::stop-commands::%s\n' "$end"
    cat "$DIRECTORY/log"
    printf '::%s::\n' "$end"
    echo 'log=shown' >>"$GITHUB_STATE"
    # One line that begins as ours is one message, whatever is in it; the runner decodes %0A and the like.
    reason=$(grep -hE '^(wif-agent|hint): ' "$DIRECTORY/reason" "$DIRECTORY/log" | grep -vF ': waiting for ' |
        head -n 2 | sed 's/^wif-agent: //; s/%/%25/g' | tr '\r\n' '  ' || true)
    fail "there is no credential: ${reason:-the log of wif-agent is above}"
fi
wif-agent get -c "$ACCOUNT" --runtime-dir "$run" --format github
printf '%s\n' "WIF_AGENT_CONFIG=$ACCOUNT" "WIF_AGENT_RUNTIME_DIR=$run" >>"$GITHUB_ENV"
echo "file=$DIRECTORY/credential" >>"$GITHUB_OUTPUT"
