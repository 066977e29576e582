"""The platform's own token as the credential, kept fresh in files."""

import base64
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from world import Process, World, secrets, wait_for

# Beside promtool, where check.sh has unpacked both; elsewhere what is installed.
UNPACKED = pathlib.Path(os.environ.get("PROMTOOL", "/nonexistent")).with_name("prometheus")
PROMETHEUS = shutil.which("prometheus") or (str(UNPACKED) if UNPACKED.exists() else None)


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

    @unittest.skipUnless(PROMETHEUS, "needs prometheus")
    def test_prometheus_reads_its_credentials_file_anew(self):
        self.await_ready(self.start("--platform", "github", "--token-lifetime", "github=8"))
        seen = []  # The token of each scrape, and whether its reader takes it.

        class Target(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
                status = self.reads(token)
                secrets.add(token)
                seen.append((token, status))
                handler.send_response(status)
                handler.send_header("Content-Type", "text/plain; version=0.0.4")
                handler.end_headers()
                handler.wfile.write(b"temperature 21\n")

            def log_message(handler, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        configuration = self.scratch / "prometheus.yml"
        configuration.write_text(json.dumps({"scrape_configs": [{
            "job_name": "target", "scrape_interval": "1s", "scrape_timeout": "1s",
            "authorization": {"credentials_file": str(self.file)},
            "static_configs": [{"targets": [f"127.0.0.1:{server.server_port}"]}]}]}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        prometheus = Process(
            [PROMETHEUS, f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={self.scratch / 'tsdb'}"],
            self.scratch / "prometheus.log", {"PATH": os.environ["PATH"]})
        self.addCleanup(prometheus.stop)
        wait_for(lambda: len({token for token, _ in seen}) >= 2, "a scrape with a second token")
        self.assertEqual({status for _, status in seen}, {200})

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
        self.assertIn(b"is not a JWT: it is taken to live 120 s", done.stderr)
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
