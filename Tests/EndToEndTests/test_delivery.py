"""No reader ever sees a torn credential: the agent is killed, or failed, at each system call of a delivery.

With WIF_AGENT_SLOW_TESTS in the environment each error is tried at each call, and everything is swept
over five times; without it the agent is killed at every other call, and fails at each third. What cuts the agent off is Tests/Faults/cut.c; the worker is played here.
"""

import base64
import collections
import errno
import json
import os
import random
import re
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from machine import same_processor
from world import BIN, ROOT, World, await_rest, secrets, wait_for

CUT = ROOT / "Tests/Faults/cut.c"
SWEEPS = 5 if os.environ.get("WIF_AGENT_SLOW_TESTS") else 1
ERRORS = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES"]
# More than the calls of a refresh's delivery.
CALLS = 150
# Failing, they are nothing to tell of: the path is walked again, or the file is closed all the same.
# By what glibc calls them; newer ones have fstat(2) itself.
QUIET = {"close", "newfstatat", "fstat"}
# A delivery changes something until its end; then the agent looks whether all is as it was delivered, and
# where that fails it delivers again.
CHANGES = {"fsync", "rename", "renameat", "renameat2", "unlinkat", "mkdirat", "symlinkat"}
FILES = {"raw": 0o600, "json": 0o640, "env": 0o604, "envfile": 0o600}


def value(generation):
    """A credential that anybody can check: its number says what all of it must be."""
    filler = f"<{generation}>" * 700
    text = json.dumps({"mrn": "//x", "generation": generation, "filler": filler})
    return base64.b64encode(text.encode()).decode()


def generation_of(name, data):
    """The number of a whole credential in a format; AssertionError for anything else."""
    text = data.decode()
    if name in ("env", "envfile", "credential.env"):
        found = re.fullmatch(r"(?:export )?MONDOO_CONFIG_BASE64='?([^'\n]*)'?\n"
                             r"(?:export )?WIF_AGENT_EXPIRES_AT='?([^'\n]*)'?\n", text)
        assert found, f"{name}: {text[:80]!r}"
        text = found[1]
    decoded = text if name in ("json", "credential.json") else base64.b64decode(text, validate=True)
    generation = json.loads(decoded)["generation"]
    whole = value(generation)
    expected = base64.b64decode(whole).decode() if decoded is text else whole
    assert text == expected, f"{name}: not the whole of {generation}"
    return generation


class ScriptedWorker:
    """Behind a socket; each job gets the next generation of the account's credential."""

    def __init__(self, path):
        self.generations = collections.Counter()
        self.lifetime = 3600
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.work, args=(peer,), daemon=True).start()

    def work(self, peer):
        try:
            with peer, peer.makefile("rwb") as lines:
                for line in lines:
                    lines.write(json.dumps(self.answer(json.loads(line))).encode() + b"\n")
                    lines.flush()
        except OSError:
            pass  # killed in the middle

    def answer(self, job):
        name = os.path.basename(job["path"]).removesuffix(".json")
        self.generations[name] += 1
        # Some of them: the search goes through all that was printed for each.
        if self.generations[name] <= 3:
            secrets.add(value(self.generations[name]))
        return {"id": job["id"], "credential": {
            "kind": "mondoo", "value": value(self.generations[name]), "issuedAt": time.time(),
            "lifetime": self.lifetime, "receivedAt": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}}

    def stop(self):
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


class Reader(threading.Thread):
    """Reads directories of outputs in a loop, and keeps what is wrong."""

    def __init__(self, places):
        super().__init__(daemon=True)
        self.places = {place: 0 for place in places}  # and the newest generation seen in each
        self.reads, self.wrong = 0, []
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            for place in self.places:
                for name, mode in FILES.items():
                    self.look(place, lambda: self.read_file(place, name, mode))
                self.look(place, lambda: self.read_set(place))
                # The agent is to have the processor, too.
                self.done.wait(0.001)

    def look(self, place, work):
        try:
            self.places[place] = max(work(), self.places[place])
            self.reads += 1
        except FileNotFoundError as missing:
            # Only before the first delivery.
            if self.places[place]:
                self.wrong.append(f"gone: {missing}")
        except Exception as wrong:
            self.wrong.append(repr(wrong))

    def read_file(self, place, name, mode):
        with open(place / name, "rb") as file:
            found = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            assert found == mode, f"{name}: mode {found:o}"
            return generation_of(name, file.read())

    def read_set(self, place):
        directory = os.open(place / "set/..data", os.O_RDONLY | os.O_DIRECTORY)
        try:
            seen = set()
            for name in ["credential", "credential.json", "credential.env", "expires_at"]:
                file = os.open(name, os.O_RDONLY, dir_fd=directory)
                with open(file, "rb") as opened:
                    found = stat.S_IMODE(os.fstat(file).st_mode)
                    assert found == 0o600, f"set/{name}: mode {found:o}"
                    data = opened.read()
                if name == "expires_at":
                    assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", data), data
                else:
                    seen.add(generation_of(name, data))
            assert len(seen) == 1, f"a mixture: {seen}"
            return seen.pop()
        finally:
            os.close(directory)

    def stop(self):
        self.done.set()
        self.join()


@same_processor
class Cut(World):
    """An agent that is cut off as planned, and a worker that gives one generation after the other."""

    def setUp(self):
        super().setUp()
        self.tool = self.scratch / "cut"
        subprocess.run(["gcc", "-O2", "-o", self.tool, CUT], check=True)
        if subprocess.run([self.tool, "/none", "/none", "/dev/null", "/bin/true"]).returncode:
            self.skipTest("processes may not be traced here")
        self.out, self.plans = self.scratch / "out", self.scratch / "plans"
        self.out.mkdir(mode=0o755)
        self.plans.mkdir()
        self.records = self.scratch / "records"
        self.worker = ScriptedWorker(self.scratch / "worker.sock")
        self.addCleanup(self.worker.stop)
        self.serial = 0

    def an_account(self, name):
        """With an output in every format, in a directory of its own."""
        place = self.out / name
        outputs = [{"format": form, "path": f"{place}/{form}", "mode": f"{mode:04o}"}
                   for form, mode in FILES.items()]
        return self.account({"type": "external_account", "audience": "//x/spaces/y"}, name=name,
                            issuerUri="https://issuer.example",
                            outputs=outputs + [{"format": "directory", "path": f"{place}/set"}])

    def plan(self, key, number, action, code=0, onwards=""):
        self.serial += 1
        temporary = self.plans / f".{key}"
        temporary.write_text(f"{self.serial} {number} {action} {code} {onwards}\n")
        temporary.rename(self.plans / key)
        return self.serial

    def calls(self, serial):
        return self.calls_by_serial().get(serial, [])

    def calls_by_serial(self):
        """The calls of every plan that has met some."""
        found = {}
        for line in self.records.read_text().splitlines():
            words = line.split()
            if len(words) == 5 and words[0].isdigit():
                found.setdefault(int(words[0]), []).append(words[3])
        return found

    def command(self, *arguments):
        return [str(part) for part in [
            self.tool, self.out, self.plans, self.records, BIN / "wif-agent", *arguments,
            "--worker-socket", self.scratch / "worker.sock"]]

    def once(self, path):
        return subprocess.run(self.command("run", "--once", "-c", path, "--timeout", 0),
                              capture_output=True, timeout=30, env={"PATH": os.environ["PATH"]})

    def strays(self, place):
        """What is neither delivered nor one of the two generations that are kept."""
        return sorted(place.glob("set/..wif-*"))[2:] + sorted(place.glob(".*.wif-*"))

    def read(self, *names):
        reader = Reader([self.out / name for name in names])
        reader.start()
        self.addCleanup(reader.stop)
        return reader

    def assert_whole(self, reader, least):
        wait_for(lambda: reader.reads >= least or reader.wrong, "reads")
        reader.stop()
        self.assertEqual(reader.wrong, [])
        return reader.reads

    def generations(self, name):
        """What each output of an account holds."""
        place = self.out / name
        held = {form: generation_of(form, (place / form).read_bytes()) for form in FILES}
        for form in ["credential", "credential.json", "credential.env"]:
            held[f"set/{form}"] = generation_of(form, (place / "set" / form).read_bytes())
        return held


class Delivery(Cut):
    def test_killed_at_each_call(self):
        path = self.an_account("mondoo")
        serial = self.plan("mondoo", 0, "kill")
        self.assertEqual(self.once(path).returncode, 0)
        count = len(self.calls(serial))
        reader = self.read("mondoo")
        kills = 0
        step = 1 if SWEEPS > 1 else 2
        first = random.randint(1, step)
        for number in [n for _ in range(SWEEPS) for n in range(first, count + 100, step)]:
            serial = self.plan("mondoo", number, "kill")
            done = self.once(path)
            strays = self.strays(self.out / "mondoo")
            if done.returncode == 0:
                self.assertEqual(strays, [])
                continue
            self.assertEqual(done.returncode, 128 + signal.SIGKILL, done.stderr)
            # A file, and the generation that it was killed over: they do not pile up.
            self.assertLessEqual(len(strays), 3, strays)
            kills += 1
        self.assertGreater(kills, 100 * SWEEPS // step)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(set(self.generations("mondoo").values()),
                         {self.worker.generations["mondoo"]})
        self.assert_whole(reader, 10_000)

    def test_each_call_fails_in_a_running_agent(self):
        for sweep in range(len(ERRORS) if SWEEPS > 1 else 1):
            with self.subTest(sweep=sweep):
                self.sweep_over_calls(sweep, range(1, CALLS, 1 if SWEEPS > 1 else 3))

    def start_all(self, name, names):
        """A running agent of all these accounts, cut off as planned, and its log."""
        paths = [part for account in names for part in ("-c", self.an_account(account))]
        log = self.scratch / f"{name}.log"
        with open(log, "wb") as output:
            agent = subprocess.Popen(self.command("run", "--runtime-dir", self.runtime, *paths),
                                     stderr=output, env={"PATH": os.environ["PATH"]})
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        done = self.control("wait", "--timeout", 60, deadline=70)
        self.assertEqual(done.returncode, 0, done.stderr)
        pid = int(self.records.read_text().split("pid ")[-1].split()[0])
        return agent, pid, log

    @unittest.skipUnless(SWEEPS > 1, "takes minutes: WIF_AGENT_SLOW_TESTS")
    def test_each_two_calls_fail_in_a_running_agent(self):
        """Of all pairs some are drawn: the second call is of the same attempt, or of the next one."""
        for sweep in range(20 if SWEEPS > 1 else 1):
            drawn = random.sample(range(1, 120), 40)
            seconds = {first: str(first + random.randint(1, 60)) for first in drawn}
            with self.subTest(sweep=sweep, seconds=seconds):
                self.sweep_over_calls(100 + sweep, drawn, seconds)

    def sweep_over_calls(self, sweep, numbers, seconds=None):
        """Each account fails at another call: at that one alone, or from there on, or at a second one."""
        names = [f"{sweep}-{number:03}" for number in numbers]
        agent, pid, log = self.start_all(f"sweep{sweep}", names)
        # After the first delivery the agent looks at everything once more: that is not to be cut.
        await_rest(pid, 1)
        reader = self.read(*names)
        serials = {}
        for number, name in zip(numbers, names):
            error = getattr(errno, ERRORS[(number + sweep) % len(ERRORS)])
            more = seconds[number] if seconds else "onwards" if number % 2 == 0 else ""
            serials[name] = self.plan(name, number, "fail", error, more)
        os.kill(pid, signal.SIGUSR1)
        def failed():
            # Told once, however often it is tried.
            return {name for name in names if re.search(
                f"output-failed account={name} path=", log.read_text())}
        def must_fail():
            met = self.calls_by_serial()
            calls = {name: met[serials[name]] for name in names}
            return {name for number, name in zip(numbers, names)
                    if CHANGES & set(calls[name][number - 1:])
                    and calls[name][number - 1] not in QUIET}
        def refreshed():
            # Each of an agent's calls is traced: on a busy machine an answer may come too late.
            done = self.control("status", "--json")
            accounts = json.loads(done.stdout)["accounts"] if done.returncode == 0 else []
            return len(accounts) == len(names) and all(
                account["refreshes"] == 2 for account in accounts)
        wait_for(refreshed, "the refreshes")
        wait_for(lambda: set(serials.values()) <= set(self.calls_by_serial()), "the deliveries")
        wait_for(lambda: failed() >= must_fail(), "the failures to be told")
        self.assertGreater(len(failed()), len(names) // 3)
        for name in names:
            self.assertLessEqual(set(self.generations(name).values()), {1, 2})
            self.plan(name, 0, "fail")
        healed = self.control("wait", "--timeout", 90, deadline=100)
        self.assertEqual(healed.returncode, 0, healed.stderr)
        for name in names:
            self.assertEqual(set(self.generations(name).values()), {2}, name)
            self.assertEqual(self.strays(self.out / name), [], name)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(agent.wait(10), 0)
        self.assert_whole(reader, 10_000)

    def test_run_once_tells_which_call_failed(self):
        path = self.an_account("mondoo")
        self.assertEqual(self.once(path).returncode, 0)
        told = 0
        for number in range(1, CALLS, 1 if SWEEPS > 1 else 9):
            error = ERRORS[number % len(ERRORS)]
            serial = self.plan("mondoo", number, "fail", getattr(errno, error))
            before = self.generations("mondoo")
            done = self.once(path)
            calls = self.calls(serial)
            if len(calls) < number or calls[number - 1] in QUIET:
                continue
            told += 1
            with self.subTest(f"{number}: {calls[number - 1]} {error}"):
                self.assertEqual(done.returncode, 74, done.stderr)
                self.assertIn(os.strerror(getattr(errno, error)), done.stderr.decode())
                self.assertIn(str(self.out), done.stderr.decode())
                for name, held in self.generations("mondoo").items():
                    self.assertIn(held, (before[name], self.worker.generations["mondoo"]))
        self.assertGreater(told, 5)
        self.plan("mondoo", 0, "fail")
        self.assertEqual(self.once(path).returncode, 0)
        self.assertEqual(set(self.generations("mondoo").values()),
                         {self.worker.generations["mondoo"]})
        self.assertEqual(self.strays(self.out / "mondoo"), [])


class StateFile(Cut):
    """What is kept over a restart is whole, too; without it the agent works on."""

    def start(self, *arguments):
        state = self.out / "state"
        path = self.account({"type": "external_account", "audience": "//x/spaces/y"},
                            issuerUri="https://issuer.example")
        log = self.scratch / "state.log"
        with open(log, "wb") as output:
            agent = subprocess.Popen(
                self.command("run", "-c", path, "--runtime-dir", self.runtime, "--state-dir", state,
                             *arguments), stderr=output, env={"PATH": os.environ["PATH"]})
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        return agent, log

    def end(self, agent):
        os.kill(int(self.records.read_text().split("pid ")[-1].split()[0]), signal.SIGTERM)
        self.assertEqual(agent.wait(10), 0)

    def is_ready(self):
        return self.control("wait", "--timeout", 0).returncode == 0

    def assert_whole_state(self):
        file = self.out / "state" / "mondoo.json"
        if not file.exists():
            return None
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(file.parent.stat().st_mode), 0o700)
        return generation_of("raw", json.loads(file.read_text())["credential"]["value"].encode())

    def strays(self, place):
        return list(place.glob(".*.wif-*"))

    def test_killed_or_failed_at_each_call(self):
        agent, _ = self.start("--no-adopt")
        wait_for(self.is_ready, "readiness")
        self.end(agent)
        self.assertEqual(self.assert_whole_state(), 1)
        serial = self.plan("state", 0, "kill")
        agent, _ = self.start("--no-adopt")
        wait_for(self.is_ready, "readiness")
        self.end(agent)
        calls = self.calls(serial)
        self.assertIn("renameat", calls)
        for number, call in list(enumerate(calls, 1))[::1 if SWEEPS > 1 else 3]:
            if self.assert_whole_state() is None:
                # The calls are those of a run that replaces a state.
                self.plan("state", 0, "kill")
                agent, _ = self.start("--no-adopt")
                wait_for(self.is_ready, "readiness")
                self.end(agent)
            before = self.assert_whole_state()
            self.plan("state", number, "kill")
            agent, _ = self.start("--no-adopt")
            self.assertEqual(agent.wait(20), 128 + signal.SIGKILL)
            self.assertIn(self.assert_whole_state(), (before, self.worker.generations["mondoo"]))
            self.assertLessEqual(len(self.strays(self.out / "state")), 1)
            self.plan("state", number, "fail", getattr(errno, ERRORS[number % 5]))
            agent, log = self.start("--no-adopt")
            wait_for(self.is_ready, "readiness")
            if call in ("write", "fsync", "renameat", "fchmod", "getdents64"):
                wait_for(lambda: "not-kept" in log.read_text(), f"the failure of {call}", 10)
            self.end(agent)
            # Of what could not be written nothing older is left, which a restart would deliver again.
            self.assertIn(self.assert_whole_state(), (None, self.worker.generations["mondoo"]))
        self.plan("state", 0, "kill")
        agent, _ = self.start("--no-adopt")
        wait_for(self.is_ready, "readiness")
        self.end(agent)
        self.assertEqual(self.strays(self.out / "state"), [])
        agent, log = self.start()
        wait_for(self.is_ready, "readiness")
        self.end(agent)
        self.assertIn("adopted", log.read_text())
