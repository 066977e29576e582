"""Times: `--timeout` is a deadline, whatever hangs; a credential of seconds is replaced in time."""

import os
import shutil
import signal
import socket
import threading
import time

from world import BIN, World

TIMEOUT = 2
# Under load; what hangs would take 10 s and more.
PATIENCE = 5


class Peer:
    """Takes connections and reads what comes. Answers nothing, or a byte each half second."""

    def __init__(self, answer=b""):
        self.answer = answer
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        threads = []
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=self.talk, args=[peer], daemon=True))
            threads[-1].start()

    def talk(self, peer):
        with peer:
            for byte in self.answer:
                if self.over.wait(0.5):
                    return
                try:
                    peer.sendall(bytes([byte]))
                except OSError:
                    return
            self.over.wait(120)

    def stop(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


DRIP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{" + b" " * 400


class Deadlines(World):
    def peer(self, answer=b""):
        peer = Peer(answer)
        self.addCleanup(peer.stop)
        return peer

    def token_file(self):
        file = self.scratch / "token"
        file.write_text("a-proof-of-no-worth")
        return str(file)

    def service_at(self, port):
        return self.account({
            "type": "external_account", "service": "oauth", "audience": "a",
            "tokenUrl": f"http://127.0.0.1:{port}/token",
            "credentialSource": {"file": self.token_file()}})

    def commands(self, account):
        output = self.scratch / "out" / "token"
        return [
            ["get", "-c", account, "--timeout", TIMEOUT],
            ["get", "--fresh", "-c", account, "--timeout", TIMEOUT],
            ["token", "-c", account, "--timeout", TIMEOUT],
            ["exec", "-c", account, "--timeout", TIMEOUT, "--", "true"],
            ["run", "--once", "-c", account, "--output", f"raw:{output}", "--timeout", TIMEOUT],
        ]

    def assert_in_time(self, commands, words, **options):
        for command in commands:
            with self.subTest(command=command[0]):
                start = time.monotonic()
                done = self.wif(*command, "--runtime-dir", self.runtime, **options)
                duration = time.monotonic() - start
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertLess(duration, PATIENCE)
                self.assertGreater(duration, TIMEOUT / 2)
                self.assertIn(words, done.stderr.decode())

    def test_a_service_that_hangs(self):
        peer = self.peer()
        commands = [command for command in self.commands(self.service_at(peer.port))
                    if command[0] != "token"]
        self.assert_in_time(commands, f"http://127.0.0.1:{peer.port}/token: timed out waiting")

    def test_a_service_that_drips(self):
        peer = self.peer(DRIP)
        commands = [command for command in self.commands(self.service_at(peer.port))
                    if command[0] != "token"]
        self.assert_in_time(commands, f"http://127.0.0.1:{peer.port}/token: timed out waiting")

    def test_a_source_that_hangs(self):
        peer = self.peer()
        account = self.account({
            "type": "external_account", "service": "oauth", "audience": "a",
            "tokenUrl": f"http://127.0.0.1:{peer.port}/token",
            "credentialSource": {"provider": "gcp"}})
        environment = self.environment(GCE_METADATA_HOST=f"127.0.0.1:{peer.port}")
        self.assert_in_time(self.commands(account), "timed out waiting", environment=environment)

    def test_a_worker_that_hangs(self):
        programs = self.scratch / "bin"
        programs.mkdir()
        shutil.copy(BIN / "wif-agent", programs)
        worker = programs / "wif-exchange"
        worker.write_text("#!/bin/sh\nexec sleep 60\n")
        worker.chmod(0o755)
        account = self.service_at(1)
        self.assert_in_time(self.commands(account), f"no result within the {TIMEOUT} s of --timeout",
                            program=os.path.relpath(programs / "wif-agent", BIN))

    def test_an_agent_that_hangs(self):
        emulator = self.emulator("--platform", "gcp")
        account = self.account(emulator.account)
        agent = self.agent("-c", account, environment=self.environment(emulator))
        self.await_ready(agent)
        agent.signal(signal.SIGSTOP)
        self.addCleanup(agent.signal, signal.SIGCONT)
        for command in [["get"], ["exec", "--", "true"]]:
            with self.subTest(command=command[0]):
                start = time.monotonic()
                done = self.wif(command[0], "--runtime-dir", self.runtime, "-c", account,
                                "--timeout", TIMEOUT, *command[1:],
                                environment=self.environment(emulator))
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertLess(time.monotonic() - start, PATIENCE)

    def test_without_time_there_is_one_attempt(self):
        peer = Peer()
        peer.stop()
        done = self.wif("get", "--fresh", "-c", self.service_at(peer.port), "--timeout", 0)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"no connection", done.stderr)
        self.assertNotIn(b"trying again", done.stderr)


class Lifetimes(World):
    def test_credentials_of_seconds_are_replaced_in_time(self):
        for lifetime in [1, 2]:
            with self.subTest(lifetime=lifetime):
                service = self.service(lifetime=lifetime)
                proof = self.scratch / "proof"
                proof.write_text("a-proof-of-no-worth")
                output = self.scratch / f"out{lifetime}" / "token"
                account = self.account(service.account({"file": str(proof)}), name=f"a{lifetime}")
                agent = self.agent("-c", account, "--output", f"raw:{output}",
                                   environment=self.environment())
                self.await_ready(agent)
                ages = []
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    ages.append(time.monotonic() - service.minted[output.read_text()])
                    time.sleep(0.01)
                agent.stop()
                expired = sum(age > lifetime for age in ages) / len(ages)
                self.assertLess(expired, 0.3, f"of {len(ages)} reads, the oldest {max(ages)} s")

    def test_a_reply_that_drips_makes_no_credential_live_longer(self):
        service = self.service(lifetime=3)
        proof = self.scratch / "proof"
        proof.write_text("a-proof-of-no-worth")
        reply = service.answer
        def slow(path, body, token):
            time.sleep(4 if path == "/token" else 0)
            return reply(path, body, token)
        service.answer = slow
        account = self.account(service.account({"file": str(proof)}))
        done = self.wif("get", "--fresh", "-c", account, "--timeout", 0)
        self.assertEqual((done.returncode, done.stdout), (75, b""), done.stderr)
        self.assertIn(b"the credential lives 3 s, and its reply took", done.stderr)
