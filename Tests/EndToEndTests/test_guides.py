"""The guides of section 7: every file and command in them, taken from the page, is tried against the emulator.

A comment before each block says what it is:
    run          commands, in the order of the page, in one place, each of which must succeed
    file: NAME   an account file; its service and issuer are the emulator's
    unit: NAME   lines of an example unit in packaging/systemd
    json, yaml   a part of an account file, a pipeline or a manifest
    systemctl    starts the agent; the booted system's tests run the command itself
    theirs       commands of others, which are not run
"""

import json
import os
import re
import subprocess

from world import BIN, ROOT, World

GUIDES = {"systemd": ["gcp"], "ci": ["github"], "kubernetes": ["gcp"], "cloud": ["gcp", "azure", "aws"],
          "troubleshooting": ["gcp"]}
PLACES = ["/etc/wif-agent", "/run/wif-agent"]


def blocks(name):
    """Of a page: what each literal block is, and its text."""
    text = (ROOT / "man" / f"wif-agent-{name}.7").read_text()
    found = re.findall(r'(?:^\.\\" (.*)\n)?^\.Bd -literal.*\n((?:.*\n)*?)^\.Ed$', text, re.M)
    return [(kind, body.replace("\\e", "\\").replace("\\&", "")) for kind, body in found]


class Guides(World):
    def walk(self, name):
        self.programs()
        platforms = GUIDES[name]
        emulator = self.emulator("--platform", ",".join(platforms) or "none")
        accounts = {platform: emulator.named(f"mondoo-{platform}") for platform in platforms}
        environment = self.environment(emulator)
        environment.update(PATH=f"{self.scratch / 'bin'}:{BIN}:{os.environ['PATH']}", GITHUB_ENV=str(self.scratch / "env"),
                           WIF_AGENT_CONFIG=str(self.scratch / "etc/mondoo.json"), WIF_AGENT_RUNTIME_DIR=str(self.runtime))
        (self.scratch / "env").touch()
        (self.scratch / "etc").mkdir(mode=0o755)
        if name == "troubleshooting":
            self.account(accounts["gcp"])
        ran = 0
        for kind, body in blocks(name):
            for place, own in zip(PLACES, [self.scratch / "etc", self.runtime]):
                body = body.replace(place, str(own))
            with self.subTest(f"{name}: {body.splitlines()[0]}"):
                self.assertTrue(kind, "nothing says what this block is")
                word, _, rest = kind.partition(": ")
                if word == "run":
                    ran += 1
                    self.run_lines(body, environment)
                elif word == "file":
                    self.write_account(rest, json.loads(body), accounts)
                elif word == "unit":
                    example = (ROOT / "packaging/systemd/examples" / rest).read_text()
                    example = example.replace(PLACES[1], str(self.runtime))
                    self.assertIn(body.strip(), re.sub(r"^#.*\n", "", example, flags=re.M))
                elif word == "json":
                    self.assertIn(rest, json.loads(body))
                    path = self.account(accounts["gcp"], name="part", **json.loads(body))
                    self.assertEqual(self.wif("check", "-c", path).returncode, 0)
                elif word == "yaml":
                    self.assertNotIn("\t", body)
                    self.assertTrue(all(re.match(r"^ *(- )?[\w.-]+:|^ *- |^ {8}", line) for line in body.splitlines()))
                elif word == "systemctl":
                    self.assertIn("systemctl enable --now wif-agent", body)
                    self.agent("-c", self.scratch / "etc/mondoo.json", environment=environment)
                else:
                    self.assertEqual(word, "theirs")
        self.assertGreater(ran, 0)

    def programs(self):
        """Those that the commands name and that are not here."""
        folder = self.scratch / "bin"
        folder.mkdir()
        for program, line in {
                "cnspec": '[ -s "${MONDOO_CONFIG_PATH:-$WIF_AGENT_FILE}" ] && [ "$1" = scan ]',
                "chown": '[ "$1" = root:wif-agent ]'}.items():
            (folder / program).write_text(f"#!/bin/sh\n{line}\n")
            (folder / program).chmod(0o755)

    def run_lines(self, body, environment):
        done = subprocess.run(["bash", "-ec", body], cwd=self.scratch, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, f"{body}\n{done.stdout}{done.stderr}")

    def write_account(self, name, content, accounts):
        path = self.scratch / name if not name.startswith("/") else self.scratch / "etc" / os.path.basename(name)
        platform = path.stem if path.stem in accounts else next(iter(accounts), None)
        if platform:
            theirs = accounts[platform]
            for key in ["universeDomain", "audience", "issuerUri", "tokenAudience"]:
                if key in content and key in theirs:
                    content[key] = theirs[key]
        path.write_text(json.dumps(content))
        path.chmod(0o600)

    def test_units(self):
        self.walk("systemd")

    def test_jobs(self):
        self.walk("ci")

    def test_pods(self):
        self.walk("kubernetes")

    def test_clouds(self):
        self.walk("cloud")

    def test_troubleshooting(self):
        self.walk("troubleshooting")

    def test_pages_that_are_named_are_there(self):
        for page in sorted((ROOT / "man").glob("*.[1-8]")):
            for name, number in re.findall(r"^\.Xr (wif-[\w.-]+) (\d)", page.read_text(), re.M):
                self.assertTrue((ROOT / "man" / f"{name}.{number}").exists(), f"{page.name}: {name}({number})")
        for target in re.findall(r"\]\(([^)h#][^)]*)\)|srcset=\"([^\"]+)|src=\"([^\"]+)", (ROOT / "README.md").read_text()):
            self.assertTrue((ROOT / "".join(target)).exists(), target)
