"""What comes in floods, and what runs out: the agent stays small, goes on with the rest, and ends when it is told to."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from test_adversity import many_descriptors
from world import BIN, Process, World, root_only, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}


def limited(count, *command):
    return ["prlimit", f"--nofile={count}:{count}", *[str(part) for part in command]]


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Descriptors(World):
    """Fewer than are needed."""

    def directory(self, count):
        world = self.emulator("--platform", "gcp")
        directory = self.scratch / "etc"
        directory.mkdir(mode=0o755)
        for index in range(count):
            path = directory / f"a{index:03}.json"
            path.write_text(json.dumps(world.account))
            path.chmod(0o600)
        return world, directory

    def start(self, limit, *arguments, world):
        command = limited(limit, BIN / "wif-agent", "run", "--runtime-dir", self.runtime, *arguments)
        agent = Process(command, self.scratch / "agent.log", self.environment(world))
        self.addCleanup(agent.stop)
        return agent

    def test_no_number_of_them_ends_a_program_by_a_signal(self):
        world = self.emulator("--platform", "gcp")
        account = self.account(world.account)
        commands = [["run", "-c", account], ["get", "--fresh", "-c", account, "--timeout", "0"],
                    ["status"]]
        for limit in [6, 7, 8, 9, 10, 12, 14, 17, 24, 63]:
            for command in commands:
                with self.subTest(limit=limit, command=command[0]):
                    done = subprocess.run(
                        limited(limit, BIN / "wif-agent", *command, "--runtime-dir", self.runtime),
                        capture_output=True, timeout=30, env=self.environment(world))
                    text = done.stderr.decode()
                    if command[0] == "run":
                        self.assertIn(done.returncode, (75, 78), text)
                    else:
                        self.assertIn(done.returncode, (0, 75), text)
                    if done.returncode:
                        self.assertIn("wif-agent: ", text)
        done = subprocess.run(
            limited(12, BIN / "wif-agent", *commands[0], "--runtime-dir", self.runtime),
            capture_output=True, timeout=30, env=self.environment(world))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"at most 12 files may be open, and an agent needs at least 64", done.stderr)
        self.assertIn(b"hint: raise LimitNOFILE=", done.stderr)

    def test_more_accounts_than_descriptors(self):
        world, directory = self.directory(300)
        agent = self.start(256, "--config-dir", directory, world=world)
        wait_for(lambda: agent.text().count("info refreshed") > 20, "some credentials", 60)
        report = self.status()
        served, refused = report["accounts"], report["rejected"]
        self.assertEqual(len(served) + len(refused), 300)
        self.assertGreater(len(served), 50)
        self.assertGreater(len(refused), 100)
        self.assertIn("Too many open files", refused[0]["error"])
        self.assertIn("LimitNOFILE=", refused[0]["hint"])
        # All that are served have what they need: a worker and their outputs.
        wait_for(lambda: all(a["state"] == "valid" for a in self.status()["accounts"]),
                 "every credential", 60)
        self.assertNotIn("refresh-failed", agent.text())
        self.assertEqual(self.control("refresh", served[0]["account"]).returncode, 0)
        self.assertGreater(len(self.read_socket(self.runtime / f"{served[0]['account']}.sock")), 500)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(20), 0)

    def test_readers_who_wait_leave_enough_for_a_worker(self):
        many_descriptors(self)
        world, directory = self.directory(8)
        world.fault(match=EXCHANGE, status=503)
        agent = self.start(256, "--config-dir", directory, "--hold", 120, world=world)
        wait_for(lambda: agent.text().count("refresh-failed") >= 8, "failures")
        readers = []
        for index in range(8):
            for _ in range(60):
                reader = socket.socket(socket.AF_UNIX)
                self.addCleanup(reader.close)
                reader.settimeout(60)
                reader.connect(str(self.runtime / f"a{index:03}.sock"))
                readers.append(reader)
        wait_for(lambda: descriptors(agent.pid) > 130, "the readers")
        # The control socket is heard, and a worker starts.
        self.assertEqual(self.control("status").returncode, 0)
        world.heal()
        self.assertEqual(self.control("refresh", deadline=20).returncode, 0, agent.text()[-2000:])
        begin = time.monotonic()
        for reader in readers:
            self.assertGreater(len(reader.recv(4096)), 500)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertNotIn("class=misconfigured", agent.text())
        self.assertLess(descriptors(agent.pid), 256)


class Network(World):
    """At --listen."""

    def start(self):
        self.world = self.emulator("--platform", "gcp")
        probe = socket.socket()
        probe.bind(("127.0.0.1", 0))
        self.port = probe.getsockname()[1]
        probe.close()
        agent = self.agent("-c", self.account(self.world.account), "--listen",
                           f"127.0.0.1:{self.port}", environment=self.environment(self.world))
        self.await_ready(agent)
        many_descriptors(self)
        return agent

    def ask(self, data):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(data)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer

    def test_clients_that_come_and_go_without_end(self):
        agent = self.start()
        before = memory(agent.pid)
        stop = threading.Event()
        connected = []

        def flood():
            count = 0
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    count += 1
                except OSError:
                    pass
            connected.append(count)

        threads = [threading.Thread(target=flood) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            highest, largest = 0, 0
            for _ in range(6):
                begin = time.monotonic()
                self.assertEqual(self.control("status", "--check").returncode, 0)
                self.assertEqual(self.control("refresh").returncode, 0)
                self.assertLess(time.monotonic() - begin, 15)
                for _ in range(20):
                    highest = max(highest, descriptors(agent.pid))
                    largest = max(largest, memory(agent.pid))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertGreater(sum(connected), 1000)
        self.assertLess(highest, 450)
        self.assertLess(largest - before, 32 << 10)
        wait_for(lambda: descriptors(agent.pid) < 60, "the connections to go")
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(10), 0)

    def test_requests_with_bodies(self):
        agent = self.start()
        before = memory(agent.pid)
        head = b"POST /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for rest in [b"Content-Length: 1\r\n\r\nx", b"Content-Length: 1000000\r\n\r\n",
                     b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"]:
            self.assertIn(b"HTTP/1.1 413 ", self.ask(head + rest))
        # A body of no bytes is none.
        for rest in [b"Content-Length: 0\r\n", b""]:
            answer = self.ask(head + rest + b"Connection: close\r\n\r\n")
            self.assertIn(b"HTTP/1.1 404 ", answer)
        crowd = []
        for _ in range(400):
            client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            self.addCleanup(client.close)
            try:
                client.sendall(head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000)
            except OSError:
                pass
            crowd.append(client)
        self.assertEqual(self.control("status", "--check").returncode, 0)
        self.assertLess(memory(agent.pid) - before, 32 << 10)


class Log(World):
    """Standard error that nobody reads."""

    def full_pipe(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"-" * 1023 + b"\n")
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        return reading, writing

    def start(self, *arguments, bad=0):
        """The agent, ready, and the end of the pipe that nobody has read from."""
        self.world = self.emulator("--platform", "gcp")
        directory = self.scratch / "etc"
        directory.mkdir(mode=0o755)
        path = directory / "mondoo.json"
        path.write_text(json.dumps(self.world.account))
        path.chmod(0o600)
        for index in range(bad):
            (directory / f"bad{index}.json").write_text('{"type": "external_account", "audience": 1}')
            (directory / f"bad{index}.json").chmod(0o600)
        reading, writing = self.full_pipe()
        agent = subprocess.Popen(
            [BIN / "wif-agent", "run", "--runtime-dir", self.runtime, "--config-dir", directory,
             *arguments], stderr=writing, stdin=subprocess.DEVNULL,
            env=self.environment(self.world))
        os.close(writing)
        self.addCleanup(lambda: agent.poll() is None and (agent.kill(), agent.wait()))
        self.assertEqual(self.control("wait", "mondoo", "--timeout", 20).returncode, 0)
        return agent, reading

    def test_the_agent_goes_on(self):
        agent, _ = self.start("--log-level", "debug")
        for _ in range(3):
            self.assertEqual(self.control("refresh").returncode, 0)
            self.assertGreater(len(self.read_socket(self.runtime / "mondoo.sock")), 500)
        self.assertEqual(self.control("status", "--check").returncode, 0)
        begin = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(20), 0)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertFalse((self.runtime / "mondoo.sock").exists())

    def dropped(self, lines, pattern):
        counts = [int(found[1]) for line in lines if (found := re.search(pattern, line))]
        self.assertEqual(len(counts), 1, lines[-3:])
        return counts[0]

    def test_what_is_dropped_is_counted_and_told(self):
        for arguments, pattern in [
            ([], r" warning log-dropped count=(\d+)$"),
            (["--log-format", "json"], r'"count":"(\d+)".*"event":"log-dropped"'),
        ]:
            with self.subTest(arguments):
                shutil.rmtree(self.scratch / "etc", ignore_errors=True)
                agent, reading = self.start(*arguments, bad=2000)
                text = []
                thread = threading.Thread(
                    target=lambda: text.append(os.fdopen(os.dup(reading), "rb").read()))
                thread.start()
                wait_for(lambda: self.control("refresh", "mondoo").returncode == 0, "a refresh")
                agent.send_signal(signal.SIGTERM)
                self.assertEqual(agent.wait(20), 0)
                thread.join()
                lines = [line for line in text[0].decode().splitlines() if not line.startswith("---")]
                told = sum("rejected" in line for line in lines)
                dropped = self.dropped(lines, pattern)
                # The first are there, and nothing is lost once somebody reads.
                self.assertGreater(told, 500)
                self.assertGreater(dropped, 100)
                self.assertIn("started", lines[0])
                self.assertIn("stopped", lines[-1])
                self.assertLessEqual(told, 2000)

    def test_commands_go_on(self):
        world = self.emulator("--platform", "gcp")
        # It has a warning to tell.
        account = self.account(world.account, unknownKey=1)
        for command in [["get", "--fresh"], ["exec", "--"]]:
            with self.subTest(command[0]):
                reading, writing = self.full_pipe()
                words = [BIN / "wif-agent", command[0], "-c", account, *command[1:]]
                if command[0] == "exec":
                    words += ["/bin/echo", "ran"]
                done = subprocess.run(
                    [*words], stderr=writing, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                    timeout=30, env=self.environment(world))
                os.close(writing)
                self.assertEqual(done.returncode, 0)
                self.assertGreater(len(done.stdout), 3)


class Worker(World):
    """One that is none of ours."""

    FLOODS = {
        "lines that are no results": "exec yes",
        "results that nobody asked for": """exec yes '{"id":999999,"revoked":true}'""",
        "one endless line": "exec cat /dev/zero",
        "empty lines": "exec yes ''",
        "standard error": "exec yes >&2",
        "both": "yes >&2 & exec cat /dev/zero",
    }

    def start(self):
        self.world = self.emulator("--platform", "gcp")
        self.scratch.chmod(0o755)
        programs = self.scratch / "bin"
        programs.mkdir(mode=0o755)
        shutil.copy2(BIN / "wif-agent", programs / "wif-agent")
        self.flood = programs / "wif-exchange"
        account = self.account(self.world.account)
        agent = Process(
            [programs / "wif-agent", "run", "--worker-socket", "none", "--runtime-dir", self.runtime,
             "-c", account], self.scratch / "agent.log", self.environment(self.world))
        self.addCleanup(agent.stop)
        return agent

    def replace(self, text):
        aside = self.flood.with_suffix(".new")
        aside.write_text(f"#!/bin/sh\n{text}\n")
        aside.chmod(0o755)
        aside.rename(self.flood)

    def test_whatever_it_floods(self):
        agent = self.start()
        wait_for(lambda: "refresh-failed" in agent.text(), "the start")
        before = memory(agent.pid)
        for name, text in self.FLOODS.items():
            with self.subTest(name):
                self.replace(text)
                used, begin = processor_seconds(agent.pid), time.monotonic()
                refresh = subprocess.Popen(
                    [BIN / "wif-agent", "refresh", "--runtime-dir", self.runtime],
                    stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
                # Meanwhile it answers.
                for _ in range(5):
                    asked = time.monotonic()
                    self.assertEqual(self.control("status").returncode, 0)
                    self.assertLess(time.monotonic() - asked, 3)
                _, errors = refresh.communicate(timeout=40)
                self.assertEqual(refresh.returncode, 75, errors)
                self.assertIn(b"the worker died", errors)
                self.assertLess(processor_seconds(agent.pid) - used, 15)
                self.assertLess(time.monotonic() - begin, 40)
        self.assertLess(memory(agent.pid) - before, 48 << 10)

    def test_the_agent_ends_when_it_is_told_to(self):
        for name in ["standard error", "empty lines"]:
            with self.subTest(name):
                agent = self.start() if name == "standard error" else self.restart()
                self.replace(self.FLOODS[name])
                wait_for(lambda: self.control("status").returncode == 0, "the agent")
                agent.signal(signal.SIGUSR1)
                wait_for(lambda: "worker died" in agent.text(), "a flood")
                begin = time.monotonic()
                agent.signal(signal.SIGTERM)
                self.assertEqual(agent.wait(20), 0)
                self.assertLess(time.monotonic() - begin, 8)

    def restart(self):
        agent = Process(
            [self.scratch / "bin/wif-agent", "run", "--worker-socket", "none", "--runtime-dir",
             self.runtime, "-c", self.scratch / "mondoo.json"], self.scratch / "agent2.log",
            self.environment(self.world))
        self.addCleanup(agent.stop)
        wait_for(lambda: self.control("status").returncode == 0, "the agent")
        return agent


class Hung(World):
    """An agent that does nothing any more."""

    def start(self):
        self.world = self.emulator("--platform", "gcp")
        self.file = self.account(self.world.account)
        agent = self.agent("-c", self.file, environment=self.environment(self.world))
        self.await_ready(agent)
        return agent

    def test_it_is_said_so_soon_and_not_gone_around(self):
        agent = self.start()
        exchanges = self.world.exchanges()
        agent.signal(signal.SIGSTOP)
        self.addCleanup(agent.signal, signal.SIGCONT)
        for command, seconds in [
            (["status"], 10), (["status", "--check"], 10), (["refresh"], 20),
            (["get", "-c", self.file], 20), (["wait", "--timeout", "1"], 15),
        ]:
            with self.subTest(command):
                begin = time.monotonic()
                done = self.control(*command, environment=self.environment(self.world))
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertLess(time.monotonic() - begin, seconds)
                self.assertIn(f"the agent at {self.runtime} does not answer".encode(), done.stderr)
                self.assertNotIn(b"wif-agent run", done.stderr)
                self.assertEqual(done.stdout, b"")
        self.assertEqual(self.world.exchanges(), exchanges)
        agent.signal(signal.SIGCONT)
        self.assertEqual(self.control("status", "--check").returncode, 0)

    @root_only
    def test_where_there_is_none_it_is_said_how_to_start_one(self):
        done = self.control("status", alone=True)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"hint: start it: systemctl start wif-agent", done.stderr)

    @root_only
    def test_one_that_may_not_be_asked_is_not_gone_around(self):
        self.start()
        self.scratch.chmod(0o755)
        programs = self.scratch / "bin"
        programs.mkdir(mode=0o755)
        for name in ["wif-agent", "wif-exchange"]:
            shutil.copy2(BIN / name, programs / name)
        os.chown(self.file, 1, 1)
        exchanges = self.world.exchanges()
        command = ["setpriv", "--reuid", "1", "--regid", "1", "--clear-groups",
                   str(programs / "wif-agent"), "get", "-c", str(self.file), "--runtime-dir",
                   str(self.runtime)]
        done = subprocess.run(command, capture_output=True, timeout=30,
                              env=self.environment(self.world))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"Permission denied", done.stderr)
        self.assertIn(b"--fresh", done.stderr)
        self.assertEqual(self.world.exchanges(), exchanges)
        done = subprocess.run([*command, "--fresh"], capture_output=True, timeout=30,
                              env=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)


class OneAgent(World):
    """On one runtime directory, whatever is removed there."""

    def start(self):
        self.world = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(self.world.account),
                           environment=self.environment(self.world))
        self.await_ready(agent)
        self.socket = self.runtime / "control.sock"
        return agent

    def is_back(self, agent):
        begin = time.monotonic()
        wait_for(lambda: self.control("status").returncode == 0, "the control socket", 5)
        self.assertLess(time.monotonic() - begin, 1)
        self.assertEqual(self.status()["pid"], agent.pid)

    def is_refused(self, agent):
        other = self.account(self.world.account, name="other")
        done = self.control("run", "-c", other, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(f"locked by process {agent.pid}".encode(), done.stderr)
        self.assertIn(b"hint: ", done.stderr)
        self.assertFalse((self.runtime / "other.sock").exists())

    def test_the_control_socket_comes_back(self):
        agent = self.start()
        for _ in range(3):
            before = self.socket.stat().st_ino
            self.socket.unlink()
            self.is_back(agent)
            self.assertNotEqual(self.socket.stat().st_ino, before)
            self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
        self.is_refused(agent)
        self.assertEqual(self.control("refresh").returncode, 0)
        # A question that waits for its answer is not lost.
        self.assertIn("control-socket-restored", agent.text())
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertFalse(self.socket.exists())

    def test_the_lock_counts_and_not_the_socket(self):
        agent = self.start()
        agent.signal(signal.SIGSTOP)
        self.addCleanup(agent.signal, signal.SIGCONT)
        self.socket.unlink()
        self.is_refused(agent)
        agent.signal(signal.SIGCONT)
        self.is_back(agent)

    def test_the_lock_comes_back_and_so_does_the_directory(self):
        agent = self.start()
        (self.runtime / "agent.lock").unlink()
        wait_for((self.runtime / "agent.lock").exists, "the lock")
        self.is_refused(agent)
        shutil.rmtree(self.runtime)
        wait_for(self.socket.exists, "the control socket")
        self.is_back(agent)
        self.is_refused(agent)
