"""Each system call of a reload, an adoption, a command, a revocation, a worker's start and an end fails, one by
one: a clear error, nothing lost, no crash, an end within its bound. For WIF_AGENT_SLOW_TESTS alone. See
test_calls.
"""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import test_calls
import test_delivery
from world import await_rest, wait_for

# Seconds within which each thing ends, however a call failed. Under ptrace, and beside other tests.
BOUND = 30


class RevokingWorker(test_delivery.ScriptedWorker):
    """Tokens of Bright, which can be revoked; it knows which ones were."""

    def __init__(self, path):
        self.issued, self.revoked = [], []
        super().__init__(path)

    def answer(self, job):
        if job["kind"] == "revoke":
            self.revoked.append(job["credential"])
            return {"id": job["id"], "revoked": True}
        self.issued.append(f"token-{len(self.issued) + 1:04}-{os.urandom(8).hex()}")
        test_delivery.secrets.add(self.issued[-1])
        return {"id": job["id"], "credential": {
            "kind": "access-token", "tokenType": "Bearer", "scheme": "Bearer", "value": self.issued[-1],
            "issuedAt": time.time(), "lifetime": 3600,
            "receivedAt": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}}


@unittest.skipUnless(test_calls.SLOW, "takes minutes: WIF_AGENT_SLOW_TESTS")
class Running(test_calls.CallsCase):
    """A running agent, whose calls fail from some moment on."""

    def setUp(self):
        super().setUp()
        self.file = self.out / "a/raw"
        self.log = self.scratch / "calls.log"

    def use_revoking_worker(self):
        self.worker.stop()
        (self.scratch / "worker.sock").unlink()
        self.worker = RevokingWorker(self.scratch / "worker.sock")
        self.addCleanup(self.worker.stop)

    def bright(self, **members):
        return self.account({"type": "external_account", "service": "bright"}, name="a", projectId="p",
                            credentialSource={"environment": "TOKEN"},
                            outputs=[{"format": "raw", "path": str(self.file)},
                                     {"format": "socket", "path": f"{self.runtime}/a.sock"}], **members)

    def start(self, path, *arguments):
        code, agent, self.log = self.run_agent(path, *arguments)
        self.assertIsNone(code, self.log.read_text())
        self.pid = int(self.records.read_text().split("pid ")[-1].split()[0])
        self.addCleanup(self.kill, agent)
        await_rest(self.pid, 0.5)
        return agent

    def text_since(self, mark):
        return self.log.read_text()[mark:]

    def assert_alive(self, agent):
        self.assertIsNone(agent.poll(), self.log.read_text())

    def assert_told(self, error, text):
        self.assertIn(os.strerror(getattr(test_calls.errno, error)), text)


class Reload(Running):
    def put(self, version):
        place = self.out / "a"
        # Another output each time: one goes, one comes.
        return self.account({"type": "external_account", "audience": "//x/spaces/y"}, name="a",
                            issuerUri="https://issuer.example", variable=f"A{version}",
                            outputs=[{"format": "env", "path": f"{place}/env{version % 2}"},
                                     {"format": "socket", "path": f"{self.runtime}/a.sock"}])

    def holds(self, version):
        try:
            return f"export A{version}=" in (self.out / f"a/env{version % 2}").read_text()
        except FileNotFoundError:
            return False

    def sweep(self, key):
        agent = self.start(self.put(0))
        serial = self.plan(key, 0, "fail")
        self.put(1)
        os.kill(self.pid, signal.SIGHUP)
        wait_for(lambda: self.holds(1), "the new version")
        await_rest(self.pid, 0.5)
        calls = self.calls(serial)
        self.assertGreater(len(calls), 2)
        version = 1
        for number, call, error in self.chosen(calls):
            version += 1
            with self.subTest(f"{key} {number}: {call} {error}"):
                mark = len(self.log.read_text())
                serial = self.plan_failure(key, number, error)
                self.put(version)
                os.kill(self.pid, signal.SIGHUP)
                def ended():
                    self.assert_alive(agent)
                    return self.holds(version) or re.search(
                        r" (error|warning) (?!output-left)", self.text_since(mark))
                wait_for(ended, f"the version or an error: {self.text_since(mark)}", BOUND)
                if not self.holds(version):
                    self.assert_told(error, self.text_since(mark))
                self.plan(key, 0, "fail")
                os.kill(self.pid, signal.SIGHUP)
                wait_for(lambda: self.holds(version), f"healing: {self.text_since(mark)}", BOUND)
                wait_for(lambda: self.status()["ready"], "readiness", BOUND)
                # What was obtained is used on.
                self.assertEqual(self.the_account()["refreshes"], 1)
                await_rest(self.pid, 0.3)
        self.assertEqual(self.end(agent), 0)

    def test_calls_without_a_path(self):
        self.sweep("any")

    def test_calls_on_the_account_file(self):
        self.sweep("a.json")

    def test_calls_on_the_outputs(self):
        self.sweep("out")

    def test_calls_on_the_runtime_directory(self):
        self.sweep("run")


class Adoption(Running):
    def test_calls_on_the_kept_state(self):
        """What was kept is adopted, or the log says why not; what waits to be revoked is not forgotten
        unless it says so."""
        self.use_revoking_worker()
        state, path = self.scratch / "state", self.bright()
        agent = self.start(path, "--state-dir", state)
        self.assertEqual(self.end(agent), 0)
        shutil.copytree(state, self.scratch / "original")
        serial = self.plan("state", 0, "fail")
        agent = self.start(path, "--state-dir", state)
        self.assertEqual(self.end(agent), 0)
        self.assertIn("adopted", self.log.read_text())
        calls = self.calls(serial)
        self.assertGreater(len(calls), 2)
        for number, call, error in self.chosen(calls):
            with self.subTest(f"{number}: {call} {error}"):
                shutil.rmtree(state)
                shutil.copytree(self.scratch / "original", state, copy_function=shutil.copy2)
                before = len(self.worker.issued)
                self.plan_failure("state", number, error)
                agent = self.start(path, "--state-dir", state)
                if len(self.worker.issued) > before:
                    self.assertRegex(self.log.read_text(), "warning account=a|not-kept")
                    self.assert_told(error, self.log.read_text())
                else:
                    self.assertIn("adopted", self.log.read_text())
                self.assertEqual(self.end(agent), 0)


class Exec(Running):
    def run_exec(self, path):
        # What it prints is longer than nothing, and not the credential.
        script = "echo ${#BRIGHT_TOKEN} ${#WIF_AGENT_FILE}; exit 7"
        return subprocess.run(
            self.command_of("exec", "-c", path, "--timeout", "5")
            + ["--", "/bin/sh", "-c", script], capture_output=True, timeout=BOUND,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(self.scratch / "tmp")})

    def sweep(self, key):
        self.use_revoking_worker()
        (self.scratch / "tmp").mkdir(mode=0o700, exist_ok=True)
        path = self.bright()
        serial = self.plan(key, 0, "fail")
        done = self.run_exec(path)
        self.assertEqual(done.returncode, 7, done.stderr)
        calls = self.calls(serial)
        self.assertGreater(len(calls), 2)
        for number, call, error in self.chosen(calls, 12):
            with self.subTest(f"{key} {number}: {call} {error}"):
                self.plan_failure(key, number, error)
                done = self.run_exec(path)
                if done.returncode == 7:
                    self.assertRegex(done.stdout, rb"^[1-9]\d* ")
                else:
                    # 126, as a shell has it, where the command itself cannot be started.
                    self.assertIn(done.returncode, test_calls.CODES | {126}, done.stderr)
                    self.assert_told(error, done.stderr.decode())

    def test_calls_without_a_path(self):
        self.sweep("any")

    def test_calls_on_the_account_file(self):
        self.sweep("a.json")


class Revocation(Running):
    def sweep(self, key):
        self.use_revoking_worker()
        path = self.bright()
        agent = self.start(path, "--state-dir", self.scratch / "state")
        serial = self.plan(key, 0, "fail")
        self.assertEqual(self.control("revoke", "-c", path).returncode, 0)
        wait_for(lambda: len(self.worker.issued) == 2, "another credential")
        await_rest(self.pid, 0.5)
        calls = self.calls(serial)
        self.assertGreater(len(calls), 2)
        for number, call, error in self.chosen(calls):
            with self.subTest(f"{key} {number}: {call} {error}"):
                old, mark = self.worker.issued[-1], len(self.log.read_text())
                self.plan_failure(key, number, error)
                done = self.control("revoke", "-c", path, "--timeout", 10, deadline=BOUND)
                self.assert_alive(agent)
                if done.returncode:
                    self.assertIn(done.returncode, test_calls.CODES, done.stderr)
                    self.assertTrue(done.stderr)
                self.plan(key, 0, "fail")
                # It is revoked, at last, or it was never given up.
                def settled():
                    held = self.file.read_text() if self.file.exists() else ""
                    return old in self.worker.revoked and held == self.worker.issued[-1] != old \
                        or done.returncode and held == old and old not in self.worker.revoked
                wait_for(settled, f"its revocation: {self.text_since(mark)}", 90)
                wait_for(lambda: self.status()["ready"], "readiness", BOUND)
                await_rest(self.pid, 0.3)
                self.assertNotIn(self.file.read_text(), self.worker.revoked)
        self.assertEqual(self.end(agent), 0)

    def test_calls_without_a_path(self):
        self.sweep("any")

    def test_calls_on_the_outputs(self):
        self.sweep("out")

    def test_calls_on_the_kept_state(self):
        self.sweep("state")


class WorkerStart(Running):
    def command_of(self, *arguments):
        return super().command_of(*arguments)[:-2]  # without --worker-socket: a worker of its own

    def test_calls_without_a_path(self):
        service = self.service()
        token = self.scratch / "token"
        token.write_text("subject")
        path = self.account(service.account({"file": str(token)}), name="a", revokeOnExit=None, revokeUrl=None,
                            outputs=[{"format": "raw", "path": str(self.file)}])
        agent = self.start(path)
        def refresh():
            # The worker that is there has nothing to do for more than two seconds, and ends.
            wait_for(lambda: not subprocess.run(["pgrep", "-P", str(self.pid)],
                                                stdout=subprocess.DEVNULL).returncode == 0, "its end", BOUND)
            return self.control("refresh", "a", deadline=BOUND)
        serial = self.plan("any", 0, "fail")
        self.assertEqual(refresh().returncode, 0)
        calls = self.calls(serial)
        self.assertGreater(len(calls), 5)
        for number, call, error in self.chosen(calls, 8):
            with self.subTest(f"{number}: {call} {error}"):
                before, mark = self.file.read_text(), len(self.log.read_text())
                self.plan_failure("any", number, error)
                done = refresh()
                self.assert_alive(agent)
                if done.returncode:
                    self.assertIn(done.returncode, test_calls.CODES, done.stderr)
                    self.assertTrue(done.stderr)
                self.plan("any", 0, "fail")
                # What was not asked for does not come; what looks like a mistake is tried again in minutes.
                if done.returncode:
                    self.assertEqual(refresh().returncode, 0, self.text_since(mark))
                wait_for(lambda: self.file.read_text() != before, f"another: {self.text_since(mark)}", 90)
                wait_for(lambda: self.status()["ready"], "readiness", BOUND)
        self.assertEqual(self.end(agent), 0)


class Shutdown(Running):
    def sweep(self, key):
        """The end comes in time and well; what could not be revoked is, by the next run."""
        self.use_revoking_worker()
        path, state = self.bright(revokeOnExit=True), self.scratch / "state"
        def run_and_end(number, error):
            self.plan(key, 0, "fail")
            agent = self.start(path, "--state-dir", state)
            serial = self.plan_failure(key, number, error)
            os.kill(self.pid, signal.SIGTERM)
            code = agent.wait(BOUND)
            return code, self.calls(serial)
        code, calls = run_and_end(0, "EIO")
        self.assertEqual(code, 0)
        self.assertEqual(self.worker.revoked, self.worker.issued)
        self.assertGreater(len(calls), 2)
        forgotten = set()
        for number, call, error in self.chosen(calls, 5):
            with self.subTest(f"{key} {number}: {call} {error}"):
                known = set(self.worker.issued)
                code, _ = run_and_end(number, error)
                text = self.log.read_text()
                self.assertEqual(code, 0, text)
                owed = set(self.worker.issued) - set(self.worker.revoked) - forgotten
                if self.file.exists() or owed:
                    self.assert_told(error, text)
                if "not-kept" in text or "warning account=a" in text:
                    forgotten |= owed & set(self.worker.issued)
        self.plan(key, 0, "fail")
        agent = self.start(path, "--state-dir", state)
        wait_for(lambda: not set(self.worker.issued[:-1]) - set(self.worker.revoked) - forgotten,
                 "what was owed to be revoked", 60)
        self.assertEqual(self.end(agent), 0)

    def test_calls_without_a_path(self):
        self.sweep("any")

    def test_calls_on_the_outputs(self):
        self.sweep("out")

    def test_calls_on_the_kept_state(self):
        self.sweep("state")

    def test_calls_on_the_runtime_directory(self):
        self.sweep("run")
