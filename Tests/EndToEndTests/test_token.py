"""The platform's own token as the credential, kept fresh in files."""

import base64
import json
import shutil
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from world import World, secrets, wait_for


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class PlatformToken(World):
    def start(self, *emulator, account="token-github", **changes):
        self.world = self.emulator(*emulator)
        self.file = self.scratch / "out" / "token"
        outputs = [{"format": "raw", "path": str(self.file)},
                   {"format": "header", "path": str(self.scratch / "out" / "header")}]
        self.path = self.account(self.world.named(account), name="job", outputs=outputs, **changes)
        agent = self.agent("-c", self.path, environment=self.environment(self.world))
        return agent

    def reads(self, token):
        request = urllib.request.Request(self.world.url + "/reader",
                                         headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_it_is_delivered_and_replaced_before_its_exp(self):
        agent = self.start("--platform", "github", "--token-lifetime", "github=8")
        self.await_ready(agent)
        first = self.file.read_text()
        secrets.add(first)
        self.assertEqual(self.reads(first), 200)
        end = claims(first)["exp"]
        wait_for(lambda: self.file.read_text() != first, "a new token")
        self.assertLess(time.time(), end, "it was replaced only after its end")
        secrets.add(self.file.read_text())
        self.assertEqual(self.reads(self.file.read_text()), 200)
        self.assertEqual(self.reads("x" + first), 401)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_curl_reads_the_header_from_its_file(self):
        self.await_ready(self.start("--platform", "github"))
        command = ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]
        header = f"@{self.scratch / 'out' / 'header'}"
        done = subprocess.run([*command, "-H", header, self.world.url + "/reader"],
                              capture_output=True, timeout=30)
        self.assertEqual(done.stdout, b"200", done.stderr)

    def test_a_source_that_cannot_renew_is_said_at_once(self):
        self.world = self.emulator("--platform", "gcp")
        token = self.world_token("https://reader.example", 600)
        path = self.account({"type": "external_account", "service": "token",
                             "credentialSource": {"environment": "MY_TOKEN"}}, name="job")
        check = self.wif("check", "-c", path)
        self.assertEqual(check.returncode, 0)
        self.assertIn(b"gives no other token later", check.stderr + check.stdout)
        environment = self.environment(self.world, MY_TOKEN=token)
        agent = self.agent("-c", path, environment=environment)
        self.await_ready(agent)
        self.assertEqual(self.the_account()["renewable"], False)
        self.assertIn("cannot give another", agent.text())

    def world_token(self, audience, lifetime):
        now = int(time.time())
        data = {"issuer": "gcp", "claims": {"aud": audience, "sub": "workload", "iat": now,
                                            "exp": now + lifetime}}
        request = urllib.request.Request(self.world.url + "/_emulator/token",
                                         data=json.dumps(data).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            token = reply.read().decode().strip()
        secrets.add(token)
        return token

    def test_without_an_exp_lifetime_counts(self):
        path = self.account({"type": "external_account", "service": "token", "lifetime": 120,
                             "credentialSource": {"file": str(self.scratch / "opaque")}},
                            name="job")
        (self.scratch / "opaque").write_text("opaque-token-of-the-platform")
        secrets.add("opaque-token-of-the-platform")
        done = self.wif("get", "--fresh", "-c", path, "--format", "json", records=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"is no JWT: it is taken to live 120 s", done.stderr)
        self.assertEqual(json.loads(done.stdout)["access_token"], "opaque-token-of-the-platform")

    def test_what_is_refused(self):
        self.world = self.emulator("--platform", "gcp")
        old = self.world_token("https://reader.example", -5)
        good = self.world_token("https://reader.example", 600)
        (self.scratch / "old").write_text(old)
        (self.scratch / "good").write_text(good)
        rows = [
            ("old", {}, 75, "expired"),
            ("good", {"issuerUri": "https://other.example"}, 69, "issuerUri is https://other"),
            ("good", {"tokenUrl": "https://sts.example/token"}, 78, "has none"),
            ("good", {"clientId": "x"}, 78, "has none"),
        ]
        for file, change, code, text in rows:
            with self.subTest(f"{file} {change}"):
                path = self.account({
                    "type": "external_account", "service": "token",
                    "credentialSource": {"file": str(self.scratch / file)}, **change}, name="job")
                done = self.wif("get", "--fresh", "-c", path, "--timeout", 1)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr.decode())

    def test_doctor_and_revoke(self):
        self.world = self.emulator("--platform", "github")
        path = self.account(self.world.named("token-github"), name="job")
        done = self.wif("doctor", "-c", path, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(b"the token is the credential", done.stdout)
        done = self.wif("revoke", "-c", path, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78, done.stderr)
