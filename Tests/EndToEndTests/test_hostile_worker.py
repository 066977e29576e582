"""A worker that was taken over, and one that was replaced: what it tries (Tests/Faults/hostile-worker)."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import world
from machine import needs, same_processor
from test_attacks import children, facts
from test_worker_socket import WorkerService
from world import BIN, ROOT, World, root_only, wait_for

SOURCE = ROOT / "Tests/Faults/hostile-worker/hostile-worker.c"
NOBODY = 4242

# Sanitizers do without the filters, which they would not survive.
is_sanitized = any(name in (BIN / "wif-exchange").read_bytes()
                   for name in [b"__asan_report_load", b"__tsan_read8"])


class Listener:
    """Hears what the hostile worker tells of its attempts."""

    def __init__(self):
        self.text = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                while piece := peer.recv(65536):
                    self.text += piece

    @property
    def lines(self):
        return self.text.decode().splitlines()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@unittest.skipUnless(shutil.which("gcc"), "needs a C compiler")
@unittest.skipIf(is_sanitized, "a sanitizer needs what the filters refuse")
class HostileWorker(World):
    def setUp(self):
        super().setUp()
        self.scratch.chmod(0o755)
        self.listener = Listener()
        self.addCleanup(self.listener.close)
        # Programs of our own, one of which is replaced.
        self.programs = self.scratch / "bin"
        self.programs.mkdir(mode=0o755)
        shutil.copy2(BIN / "wif-agent", self.programs)
        self.worker = self.programs / "wif-exchange"
        self.victim = self.scratch / "victim"
        self.victim.write_text("whole")
        self.victim.chmod(0o755)
        self.secret = self.scratch / "secret"
        self.secret.write_text("secret")
        self.secret.chmod(0o600)
        self.world = self.emulator("--platform", "gcp")

    def build(self, path, *arguments):
        subprocess.run(["gcc", "-O1", *arguments, "-o", path, SOURCE], check=True)
        path.chmod(0o755)

    def script(self, path, order, program):
        """Starts the real program with the hostile library in it."""
        library = self.programs / "hostile.so"
        if not library.exists():
            self.build(library, "-shared", "-fPIC", "-DINSIDE")
        path.write_text(f"#!/bin/sh\nHOSTILE='{self.listener.port} {order}' LD_PRELOAD={library} "
                        f"exec {program} \"$@\"\n")
        path.chmod(0o755)

    def order(self, pid):
        return f"try {pid} {self.victim} {self.secret} {self.runtime / 'control.sock'}"

    def an_account(self, **changes):
        changes.setdefault("credentialSource", {"provider": "gcp"})
        return self.account(self.world.account, **changes)

    def start(self, path, *arguments, **options):
        self.count += 1
        command = [self.programs / "wif-agent", "run", "--runtime-dir", self.runtime, "-c", path,
                   "--worker-socket", "none", *arguments]
        agent = world.Process(command, self.scratch / f"agent{self.count}.log",
                              self.environment(self.world), **options)
        self.addCleanup(agent.stop)
        return agent

    def attempts(self, may_read=()):
        """What was tried; nothing of it may have succeeded, nor have had an effect."""
        wait_for(lambda: "done" in self.listener.lines, "the attempts: " + str(self.listener.lines[-3:]))
        lines = self.listener.lines
        succeeded = [line for line in lines if line.endswith(": succeeded")]
        self.assertEqual(succeeded, [f"{name}: succeeded" for name in may_read])
        self.assertGreater(len(lines), 150)
        self.assertEqual(self.victim.read_text(), "whole")
        self.assertEqual(self.victim.stat().st_mode & 0o7777, 0o755)
        self.assertEqual(list(pathlib.Path("/tmp").glob("hostile-worker*")), [])

    @same_processor
    def test_taken_over(self):
        """Its payload runs in the real worker after that has entered its sandbox, and it works on."""
        self.script(self.worker, self.order(os.getpid()), BIN / "wif-exchange")
        agent = self.start(self.an_account())
        self.attempts()
        self.await_ready(agent)

    @same_processor
    @root_only
    def test_taken_over_with_a_job_that_reads_files(self):
        """Then it may read, and nothing else."""
        token = self.scratch / "token"
        token.write_bytes(self.wif("token", "--raw", "-c", self.an_account(), records=False,
                                   environment=self.environment(self.world)).stdout)
        token.chmod(0o600)
        self.script(self.worker, self.order(os.getpid()), BIN / "wif-exchange")
        agent = self.start(self.an_account(credentialSource={"file": str(token)}))
        self.attempts(may_read=["read /etc/shadow", "read the agent's file"])
        self.await_ready(agent)

    @needs("Landlock", "filters")
    def test_replaced(self):
        """Hostile from its first instruction: what the agent's child gave up before holds it."""
        self.build(self.worker)
        mode = self.programs / "wif-exchange.mode"
        mode.write_text(f"{self.listener.port} {self.order(os.getpid())}\n")
        agent = self.start(self.an_account())
        self.attempts()
        wait_for(lambda: "worker-died" in agent.text(), "the log")

    @same_processor
    @root_only
    def test_taken_over_by_another_user(self):
        """Started by no root it shares the user, so the filter and Landlock do it all."""
        self.script(self.worker, self.order(os.getpid()), BIN / "wif-exchange")
        path = self.an_account()
        for place in [path, self.victim, self.secret, self.runtime]:
            os.chown(place, NOBODY, NOBODY)
        self.start(path, user=NOBODY, group=NOBODY, extra_groups=[])
        self.attempts()

    @same_processor
    def test_taken_over_behind_a_socket(self):
        path = self.scratch / "exchange.sock"
        self.script(self.worker, self.order(os.getpid()), BIN / "wif-exchange")
        service = WorkerService(path, program=self.worker)
        self.addCleanup(service.stop)
        agent = self.agent("-c", self.an_account(), "--worker-socket", path,
                           environment=self.environment(self.world))
        self.attempts()
        self.await_ready(agent)

    @same_processor
    @root_only
    def test_inside_the_agent(self):
        """Its filter is small, for hooks inherit it."""
        agent = self.programs / "agent"
        self.script(agent, f"agent {os.getpid()}", BIN / "wif-agent")
        command = [agent, "run", "--runtime-dir", self.runtime, "-c", self.an_account()]
        process = world.Process(command, self.scratch / "inside.log", self.environment(self.world))
        self.addCleanup(process.stop)
        wait_for(lambda: "done" in self.listener.lines, "the attempts")
        self.assertEqual([line for line in self.listener.lines if line.endswith(": succeeded")], [])
        self.assertGreater(len(self.listener.lines), 15)
        self.await_ready(process)
        self.assertEqual(facts(process.pid)["Seccomp"], "2")
        self.assertEqual(facts(process.pid)["NoNewPrivs"], "0")

    def test_it_ends_with_the_agent(self):
        """One that stays when its input has ended, and ignores SIGTERM."""
        self.build(self.worker)
        (self.programs / "wif-exchange.mode").write_text(f"{self.listener.port} linger\n")
        agent = self.start(self.an_account())
        wait_for(lambda: "lingers" in self.listener.lines, "the worker")
        pid = children(agent.pid)[0]
        os.kill(agent.pid, signal.SIGKILL)
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists() or facts(pid)["State"][0] == "Z",
                 "its end", 5)

    def test_what_programs_leave_behind_ends_with_them(self):
        """A source's program whose child left its group and session, and was adopted."""
        program = self.programs / "program"
        self.build(program)
        path = self.an_account(credentialSource={
            "executable": {"command": [str(program), f"{self.listener.port} leave"]}})
        done = self.wif("get", "-c", path, "--worker-socket", "none", "--timeout", 0,
                        environment=self.environment(self.world))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("leave a child: succeeded", self.listener.lines)
        left = [link for link in pathlib.Path("/proc").glob("[0-9]*/exe")
                if os.path.lexists(link) and self.target(link) == str(program)]
        self.assertEqual(left, [])

    @staticmethod
    def target(link):
        try:
            return os.readlink(link)
        except OSError:
            return None

    def test_descendants_get_no_credential(self):
        """A hook asks on both sockets, itself and through a child; from elsewhere both answer."""
        asks = ("import socket\n"
                f"def ask(path, words):\n"
                f"    s = socket.socket(socket.AF_UNIX); s.connect(path)\n"
                f"    if words: s.sendall(words)\n"
                f"    d = b''\n"
                f"    while p := s.recv(65536): d += p\n"
                f"    return d\n"
                f"try: print(len(ask('{self.runtime}/mondoo.sock', b'')))\n"
                f"except ConnectionError: print(0)\n"
                f"print(ask('{self.runtime}/control.sock', b'GET /credential?file={self.scratch}"
                f"/mondoo.json HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n').split()[1].decode())\n")
        (self.scratch / "ask.py").write_text(asks)
        hook = self.scratch / "hook"
        out = self.scratch / "told"
        hook.write_text(f"#!/bin/sh\n{{ {world.SYSTEM_PYTHON} {self.scratch}/ask.py; "
                        f"( ( {world.SYSTEM_PYTHON} {self.scratch}/ask.py ) ); echo end; }} >{out} 2>&1\n")
        hook.chmod(0o755)
        agent = self.agent("-c", self.an_account(onRefresh=[{"command": [str(hook)]}]),
                           environment=self.environment(self.world))
        self.await_ready(agent)
        wait_for(lambda: out.exists() and "end" in out.read_text(), "the hook")
        self.assertEqual(out.read_text().split(), ["0", "403", "0", "403", "end"])
        done = subprocess.run([world.SYSTEM_PYTHON, self.scratch / "ask.py"], capture_output=True, text=True)
        length, status = done.stdout.split()
        self.assertGreater(int(length), 500, agent.text())
        self.assertEqual(status, "200")
        self.assertIn("descends from this agent", agent.text())


if __name__ == "__main__":
    unittest.main()
