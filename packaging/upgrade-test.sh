# shellcheck shell=bash
# Sourced in a clean root where a package was just installed, with the command that installs a newer one:
# a credential by the installed programs, and the upgrade under the running agent. Whoever sources it has fail.
wif-agent --version
[ "$(stat -c '%U:%G %a' /etc/wif-agent)" = 'root:wif-agent 750' ] || fail 'the mode of /etc/wif-agent'
getent passwd wif-exchange >/dev/null || fail 'no user wif-exchange'
wif-emulator --directory /world --clock-offset 0 >/world.log 2>&1 &
for _ in $(seq 100); do [ -e /world/ready ] && break; sleep 0.1; done
set -a; . /world/environment; set +a
cp /world/mondoo.json /etc/wif-agent/mondoo.json
chgrp wif-agent /etc/wif-agent/mondoo.json; chmod 640 /etc/wif-agent/mondoo.json
echo 'WIF_AGENT_HOLD=80' >>/etc/default/wif-agent
wif-agent run -c /etc/wif-agent/mondoo.json --output json:/run/credential.json >/agent.log 2>&1 &
wif-agent wait --timeout 30 || { cat /agent.log; fail 'no credential'; }
before=$(sha256sum </run/credential.json)
"$@" >/dev/null || fail "$*"
wif-agent status --check || fail 'the upgrade lost the credential'
[ "$before" = "$(sha256sum </run/credential.json)" ] || fail 'the upgrade touched the output'
wif-agent refresh || fail 'no refresh after the upgrade'
[ "$before" != "$(sha256sum </run/credential.json)" ] || fail 'nothing new was delivered'
grep -q HOLD=80 /etc/default/wif-agent || fail 'the upgrade took the settings'
kill %1 %2
