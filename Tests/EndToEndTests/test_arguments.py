"""Commands whose words are files, accounts or `-`: they mean what the manual says."""

import json
import unittest

from world import World


class Words(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.variables = self.environment(self.world)
        self.variables.pop("MONDOO_CONFIG_PATH", None)

    def test_doctor_takes_files(self):
        good = self.account(self.world.account, name="good")
        bad = self.account(self.world.account, name="bad", audience=None)
        done = self.control("doctor", "--json", good, bad, environment=self.variables)
        report = json.loads(done.stdout)
        self.assertEqual([one["file"] for one in report["accounts"]], [str(good), str(bad)])
        self.assertEqual([one["ok"] for one in report["accounts"]], [True, False])
        self.assertEqual((done.returncode, report["exit_code"]), (78, 78))
        # The same file named in both ways is one account; a relative path is this directory's.
        done = self.control("doctor", "--json", "-c", good, good, environment=self.variables)
        self.assertEqual(len(json.loads(done.stdout)["accounts"]), 1)
        self.assertEqual(done.returncode, 0)

    def test_a_variable_that_names_no_account_is_mentioned(self):
        key = {"mrn": "//a", "private_key": "x", "certificate": "y", "space_mrn": "//s"}
        service = self.account(json.dumps(key), name="service")
        for path, words in [(self.scratch, "not a regular file"), ("/nonexistent/x", "No such file"),
                            (service, "is a service account, which needs no agent")]:
            variables = {**self.variables, "MONDOO_CONFIG_PATH": str(path)}
            for command in ["doctor", "get"]:
                with self.subTest(command, path=path):
                    done = self.wif(command, environment=variables)
                    text = done.stderr.decode()
                    self.assertEqual(done.returncode, 66 if command == "doctor" else 64, text)
                    self.assertIn(f"MONDOO_CONFIG_PATH is set, and {path} ", text)
                    self.assertIn(words, text)
                    self.assertIn("hint: name ", text)

    def test_what_names_a_file_that_is_not_there_is_told(self):
        variables = {**self.variables, "WIF_AGENT_CONFIG": "/nonexistent/old.json"}
        for command in ["check", "get", "doctor"]:
            done = self.wif(command, environment=variables)
            self.assertIn(b"WIF_AGENT_CONFIG names the file", done.stdout + done.stderr, command)

    def test_a_command_in_quotes_and_a_format_of_another_place_are_told(self):
        path = self.account(self.world.account, name="good")
        done = self.wif("exec", "-c", path, "--", "no-such a b", environment=self.variables)
        self.assertEqual(done.returncode, 127, done.stderr)
        self.assertIn(b"leave out the quotes around it, -- no-such a b", done.stderr)
        done = self.wif("get", "-c", path, "--format", "github", environment=self.variables)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"GITHUB_ENV is not set", done.stderr)
        self.assertIn(b"docker run -e GITHUB_ENV", done.stderr)

    def test_an_agent_in_another_directory_is_found(self):
        agent = self.agent("-c", self.account(self.world.account), environment=self.variables)
        self.await_ready(agent)
        done = self.wif("status", "--runtime-dir", self.scratch / "other")
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertRegex(done.stderr.decode(), "one runs in /.*process [0-9]+")

    def test_check_takes_files(self):
        good = self.account(self.world.account, name="good")
        bad = self.account(self.world.account, name="bad", audience=None)
        done = self.wif("check", good, environment=self.variables)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout.startswith(b"good: ok\n  service: mondoo\n"), done.stdout)
        done = self.wif("check", good, bad, environment=self.variables)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"good: ok", done.stdout)
        self.assertIn(f"account file {bad}: audience: is missing".encode(), done.stderr)
        done = self.wif("check", self.scratch / "nothing.json", environment=self.variables)
        self.assertEqual(done.returncode, 66)

    def test_check_names_the_keys_that_are_not_the_services(self):
        path = self.account(self.world.account, lifetime=900, outputs=[], tokenAudience="a")
        done = self.wif("check", path, environment=self.variables)
        line = "  keys of wif-agent's own, beyond Mondoo's pages: lifetime, outputs, tokenAudience\n"
        self.assertIn(line, done.stdout.decode())
        documented = self.account(self.world.account, name="plain")
        done = self.wif("check", documented, environment=self.variables)
        self.assertNotIn(b"keys of", done.stdout)

    def test_status_takes_an_account(self):
        paths = [self.account(self.world.account, name=name) for name in ("one", "two")]
        agent = self.agent("-c", paths[0], "-c", paths[1], environment=self.variables)
        self.await_ready(agent)
        done = self.control("status", "two")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"\ntwo:\n", done.stdout)
        self.assertNotIn(b"\none:\n", done.stdout)
        report = json.loads(self.control("status", "two", "--json").stdout)
        self.assertEqual([one["account"] for one in report["accounts"]], ["two"])
        self.assertEqual(self.control("status", "two", "--check").returncode, 0)
        done = self.control("status", "three")
        self.assertEqual((done.returncode, done.stdout), (66, b""))
        self.assertIn(b"no agent has the account three", done.stderr)

    def test_revoke_takes_the_credential_on_standard_input(self):
        path = self.account(self.world.named("bright-gcp"), name="bright")
        project = self.world.url + "/api/v1/projects/demo"
        got = self.wif("get", "-c", path, "--fresh", environment=self.variables, records=False)
        self.assertEqual(self.authorized(project, got.stdout.decode()), 200)
        done = self.control("revoke", "-c", path, "-", environment=self.variables,
                            stdin=got.stdout + b"\n")
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        self.assertEqual(done.stderr, b"bright: revoked\n")
        self.assertEqual(self.authorized(project, got.stdout.decode()), 401)
        done = self.control("revoke", "-c", path, "-", environment=self.variables)
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"standard input is empty", done.stderr)
        done = self.control("revoke", "-c", path, environment=self.variables)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"nothing was revoked: no running agent serves", done.stderr)
        self.assertIn(b"wif-agent revoke -c FILE -", done.stderr)

    def authorized(self, url, token):
        import urllib.error
        import urllib.request
        request = urllib.request.Request(url, headers={"Authorization": f"Api-Key {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code


if __name__ == "__main__":
    unittest.main()
