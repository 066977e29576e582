"""What takes long says after two seconds what it waits for: on a terminal in one line that is removed
again, elsewhere in one line, once; what is quick says nothing."""

import os
import pty
import pwd
import subprocess
import unittest

import world
from machine import needs
from world import Process, World, remember, root_only, terminal_output, wait_for

LINE = b"wif-agent: waiting for mondoo: the token source gcp, then mondoo\n"


class Waiting(World):
    tells_of_waiting = True

    def setUp(self):
        super().setUp()
        self.emulated = self.emulator("--platform", "gcp")
        self.path = self.account(self.emulated.account, credentialSource={"provider": "gcp"})
        self.variables = self.environment(self.emulated)

    def slow(self, seconds=2.6):
        self.emulated.fault(match={"path": "/SecureTokenService/"}, delay=seconds, times=1)

    def on_terminal(self, *arguments, term="xterm"):
        """What the command wrote to standard error, which is a terminal, and its exit code."""
        leader, follower = pty.openpty()
        command = [str(world.BIN / "wif-agent"), *[str(one) for one in arguments]]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=follower, env={**self.variables, "TERM": term})
        os.close(follower)
        written = terminal_output(leader)
        code = process.wait(30)
        remember(written, command)
        return written, code

    def test_get_and_exec(self):
        done = self.wif("get", "-c", self.path, environment=self.variables, records=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for arguments in [["get", "-c", self.path], ["exec", "-c", self.path, "--", "/bin/true"]]:
            with self.subTest(arguments[0]):
                self.slow()
                done = self.wif(*arguments, environment=self.variables, records=False)
                self.assertEqual((done.returncode, done.stderr), (0, LINE))

    @root_only
    def test_wait(self):
        done = self.control("wait", "--timeout", "2.4", alone=True)
        self.assertEqual(done.returncode, 75)
        lines = done.stderr.splitlines()
        self.assertEqual(lines, [
            b"wif-agent: waiting for an agent: none is running yet",
            b"wif-agent: not ready after 2 s: no agent is running in " + bytes(self.runtime),
            b"hint: start it: systemctl start wif-agent where its units are installed, else"
            b" wif-agent run; one that runs in another place is named by --runtime-dir"])

    def test_wait_before_there_is_an_agent(self):
        """Where nobody names its directory: what was looked for once was never found."""
        options = {}
        if os.geteuid() == 0:
            # Only others than root have a directory of their own.
            user = pwd.getpwnam("daemon")
            options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        own = self.scratch / "own"
        own.mkdir(mode=0o755)
        self.scratch.chmod(0o755)
        os.chown(own, options.get("user", -1), options.get("group", -1))
        self.path.chmod(0o644)
        variables = {**self.variables, "XDG_RUNTIME_DIR": str(own), "HOME": "/nonexistent"}
        waiter = Process([world.BIN / "wif-agent", "wait", "--timeout", "30"],
                         self.scratch / "waiter.log", variables, **options)
        self.addCleanup(waiter.stop)
        wait_for(lambda: "waiting for an agent: none is running yet" in waiter.text(), "the notice")
        self.runtime = own / "wif-agent"
        agent = self.agent("-c", self.path, environment=variables, **options)
        self.assertEqual(waiter.wait(), 0, waiter.text() + agent.text())

    @needs("terminals")
    def test_a_terminal(self):
        self.slow(3.4)
        written, code = self.on_terminal("get", "-c", self.path)
        self.assertEqual(code, 0, written)
        erase = b"\r\x1b[K"
        text = b"waiting for mondoo: the token source gcp, then mondoo"
        self.assertTrue(written.startswith(erase + text + b" (2 s)"), written)
        self.assertIn(erase + text + b" (3 s)", written)
        self.assertTrue(written.endswith(erase), written)
        self.assertNotIn(b"\n", written)

    @needs("terminals")
    def test_doctor_on_a_terminal_and_elsewhere(self):
        self.slow()
        written, code = self.on_terminal("doctor", "-c", self.path, "--runtime-dir", self.runtime)
        self.assertEqual(code, 0, written)
        self.assertIn(b"\r\x1b[Kwaiting for mondoo and the token source gcp (1 s)", written)
        self.assertTrue(written.endswith(b"\r\x1b[K"), written)
        self.slow()
        done = self.control("doctor", "-c", self.path, environment=self.variables)
        self.assertEqual((done.returncode, done.stderr),
                         (0, b"wif-agent: waiting for mondoo and the token source gcp\n"))

    def test_doctor_tells_of_a_step_when_it_has_ended(self):
        self.slow(3)
        command = [str(world.BIN / "wif-agent"), "doctor", "-c", str(self.path),
                   "--runtime-dir", str(self.runtime)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=self.variables)
        written = b""
        # The service has the token now, and keeps it.
        while b" subject: " not in written:
            piece = os.read(process.stdout.fileno(), 65536)
            self.assertTrue(piece, written)
            written += piece
        self.assertNotIn(b" exchange", written)
        for step in (b" dns: ", b" clock: ", b" source gcp: ", b" issuer: "):
            self.assertIn(step, written)
        rest, _ = process.communicate(timeout=30)
        remember(written + rest, command)
        self.assertIn(b" exchange: mondoo took the token", rest)
        self.assertEqual(process.returncode, 0)
        self.assertEqual((written + rest).count(b" subject: "), 1)

    @needs("terminals")
    def test_a_terminal_without_cursor(self):
        self.slow()
        written, code = self.on_terminal("get", "-c", self.path, term="dumb")
        self.assertEqual((code, written.replace(b"\r\n", b"\n")), (0, LINE))


if __name__ == "__main__":
    unittest.main()
