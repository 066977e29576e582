"""Each system call of a start fails, one by one: a clear error or a working agent, never a crash.

Those of deliveries and of the kept state are in test_delivery. With WIF_AGENT_SLOW_TESTS every call is tried,
else each third. What fails the calls is Tests/Faults/cut.c; the worker is played by test_delivery.
"""

import errno
import os
import signal
import subprocess
import time

import test_delivery
from world import BIN

SLOW = bool(os.environ.get("WIF_AGENT_SLOW_TESTS"))
ERRORS = ["EMFILE", "ENOMEM", "EACCES", "EIO", "ENOSPC"]
# What the manual documents for a local set-up, a file, or something that may pass.
CODES = {66, 69, 74, 75, 78}


class CallsCase(test_delivery.Cut):
    """An agent whose calls fail as planned."""

    def command_of(self, *arguments):
        """The agent's calls without a path are counted as `any`, those on its files by the first name."""
        return [str(part) for part in [
            self.tool, self.scratch, self.plans, self.records, BIN / "wif-agent", *arguments,
            "--worker-socket", self.scratch / "worker.sock"]]

    def run_agent(self, path, *arguments):
        """How an agent of that account ends, or `None` where it became ready; and what it said."""
        log = self.scratch / "calls.log"
        with open(log, "wb") as output:
            agent = subprocess.Popen(
                self.command_of("run", "--runtime-dir", self.runtime, "-c", path, *arguments),
                stderr=output, env={"PATH": os.environ["PATH"]})
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        end = time.monotonic() + 30
        while agent.poll() is None and time.monotonic() < end:
            if self.control("wait", "--timeout", 0, deadline=20).returncode == 0:
                return None, agent, log
            time.sleep(0.02)
        return agent.poll(), agent, log

    def end(self, agent):
        pid = int(self.records.read_text().split("pid ")[-1].split()[0])
        os.kill(pid, signal.SIGTERM)
        return agent.wait(20)

    def kill(self, agent):
        """Returns when the agent is gone, and with it its lock."""
        if agent.poll() is None:
            pid = int(self.records.read_text().split("pid ")[-1].split()[0])
            os.kill(pid, signal.SIGKILL)
            agent.wait(20)

    def account_of(self):
        place = self.out / "a"
        return self.account({"type": "external_account", "audience": "//x/spaces/y"}, name="a",
                            issuerUri="https://issuer.example",
                            outputs=[{"format": "raw", "path": f"{place}/raw"},
                                     {"format": "socket", "path": f"{self.scratch}/run/a.sock"}])

    def chosen(self, calls, most=6):
        """The numbers of the calls to fail, with their names and an error each."""
        numbered = list(enumerate(calls, 1))
        step = 1 if SLOW else max(1, len(numbered) // most)
        return [(number, call, ERRORS[number % len(ERRORS)]) for number, call in numbered[::step]]

    def plan_failure(self, key, number, error):
        return self.plan(key, number, "fail", getattr(errno, error))


class Calls(CallsCase):
    def undisturbed(self, key, path, *arguments):
        """The calls of an undisturbed start and end."""
        serial = self.plan(key, 0, "fail")
        code, agent, log = self.run_agent(path, *arguments)
        self.assertIsNone(code, log.read_text())
        self.assertEqual(self.end(agent), 0)
        return self.calls(serial)

    def sweep(self, key):
        path = self.account_of()
        calls = self.undisturbed(key, path)
        self.assertGreater(len(calls), 10, calls)
        worked = failed = 0
        for number, call in list(enumerate(calls, 1))[::1 if SLOW or len(calls) < 30 else 3]:
            error = ERRORS[number % len(ERRORS)]
            with self.subTest(f"{key} {number}: {call} {error}"):
                self.plan(key, number, "fail", getattr(errno, error))
                code, agent, log = self.run_agent(path)
                try:
                    ended = self.end(agent) if code is None else 0
                finally:
                    self.kill(agent)
                if code is None:
                    worked += 1
                    self.assertEqual(ended, 0, log.read_text())
                    continue
                failed += 1
                self.assertIn(code, CODES, log.read_text())
                # What was being done, to what, and what was found.
                self.assertIn(os.strerror(getattr(errno, error)), log.read_text())
        self.assertGreater(worked + failed, 5)
        self.plan(key, 0, "fail")
        code, agent, log = self.run_agent(path)
        self.assertIsNone(code, log.read_text())
        self.assertEqual(self.end(agent), 0)

    def test_calls_without_a_path(self):
        self.sweep("any")

    def test_calls_on_the_runtime_directory(self):
        self.sweep("run")

    def test_calls_on_the_account_file(self):
        self.sweep("a.json")
