"""AWS: every way to a key, proven to Mondoo; and what goes wrong on the way."""

import base64
import json
import os
import time
import urllib.request

from world import World, root_only

ACCOUNT = "arn:aws:iam::123456789012:role"


class AWS(World):
    def get(self, world, account=None, **environment):
        path = self.account(account or world.account)
        done = self.wif("get", "--fresh", "-c", path, "--timeout", 15, records=False,
                        environment=self.environment(world, **environment))
        return done

    def assert_credential(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(base64.b64decode(done.stdout, validate=True))
        self.assertLessEqual({"mrn", "private_key", "certificate", "api_endpoint"}, set(document))

    def files(self, config, credentials=""):
        home = self.scratch / "home"
        (home / ".aws").mkdir(parents=True, exist_ok=True)
        (home / ".aws/config").write_text(config)
        (home / ".aws/credentials").write_text(credentials)
        return {"HOME": str(home), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    def keys(self, world):
        variables = world.environment
        return variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]

    def web_token(self, world, **claims):
        body = {"claims": {"aud": "sts.amazonaws.com", **claims}}
        request = json.dumps(body).encode()
        with urllib.request.urlopen(world.url + "/_emulator/token", data=request) as reply:
            file = self.scratch / "web.jwt"
            file.write_bytes(reply.read())
        return str(file)

    def test_metadata_container_and_variables(self):
        for kind in ["metadata", "container", "environment"]:
            with self.subTest(kind):
                world = self.emulator("--platform", "aws", "--aws-credentials", kind)
                self.assert_credential(self.get(world))

    def test_roles_one_with_the_key_of_the_next(self):
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        key, secret = self.keys(world)
        variables = self.files(
            f"[default]\nrole_arn = {ACCOUNT}/workload\nsource_profile = middle\n"
            f"[profile middle]\nrole_arn = {ACCOUNT}/external-hop\nexternal_id = demo\n"
            "source_profile = base\n",
            f"[base]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        self.assert_credential(self.get(world, **variables))

    def test_a_program(self):
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        key, secret = self.keys(world)
        output = json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret})
        output = output.replace('"', '\\"')
        variables = self.files(
            f"[default]\ncredential_process = /bin/sh -c \"printf '%s' '{output}'\"\n")
        self.assert_credential(self.get(world, **variables))
        variables = self.files(
            "[default]\ncredential_process = /bin/sh -c 'echo SECRET-ON-STDERR >&2; exit 3'\n")
        done = self.get(world, **variables)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(b"exit code 3", done.stderr)
        self.assertNotIn(b"SECRET-ON-STDERR", done.stderr)

    @root_only
    def test_a_program_that_another_user_names(self):
        """Root that kept the HOME of another user (`sudo -E`)."""
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        marker = self.scratch / "ran"
        variables = self.files(f"[default]\ncredential_process = /usr/bin/touch {marker}\n")
        home = self.scratch / "home"
        for place in [home, home / ".aws", home / ".aws/config"]:
            os.chown(place, 4242, 4242)
        done = self.get(world, **variables)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b".aws/config is not used", done.stderr)
        self.assertIn(b"4242", done.stderr)
        self.assertFalse(marker.exists())

    def test_web_identity(self):
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        variables = self.files("")
        variables |= {"AWS_ROLE_ARN": f"{ACCOUNT}/workload",
                      "AWS_WEB_IDENTITY_TOKEN_FILE": self.web_token(world)}
        self.assert_credential(self.get(world, **variables))
        self.web_token(world, aud="other")
        done = self.get(world, **variables)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(b"InvalidIdentityToken", done.stderr)

    def test_web_identity_token_for_an_oidc_issuer(self):
        world = self.emulator("--platform", "aws")
        issuer = "https://1f0e2d3c-4b5a-4968-8776-a5b4c3d2e1f0.tokens.sts.global.api.aws"
        for source in [{"provider": "aws", "token": "web-identity"}, None]:
            with self.subTest(source):
                account = {**world.account, "issuerUri": issuer, "credentialSource": source}
                self.assert_credential(self.get(world, account))

    def test_a_wrong_clock_is_mended_once(self):
        for offset in ["3600", "-3600"]:
            with self.subTest(offset):
                world = self.emulator("--platform", "aws", "--aws-credentials", "environment",
                                      "--clock-offset", offset)
                done = self.get(world)
                self.assert_credential(done)
                self.assertIn(b"clock", done.stderr)
                self.assertEqual(world.exchanges(), 2)

    def test_an_answer_lost_at_the_first_hop(self):
        world = self.emulator("--platform", "aws", "--aws-hop-limit", "1")
        began = time.monotonic()
        done = self.get(world)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"HttpPutResponseHopLimit", done.stderr)

    def test_what_peers_get_wrong(self):
        world = self.emulator("--platform", "aws")
        key = "/latest/meta-data/iam/security-credentials/workload"
        faults = {
            "empty list": (dict(match={"path": key[:-8]}, status=200, body=""), 69, b"no role"),
            "no profile": (dict(match={"path": key[:-8]}, status=404), 69, b"no role"),
            "no JSON": (dict(match={"path": key}, status=200, body="<p>"), 75, b"not JSON"),
            "code": (dict(match={"path": key}, status=200, body={"Code": "X"}), 69, b": X"),
            "no token": (dict(match={"path": "/latest/api"}, status=403), 69, b"turned off"),
            "down": (dict(match={"path": "/latest/api"}, status=503), 75, b"503"),
        }
        for name, (fault, code, text) in faults.items():
            with self.subTest(name):
                world.heal()
                world.fault(**fault)
                done = self.get(world)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr)

    def test_what_is_half_there_or_not_supported(self):
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        cases = {
            "[default]\naws_access_key_id = x\n": b"only one of",
            "[default\n": b"line 1",
            "[default]\nsso_account_id = 1\n": b"single sign-on",
            f"[default]\nrole_arn = {ACCOUNT}/a\nsource_profile = default\n": b"in a circle",
        }
        for config, text in cases.items():
            with self.subTest(config):
                done = self.get(world, **self.files(config))
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(text, done.stderr)
        done = self.get(world, AWS_REGION="cn-north-1")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"web-identity", done.stderr)

    def test_no_secret_is_shown(self):
        world = self.emulator("--platform", "aws", "--aws-credentials", "environment")
        path = self.account(world.account)
        done = self.wif("token", "-c", path, environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual(shown["accessKeyId"], self.keys(world)[0])
        self.assertNotIn("Signature", done.stdout.decode())
        done = self.get(world, AWS_SECRET_ACCESS_KEY="not-the-secret")
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn(b"SignatureDoesNotMatch", done.stderr)
        self.assertNotIn(b"not-the-secret", done.stderr)
