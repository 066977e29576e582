"""What a service or what is in front of it may answer, and what becomes of the credential."""

import base64
import json

from world import World, secrets

PATH = {"path": "/SecureTokenService/"}

# name: (fault, exit code of get)
REPLIES = {
    "503": ({"status": 503}, 75),
    "500 internal": ({"grpc": 13}, 75),
    "429 with patience": ({"status": 429, "headers": {"Retry-After": "120"}}, 75),
    "unauthenticated": ({"grpc": 16}, 77),
    "denied": ({"grpc": 7}, 77),
    "bad request": ({"grpc": 3}, 77),
    "HTML with status 200": ({"status": 200, "body": "<html>Sign in</html>"}, 75),
    "an empty 200": ({"status": 200, "body": ""}, 75),
    "an object without the field": ({"status": 200, "body": {}}, 75),
    "no base64": ({"status": 200, "body": {"base64_credential": "%%%"}}, 75),
    "base64 of no JSON": ({"status": 200, "body": {"base64_credential": "AAAA"}}, 75),
    "an answer without end": ({"endless": True}, 75),
    "an answer over the limit": ({"size": 2 << 20}, 75),
    "dropped before the headers": ({"drop": "before-headers"}, 75),
    "dropped after the headers": ({"drop": "after-headers"}, 75),
    "dropped in the body": ({"drop": "mid-body"}, 75),
    "a redirect": ({"redirect": "https://elsewhere.example/"}, 77),
}


class Replies(World):
    def test_each_reply_has_its_exit_code(self):
        world = self.emulator("--platform", "gcp")
        path = self.account(world.account)
        for name, (fault, code) in REPLIES.items():
            with self.subTest(name):
                world.fault(match=PATH, **fault)
                done = self.wif("get", "--fresh", "-c", path, "--timeout", 0,
                                environment=self.environment(world))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, b"")
                self.assertTrue(done.stderr.startswith(b"wif-agent: "), done.stderr)
                world.heal()
                done = self.wif("get", "--fresh", "-c", path, records=False,
                                environment=self.environment(world))
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_working_credential_outlives_every_reply(self):
        world = self.emulator("--platform", "gcp")
        file = self.scratch / "out" / "mondoo.json"
        agent = self.agent("-c", self.account(world.account), "--output", f"json:{file}",
                           environment=self.environment(world))
        self.await_ready(agent)
        kept = file.read_bytes()
        for name, (fault, _) in REPLIES.items():
            with self.subTest(name):
                world.fault(match=PATH, **fault)
                before = self.the_account()["failures_in_a_row"]
                done = self.control("refresh")
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(file.read_bytes(), kept)
                self.assertEqual(self.the_account()["state"], "valid")
                self.assertGreater(self.the_account()["failures_in_a_row"], before)
                world.heal()
        self.assertEqual(self.control("refresh").returncode, 0)
        self.assertNotEqual(file.read_bytes(), kept)
        self.assertEqual(self.the_account()["failures_in_a_row"], 0)

    def test_a_credential_for_elsewhere_is_refused(self):
        world = self.emulator("--platform", "gcp")
        file = self.scratch / "out" / "mondoo.json"
        agent = self.agent("-c", self.account(world.account), "--output", f"json:{file}",
                           environment=self.environment(world))
        self.await_ready(agent)
        kept = file.read_bytes()
        other = "//captain.api.mondoo.app/spaces/another"
        for changes, words in [({"api_endpoint": "file:///etc/shadow"}, "api_endpoint is not a URL"),
                               ({"api_endpoint": "https://evil.example"}, "api_endpoint is at"),
                               ({"space_mrn": other}, "space_mrn is"),
                               ({"scope_mrn": other}, "scope_mrn is"),
                               ({"mrn": other + "/serviceaccounts/x"}, "the credential's mrn is")]:
            with self.subTest(changes):
                document = json.dumps({**json.loads(kept), **changes}).encode()
                credential = base64.b64encode(document).decode()
                secrets.add(credential)
                world.fault(match=PATH, status=200, body={"base64_credential": credential})
                done = self.control("refresh")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr.decode())
                self.assertEqual(file.read_bytes(), kept)
                self.assertEqual(self.the_account()["state"], "valid")
                world.heal()

    def test_transient_failures_are_tried_again_by_get(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match=PATH, status=503, times=2)
        done = self.wif("get", "--fresh", "-c", self.account(world.account), records=False,
                        environment=self.environment(world), deadline=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(world.exchanges(), 3)

    def test_gcp_without_its_header_is_no_gcp(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match={"role": "gcp"}, headers={"Metadata-Flavor": None})
        done = self.wif("get", "--fresh", "-c", self.account(world.account), "--timeout", 1,
                        environment=self.environment(world))
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(b"Metadata-Flavor", done.stderr)
