"""What packaging/ offers to CI systems, with runners that do what the documented ones do: the steps'
own files for state, outputs, environment and PATH, the includes' lines in one shell with -e.
"""

import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import threading
import urllib.error
import urllib.request

from ruamel.yaml import YAML

from world import BIN, ROOT, Emulator, World, wait_for

PACKAGING = ROOT / "packaging"
FOLDERS = {"wif-agent": "usr/bin", "wif-exchange": "usr/libexec/wif-agent"}
# What is found as the command that wants the credential.
SCANNER = """#!/bin/sh
printf '%s' "${MONDOO_CONFIG_BASE64-}${BRIGHT_TOKEN-}" >"$SCANNED"
"""


def file_commands(path):
    """What a step has put into one of its files, in both forms."""
    found, lines = {}, path.read_text().splitlines()
    while lines:
        line = lines.pop(0)
        multiline = re.fullmatch(r"([^=<]+)<<(.+)", line)
        if multiline:
            end = lines.index(multiline[2])
            found[multiline[1]], lines = "\n".join(lines[:end]), lines[end + 1:]
        elif line:
            name, _, found[name] = line.partition("=")
    return found


class PipelineWorld(World):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scratch = tempfile.TemporaryDirectory(prefix="wif-pipelines-")
        cls.addClassCleanup(scratch.cleanup)
        cls.emulator = Emulator(
            pathlib.Path(scratch.name, "world"), "--platform", "github,gitlab,circleci,bitbucket")
        cls.addClassCleanup(cls.emulator.stop)

    def setUp(self):
        super().setUp()
        self.workspace = self.folder("workspace")
        self.home = self.folder("home")
        self.tools = self.folder("tools")
        scanner = self.tools / "cnspec"
        scanner.write_text(SCANNER)
        scanner.chmod(0o755)
        self.scanned = self.scratch / "scanned"

    def folder(self, name):
        path = self.scratch / name
        path.mkdir(mode=0o755)
        return path

    def environment(self, *prefixes, installed=True):
        """Of what the emulator says, the system's own variables."""
        kept = {name: value for name, value in self.emulator.environment.items()
                if name.startswith(prefixes)}
        path = [str(self.tools)] + ([str(BIN)] if installed else []) + [os.environ["PATH"]]
        return {**kept, "PATH": ":".join(path), "HOME": str(self.home), "SCANNED": str(self.scanned)}

    def account(self, name, **changes):
        document = {**self.emulator.named(name), **changes}
        path = self.workspace / "wif.json"
        path.write_text(json.dumps(document))
        return path

    def archive(self):
        """A release archive as packaging/archive.sh makes it, on a server; its address and digest."""
        served = self.folder("served")
        archive = served / "wif-agent-1.0-linux-x86_64.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, folder in FOLDERS.items():
                tar.add(BIN / name, f"wif-agent-1.0-linux-x86_64/{folder}/{name}")
        certificate, key = self.scratch / "server.pem", self.scratch / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", key, "-out", certificate], check=True, capture_output=True)
        handler = functools.partial(QuietHandler, directory=served)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"https://localhost:{server.server_port}/{archive.name}"
        return url, hashlib.sha256(archive.read_bytes()).hexdigest(), {"CURL_CA_BUNDLE": str(certificate)}

    def bright_takes(self, token):
        request = urllib.request.Request(
            f"{self.emulator.url}/api/v1/projects/{self.emulator.named('bright-github')['projectId']}",
            headers={"Authorization": f"Api-Key {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                return True
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 401)
            return False


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Job:
    """A GitHub Actions job: what a runner does around the steps of a JavaScript action."""

    def __init__(self, world, environment, **inputs):
        self.world = world
        self.runs = YAML(typ="safe").load(PACKAGING / "github-action/action.yml")
        declared = self.runs["inputs"]
        assert set(inputs) <= set(declared), inputs
        values = {name: inputs.get(name, spec.get("default", "")) for name, spec in declared.items()}
        self.temporary = world.folder("runner-temp")
        self.files = {}
        for name in ("ENV", "PATH", "OUTPUT", "STATE"):
            self.files[name] = world.scratch / f"github-{name.lower()}"
            self.files[name].touch()
        self.environment = {
            **environment, **{f"INPUT_{name.upper()}": value for name, value in values.items()},
            **{f"GITHUB_{name}": str(path) for name, path in self.files.items()},
            "GITHUB_WORKSPACE": str(world.workspace), "RUNNER_TEMP": str(self.temporary)}
        self.printed = ""

    def step(self, which):
        state = {f"STATE_{name}": value for name, value in self.state.items()} if which == "post" else {}
        node, script = shutil.which("node"), PACKAGING / "github-action" / self.runs["runs"][which]
        # A pipe as the runner has: a process that kept it open would hold the step.
        done = subprocess.run([node, script], env={**self.environment, **state}, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.printed += done.stdout.decode()
        return done.returncode

    @property
    def state(self):
        return file_commands(self.files["STATE"])

    @property
    def later(self):
        """The environment of the job's later steps."""
        added = [line for line in self.files["PATH"].read_text().splitlines() if line]
        path = ":".join(added[::-1] + [self.environment["PATH"]])
        return {**self.environment, **file_commands(self.files["ENV"]), "PATH": path}

    def agent_runs(self):
        return pathlib.Path("/proc", self.state["pid"], "cwd").exists()

    def left(self):
        return list(self.temporary.iterdir())


class GitHubTests(PipelineWorld):
    def job(self, installed=True, **inputs):
        environment = self.environment("ACTIONS_", installed=installed)
        job = Job(self, {**environment, **inputs.pop("also", {})}, **inputs)
        self.addCleanup(lambda: "pid" in job.state and job.agent_runs()
                        and os.kill(int(job.state["pid"]), 9))
        return job

    def test_a_job_has_the_credential_until_its_post_step_revokes_it(self):
        self.account("bright-github")
        job = self.job(account="wif.json")
        self.assertEqual(job.step("main"), 0, job.printed)
        later = job.later
        token = later["BRIGHT_TOKEN"]
        self.assertTrue(self.bright_takes(token))
        masked = f"::add-mask::{token}\n"
        self.assertIn(masked, job.printed)
        self.assertNotIn(token, job.printed.replace(masked, ""))
        file = pathlib.Path(file_commands(job.files["OUTPUT"])["file"])
        self.assertEqual((file.read_text(), file.stat().st_mode & 0o777), (token, 0o600))
        # A later step: the scanner, then the program itself, which finds the agent.
        subprocess.run(["cnspec"], env=later, check=True, cwd=self.workspace)
        self.assertEqual(self.scanned.read_text(), token)
        for command in (["get"], ["status", "--check"]):
            said = subprocess.run(["wif-agent", *command], env=later, check=True, capture_output=True)
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertFalse(job.agent_runs())
        self.assertEqual(job.left(), [])
        self.assertFalse(self.bright_takes(token))
        self.assertNotIn("::warning::", job.printed)

    def test_the_archive_is_installed(self):
        url, digest, trust = self.archive()
        self.account("mondoo-github")
        template = url.replace("1.0", "{version}").replace("x86_64", "{arch}")
        job = self.job(installed=False, account=str(self.workspace / "wif.json"), version="1.0",
                       sha256=digest, url=template, also=trust)
        self.assertEqual(job.step("main"), 0, job.printed)
        subprocess.run(["wif-agent", "--version"], env=job.later, check=True, capture_output=True)
        self.assertTrue(job.later["MONDOO_CONFIG_BASE64"])
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertEqual(job.left(), [])

    def test_another_archive_is_not_installed(self):
        url, _, trust = self.archive()
        self.account("mondoo-github")
        job = self.job(installed=False, account="wif.json", version="1.0", sha256="0" * 64, url=url, also=trust)
        self.assertEqual(job.step("main"), 1)
        self.assertIn("::error::", job.printed)
        self.assertEqual(job.files["PATH"].read_text(), "")
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertEqual(job.left(), [])

    def test_plain_http_is_not_asked(self):
        self.account("mondoo-github")
        job = self.job(installed=False, account="wif.json", version="1.0", sha256="0" * 64,
                       url="http://127.0.0.1:1/x")
        self.assertEqual(job.step("main"), 1)

    def test_a_refusal_fails_the_step_and_leaves_nothing(self):
        account = self.account("mondoo-github", audience="//captain.api.mondoo.app/spaces/other")
        job = self.job(account=account.name, timeout="30")
        self.assertEqual(job.step("main"), 1)
        self.assertEqual(job.step("post"), 0, job.printed)
        # What the service said is shown once, and nothing of it is a command: beside the log it stands in
        # the one line that the runner shows on the job's page.
        quoted = r"::stop-commands::(\S+)\n((?:.*\n)*?)::\1::\n"
        shown = [log for _, log in re.findall(quoted, job.printed)]
        self.assertEqual(["refresh-failed" in log for log in shown], [True])
        others = [line for line in re.sub(quoted, "", job.printed).splitlines() if "spaces/other" in line]
        self.assertEqual([line.startswith("::error::there is no credential: ") for line in others], [True])
        self.assertIn("no identity provider has this issuer and audience", others[0])
        self.assertFalse(job.agent_runs())
        self.assertEqual(job.left(), [])

    def test_a_job_without_the_permission_is_told_at_once_what_it_lacks(self):
        self.account("mondoo-github")
        job = self.job(account="wif.json", timeout="600")
        for name in ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]:
            del job.environment[name]
        job.environment["GITHUB_ACTIONS"] = "true"
        # A step may take 60 s, which is less than the input's ten minutes.
        self.assertEqual(job.step("main"), 1)
        (error,) = re.findall(r"^::error::(.*)$", job.printed, re.M)
        self.assertIn("permissions: id-token: write", error)
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertEqual(job.printed.count("::stop-commands::"), 1)

    def test_an_account_that_is_no_json_is_told_of(self):
        (self.workspace / "wif.json").write_text("type: external_account\n")
        job = self.job(account="wif.json")
        self.assertEqual(job.step("main"), 1)
        self.assertIn("YAML", job.printed)

    def test_an_input_cannot_set_variables_of_later_steps(self):
        """What goes into a line of the runner's files must be one line: all else is another variable."""
        self.account("mondoo-github")
        for name in ["account", "version", "url", "sha256", "timeout", "revoke"]:
            with self.subTest(name):
                shutil.rmtree(self.scratch / "runner-temp", ignore_errors=True)
                job = self.job(**{"account": "wif.json", name: "wif.json\nLD_PRELOAD=/tmp/evil.so"})
                self.assertEqual(job.step("main"), 1, job.printed)
                self.assertIn(f"::error::the input {name} has a line break", job.printed)
                self.assertEqual(job.files["ENV"].read_text() + job.files["PATH"].read_text(), "")
                self.assertEqual(job.left(), [])

    def test_where_it_is_not_wanted_nothing_is_revoked(self):
        self.account("bright-github")
        job = self.job(account="wif.json", revoke="false")
        self.assertEqual(job.step("main"), 0, job.printed)
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertTrue(self.bright_takes(job.later["BRIGHT_TOKEN"]))

    def test_a_dead_agent_is_a_warning(self):
        self.account("mondoo-github")
        job = self.job(account="wif.json")
        self.assertEqual(job.step("main"), 0, job.printed)
        os.kill(int(job.state["pid"]), 9)
        wait_for(lambda: not job.agent_runs(), "the agent's end")
        self.assertEqual(job.step("post"), 0, job.printed)
        self.assertIn("::warning::", job.printed)
        self.assertEqual(job.left(), [])



class IncludeTests(PipelineWorld):
    """The lines of each include, as its runner concatenates them."""

    def load(self, name):
        return YAML(typ="safe").load(PACKAGING / "ci" / name)

    def shell(self, lines, environment, program="bash"):
        return subprocess.run([program, "-e", "-c", "\n".join(lines)], env=environment,
                              cwd=self.workspace, capture_output=True, text=True, timeout=60)

    def gitlab(self):
        document = self.load("gitlab.yml")
        template, job = document[".wif-agent"], document["scan"]
        self.assertEqual(job["extends"], ".wif-agent")
        environment = {"CI_PROJECT_DIR": str(self.workspace)}
        for name, value in template["variables"].items():
            environment[name] = value.replace("$CI_PROJECT_DIR", str(self.workspace))
        # The job's own token has the audience that id_tokens asks for.
        (name,) = template["id_tokens"]
        environment[name] = self.emulator.environment["GITLAB_OIDC_TOKEN"]
        self.account("mondoo-gitlab", credentialSource={"provider": "gitlab", "variable": name})
        return template["before_script"] + job["script"], environment

    def circleci(self, install=False):
        document = self.load("circleci.yml")
        self.account("mondoo-circleci", tokenAudience=None)
        lines, environment = [], {"BASH_ENV": str(self.scratch / "bash-env")}
        (self.scratch / "bash-env").touch()
        for step in document["jobs"]["scan"]["steps"]:
            (name, given), = ({step: {}} if isinstance(step, str) else step).items()
            if name == "checkout":
                continue
            if name == "install-wif-agent" and not install:
                continue
            command = document["commands"][name]
            values = {key: spec.get("default") for key, spec in command["parameters"].items()}
            values.update(given)
            if name == "install-wif-agent":
                values.update(install)
            fill = lambda text: re.sub(r"<< parameters\.(\w+) >>", lambda m: values[m[1]], text)
            run = command["steps"][0]["run"]
            lines.append((fill(run["command"]), {k: fill(v) for k, v in run.get("environment", {}).items()}))
        return lines, environment

    def bitbucket(self):
        self.account("mondoo-bitbucket")
        step = self.load("bitbucket-pipelines.yml")["pipelines"]["default"][0]["step"]
        self.assertIs(step["oidc"], True)
        return step["script"], {}

    def scans(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.scanned.read_text())
        self.scanned.unlink()

    def test_gitlab(self):
        lines, environment = self.gitlab()
        for program in ("bash", "dash"):
            self.scans(self.shell(lines, {**self.environment("GITLAB_CI"), **environment}, program))

    def test_bitbucket(self):
        lines, environment = self.bitbucket()
        for program in ("bash", "dash"):
            self.scans(self.shell(lines, {**self.environment("BITBUCKET"), **environment}, program))

    def test_circleci(self):
        steps, environment = self.circleci()
        for line, own in steps:
            done = self.shell([line], {**self.environment("CIRCLE"), **environment, **own})
        self.scans(done)

    def test_gitlab_and_bitbucket_install_the_archive(self):
        url, digest, trust = self.archive()
        for prefix, system in (("GITLAB_CI", self.gitlab), ("BITBUCKET", self.bitbucket)):
            lines, environment = system()
            base = {**self.environment(prefix, installed=False), **environment, **trust, "WIF_AGENT_URL": url}
            for program in ("bash", "dash"):
                refused = self.shell(lines, {**base, "WIF_AGENT_SHA256": "0" * 64}, program)
                self.assertNotEqual(refused.returncode, 0, refused.stdout)
                self.assertFalse((self.home / ".local/bin/wif-agent").exists())
                self.assertFalse(self.scanned.exists())
                # One for each machine, and the address with the machine's name left open.
                both = f"other={'0' * 64} {os.uname().machine}={digest}"
                base["WIF_AGENT_URL"] = url.replace(os.uname().machine, "{arch}")
                self.scans(self.shell(lines, {**base, "WIF_AGENT_SHA256": both}, program))
                shutil.rmtree(self.home / ".local")
                base["WIF_AGENT_URL"] = url
                self.scans(self.shell(lines, {**base, "WIF_AGENT_SHA256": digest}, program))
                shutil.rmtree(self.home / ".local")

    def test_nothing_is_unpacked_where_others_can_write(self):
        """A directory of a known name in /tmp can be another user's."""
        for name in ["gitlab.yml", "circleci.yml", "bitbucket-pipelines.yml"]:
            text = (PACKAGING / "ci" / name).read_text()
            self.assertNotIn("/tmp/", text)
            self.assertIn("$(mktemp -d)", text)

    def test_circleci_installs_the_archive(self):
        url, digest, trust = self.archive()
        steps, environment = self.circleci({"url": url, "sha256": digest})
        for line, own in steps:
            done = self.shell([line], {**self.environment("CIRCLE", installed=False), **environment, **trust, **own})
            self.assertEqual(done.returncode, 0, done.stderr)
        self.scans(done)
        steps, environment = self.circleci({"url": url, "sha256": "0" * 64})
        refused = self.shell([steps[0][0]], {**self.environment("CIRCLE"), **environment, **trust, **steps[0][1]})
        self.assertNotEqual(refused.returncode, 0)
