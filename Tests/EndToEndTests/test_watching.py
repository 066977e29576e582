"""What an agent tells those who watch it: metrics, the alerts and the dashboard made of them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from world import World, wait_for

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
