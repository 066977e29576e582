"""Every RFC 8693 service with tokens of several issuers, over TLS; revocation."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from world import World, secrets, wait_for

SERVICES = {
    "conductorone": "CONDUCTORONE_ACCESS_TOKEN",
    "bright": "BRIGHT_TOKEN",
    "oauth": "ACCESS_TOKEN",
    "google": "ACCESS_TOKEN",
}


class Services(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp,github,gitlab", "--tls")

    def get(self, path, *arguments, **variables):
        return self.wif("get", "--fresh", "-c", path, "--timeout", 5, *arguments, records=False,
                        environment=self.environment(self.world, **variables))

    def job_token(self, account):
        """What a pipeline whose `id_tokens` names the account's audience would have."""
        audience = (account.get("tokenAudience") or account.get("audience") or "acme.conductor.one")
        request = urllib.request.Request(
            self.world.url + "/_emulator/token",
            data=json.dumps({"issuer": "gitlab", "claims": {
                "aud": audience, "sub": "project_path:acme/app:ref_type:branch:ref:main"}}).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            return {"GITLAB_OIDC_TOKEN": reply.read().decode().strip()}

    def test_each_with_tokens_of_three_issuers(self):
        for service, variable in SERVICES.items():
            for platform in ["gcp", "github", "gitlab"]:
                with self.subTest(f"{service} with {platform}"):
                    path = self.account(self.world.named(f"{service}-{platform}"),
                                        name=f"{service}-{platform}",
                                        credentialSource={"provider": platform})
                    account = self.world.named(f"{service}-{platform}")
                    job = self.job_token(account) if platform == "gitlab" else {}
                    done = self.get(path, **job)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    token = done.stdout.decode()
                    self.assertRegex(token, r"^[\x21-\x7e]+$")
                    secrets.add(token)
                    document = json.loads(self.get(path, "--format", "json", **job).stdout)
                    self.assertEqual(set(document), {"access_token", "token_type", "expires_at"})
                    scheme = "Api-Key" if service == "bright" else "Bearer"
                    header = self.get(path, "--format", "header", **job).stdout.decode()
                    self.assertTrue(header.startswith(f"Authorization: {scheme} "), header[:30])
                    env = self.get(path, "--format", "env", **job).stdout.decode()
                    self.assertIn(f"export {variable}='", env)
                    self.assertEqual("CONDUCTORONE_CLIENT_ID" in env, service == "conductorone")

    def test_a_refusal_says_what_to_change(self):
        account = self.world.named("conductorone-gcp")
        path = self.account(account, tokenAudience="https://elsewhere.example")
        done = self.get(path)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn(b"https://elsewhere.example", done.stderr)
        self.assertIn(b"hint: ", done.stderr)


class Variables(World):
    """What the services' own variables say where a file does not, or where there is no file."""

    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gitlab")

    def token(self, audience):
        request = urllib.request.Request(
            self.world.url + "/_emulator/token",
            data=json.dumps({"issuer": "gitlab", "claims": {
                "aud": audience, "sub": "project_path:acme/app:ref_type:branch:ref:main"}}).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            token = reply.read().decode().strip()
        secrets.add(token)
        return token

    @unittest.skipIf(os.path.exists("/etc/wif-agent"), "accounts are installed here")
    def test_conductorone_without_a_file(self):
        account = self.world.named("conductorone-gitlab")
        environment = {
            "PATH": os.environ["PATH"], "CONDUCTORONE_CLIENT_ID": account["clientId"],
            "CONDUCTORONE_SERVER_URL": account["tokenUrl"].removesuffix("/auth/v1/token"),
            "CONDUCTORONE_OIDC_TOKEN": self.token("acme.conductor.one")}
        done = self.wif("get", "--fresh", "--format", "json", environment=environment, records=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(json.loads(done.stdout)["access_token"])
        shown = self.wif("exec", "--", "/bin/sh", "-c", "echo $CONDUCTORONE_CLIENT_ID",
                         environment=environment)
        self.assertEqual(shown.stdout.decode().strip(), account["clientId"], shown.stderr)
        del environment["CONDUCTORONE_CLIENT_ID"]
        done = self.wif("get", "--fresh", environment=environment)
        self.assertEqual(done.returncode, 64, done.stderr)

    def test_brights_project_and_installation(self):
        account = self.world.named("bright-gitlab")
        path = self.account({"type": "external_account", "service": "bright",
                             "credentialSource": {"environment": "JOB_TOKEN"}}, name="bright")
        environment = {
            "PATH": os.environ["PATH"], "BRIGHT_PROJECT_ID": account["projectId"],
            "BRIGHT_BASE_URL": account["tokenUrl"].removesuffix("/api/v1/token"),
            "JOB_TOKEN": self.token(account["audience"])}
        done = self.wif("get", "--fresh", "-c", path, environment=environment, records=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(done.stdout.decode())
        # It is that project's, and no other's.
        environment["BRIGHT_PROJECT_ID"] = "another"
        done = self.wif("get", "--fresh", "-c", path, environment=environment)
        self.assertEqual(done.returncode, 77, done.stderr)


class Revocation(World):
    """A Bright token's end, as Bright's own API sees it."""

    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "github", "--tls")
        self.file = self.scratch / "out" / "token"

    def works(self, token):
        base = self.account_file["tokenUrl"].rsplit("/api/", 1)[0]
        project = self.account_file["projectId"]
        request = urllib.request.Request(
            f"{base}/api/v1/projects/{project}", headers={"Authorization": f"Api-Key {token}"})
        context = ssl.create_default_context(cafile=str(self.world.directory / "ca.pem"))
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as reply:
                return reply.status == 200
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 401)
            return False

    def start(self, **changes):
        self.account_file = self.world.named("bright-github")
        outputs = [{"format": "raw", "path": str(self.file)}]
        path = self.account(self.account_file, name="bright", outputs=outputs, **changes)
        agent = self.agent("-c", path, environment=self.environment(self.world))
        self.await_ready(agent)
        return agent, self.file.read_text()

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_curl_reads_the_header_from_its_file(self):
        self.account_file = self.world.named("bright-github")
        header = self.scratch / "out" / "header"
        path = self.account(self.account_file, name="bright",
                            outputs=[{"format": "header", "path": str(header)}])
        self.await_ready(self.agent("-c", path, environment=self.environment(self.world)))
        base = self.account_file["tokenUrl"].rsplit("/api/", 1)[0]
        url = f"{base}/api/v1/projects/{self.account_file['projectId']}"

        def curl(*more):
            command = ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}",
                       "--cacert", str(self.world.directory / "ca.pem"), *more, url]
            return subprocess.run(command, capture_output=True, timeout=30).stdout
        self.assertEqual(curl(), b"401")
        self.assertEqual(curl("-H", f"@{header}"), b"200")
        # The file is kept fresh, and its new header is a good one.
        old = header.read_bytes()
        self.assertEqual(self.control("refresh").returncode, 0)
        wait_for(lambda: header.read_bytes() != old, "a new header")
        self.assertEqual(curl("-H", f"@{header}"), b"200")

    def test_on_request(self):
        agent, token = self.start()
        self.assertTrue(self.works(token))
        done = self.control("revoke", "-c", self.scratch / "bright.json",
                            environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(self.works(token))
        wait_for(lambda: self.file.exists() and self.file.read_text() != token, "a new token")
        self.assertTrue(self.works(self.file.read_text()))

    def test_at_the_end_where_wanted(self):
        agent, token = self.start(revokeOnExit=True)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertFalse(self.works(token))
        self.assertFalse(self.file.exists())

    def test_not_at_the_end_otherwise(self):
        agent, token = self.start()
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertTrue(self.works(token))
        self.assertEqual(self.file.read_text(), token)

    def test_after_a_command(self):
        self.account_file = self.world.named("bright-github")
        path = self.account(self.account_file, name="bright")
        done = self.wif("exec", "-c", path, "--", "sh", "-c", 'printf %s "$BRIGHT_TOKEN"; exit 7',
                        records=False, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertFalse(self.works(done.stdout.decode()))

    def test_an_endpoint_that_hangs_holds_nobody_up(self):
        agent, token = self.start(revokeOnExit=True)
        self.world.fault(match={"path": "/api/v1/revoke"}, delay=60)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(15), 0)
        self.assertFalse(self.file.exists())
