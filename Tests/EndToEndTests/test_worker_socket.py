"""The worker behind a Unix socket, as wif-exchange.socket with Accept=yes has it."""

import json
import os
import select
import socket
import subprocess
import threading

from world import BIN, SYSTEM_PYTHON, World, root_only, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}


class WorkerService:
    """Accepts, and gives each connection to a wif-exchange of its own, as systemd would."""

    def __init__(self, path, *arguments, limit=64, program=BIN / "wif-exchange"):
        self.path, self.arguments, self.limit = path, arguments, limit
        self.program = program
        self.workers = []
        self.dropped = 0
        # A connection that is closed with bytes unread is reset.
        self.unread = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o666)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                if len(self.running) >= self.limit:
                    if self.unread:
                        select.select([peer], [], [], 10)
                    self.dropped += 1
                    continue
                self.workers.append(subprocess.Popen(
                    [str(self.program), *self.arguments],
                    stdin=peer, stdout=peer, stderr=subprocess.PIPE, env={}))

    @property
    def running(self):
        return [worker for worker in self.workers if worker.poll() is None]

    def stop(self):
        if not self.thread.is_alive():
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        self.path.unlink(missing_ok=True)
        for worker in self.workers:
            worker.kill()
            worker.communicate()


class WorkerSocket(World):
    def setUp(self):
        super().setUp()
        os.chmod(self.scratch, 0o755)
        self.path = self.scratch / "exchange.sock"
        self.world = self.emulator("--platform", "gcp")
        self.file = self.account(self.world.account)

    def service(self, *arguments, **options):
        service = WorkerService(self.path, *arguments, **options)
        self.addCleanup(service.stop)
        return service

    def start(self, *arguments, **more):
        environment = self.environment(self.world, **more)
        return self.agent("-c", self.file, *arguments, environment=environment)

    def test_the_agent_has_no_child(self):
        service = self.service()
        agent = self.start(WIF_AGENT_WORKER_SOCKET=str(self.path))
        self.await_ready(agent)
        self.assertEqual(len(service.workers), 1)
        children = subprocess.run(["ps", "--ppid", str(agent.pid), "-o", "pid="], capture_output=True)
        self.assertEqual(children.stdout.split(), [])
        self.assertGreater(len(self.read_socket(self.runtime / "mondoo.sock")), 500)
        wait_for(lambda: not service.running, "the worker's end", 10)
        self.assertEqual([worker.returncode for worker in service.workers], [0])

    def test_every_command_goes_through_it(self):
        service = self.service()
        output = self.scratch / "out" / "credential"
        commands = [
            ["get", "--format", "json"], ["token"], ["exec", "--", "true"],
            ["run", "--once", "--output", f"raw:{output}"],
        ]
        for count, (command, *rest) in enumerate(commands, 1):
            done = self.wif(command, "-c", self.file, "--worker-socket", self.path, *rest,
                            environment=self.environment(self.world), records=command != "get")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(service.workers), count, command)
        self.assertGreater(len(output.read_bytes()), 500)
        done = self.wif("get", "-c", self.file, "--worker-socket", "none",
                        environment=self.environment(self.world), records=False)
        self.assertEqual((done.returncode, len(service.workers)), (0, len(commands)))
        done = self.wif("get", "-c", self.file, "--worker-socket", "here")
        self.assertEqual(done.returncode, 64)

    def test_no_socket_until_later(self):
        agent = self.start("--worker-socket", self.path)
        wait_for(lambda: "refresh-failed" in agent.text(), "the failure")
        failure = wait_for(lambda: self.the_account().get("last_failure"), "the failure")
        self.assertEqual((failure["class"], failure["step"]), ("transient", "worker"))
        self.assertIn(str(self.path), failure["message"])
        self.assertIn("systemctl start wif-exchange.socket", agent.text())
        self.service()
        self.await_ready(agent)

    def test_nobody_serves_it(self):
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(self.path))
        stale.close()
        done = self.wif("get", "-c", self.file, "--worker-socket", self.path, "--timeout", 0)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"Connection refused", done.stderr)

    def test_too_many_connections(self):
        service = self.service(limit=0)
        for unread in (False, True):
            with self.subTest(unread=unread):
                service.unread = unread
                service.dropped = 0
                done = self.wif("get", "-c", self.file, "--worker-socket", self.path,
                                "--timeout", 0, environment=self.environment(self.world))
                self.assertEqual(done.returncode, 75)
                self.assertIn(b"it closed the connection", done.stderr)
                self.assertIn(b"MaxConnections=", done.stderr)
                self.assertEqual(service.dropped, 2)
        service.limit = 1
        done = self.wif("get", "-c", self.file, "--worker-socket", self.path,
                        environment=self.environment(self.world), records=False)
        self.assertEqual(done.returncode, 0)

    def test_no_programs(self):
        self.service()
        program = self.scratch / "program"
        program.write_text(f"#!/bin/sh\ntouch {self.scratch}/ran\n")
        program.chmod(0o755)
        account = self.account(self.world.account, name="program", credentialSource={
            "executable": {"command": [str(program)]}})
        done = self.wif("get", "-c", account, "--worker-socket", self.path, "--timeout", 0,
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"this worker may not run programs", done.stderr)
        self.assertIn(b"--worker-socket none", done.stderr)
        self.assertFalse((self.scratch / "ran").exists())

    def test_it_ends_when_the_peer_hangs_up(self):
        service = self.service()
        self.world.fault(match=EXCHANGE, delay=20)
        job = {"account": self.file.read_text(), "path": str(self.file),
               "environment": self.world.environment}
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(self.path))
            peer.sendall(json.dumps(job).encode() + b"\n")
            wait_for(self.world.exchanges, "the request")
        wait_for(lambda: not service.running, "the worker's end", 5)
        self.assertEqual(service.workers[0].returncode, 0)
        # One that is still owed results, and reads none of them.
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(self.path))
            peer.sendall(b"{}\n" * 20_000)
        wait_for(lambda: len(service.workers) == 2 and not service.running, "the worker's end", 5)
        self.assertEqual(service.workers[1].returncode, 0)

    def test_a_worker_that_is_killed_over_its_job(self):
        service = self.service()
        self.world.fault(match=EXCHANGE, delay=3, times=1)
        agent = self.start("--worker-socket", self.path)
        wait_for(self.world.exchanges, "the request")
        service.workers[0].kill()
        self.await_ready(agent)
        self.assertIn("worker-died", agent.text())
        self.assertEqual(self.the_account()["failures_in_a_row"], 0)

    @root_only
    def test_other_users_are_not_served(self):
        client = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                  "s.sendall(b'nonsense\\n'); print(len(s.recv(100)))")
        for arguments, expected, code in [
                ([], b"0\n", 77), (["--allow-user", "daemon"], b"100\n", 0),
                # As root it would open any file, and connect to any socket, that the job names.
                (["--files", "--allow-user", "daemon"], b"0\n", 77),
                (["--unix-sockets", "--allow-user", "daemon"], b"0\n", 77)]:
            service = self.service(*arguments)
            done = subprocess.run(
                ["setpriv", "--reuid", "daemon", "--clear-groups", SYSTEM_PYTHON, "-c", client,
                 str(self.path)], capture_output=True)
            if code:
                self.assertIn(done.stdout, [b"0\n", b""])
            else:
                self.assertEqual(done.stdout, expected, done.stderr)
            worker = service.workers[0]
            self.assertEqual(worker.wait(10), code)
            service.stop()

    @root_only
    def test_a_socket_of_another_user_is_not_trusted(self):
        server = ("import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
                  "s.listen(); print('ready', flush=True); c=s.accept()[0]; print(len(c.recv(9)))")
        os.chmod(self.scratch, 0o777)
        process = subprocess.Popen(
            ["setpriv", "--reuid", "nobody", "--clear-groups", SYSTEM_PYTHON, "-c", server,
             str(self.path)], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        os.chmod(self.scratch, 0o755)
        done = self.wif("get", "-c", self.file, "--worker-socket", self.path, "--timeout", 0,
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"is served by user", done.stderr)
        self.assertEqual(process.stdout.readline(), b"0\n")

    def test_arguments(self):
        for arguments in [["--programs"], ["--allow-user", "no-such-user"]]:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                done = subprocess.run([str(BIN / "wif-exchange"), *arguments], stdin=theirs,
                                      stdout=theirs, stderr=subprocess.PIPE, env={})
            self.assertEqual(done.returncode, 64, done.stderr)
