"""`wif-agent provider`: Mondoo's identity providers, from their making to their end."""

import http.server
import json
import os
import pty
import stat
import subprocess
import threading

from machine import needs
from world import BIN, World, remember, root_only

SCOPE = "//captain.api.mondoo.app/spaces/team"


class Provider(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator()
        self.url = self.world.account["universeDomain"]
        self.token = self.world.environment["MONDOO_API_TOKEN"]
        self.out = self.scratch / "made.json"

    def provider(self, *arguments, environment=None, url=None, **options):
        return self.wif("provider", *arguments, "--universe-domain", url or self.url,
                        environment=self.environment(self.world) if environment is None
                        else environment, **options)

    def make(self, *arguments, **options):
        claims = json.loads(self.wif(
            "token", "-c", self.account(self.world.account, name="first"),
            environment=self.environment(self.world)).stdout)
        return self.provider(
            "create", "--scope", SCOPE, "--name", "scanners", "--issuer", claims["iss"],
            "--subject", claims["sub"], "--out", self.out, *arguments, **options)

    def listed(self, scope=SCOPE):
        done = self.provider("list", "--scope", scope, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_whole_road(self):
        self.assertEqual(self.listed(), [])
        done = self.make("--role", "viewer", "--expiration", "900", "--description", "d",
                         "--mapping", "jwt_claims.email = " + self.email())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(stat.S_IMODE(self.out.stat().st_mode), 0o600)
        config = json.loads(self.out.read_text())
        self.assertEqual(config["type"], "external_account")
        self.assertEqual(config["audience"], SCOPE)

        # The file gives a credential, as it is.
        done = self.wif("get", "-c", self.out, "--format", "json",
                        environment=self.environment(self.world), records=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        credential = json.loads(done.stdout)
        self.assertEqual(credential["space_mrn"], SCOPE)

        bindings = self.listed()
        self.assertEqual([b["name"] for b in bindings], ["scanners"])
        self.assertEqual(bindings[0]["roles"], ["//iam.api.mondoo.app/roles/viewer"])
        self.assertIsNotNone(bindings[0]["lastUsed"])
        mrn = bindings[0]["mrn"]
        table = self.provider("list", "--scope", SCOPE).stdout.decode()
        self.assertIn("scanners", table)
        self.assertIn("900 s", table)
        shown = self.provider("get", mrn)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(b"mapping      jwt_claims.email = ", shown.stdout)

        # The account file can be had again.
        again = self.scratch / "again.json"
        done = self.provider("get", mrn, "--out", again)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(again.read_text()), config)
        self.assertIn(b"next: wif-agent doctor -c", done.stderr)
        done = self.wif("get", "-c", self.out, "--format", "json",
                        environment=self.environment(self.world), records=False)

        # The credential is a service account, which may manage providers as well.
        account = self.scratch / "service-account.json"
        account.write_bytes(done.stdout)
        bare = {"PATH": os.environ["PATH"]}
        done = self.wif("provider", "get", mrn, "--service-account", account, "--json",
                        environment=bare)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["binding"]["description"], "d")

        done = self.provider("remove", mrn)
        self.assertEqual(done.returncode, 64, "nobody was there to ask")
        self.assertEqual(len(self.listed()), 1)
        done = self.provider("remove", mrn, "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"its service account", done.stderr)
        self.assertEqual(self.listed(), [])
        # With the provider its service account went.
        done = self.wif("provider", "get", mrn, "--service-account", account, environment=bare)
        self.assertEqual(done.returncode, 77, done.stderr)
        done = self.wif("get", "-c", self.out, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 77, done.stderr)

    def email(self):
        return json.loads(self.wif(
            "token", "-c", self.account(self.world.account, name="first"),
            environment=self.environment(self.world)).stdout)["email"]

    def answer(self, mrn, text):
        """What `remove` says on a terminal to that answer."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BIN / "wif-agent", [
                "wif-agent", "provider", "remove", mrn, "--universe-domain", self.url],
                self.environment(self.world))
        data = b""
        try:
            while piece := os.read(terminal, 65536):
                data += piece
                if b"[y/N]" in data and text:
                    os.write(terminal, text)
                    text = b""
        except OSError:
            pass
        os.close(terminal)
        self.assertEqual(os.waitpid(child, 0)[1], 0, data)
        remember(data, "terminal")
        return data.decode()

    @needs("terminals")
    def test_remove_asks(self):
        self.assertEqual(self.make().returncode, 0)
        mrn = self.listed()[0]["mrn"]
        said = self.answer(mrn, b"\n")
        self.assertIn("Its service account and all its credentials go with it", said)
        self.assertIn("nothing was removed", said)
        self.assertEqual(len(self.listed()), 1)
        self.assertIn("removed //", self.answer(mrn, b"y\n"))
        self.assertEqual(self.listed(), [])

    def test_a_file_that_is_there_stays(self):
        self.out.write_text("mine")
        done = self.make()
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"is not overwritten", done.stderr)
        self.assertEqual(self.out.read_text(), "mine")
        # Found before anything was made.
        self.assertEqual(self.listed(), [])
        self.out = self.scratch / "absent" / "made.json"
        done = self.make()
        self.assertEqual(done.returncode, 74)
        self.assertEqual(json.loads(done.stdout)["audience"], SCOPE)
        self.assertIn(b"printed above", done.stderr)
        self.out = "-"
        done = self.make()
        self.assertEqual((done.returncode, json.loads(done.stdout)["audience"]), (0, SCOPE))

    AWS = "https://sts.amazonaws.com"
    # arguments that replace those of a good command, a part of the message
    WRONG = [
        (["--expiration", "0"], "1 to 86400"), (["--expiration", "86401"], "1 to 86400"),
        (["--expiration", "1h"], "1 to 86400"), (["--role", "admin"], "agent, viewer"),
        (["--role", "veiwer"], "did you mean viewer?"), (["--mapping", "a"], "KEY = VALUE"),
        (["--mapping", "jwt.a=b"], "unknown prefix"), (["--mapping", "aws_claims.arn=b"], "issuer"),
        (["--mapping", "jwt_claims.a=1", "--mapping", "jwt_claims.a=2"], "twice"),
        (["--issuer", AWS, "--audience", "x"], "no audience"),
        (["--issuer", AWS, "--mapping", "jwt_claims.a=b"], "aws_claims"),
        (["--issuer", "accounts.google.com"], "no URL"), (["--subject", ""], "--subject is missing"),
        (["--scope", " "], "--scope is missing"), (["--scope", "banana"], "is not the MRN of a space"),
        (["--scope", "//captain.api.mondoo.app/space/x"], "is not the MRN of a space"),
        (["--issuer", "http://login.example.com"], "not https"),
        (["--issuer", "https://login.example.com "], "a space before or after"),
        (["--subject", "workload "], "a space before or after"), (["--audience", " x"], "a space before or after"),
        (["--role", "//iam.api.mondoo.app/role/x"], "is not an MRN"),
    ]

    def test_limits_are_checked_before_anything_is_sent(self):
        for arguments, message in self.WRONG:
            with self.subTest(arguments=arguments):
                done = self.make(*arguments)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn(message, done.stderr.decode())
        self.assertFalse(self.out.exists())
        self.assertEqual(self.listed(), [])

    def test_a_role_that_the_page_does_not_name(self):
        done = self.make("--role", "//iam.api.mondoo.app/roles/auditor")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"cannot be told here", done.stderr)
        self.assertEqual(self.listed()[0]["roles"], ["//iam.api.mondoo.app/roles/auditor"])

    @root_only
    def test_the_account_file_is_where_the_units_look_and_theirs_to_read(self):
        script = ("mount -t tmpfs none /etc && echo root:x:0:0::/:/bin/sh > /etc/passwd"
                  " && echo wif-agent:x:777: > /etc/group && mkdir -m 750 /etc/wif-agent"
                  " && \"$@\" && stat -c '%a %g %u' /etc/wif-agent/mondoo.json")
        command = ["unshare", "-m", "sh", "-c", script, "sh", BIN / "wif-agent", "provider",
                   "create", "--scope", SCOPE, "--name", "n", "--issuer", "https://accounts.google.com",
                   "--subject", "1", "--universe-domain", self.url]
        done = subprocess.run([str(word) for word in command], capture_output=True, timeout=60,
                              env=self.environment(self.world))
        self.assertEqual(done.stdout, b"640 777 0\n", done.stderr)
        self.assertIn(b"systemctl enable --now wif-agent", done.stderr)

    def test_usage(self):
        for arguments, message in (
                ([], "a subcommand is missing"), (["creat"], "did you mean create?"),
                (["get"], "the provider's MRN is missing"), (["list", "x"], "unexpected argument"),
                (["list"], "--scope is missing"),
                (["list", "--scope", "x", "--order-by", "a:up"], "FIELD or FIELD:desc")):
            done = self.provider(*arguments)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(message, done.stderr.decode())

    def test_who_asks(self):
        bare = {"PATH": os.environ["PATH"]}
        done = self.provider("list", "--scope", SCOPE, environment=bare)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"MONDOO_API_TOKEN", done.stderr)
        done = self.provider("list", "--scope", SCOPE,
                             environment={**bare, "MONDOO_API_TOKEN": "wrong"})
        self.assertEqual(done.returncode, 77, done.stderr)
        file = self.scratch / "token"
        file.write_text(self.token + "\n")
        done = self.provider("list", "--scope", SCOPE, "--token-file", file, environment=bare)
        self.assertEqual(done.returncode, 0, done.stderr)
        file.write_text("two\nlines")
        done = self.provider("list", "--scope", SCOPE, "--token-file", file, environment=bare)
        self.assertEqual(done.returncode, 78, done.stderr)
        done = self.provider("list", "--scope", SCOPE, "--token-file", self.scratch / "absent")
        self.assertEqual(done.returncode, 66)
        file.write_text('{"type":"external_account"}')
        done = self.provider("list", "--scope", SCOPE, "--service-account", file)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"no private_key", done.stderr)

    # status, body, exit code, a part of the message
    REPLIES = [
        (200, {"data": None, "errors": [{"message": "no such scope"}]}, 77, "no such scope"),
        (200, {"data": {"listWIFAuthBindings": {"bindings": []}},
               "errors": [{"message": "half"}]}, 77, "the reply has listWIFAuthBindings too"),
        (200, b"<html>hello</html>", 75, "without GraphQL's data"),
        (200, {"data": {}}, 75, "does not say"), (200, {}, 75, "without GraphQL's data"),
        (401, b"", 77, "has expired"), (403, {"errors": []}, 77, "Owner"),
        (404, b"<html>", 77, "--endpoint"), (502, b"<html>bad gateway</html>", 75, "status 502"),
        (429, b"", 75, "status 429"),
    ]

    def mondoo(self):
        """A Mondoo that answers what was last put into the list, as status and body; and its URL."""
        replies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                status, body = replies[-1]
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return replies, f"http://127.0.0.1:{server.server_port}"

    def test_what_mondoo_may_answer(self):
        replies, url = self.mondoo()
        for status, body, code, message in self.REPLIES:
            with self.subTest(status=status, body=body):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                replies.append((status, data))
                done = self.provider("list", "--scope", SCOPE, "--timeout", "0",
                                     url=url)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(message, done.stderr.decode())
                self.assertNotIn(self.token, done.stderr.decode())

    def test_mondoo_cannot_have_programs_run(self):
        replies, url = self.mondoo()
        config = {"type": "external_account", "audience": SCOPE, "issuerUri": url,
                  "universeDomain": url, "subjectTokenType": None, "scopes": None}
        more = {"credentialSource": {"executable": {"command": "/bin/touch /tmp/x"}},
                "onRefresh": [{"command": ["/bin/true"]}],
                "outputs": [{"path": "/etc/cron.d/x"}], "JWT_TOKEN": "x"}
        replies.append((200, json.dumps({"data": {"createWIFAuthBinding": {
            "binding": {"mrn": "//m"}, "config": config | more}}}).encode()))
        done = self.make(url=url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(self.out.read_text()), config)


if __name__ == "__main__":
    import unittest

    unittest.main()
