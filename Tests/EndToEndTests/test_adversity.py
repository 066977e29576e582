"""What consumers and their machine do to an agent at its worst: the rest keeps working, and it says
what failed."""

import json
import os
import pathlib
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from world import BIN, Process, World, root_only, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def many_descriptors(test):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    test.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limit[1]), limit[1]))


class Hooks(World):
    def start(self, *hooks):
        self.world = self.emulator("--platform", "gcp")
        self.file = self.scratch / "m.json"
        account = self.account(
            self.world.account, onRefresh=list(hooks),
            outputs=[{"format": "json", "path": str(self.file)}])
        other = self.account(self.world.account, name="other")
        agent = self.agent("-c", account, "-c", other, environment=self.environment(self.world))
        self.await_ready(agent)
        return agent

    def test_one_that_hangs_and_ignores_what_it_is_told(self):
        pids, after = self.scratch / "pids", self.scratch / "after"
        script = f'trap "" TERM; sleep 300 & echo $! $$ >{pids}; wait; wait; sleep 300'
        agent = self.start({"command": ["/bin/sh", "-c", script], "timeout": 1},
                           {"command": ["/bin/sh", "-c", f"echo done >{after}"]})
        wait_for(lambda: "did not end within 1 s" in agent.text(), "the report", 15)
        self.assertIn("hook-failed", agent.text())
        # What it had started is gone with it, the next one ran, and the delivery stands.
        for pid in pids.read_text().split():
            wait_for(lambda: not alive(pid), "the end of the hook's processes")
        wait_for(after.exists, "the second hook")
        self.assertEqual(self.control("status", "--check").returncode, 0)
        self.assertEqual(self.control("refresh", "other").returncode, 0)

    def test_one_that_leaves_a_process_behind_with_its_descriptors(self):
        left = self.scratch / "left"
        left.touch()
        script = f"setsid sleep 300 & echo $! >>{left}"
        # Longer than what is waited for: who would wait for what is left would be late.
        agent = self.start({"command": ["/bin/sh", "-c", script], "timeout": 300})
        self.addCleanup(lambda: [os.kill(int(pid), 9) for pid in left.read_text().split()])
        wait_for(lambda: len(left.read_text().split()) == 1, "the hook")
        # The hook has ended: the next one is not held up by what it left.
        self.assertEqual(self.control("refresh", "mondoo").returncode, 0)
        wait_for(lambda: len(left.read_text().split()) == 2, "the second hook")
        self.assertNotIn("hook-failed", agent.text())

    def test_ones_that_cannot_run(self):
        plain = self.scratch / "plain"
        plain.write_text("no program")
        agent = self.start({"command": ["/nonexistent/program"]}, {"command": [str(plain)]},
                           {"command": ["/bin/sh", "-c", "exit 3"]})
        wait_for(lambda: agent.text().count("hook-failed") == 3, "three reports")
        for words in ["/nonexistent/program", str(plain), "code 3"]:
            self.assertIn(words, agent.text())
        self.assertEqual(self.control("status", "--check").returncode, 0)


class Peers(World):
    """Of a credential's socket."""

    def start(self, *arguments, delay=None):
        self.world = self.emulator("--platform", "gcp")
        if delay:
            self.world.fault(match=EXCHANGE, delay=delay)
        agent = self.agent("-c", self.account(self.world.account), *arguments,
                           environment=self.environment(self.world))
        self.path = self.runtime / "mondoo.sock"
        wait_for(self.path.exists, "the socket")
        many_descriptors(self)
        return agent

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(str(self.path))
        return client

    def memory(self, agent):
        status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def all_is_well(self, agent):
        self.assertEqual(self.control("status", "--check", deadline=10).returncode, 0, agent.text())
        self.assertGreater(len(self.read_socket(self.path)), 500)
        self.assertEqual(self.control("refresh", deadline=20).returncode, 0)

    def test_ones_that_never_read(self):
        agent = self.start()
        self.await_ready(agent)
        for _ in range(500):
            self.connect()
        self.all_is_well(agent)

    def test_ones_that_send_megabytes(self):
        agent = self.start(delay=2)
        before = self.memory(agent)
        held = self.connect()
        held.settimeout(0.5)
        try:
            for _ in range(64):
                held.sendall(b"x" * (1 << 20))
        except OSError:  # Nobody reads it: the buffer is full.
            pass
        self.await_ready(agent)
        served = self.connect()
        served.settimeout(0.5)
        try:
            for _ in range(64):
                served.sendall(b"x" * (1 << 20))
        except OSError:  # It has had its credential and was closed.
            pass
        self.all_is_well(agent)
        self.assertLess(self.memory(agent) - before, 16 << 10)

    def test_ten_thousand_connections(self):
        agent = self.start()
        self.await_ready(agent)
        self.all_is_well(agent)
        before, idle = self.memory(agent), len(os.listdir(f"/proc/{agent.pid}/fd"))
        for _ in range(10_000):
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(self.path))
            client.close()
        self.all_is_well(agent)
        self.assertLess(self.memory(agent) - before, 16 << 10)
        wait_for(lambda: len(os.listdir(f"/proc/{agent.pid}/fd")) <= idle, "descriptors to be closed")
        # Counted, and logged once for each credential.
        self.assertLess(agent.text().count("socket-"), 20, agent.text()[-2000:])

    def test_a_crowd_before_the_first_credential(self):
        agent = self.start("--log-level", "debug", delay=3)
        before = self.memory(agent)
        for _ in range(10):
            crowd = []
            for _ in range(1000):
                client = socket.socket(socket.AF_UNIX)
                client.connect(str(self.path))
                crowd.append(client)
            for client in crowd:
                client.close()
        self.assertEqual(self.http("/livez")[0], 200)
        self.await_ready(agent)
        self.all_is_well(agent)
        self.assertLess(self.memory(agent) - before, 24 << 10)
        self.assertLess(agent.text().count("socket-refused"), 5)


class Disks(World):
    """What happens to the place of one output while the agent runs; another stays good."""

    def start(self, directory, **options):
        self.world = self.emulator("--platform", "gcp")
        self.good = self.scratch / "good"
        self.bad = directory / "m.json"
        account = self.account(self.world.account, outputs=[
            {"format": "json", "path": str(self.bad)}, {"format": "json", "path": str(self.good)}])
        agent = self.agent("-c", account, environment=self.environment(self.world))
        self.await_ready(agent)
        return agent

    def mount(self, options):
        place = self.scratch / "mounted"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "none", place],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", place], capture_output=True)
        return place

    def fails(self, agent, *words, kept=True):
        """The next refresh: one output fails and says why, the other has the new credential."""
        old = self.good.read_bytes()
        self.control("refresh")
        wait_for(lambda: "output-failed" in agent.text(), "the report")
        wait_for(lambda: self.good.read_bytes() != old, "the good output")
        for word in (str(self.bad.parent),) + words:
            self.assertIn(word, agent.text())
        if kept:
            self.assertEqual(self.bad.read_bytes(), old)
            self.assertEqual(list(self.bad.parent.glob(".m.json.wif-*")), [])
        self.assertEqual(self.control("status", "--check").returncode, 75)
        failed = [output for output in self.the_account()["outputs"] if output.get("error")]
        self.assertEqual([output["path"] for output in failed], [str(self.bad)])

    def heals(self, agent):
        wait_for(lambda: self.control("status", "--check").returncode == 0, "the redelivery", 30)
        self.assertEqual(self.bad.read_bytes(), self.good.read_bytes())
        if "output-failed" in agent.text():
            self.assertRegex(agent.text(), rf"info delivered \S+ path={self.bad} failures=\d+")

    @root_only
    def test_a_full_one(self):
        place = self.mount("size=32k")
        agent = self.start(place)
        with open(place / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        self.fails(agent, "No space left on device")
        (place / "filler").unlink()
        self.heals(agent)

    @root_only
    def test_a_read_only_one(self):
        place = self.mount("size=1m")
        agent = self.start(place)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        self.fails(agent, "Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        self.heals(agent)

    def test_a_directory_that_is_removed(self):
        place = self.scratch / "out"
        agent = self.start(place)
        shutil.rmtree(place)
        old = self.good.read_bytes()
        self.control("refresh")
        wait_for(lambda: self.good.read_bytes() != old, "the good output")
        # Made anew, or said to be missing until it is back: never silently delivered to nobody.
        if not self.bad.exists():
            self.fails(agent, kept=False)
            place.mkdir(mode=0o700)
        self.heals(agent)

    def test_a_link_planted_between_refreshes(self):
        place = self.scratch / "out"
        agent = self.start(place)
        victim = self.scratch / "victim"
        victim.write_text("precious")
        self.bad.unlink()
        self.bad.symlink_to(victim)
        self.fails(agent, "link", kept=False)
        self.assertEqual(victim.read_text(), "precious")
        self.bad.unlink()
        self.heals(agent)

    def test_a_link_planted_in_place_of_the_directory(self):
        place = self.scratch / "out"
        agent = self.start(place)
        elsewhere = self.scratch / "elsewhere"
        elsewhere.mkdir(mode=0o777)
        elsewhere.chmod(0o777)
        place.rename(self.scratch / "aside")
        place.symlink_to(elsewhere)
        old = self.good.read_bytes()
        self.control("refresh")
        wait_for(lambda: self.good.read_bytes() != old, "the good output")
        self.assertEqual(os.listdir(elsewhere), [])


class Paths(World):
    """Names that are not UTF-8."""

    ODD = os.fsdecode(b"o\xffd")

    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.surroundings = self.environment(self.world)

    def run_raw(self, *arguments, **variables):
        return self.wif(*arguments, environment={**self.surroundings, **variables})

    def test_of_account_files(self):
        good = self.account(self.world.account)
        odd = self.scratch / f"{self.ODD}.json"
        shutil.copy(good, odd)
        for command in [["check"], ["get", "--fresh"], ["token"], ["exec"], ["run"]]:
            rest = ["--", "true"] if command == ["exec"] else []
            more = ["--runtime-dir", self.runtime] if command == ["run"] else []
            done = self.run_raw(*command, "-c", odd, *more, *rest)
            self.assertEqual(done.returncode, 64, (command, done.stderr))
            self.assertEqual(done.stdout, b"")
            done.stderr.decode()  # It is UTF-8 itself.
            self.assertIn(b"is not UTF-8", done.stderr)
        done = self.run_raw("get", "--fresh", WIF_AGENT_CONFIG=os.fsencode(odd))
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn(b"WIF_AGENT_CONFIG", done.stderr)

    def test_of_a_file_among_good_ones(self):
        directory = self.scratch / "etc"
        directory.mkdir(mode=0o755)
        for name in ["good", self.ODD]:
            path = directory / f"{name}.json"
            path.write_text(json.dumps(self.world.account))
            path.chmod(0o600)
        agent = self.agent("--config-dir", directory, environment=self.surroundings)
        wait_for(lambda: "rejected" in agent.text(), "the rejection")
        self.assertEqual(self.control("wait", "good").returncode, 0)
        self.assertEqual([a["account"] for a in self.status()["accounts"]], ["good"])
        self.assertEqual(len(self.status()["rejected"]), 1)

    def test_of_outputs_and_directories(self):
        good = self.account(self.world.account)
        odd = self.scratch / self.ODD
        odd.mkdir(mode=0o700)
        cases = [
            ["run", "--once", "-c", good, "--output", f"raw:{odd}/x"],
            ["run", "-c", good, "--runtime-dir", odd],
            ["run", "--config-dir", odd / "etc"],
        ]
        for arguments in cases:
            with self.subTest(arguments[1:]):
                done = self.run_raw(*arguments)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn(b"is not UTF-8", done.stderr)
                done.stderr.decode()
                self.assertEqual(os.listdir(os.fsencode(odd)), [])
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(odd)
        done = self.run_raw("run", "-c", good, "--runtime-dir", "run")
        self.assertEqual(done.returncode, 64, done.stderr)
        os.chdir(here)
        # Nothing was made under another name either.
        self.assertEqual(sorted(os.listdir(os.fsencode(self.scratch)))[-1:], [b"world1.log"])
        account = json.dumps({**self.world.account, "outputs": [
            {"format": "raw", "path": "/tmp/o?d/x"}]}).encode().replace(b"?", b"\xff")
        path = self.scratch / "bytes.json"
        path.write_bytes(account)
        path.chmod(0o600)
        done = self.run_raw("check", "-c", path)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"UTF-8", done.stderr)


class Questions(World):
    """To the control socket."""

    COMMANDS = [("status", "--check"), ("wait", "--timeout", 5), ("refresh",)]

    def start(self, *arguments):
        self.world = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(self.world.account), *arguments,
                           environment=self.environment(self.world))
        self.await_ready(agent)
        self.calm = {command: self.seconds(command) for command in self.COMMANDS}
        many_descriptors(self)
        return agent

    def seconds(self, command):
        """How long it takes until it is answered, asked again where that was not within its patience."""
        begin = time.monotonic()

        def answered():
            done = self.control(*command)
            self.assertIn(done.returncode, (0, 75), done.stderr)
            return done.returncode == 0

        wait_for(answered, f"{command[0]} to be answered")
        return time.monotonic() - begin

    def connect(self, request=b""):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(str(self.runtime / "control.sock"))
        if request:
            client.sendall(request)
        return client

    def all_is_well(self):
        # Than before there were strangers: a busy machine takes its time by itself.
        for command in self.COMMANDS:
            self.assertLess(self.seconds(command), self.calm[command] + 5, command)

    def test_one_socket_has_one_agent(self):
        agent = self.start()
        other = self.account(self.world.account, name="other")
        for _ in range(2):
            done = self.control("run", "-c", other, environment=self.environment(self.world))
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(f"{self.runtime}/control.sock".encode(), done.stderr)
            self.assertIn(b"hint: ", done.stderr)
        self.all_is_well()
        # What a killed one leaves is no obstacle.
        agent.signal(9)
        agent.wait()
        after = self.agent("-c", other, environment=self.environment(self.world))
        self.await_ready(after)
        self.assertEqual(self.the_account()["account"], "other")

    def test_thousands_that_ask_nothing(self):
        agent = self.start("--listen", "127.0.0.1:0")
        silent = [self.connect() for _ in range(3000)]
        self.all_is_well()
        self.assertEqual(self.http("/livez")[0], 200)
        # The oldest made room.
        self.assertEqual(silent[0].recv(1), b"")
        self.assertLess(len(os.listdir(f"/proc/{agent.pid}/fd")), 400)

    def test_readers_that_never_read(self):
        self.start()
        # Many answers to each: more than the kernel takes.
        for _ in range(300):
            client = self.connect()
            client.setblocking(False)
            try:
                while True:
                    client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            except OSError:
                pass
        self.all_is_well()

    def test_what_is_no_question(self):
        agent = self.start()
        for text in [b"\0" * 100_000, b"GET " + b"/" * 100_000, b"\xff\xfe\r\n\r\n",
                     b"POST /refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n"]:
            client = self.connect()
            try:
                client.sendall(text)
                client.recv(65536)
            except OSError:
                pass
        self.all_is_well()
        self.assertIsNone(agent.process.poll())


class AccountFiles(World):
    @root_only
    def test_one_that_cannot_be_read_among_good_ones(self):
        world = self.emulator("--platform", "gcp")
        directory = self.scratch / "etc"
        directory.mkdir(mode=0o755)
        self.scratch.chmod(0o755)
        user = pwd.getpwnam("daemon")
        for name, owner in [("good", user.pw_uid), ("shut", 0)]:
            path = directory / f"{name}.json"
            path.write_text(json.dumps(world.account))
            path.chmod(0o600)
            os.chown(path, owner, 0)
        (directory / "folder.json").mkdir()
        (directory / "lost.json").symlink_to("/nonexistent")
        os.mkfifo(directory / "pipe.json")
        # As systemd gives it to a unit's user: commands of root believe that user then.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="wif-e2e-", dir="/run"))
        self.addCleanup(shutil.rmtree, self.runtime, ignore_errors=True)
        self.runtime.chmod(0o755)
        os.chown(self.runtime, user.pw_uid, 0)
        # The programs of a checkout may stand where no other user gets to.
        programs = self.scratch / "bin"
        programs.mkdir(mode=0o755)
        for name in ["wif-agent", "wif-exchange"]:
            shutil.copy2(BIN / name, programs / name)
        agent = Process(
            ["setpriv", "--reuid", "daemon", "--clear-groups", "--regid", "daemon",
             programs / "wif-agent", "run", "--runtime-dir", self.runtime,
             "--config-dir", directory], self.scratch / "agent.log", self.environment(world))
        self.addCleanup(agent.stop)
        wait_for(lambda: agent.text().count(" rejected ") == 4, "four rejections")
        self.assertEqual(self.control("wait", "good", "--timeout", 20).returncode, 0, agent.text())
        self.assertRegex(agent.text(), r"shut\.json: Permission denied")
        self.assertEqual(len(self.status()["rejected"]), 4)
        self.assertEqual([a["account"] for a in self.status()["accounts"]], ["good"])
        # One that is there and cannot be used is known: there is something to wait for.
        done = self.control("wait", "shut", "--timeout", 0.5)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"Permission denied", done.stderr)
        # It is looked at again.
        os.chown(directory / "shut.json", user.pw_uid, 0)
        agent.signal(signal.SIGHUP)
        self.assertEqual(self.control("wait", "shut", "--timeout", 20).returncode, 0)
        self.assertRegex(agent.text(), r"info resolved file=\S+/shut\.json failures=\d+")
