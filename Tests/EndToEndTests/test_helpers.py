"""Credential helpers: the programs that ask, and servers that check what they bring."""

import base64
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

from world import BIN, PATIENCE, World, remember, wait_for

KUBECTL = shutil.which("kubectl")
SKOPEO = shutil.which("skopeo")


def needs(program, name):
    return unittest.skipUnless(program, f"needs {name}")


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True
                          ).returncode == 0


class CheckingServer:
    """Answers what `pages` has, to whoever brings a credential that `accepts` takes; `asked` holds the
    Authorization headers that came."""

    def __init__(self, challenge, accepts, pages, certificate=None):
        self.asked, self.pages, self.accepts = [], pages, accepts
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                header = self.headers.get("Authorization")
                server.asked.append(header)
                path = urllib.parse.urlparse(self.path).path
                if header is None or not server.accepts(header):
                    return self.reply(401, b"", ("WWW-Authenticate", challenge))
                page = server.pages(path)
                if page is None:
                    return self.reply(404, b"")
                kind, body = page
                self.reply(200, body, ("Content-Type", kind))

            do_HEAD = do_GET

            def reply(self, status, body, *headers):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def basic(header):
    """The user and password of a Basic header."""
    scheme, value = header.split(" ", 1)
    return base64.b64decode(value).decode().split(":", 1) if scheme == "Basic" else (None, None)


class Helpers(World):
    def setUp(self):
        super().setUp()
        self.tokens = self.service()
        self.minting = self.scratch / "subject"
        self.minting.write_text("subject-token")
        content = self.tokens.account({"file": str(self.minting)})
        self.path = self.account({**content, "revokeOnExit": None}, name="t")
        self.bin = self.scratch / "bin"
        self.bin.mkdir()
        for name in ("git", "docker", "bazel"):
            (self.bin / f"{name}-credential-wif-agent").symlink_to(BIN / "wif-agent")

    def variables(self, **more):
        """For a program that calls a helper by its own name."""
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.scratch),
                "WIF_AGENT_CONFIG": str(self.path), "WIF_AGENT_RUNTIME_DIR": str(self.runtime),
                "WIF_AGENT_WORKER_SOCKET": "none", **more}

    def server(self, challenge, accepts, pages, certificate=None):
        server = CheckingServer(challenge, accepts, pages, certificate)
        self.addCleanup(server.stop)
        return server

    def ask(self, *arguments, stdin="", **variables):
        return self.wif("helper", *arguments, stdin=stdin.encode(), records=False,
                        environment=self.variables(**variables))

    def run_program(self, *command, environment=None):
        done = subprocess.run([str(word) for word in command], capture_output=True, timeout=60,
                              env=environment or self.variables(), stdin=subprocess.DEVNULL)
        remember(done.stdout + done.stderr, command)
        return done


class Git(Helpers):
    def setUp(self):
        super().setUp()
        self.refused = set()
        work = self.scratch / "work"
        environment = {**self.variables(), "GIT_CONFIG_GLOBAL": "/dev/null"}
        for command in (["init", "-q", work], ["-C", work, "-c", "user.name=n", "-c", "user.email=e",
                         "commit", "-q", "--allow-empty", "-m", "the commit"],
                        ["clone", "-q", "--bare", work, self.scratch / "repository"],
                        ["-C", self.scratch / "repository", "update-server-info"]):
            subprocess.run(["git", *map(str, command)], check=True, env=environment)
        self.place = self.server('Basic realm="git"', self.accepts, self.page)
        self.url = f"http://127.0.0.1:{self.place.port}/repository"

    def accepts(self, header):
        user, password = basic(header)
        return (user in ("x-access-token", "somebody") and password in self.tokens.minted
                and password not in self.refused)

    def page(self, path):
        """The protocol of files alone. gitprotocol-http(5)"""
        file = self.scratch / path.lstrip("/")
        return ("application/octet-stream", file.read_bytes()) if file.is_file() else None

    def git(self, *arguments, helper="wif-agent", **more):
        return self.run_program(
            "git", "-c", f"credential.helper={helper}", *arguments,
            environment={**self.variables(**more), "GIT_CONFIG_GLOBAL": "/dev/null",
                         "GIT_TERMINAL_PROMPT": "0"})

    def test_clone_and_fetch_by_an_exchange(self):
        done = self.git("clone", "-q", self.url, self.scratch / "clone")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.tokens.minted), 1)
        log = self.run_program("git", "-C", self.scratch / "clone", "log", "--format=%s").stdout
        self.assertEqual(log, b"the commit\n")

    def test_the_user_name_that_git_tells(self):
        # As a command line. git 2.55 forgets the user name of a URL before it asks; that of credential.username
        # each version tells.
        helper = f"!{BIN}/wif-agent helper git --host 127.0.0.1:{self.place.port}"
        done = self.git("-c", "credential.username=somebody", "ls-remote", self.url, helper=helper)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"refs/heads/", done.stdout)
        self.assertEqual(basic(self.place.asked[-1])[0], "somebody")
        # What it tells of a URL with one is what it is answered.
        questions = self.scratch / "questions"
        helper = f'!f() {{ tee -a {questions} | {BIN}/wif-agent helper git "$@"; }}; f'
        done = self.git("ls-remote", self.url.replace("//", "//somebody@"), helper=helper)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = "username=somebody" in questions.read_text().splitlines()
        self.assertEqual(basic(self.place.asked[-1])[0], "somebody" if told else "x-access-token")
        # And by itself.
        done = self.ask("git", "get", stdin=self.question(username="somebody"))
        self.assertIn("username=somebody", done.stdout.decode().splitlines(), done.stderr)
        done = self.ask("git", "get", "--username", "x", stdin=self.question(username="somebody"))
        self.assertIn("username=x", done.stdout.decode().splitlines(), done.stderr)

    def test_a_rejected_credential_is_refreshed_by_the_agent(self):
        agent = self.agent("-c", self.path, environment=self.variables())
        self.await_ready(agent)
        self.assertEqual(self.git("ls-remote", self.url).returncode, 0)
        self.assertEqual(len(self.tokens.minted), 1, "the agent's is used")
        self.refused.update(self.tokens.minted)
        # git erases what was not accepted, and has a new one the next time.
        self.assertEqual(self.git("ls-remote", self.url).returncode, 128)
        wait_for(lambda: len(self.tokens.minted) == 2, "the refresh")
        self.await_ready(agent)
        wait_for(lambda: self.git("ls-remote", self.url).returncode == 0, "the new credential")
        # What was replaced since is no reason for another refresh.
        old = next(iter(self.refused))
        done = self.ask("git", "erase", stdin=self.question(password=old))
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        time.sleep(1.2)
        self.assertEqual(len(self.tokens.minted), 2)

    def question(self, **more):
        lines = {"protocol": "http", "host": f"127.0.0.1:{self.place.port}", **more}
        return "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"

    def test_the_answer(self):
        done = self.ask("git", "get", stdin=self.question())
        self.assertEqual(done.returncode, 0, done.stderr)
        values = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
        self.assertEqual(set(values), {"username", "password", "password_expiry_utc"})
        self.assertIn(values["password"], self.tokens.minted)
        left = int(values["password_expiry_utc"]) - time.time()
        self.assertTrue(3500 < left <= 3601, left)
        for action in ("store", "capability", "of-a-later-version"):
            done = self.ask("git", action, stdin=self.question(password="x"))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""), action)

    def test_only_for_the_hosts_of_the_account(self):
        refused = [
            ({"host": "git.example.com"}, b"plain http"),
            ({"host": "git.example.com", "protocol": "https"}, b"--host git.example.com"),
            ({"host": "127.0.0.1.example.com", "protocol": "https"}, b"asks for a credential for"),
            ({"protocol": "ssh"}, b"not for http"), ({"host": ""}, b"not for http"),
        ]
        for change, said in refused:
            with self.subTest(change):
                done = self.ask("git", "get", stdin=self.question(**change))
                self.assertEqual((done.returncode, done.stdout), (78, b""))
                self.assertIn(said, done.stderr)
        # What a server or a URL chose must not become another attribute: git ends lines at LF alone.
        smuggled = [
            ({"host": "evil.example", "protocol": "https",
              "username": "a\x0bhost=git.example.com\x0bprotocol=https\x0b"}, b"username twice, or"),
            ({"host": "evil.example", "protocol": "https",
              "wwwauth[]": "Basic\u2028host=git.example.com\u0085host=git.example.com"},
             b"for evil.example"),
            ({"host": "evil.example\nhost=git.example.com", "protocol": "https"}, b"host twice, or"),
            ({"host": "git.example.com/.evil.example", "protocol": "https"}, b"which is none"),
            ({"host": "git.example.com@evil.example", "protocol": "https"}, b"which is none"),
            ({"host": "git.example.com\\.evil.example", "protocol": "https"}, b"which is none"),
        ]
        for change, said in smuggled:
            with self.subTest(change):
                done = self.ask("git", "get", "--host", "git.example.com",
                                stdin=self.question(**change))
                self.assertEqual((done.returncode, done.stdout), (78, b""))
                self.assertIn(said, done.stderr)
        self.assertEqual(self.tokens.minted, {})
        asked = {"protocol": "https", "host": "git.example.com"}
        for pattern, status in [("git.example.com", 0), ("*.example.com", 0), ("*.com", 0),
                                ("*.git.example.com", 78), ("xgit.example.com", 78),
                                ("git.example.com:443", 0), ("git.example.com:8443", 78),
                                ("GIT.example.com", 0), ("a.example,git.example.com", 0)]:
            with self.subTest(pattern):
                done = self.ask("git", "get", "--host", pattern, stdin=self.question(**asked))
                self.assertEqual(done.returncode, status, done.stderr)
        # Plain http is for this machine alone, whoever asks.
        done = self.ask("git", "get", "--host", "git.example.com",
                        stdin=self.question(host="git.example.com"))
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"plain http", done.stderr)


class Docker(Helpers):
    def setUp(self):
        super().setUp()
        config = {"config": {"digest": "sha256:" + "0" * 64, "size": 2,
                             "mediaType": "application/vnd.oci.image.config.v1+json"},
                  "layers": [], "schemaVersion": 2,
                  "mediaType": "application/vnd.oci.image.manifest.v1+json"}
        self.manifest = json.dumps(config).encode()
        self.registry = self.server('Basic realm="registry"', self.accepts, self.page)
        self.name = f"127.0.0.1:{self.registry.port}"

    def accepts(self, header):
        user, password = basic(header)
        return user == "oauth2accesstoken" and password in self.tokens.minted

    def page(self, path):
        if path == "/v2/":
            return "application/json", b"{}"
        if path == "/v2/image/manifests/latest":
            return "application/vnd.oci.image.manifest.v1+json", self.manifest
        return None

    @needs(SKOPEO, "skopeo")
    def test_skopeo(self):
        authorization = self.scratch / "auth.json"
        authorization.write_text(json.dumps({"credHelpers": {self.name: "wif-agent"}}))
        done = self.run_program(
            "skopeo", "inspect", "--raw", "--tls-verify=false", "--authfile", authorization,
            f"docker://{self.name}/image:latest")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, self.manifest)

    def test_the_answers(self):
        done = self.ask("docker", "get", stdin=f"{self.name}\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertIn(answer.pop("Secret"), self.tokens.minted)
        self.assertEqual(answer, {"ServerURL": self.name, "Username": "oauth2accesstoken"})
        done = self.ask("docker", "list", "--username", "AWS", "--host", "a.example,*.b.example")
        self.assertEqual(json.loads(done.stdout), {"a.example": "AWS"})
        # docker asks the registry without a credential then, as of other helpers.
        done = self.ask("docker", "get", stdin="https://index.docker.io/v1/")
        self.assertEqual((done.returncode, done.stdout),
                         (1, b"credentials not found in native keychain\n"))
        self.assertIn(b"index.docker.io", done.stderr)
        for action in ("store", "erase"):
            done = self.ask("docker", action, stdin="{}")
            self.assertEqual(done.returncode, 78)
            self.assertIn(f"nothing to {action}".encode(), done.stdout)
        self.tokens.answer = lambda *_: (400, '{"error": "invalid_grant"}')
        done = self.ask("docker", "get", stdin=self.name)
        self.assertEqual(done.returncode, 77)
        self.assertIn(b"invalid_grant", done.stdout)


class Kubectl(Helpers):
    def question(self, version="client.authentication.k8s.io/v1", kind="ExecCredential"):
        return json.dumps({"apiVersion": version, "kind": kind, "spec": {"interactive": False}})

    @needs(KUBECTL, "kubectl")
    def test_kubectl(self):
        body = json.dumps({"kind": "Status", "status": "Success"}).encode()
        # Over plain http it does not ask its plugin.
        certificate = self.scratch / "server.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", certificate, "-out",
             certificate.with_suffix(".crt")], check=True, capture_output=True)
        with open(certificate, "a") as file:
            file.write(certificate.with_suffix(".crt").read_text())
        cluster = self.server(
            "Bearer", lambda header: header.removeprefix("Bearer ") in self.tokens.minted,
            lambda path: ("application/json", body) if path == "/api/v1/it" else None,
            certificate)
        for version in ("v1", "v1beta1"):
            with self.subTest(version):
                config = self.scratch / f"kubeconfig-{version}"
                config.write_text(json.dumps({
                    "apiVersion": "v1", "kind": "Config", "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {
                        "server": f"https://127.0.0.1:{cluster.port}",
                        "insecure-skip-tls-verify": True}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                    "users": [{"name": "u", "user": {"exec": {
                        "apiVersion": f"client.authentication.k8s.io/{version}",
                        "command": str(BIN / "wif-agent"), "args": ["helper", "kubectl"],
                        "interactiveMode": "Never"}}}]}))
                done = self.run_program("kubectl", "--kubeconfig", config, "get", "--raw",
                                        "/api/v1/it")
                self.assertEqual((done.returncode, done.stdout), (0, body), done.stderr)

    def test_versions(self):
        for version in ("v1", "v1beta1"):
            full = f"client.authentication.k8s.io/{version}"
            done = self.ask("kubectl", KUBERNETES_EXEC_INFO=self.question(full))
            answer = json.loads(done.stdout)
            self.assertEqual((answer["apiVersion"], answer["kind"]), (full, "ExecCredential"))
            self.assertIn(answer["status"]["token"], self.tokens.minted)
            self.assertRegex(answer["status"]["expirationTimestamp"], r"^20.*T.*Z$")
        count = len(self.tokens.minted)
        for info, said in [(self.question("client.authentication.k8s.io/v1alpha1"), b"v1alpha1"),
                           (self.question(kind="Secret"), b"asks in"), ("{", b"not JSON")]:
            done = self.ask("kubectl", KUBERNETES_EXEC_INFO=info)
            self.assertEqual((done.returncode, done.stdout), (78, b""), info)
            self.assertIn(said, done.stderr)
        self.assertEqual(len(self.tokens.minted), count)


class Google(Helpers):
    @needs(has("google.auth") and has("requests"), "google-auth and requests")
    def test_google_auth(self):
        world = self.emulator("--platform", "gcp")
        file = json.loads((world.directory / "accounts/google-gcp.json").read_text())
        source = self.account(file, name="source", audience="https://other.example")
        file["credential_source"] = {"executable": {
            "command": f"{BIN}/wif-agent helper google -c {source}", "timeout_millis": 30000}}
        file.pop("credentialSource", None)
        file.pop("service_account_impersonation_url", None)
        config = self.account(file, name="google")
        script = (
            "import google.auth.pluggable as p, google.auth.transport.requests as t, sys\n"
            "c = p.Credentials.from_file(sys.argv[1], scopes=[sys.argv[2]])\n"
            "c.refresh(t.Request())\n"
            "print(bool(c.token), c.expiry is not None)\n")
        variables = self.variables(**world.environment, GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES="1")
        done = self.run_program(sys.executable, "-W", "ignore", "-c", script, config,
                                "https://www.googleapis.com/auth/cloud-platform",
                                environment=variables)
        self.assertEqual((done.returncode, done.stdout), (0, b"True True\n"), done.stderr)

    def test_answers(self):
        world = self.emulator("--platform", "gcp")
        self.path = self.account(world.account)
        ask = lambda **more: self.ask("google", **world.environment, **more)
        done = ask(GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE="//iam.googleapis.com/x",
                   GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE="urn:ietf:params:oauth:token-type:id_token")
        answer = json.loads(done.stdout)
        claims = answer["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
        self.assertEqual(claims["aud"], "//iam.googleapis.com/x")
        self.assertEqual((answer["version"], answer["success"], answer["expiration_time"]),
                         (1, True, claims["exp"]))
        for more, said in [({}, "is not set"), (
                {"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": "a",
                 "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE": "urn:ietf:params:oauth:token-type:saml2"},
                "saml2")]:
            done = ask(**more)
            self.assertEqual(done.returncode, 78)
            answer = json.loads(done.stdout)
            self.assertEqual((answer["version"], answer["success"]), (1, False))
            self.assertIn(said, answer["message"])


class Bazel(Helpers):
    def test_as_bazel_asks(self):
        """The program with `get`, the URI as JSON on standard input; the headers are added as they are
        (com.google.devtools.build.lib.authandtls.credentialhelper)."""
        world = self.emulator("--platform", "github", "--tls")
        self.path = self.account(world.named("bright-github"), name="bright")
        account = world.named("bright-github")
        base = account["tokenUrl"].rsplit("/api/", 1)[0]
        uri = f"{base}/api/v1/projects/{account['projectId']}"
        done = self.run_program(self.bin / "bazel-credential-wif-agent", "get",
                                environment=self.variables(**world.environment))
        self.assertEqual((done.returncode, done.stdout), (78, b""))
        self.assertIn(b"not JSON", done.stderr)
        done = self.ask("bazel", "get", stdin=json.dumps({"uri": uri}), **world.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(set(answer), {"headers", "expires"})
        self.assertRegex(answer["expires"], r"^20.*T.*Z$")
        [value] = answer["headers"]["Authorization"]
        self.assertTrue(value.startswith("Api-Key "))
        request = urllib.request.Request(uri, headers={"Authorization": value})
        context = ssl.create_default_context(cafile=str(world.directory / "ca.pem"))
        with urllib.request.urlopen(request, timeout=10, context=context) as reply:
            self.assertEqual(reply.status, 200)
        for question, said in [("{}", b"no string"), ('{"uri": "https://else.example/x"}', b"--host"),
                               ('{"uri": "file:///etc"}', b"is not a URL")]:
            done = self.ask("bazel", "get", stdin=question, **world.environment)
            self.assertEqual((done.returncode, done.stdout), (78, b""), question)
            self.assertIn(said, done.stderr)


class AWS(Helpers):
    @needs(has("botocore"), "botocore")
    def test_botocore(self):
        world = self.emulator("--platform", "aws,github")
        sts = world.environment["AWS_ENDPOINT_URL_STS"]
        path = self.account({
            "type": "external_account", "service": "aws", "sessionName": "helper",
            "roleArn": "arn:aws:iam::123456789012:role/scanner", "region": "eu-central-1",
            "credentialSource": {"provider": "github"}}, name="role")
        config = self.scratch / "config"
        config.write_text(f"[default]\ncredential_process = {BIN}/wif-agent helper aws -c {path}\n")
        program = ("import botocore.session as s; c = s.get_session().create_client('sts');"
                   "print(c.get_caller_identity()['Arn'])")
        done = self.run_program(
            sys.executable, "-W", "ignore", "-c", program, environment={
                "PATH": os.environ["PATH"], "HOME": str(self.scratch), "AWS_CONFIG_FILE": str(config),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.scratch / "none"),
                "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
                "WIF_AGENT_WORKER_SOCKET": "none", "AWS_ENDPOINT_URL_STS": sts,
                **{name: value for name, value in world.environment.items()
                   if name.startswith("ACTIONS_")}})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.strip().endswith(b":assumed-role/scanner/helper"), done.stdout)


class WrongQuestions(Helpers):
    def test_what_a_credential_does_not_have(self):
        world = self.emulator("--platform", "gcp,github")
        mondoo = self.account(world.named("mondoo-gcp"), name="mondoo")
        bright = self.account(world.named("bright-github"), name="bright")
        git = "protocol=https\nhost=a.example\n"
        rows = [
            (mondoo, ["git", "get"], git, b"Mondoo's credential is none"),
            (mondoo, ["docker", "get"], "a.example", b"Mondoo's credential is none"),
            (mondoo, ["kubectl"], "", b"Mondoo's credential is none"),
            (mondoo, ["bazel", "get"], '{"uri": "https://a.example"}', b"Mondoo's credential is none"),
            (bright, ["kubectl"], "", b"Api-Key header"),
            (mondoo, ["aws"], "", b"AWS"),
            (bright, ["aws"], "", b"AWS"),
        ]
        for path, words, question, said in rows:
            with self.subTest(f"{path.name} {words}"):
                self.path = path
                hosts = [] if words[-1] != "get" else ["--host", "a.example"]
                done = self.ask(*words, *hosts, stdin=question, **world.environment)
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(said, done.stderr + done.stdout)

    def test_command_lines(self):
        rows = [([], b"a helper is missing"), (["gits", "get"], b"did you mean git?"),
                (["docker", "fetch"], b"get, list"), (["kubectl", "get"], b"nothing more"),
                (["git"], b"get, store"), (["git", "get", "more"], b"unexpected argument")]
        for words, said in rows:
            done = self.ask(*words)
            self.assertEqual((done.returncode, done.stdout), (64, b""), words)
            self.assertIn(said, done.stderr)
        done = self.ask("git", "get", stdin="x=" + "y" * 70_000)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"over 65536 bytes", done.stderr)


class OwnCredentials(Helpers):
    """What get, exec and run --once obtain: for how long, and what ends it."""

    def get(self, *arguments):
        return self.wif("get", "-c", self.path, "--runtime-dir", self.runtime, *arguments,
                        environment=self.variables(), records=False)

    def test_no_less_than_a_lifetime(self):
        lifetime = self.tokens.lifetime = int(20 * PATIENCE)
        agent = self.agent("-c", self.path, environment=self.variables())
        self.await_ready(agent)
        first = self.get("--min-lifetime", 5)
        self.assertEqual((first.returncode, len(self.tokens.minted)), (0, 1), first.stderr)
        self.assertEqual(first.stderr, b"", "an agent's credential is the agent's to end")
        time.sleep(2.2)
        newer = self.get("--min-lifetime", lifetime - 2)
        self.assertEqual((newer.returncode, len(self.tokens.minted)), (0, 2), newer.stderr)
        self.assertNotEqual(newer.stdout, first.stdout)
        for left in ("inf", "1e300", "nan", "-1", "9e18"):
            with self.subTest(left=left), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(str(self.runtime / "control.sock"))
                client.sendall(f"GET /credential?file={urllib.parse.quote(str(self.path))}&wait=0"
                               f"&left={left} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                self.assertIn(client.recv(12), (b"HTTP/1.1 200", b"HTTP/1.1 503"))
        # One that the service never gives is no reason to ask it.
        done = self.get("--min-lifetime", 3600)
        self.assertEqual((done.returncode, done.stdout), (78, b""))
        self.assertIn(b"live for 20 s, less than the 3600 s", done.stderr)
        self.assertEqual(len(self.tokens.minted), 2)
        done = self.get("--fresh", "--min-lifetime", 3600)
        self.assertEqual((done.returncode, done.stdout), (78, b""))
        self.assertIn(b"--min-lifetime", done.stderr)

    def test_what_ends_it(self):
        ended = []
        self.tokens.answer = lambda path, body, token: (
            ended.append(urllib.parse.parse_qs(body)["token"][0]) or (200, "{}")
            if path == "/revoke" else None)
        out = self.scratch / "out" / "raw"
        for command in (["get"], ["exec", "--", "true"],
                        ["run", "--once", "--output", f"raw:{out}"]):
            words = command[:1] + ["-c", self.path] + command[1:]
            done = self.wif(*words, environment=self.variables(), records=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"wif-agent revoke -c {self.path} --stdin".encode(), done.stderr)
        done = self.wif("revoke", "-c", self.path, "--stdin", stdin=out.read_bytes() + b"\n",
                        environment=self.variables())
        self.assertEqual((done.returncode, done.stderr), (0, b"t: revoked\n"))
        self.assertEqual(ended, [out.read_text()])
        done = self.wif("revoke", "-c", self.path, "--stdin", environment=self.variables())
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"standard input is empty", done.stderr)
