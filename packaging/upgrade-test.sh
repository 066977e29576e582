# shellcheck shell=bash
# Sourced in a clean root where a package was just installed, with two functions: newer installs a newer one, older
# the first one again. A credential by the installed programs; the upgrade under the running agent, and the way
# back; each time the next agent uses on the credential it finds. Whoever sources it has fail.
! command -v gcc cc swift >/dev/null || fail 'there is a compiler'
wif-agent --version
[ "$(stat -c '%U:%G %a' /etc/wif-agent)" = 'root:wif-agent 750' ] || fail 'the mode of /etc/wif-agent'
getent passwd wif-exchange >/dev/null || fail 'no user wif-exchange'
wif-emulator --directory /world --clock-offset 0 >/world.log 2>&1 &
emulator=$!
until [ -e /world/ready ]; do kill -0 "$emulator" || fail 'the emulator'; sleep 0.1; done
set -a; . /world/environment; set +a
cp /world/mondoo.json /etc/wif-agent/mondoo.json
chgrp wif-agent /etc/wif-agent/mondoo.json; chmod 640 /etc/wif-agent/mondoo.json
echo 'WIF_AGENT_HOLD=80' >>/etc/default/wif-agent
start() {
    wif-agent run -c /etc/wif-agent/mondoo.json --output json:/run/credential.json >/agent.log 2>&1 &
    agent=$!
    wif-agent wait --timeout 30 || { cat /agent.log; fail 'no credential'; }
}
start
before=$(sha256sum </run/credential.json)
for version in newer older; do
    "$version" >/dev/null || fail "$version: the installation"
    wif-agent status --check || fail "$version: the running agent lost the credential"
    [ "$before" = "$(sha256sum </run/credential.json)" ] || fail "$version: the output was touched"
    wif-agent refresh || fail "$version: no refresh"
    [ "$before" != "$(sha256sum </run/credential.json)" ] || fail "$version: nothing new was delivered"
    before=$(sha256sum </run/credential.json)
    kill -TERM "$agent"
    wait "$agent" || fail "$version: the end of the agent before"
    start
    grep -q ' adopted ' /agent.log || fail "$version: nothing was adopted"
    [ "$before" = "$(sha256sum </run/credential.json)" ] || fail "$version: another credential"
    grep -q HOLD=80 /etc/default/wif-agent || fail "$version: the settings are gone"
done
echo 'upgraded under the running agent, and back: the credential is used on'
kill -TERM "$agent" "$emulator"
wait
