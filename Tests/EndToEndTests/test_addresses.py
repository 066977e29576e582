"""The real addresses, without any override: in a network namespace of the test's own the emulator sits
where the clouds' services are, and the programs are told nothing."""

import json
import os
import pathlib
import subprocess
import time
import unittest

from world import BIN, World, root_only, wait_for

SCRIPT = r"""
set -e
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
ip addr add 169.254.170.2/32 dev lo
ip addr add 169.254.170.23/32 dev lo
ip -6 addr add fd00:ec2::254/128 dev lo nodad
ip addr add 198.51.100.7/32 dev lo
# A link whose other end answers nothing.
ip link add veth0 type veth peer name veth1
ip link set veth0 up
ip link set veth1 up
ip addr add 192.0.2.1/24 dev veth0
mount --make-rprivate /
# Names and authorities as a machine has them: in files that the programs read anyway.
printf '127.0.0.1 localhost\n169.254.169.254 metadata.google.internal\n198.51.100.7 us.api.mondoo.com\n' >"$S/hosts"
mount --bind "$S/hosts" /etc/hosts
printf 'hosts: files\n' >"$S/nsswitch"
mount --bind "$S/nsswitch" /etc/nsswitch.conf
"$B/wif-emulator" --directory "$S/world" --tls --tls-hosts us.api.mondoo.com,localhost,127.0.0.1 \
    --listen "169.254.169.254:80=$METADATA" --listen "[fd00:ec2::254]:80=aws-imds" \
    --listen 169.254.170.2:80=aws-container --listen 169.254.170.23:80=aws-container --listen 127.0.0.1:50342=azure-legacy \
    --listen 127.0.0.1:8099=github --listen tls:198.51.100.7:443=mondoo --url mondoo=https://us.api.mondoo.com \
    --platform "$PLATFORM" $MORE --credential-lifetime 300 >"$S/emulator.log" 2>&1 &
emulator=$!
export emulator
trap 'kill $emulator 2>/dev/null || true' EXIT
until [ -e "$S/world/ready" ]; do kill -0 "$emulator"; sleep 0.05; done
cp -a /etc/ssl/certs "$S/certs"
cp "$S/world/ca.pem" "$S/certs/wif-test-ca.pem"
ln -sf wif-test-ca.pem "$S/certs/$(openssl x509 -in "$S/world/ca.pem" -noout -hash).0"
mount --bind "$S/certs" /etc/ssl/certs
grep ^export.ACTIONS "$S/world/environment" >"$S/github" || true
sh -e "$S/case"
"""


@root_only
class Addresses(World):
    def run_case(self, case, deadline=60, platform="gcp,azure,github", metadata="gcp,azure", more=""):
        (self.scratch / "case").write_text(case)
        environment = {"PATH": os.environ["PATH"], "S": str(self.scratch), "B": str(BIN),
                       "PLATFORM": platform, "METADATA": metadata, "MORE": more}
        done = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", SCRIPT],
                              env=environment, capture_output=True, timeout=deadline)
        log = self.scratch / "emulator.log"
        self.assertEqual(done.returncode, 0,
                         (done.stdout, done.stderr, log.read_text() if log.exists() else ""))
        return done.stdout.decode()

    def get(self, name):
        return (f'env -i PATH="$PATH" "$B/wif-agent" get --fresh --format json'
                f' --runtime-dir "$S/none" -c "$S/world/accounts/mondoo-{name}.json"\n')

    def test_gcp(self):
        self.assertIn("private_key", self.run_case(self.get("gcp")))

    def test_azure(self):
        self.assertIn("private_key", self.run_case(self.get("azure")))

    def test_aws_metadata_on_both_addresses(self):
        for variables in ["", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=ipv6"]:
            with self.subTest(variables):
                get = self.get("aws").replace("env -i ", f"env -i {variables} ")
                shown = self.run_case(get, platform="aws", metadata="aws-imds")
                self.assertIn("private_key", shown)
                (self.scratch / "world" / "ready").unlink()

    def test_aws_containers(self):
        # EKS is told a URL, ECS a path at its own address; both come with a token here.
        relative = 's#_FULL_URI=http://[^/]*/#_RELATIVE_URI=/#'
        for rewrite in ["s#http://[^/]*/#http://169.254.170.23/#", relative]:
            with self.subTest(rewrite):
                case = (
                    """grep -o 'AWS_CONTAINER_.*' "$S/world/environment" | tr -d "'" >"$S/container"\n"""
                    f'sed -i "{rewrite}" "$S/container"\n'
                    'env -i PATH="$PATH" $(cat "$S/container") AWS_REGION=eu-central-1'
                    ' "$B/wif-agent" get --fresh --format json'
                    ' --runtime-dir "$S/none" -c "$S/world/accounts/mondoo-aws.json"\n')
                shown = self.run_case(case, platform="aws", metadata="aws-imds",
                                      more="--aws-credentials container")
                self.assertIn("private_key", shown)
                (self.scratch / "world" / "ready").unlink()

    def test_azure_legacy_alone(self):
        case = 'ip addr del 169.254.169.254/32 dev lo\n' + self.get("azure")
        self.assertIn("private_key", self.run_case(case))

    def test_github_while_the_metadata_address_swallows_packets(self):
        case = (
            'ip addr del 169.254.169.254/32 dev lo\n'
            # A neighbour that never answers: packets leave and nothing comes back.
            'ip route add 169.254.169.254/32 dev veth0\n'
            '. "$S/github"\n'
            'start=$(date +%s%N)\n'
            'env -i PATH="$PATH" ACTIONS_ID_TOKEN_REQUEST_URL="$ACTIONS_ID_TOKEN_REQUEST_URL"'
            ' ACTIONS_ID_TOKEN_REQUEST_TOKEN="$ACTIONS_ID_TOKEN_REQUEST_TOKEN"'
            ' "$B/wif-agent" token --runtime-dir "$S/none"'
            ' -c "$S/world/accounts/mondoo-github.json"\n'
            'end=$(date +%s%N)\n'
            'echo "took $(( (end - start) / 1000000 ))"\n')
        shown = self.run_case(case)
        self.assertIn("token.actions.githubusercontent.com", shown)
        took = int(shown.rsplit("took ", 1)[1])
        self.assertLess(took, 2000)

    def test_a_name_that_is_lost_and_found(self):
        case = (
            'cp /etc/hosts "$S/kept"\n'
            'ask() { env -i PATH="$PATH" "$B/wif-agent" "$@" --runtime-dir "$S/run"; }\n'
            'env -i PATH="$PATH" "$B/wif-agent" run --runtime-dir "$S/run"'
            ' -c "$S/world/accounts/mondoo-gcp.json" 2>"$S/log" &\n'
            'agent=$!\n'
            'ask wait --timeout 20\n'
            # The worker knows the address for as long as it lives.
            'while pgrep -P $agent >"$S/workers"; do sleep 0.1; done\n'
            # In place: the file is mounted.
            'grep -v mondoo "$S/kept" >/etc/hosts\n'
            'code=0; ask refresh || code=$?\n'
            'echo "code $code"; ask status --json\n'
            'cat "$S/kept" >/etc/hosts\n'
            'ask refresh\n'
            'kill $agent; wait $agent; cat "$S/log"\n')
        shown = self.run_case(case)
        self.assertIn("code 75\n", shown)
        status = json.JSONDecoder().raw_decode(shown[shown.index("{"):])[0]["accounts"][0]
        self.assertEqual(status["state"], "valid")
        self.assertEqual(status["last_failure"]["class"], "transient")
        self.assertIn("us.api.mondoo.com", status["last_failure"]["message"])
        self.assertIn("not resolved", status["last_failure"]["message"])
        self.assertEqual(shown.count(" refreshed "), 2)

    def test_no_cloud_is_told_soon(self):
        case = (
            'ip addr del 169.254.169.254/32 dev lo\n'
            'ip route add 169.254.169.254/32 dev veth0\n'
            'kill $emulator\n'
            'start=$(date +%s%N)\n'
            'code=0; env -i PATH="$PATH" "$B/wif-agent" token --timeout 0 --runtime-dir "$S/none"'
            ' -c "$S/world/mondoo.json" || code=$?\n'
            'end=$(date +%s%N)\n'
            'echo "code $code took $(( (end - start) / 1000000 ))"\n')
        shown = self.run_case(case)
        words = shown.split()
        self.assertEqual(words[words.index("code") + 1], "69")
        self.assertLess(int(words[-1]), 2000)
