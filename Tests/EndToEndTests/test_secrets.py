"""No secret is where it does not belong: in anything printed, any command line, any core file.

What the other tests print is held against it at the end of each class (world.py).
"""

import base64
import json
import os
import pathlib
import signal
import subprocess

import world
from world import World, assert_no_secret_shown, forms, printed, secrets, wait_for


class Secrets(World):
    def test_what_runs_shows_none(self):
        emulator = self.emulator("--platform", "gcp,azure,github", "--credential-lifetime", "3")
        accounts = []
        for name in ["gcp", "azure", "github"]:
            path = self.account(emulator.named(f"mondoo-{name}"), name=name)
            accounts += ["-c", path]
        agent = self.agent(*accounts, "--log-level", "debug", environment=self.environment(emulator))
        self.await_ready(agent)
        lines = set()
        def watch():
            for process in pathlib.Path("/proc").iterdir():
                if process.name.isdigit():
                    try:
                        line = (process / "cmdline").read_bytes()
                    except OSError:
                        continue
                    if b"wif-" in line:
                        lines.add(line)
            return self.status()["accounts"][0]["refreshes"] >= 3
        wait_for(watch, "three refreshes")
        emulator.fault(match={"path": "/SecureTokenService/"}, grpc=16)
        self.control("refresh")
        # A service that quotes what it was sent.
        token = next(issued["value"] for issued in emulator.ask("/_emulator/issued")["issued"]
                     if issued["value"].startswith("eyJ"))
        emulator.heal()
        emulator.fault(match={"path": "/SecureTokenService/"}, status=401,
                       body={"code": 16, "message": f"bad token {token} refused"})
        self.control("refresh")
        for path in ["/status", "/metrics", "/readyz"]:
            world.remember(self.http(path)[1], path)
        for line in lines:
            world.remember(line, "command line")
        agent.stop()
        emulator.stop()
        self.assert_clean()

    def test_a_crash_of_a_worker_shows_none(self):
        emulator = self.emulator("--platform", "gcp")
        emulator.fault(match={"path": "/SecureTokenService/"}, delay=3, times=1)
        os.chdir(self.scratch)
        self.addCleanup(os.chdir, "/")
        agent = self.agent("-c", self.account(emulator.account), "--log-level", "debug",
                           environment=self.environment(emulator), cwd=self.scratch)
        def worker():
            done = subprocess.run(["pgrep", "-P", str(agent.pid)], capture_output=True)
            return done.stdout.split() if emulator.exchanges() else None
        pid = int(wait_for(worker, "the exchange")[0])
        # Its memory is closed to others of its user, and no core may hold it.
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0")
        os.kill(pid, signal.SIGSEGV)
        self.await_ready(agent)
        self.assertIn("signal 11", agent.text())
        self.assertEqual([name for name in os.listdir(self.scratch) if "core" in name], [])
        agent.stop()
        emulator.stop()
        self.assert_clean()

    # Opaque tokens, which nothing but the worker's knowledge of them tells from other words.
    def test_a_service_that_quotes_what_it_was_sent_shows_none(self):
        service = self.service()
        proof, key = world.mint("glpat-"), world.mint()
        file = self.scratch / "proof"
        file.write_text(proof)
        source = {"url": f"{service.url}/source", "headers": {"X-Vault": key},
                  "format": {"type": "json", "subjectTokenFieldName": "it"}}
        accounts = {"file": service.account({"file": str(file)}), "url": service.account(source)}
        def written(secret):
            wrapped = "\n".join(secret[at:at + 32] for at in range(0, len(secret), 32))
            return [secret, wrapped, secret.replace("a", "a/"), secret[5:29], secret.encode().hex(),
                    base64.b64encode(secret.encode()).decode(),
                    base64.b64encode(b"user:" + secret.encode()).decode()]
        for name, account in accounts.items():
            sent = proof if name == "file" else key
            for way, quoted in enumerate(written(sent)):
                with self.subTest(account=name, way=way):
                    def answer(path, body, token, quoted=quoted):
                        said = {"error": "invalid_grant", "error_description": f"bad {quoted}, no"}
                        status = 200 if path == "/source" and name == "file" else 403
                        return status, json.dumps(said)
                    service.answer = answer
                    done = self.wif("get", "--fresh", "-c", self.account(account, name=name),
                                    "--timeout", 0)
                    self.assertIn(done.returncode, [69, 75, 77, 78], done.stderr)
                    self.assertIn(b"bad <redacted>", done.stderr)
        service.answer = lambda path, body, token: (
            (503, f"{body} is still busy") if path == "/revoke" else None)
        path = self.account(accounts["file"], name="file")
        output = self.scratch / "out" / "token"
        agent = self.agent("-c", path, "--output", f"raw:{output}", "--log-level", "debug",
                           environment=self.environment())
        self.await_ready(agent)
        self.control("revoke", "-c", path)
        self.control("refresh")
        for page in ["/status", "/metrics", "/readyz"]:
            world.remember(self.http(page)[1], page)
        agent.stop()
        for command in [["doctor", "-c", path], ["exec", "-c", path, "--", "true"]]:
            self.wif(*command)
        self.assertGreater(len(service.minted), 4)
        self.assert_clean()

    def assert_clean(self):
        self.assertTrue(secrets and printed)
        assert_no_secret_shown()

    def test_the_search_finds_what_is_there(self):
        secret = "that-which-an-emulator-handed-out"
        secrets.add(secret)
        self.addCleanup(secrets.remove, secret)
        printed.append((b"log: " + secret.encode() + b"\n", "a program"))
        self.addCleanup(printed.pop)
        with self.assertRaisesRegex(AssertionError, "a program"):
            assert_no_secret_shown()

    def test_every_form_is_searched_for(self):
        secret = "eyJhbGciOiJSUzI1NiJ9.c29tZSBwYXlsb2FkIHRoYXQgaXMgbG9uZw.c2lnbmF0dXJl"
        self.assertTrue(any(form in secret.encode() for form in forms(secret)))
        self.assertTrue(any(form in secret[24:48].encode().hex().encode() for form in forms(secret)))
