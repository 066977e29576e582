"""What an agent tells those who watch it: metrics, the alerts and the dashboard made of them."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import unittest

from machine import needs
from world import BIN, World, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMTOOL = shutil.which("promtool") or os.environ.get("PROMTOOL")
FAMILY = re.compile(r"wif_agent_[a-z_]+[a-z]")
SUFFIXES = ("_bucket", "_sum", "_count")


def families(page):
    return {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}


def family(name):
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name.removesuffix(suffix).endswith("_seconds"):
            return name.removesuffix(suffix)
    return name


def samples(page):
    """{(name, frozenset of labels): value}"""
    result = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
        result[name, frozenset(pairs)] = float(value)
    return result


def promtool(*arguments, stdin=b""):
    return subprocess.run([PROMTOOL, *arguments], input=stdin, capture_output=True, timeout=60)


class Metrics(World):
    def page(self):
        status, body = self.http("/metrics")
        self.assertEqual(status, 200)
        return body.decode()

    def total(self, name, **labels):
        wanted = set(labels.items())
        return sum(v for (n, found), v in samples(self.page()).items()
                   if n == name and wanted <= found)

    def setUp(self):
        super().setUp()
        self.world = self.emulator()
        self.gone = self.scratch / "gone"
        self.gone.mkdir()
        self.odd = self.scratch / 'a "file"\\n'
        self.socket = self.scratch / "m.sock"
        account = self.account(self.world.account, outputs=[
            {"format": "raw", "path": str(self.odd)},
            {"format": "socket", "path": str(self.socket)},
            {"format": "json", "path": str(self.gone / "m.json")},
        ])
        agent = self.agent("-c", account, environment=self.environment(self.world))
        self.await_ready(agent)

    def test_every_family_is_told_and_documented(self):
        self.assertEqual(self.total("wif_agent_refreshes_total"), 1)
        self.assertEqual(self.total("wif_agent_account_ready"), 1)
        self.assertGreaterEqual(
            self.total("wif_agent_deliveries_total", result="ok",
                       output=str(self.odd).replace("\\", "\\\\").replace('"', '\\"')), 1)
        self.assertEqual(self.total("wif_agent_refresh_duration_seconds_count"), 1)
        self.assertEqual(self.total("wif_agent_refresh_duration_seconds_bucket", le="+Inf"), 1)
        shutil.rmtree(self.gone)
        self.gone.write_text("in the way")
        self.control("refresh", "--timeout", 20)
        wait_for(lambda: self.total("wif_agent_deliveries_total", result="failed") >= 1,
                 "a failed delivery")
        self.assertEqual(self.total("wif_agent_account_ready"), 0)
        page = self.page()
        self.read_socket(self.socket)
        wait_for(lambda: self.total("wif_agent_socket_readers_total", result="delivered") == 1,
                 "the reader's count")
        manual = (ROOT / "man/wif-agent.1").read_text()
        self.assertEqual(families(page) - set(FAMILY.findall(manual)), set(), "not in the manual")
        self.assertEqual(set(FAMILY.findall(manual)) - families(page), set(), "not in the page")
        self.check_lint(page)

    def check_lint(self, page):
        if PROMTOOL:
            done = promtool("check", "metrics", stdin=page.encode())
            self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)

    def test_a_failure_is_told_by_class_and_step(self):
        self.world.fault(match={"path": "/SecureTokenService/"}, status=403)
        self.control("refresh", "--timeout", 20)
        self.assertEqual(
            self.total("wif_agent_refresh_failures_total", step="exchange"), 1, self.page())
        self.assertEqual(self.total("wif_agent_consecutive_refresh_failures"), 1)
        self.check_lint(self.page())

    def test_alerts_and_dashboard_name_what_exists(self):
        told = families(self.page())
        for file in ("packaging/prometheus/wif-agent.rules.yml", "packaging/grafana/wif-agent.json"):
            named = {family(name) for name in FAMILY.findall((ROOT / file).read_text())}
            self.assertGreater(len(named), 5, file)
            self.assertEqual(named - told, set(), file)


class Status(World):
    MEMBERS = re.compile(r"^\.It Va (\S+)", re.M)

    def setUp(self):
        super().setUp()
        # The certificate outlives the hour that the credential is taken for.
        self.world = self.emulator("--credential-lifetime", "7200")
        self.file = self.scratch / "m.json"
        account = self.account(
            self.world.account, lifetme=1, outputs=[{"format": "json", "path": str(self.file)}])
        self.await_ready(self.agent("-c", account, environment=self.environment(self.world)))

    def on_a_terminal(self, **variables):
        """What status writes on a terminal."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BIN / "wif-agent", [
                "wif-agent", "status", "--runtime-dir", str(self.runtime)], variables)
        data = b""
        try:
            while piece := os.read(terminal, 65536):
                data += piece
        except OSError:  # EIO: the other end is closed.
            pass
        os.close(terminal)
        self.assertEqual(os.waitpid(child, 0)[1], 0, data)
        return data.decode()

    @needs("terminals")
    def test_people_are_shown_colours_on_a_terminal_only(self):
        self.assertIn("\033[32mvalid", self.on_a_terminal(TERM="xterm"))
        self.assertNotIn("\033", self.on_a_terminal(TERM="xterm", NO_COLOR="1"))
        self.assertNotIn("\033", self.on_a_terminal(TERM="dumb"))
        plain = self.control("status", environment={"TERM": "xterm"}).stdout.decode()
        self.assertNotIn("\033", plain)
        head, row = plain.splitlines()[:2]
        for title, word in (("ACCOUNT", "mondoo"), ("STATE", "valid"), ("EXPIRES", "in 59 min"),
                            ("SOURCE", "gcp")):
            self.assertEqual(head.index(title), row.index(word), plain)
        self.assertRegex(plain, r"expires  20\d\d-\S+Z \(in 59 min\), after a lifetime of 60 min")
        self.assertRegex(plain, r"next     refresh 20\S+Z \(in \d+ min\): at \d\d % of")
        self.assertIn(f"json {self.file}, 0600 root (0) : root (0), ok", plain)

    def test_programs_get_what_the_manual_says(self):
        self.world.fault(match={"path": "/SecureTokenService/"}, status=503)
        self.control("refresh", "--timeout", 20)
        self.file.chmod(0o644)
        report = self.status()
        account = report["accounts"][0]
        # As found on disk, not as it was written.
        self.assertEqual(account["outputs"][0]["mode"], "0644")
        self.assertEqual(account["next_action"], "retry")
        self.assertEqual(account["next_reason"], "an attempt failed, transient at exchange")
        failure = account["last_failure"]
        self.assertEqual((failure["class"], failure["step"]), ("transient", "exchange"))
        self.assertIn("failure  20", self.control("status").stdout.decode())
        documented = set(self.MEMBERS.findall((ROOT / "man/wif-agent.1").read_text()))
        members = set(report) | set(account) | set(account["outputs"][0]) | set(failure)
        self.assertEqual(members - documented, set(), "not in the manual")
        # What is whole on the disk is told a moment later.
        wait_for(lambda: self.control("status", "--check").returncode == 0, "the status", 5)

    def test_what_is_not_ready_decides_the_exit_code(self):
        self.file.unlink()
        self.file.mkdir()
        self.control("refresh", "--timeout", 20)
        wait_for(lambda: self.control("status", "--check").returncode == 75, "exit code 75")
        self.assertIn("failed:", self.control("status", "--check").stdout.decode())


class Logs(World):
    def lines(self, *arguments, journal=False):
        """Of an agent whose exchange fails at first and then works; its output file is the journal."""
        world = self.emulator()
        world.fault(match={"path": "/SecureTokenService/"}, status=503, times=2)
        environment = self.environment(world)
        log = self.scratch / f"agent{self.count + 1}.log"
        if journal:
            log.touch()
            facts = log.stat()
            environment["JOURNAL_STREAM"] = f"{facts.st_dev}:{facts.st_ino}"
        agent = self.agent("-c", self.account(world.account), *arguments, environment=environment)
        self.await_ready(agent)
        agent.stop()
        return agent.text().splitlines()

    def test_the_journal_gets_priorities_and_keeps_the_time(self):
        lines = self.lines(journal=True)
        self.assertRegex(lines[0], r"^<6>started version=\S+ runtime=")
        failures = [line for line in lines if "refresh-failed" in line]
        for line in failures:
            self.assertRegex(line, r"^<3>refresh-failed account=mondoo class=transient step=exchange ")
        refreshed = next(line for line in lines if "refreshed" in line)
        self.assertRegex(refreshed, r"^<6>refreshed .* failures=2$")

    def test_json_is_an_object_a_line(self):
        events = [json.loads(line) for line in self.lines("--log-format", "json")]
        for event in events:
            self.assertRegex(event["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertIn(event["level"], ["info", "warning", "error"])
        names = [event["event"] for event in events]
        self.assertEqual((names[0], names[-1]), ("started", "stopped"))
        failure = next(event for event in events if event["event"] == "refresh-failed")
        self.assertEqual((failure["class"], failure["step"]), ("transient", "exchange"))


@unittest.skipUnless(PROMTOOL, "needs promtool")
class Rules(unittest.TestCase):
    folder = ROOT / "packaging/prometheus"

    def test_the_alerts_fire_when_they_should(self):
        for command in (["check", "rules", "wif-agent.rules.yml"],
                        ["test", "rules", "wif-agent.rules.test.yml"]):
            done = subprocess.run([PROMTOOL, *command], cwd=self.folder, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_dashboards_queries_are_queries(self):
        dashboard = json.loads((ROOT / "packaging/grafana/wif-agent.json").read_text())
        rules = [
            {"record": f"panel:{panel['id']}:{target['refId'].lower()}",
             "expr": target["expr"].replace("$__rate_interval", "5m")}
            for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertGreater(len(rules), 15)
        # JSON is YAML.
        file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "r.yml")
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        done = promtool("check", "rules", str(file))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
