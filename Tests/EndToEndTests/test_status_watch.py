"""`status --watch`: what changes, as it changes."""

import os
import pty
import re
import select
import subprocess
import time

from machine import needs
from world import BIN, Process, World, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}


class StatusWatch(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp", "--credential-lifetime", "7200")
        self.file = self.account(self.world.account)
        self.process = self.agent("-c", self.file, environment=self.environment(self.world))
        self.await_ready(self.process)

    def command(self, *arguments):
        return [BIN / "wif-agent", "status", "--watch", "--runtime-dir", self.runtime, *arguments]

    def test_a_line_for_each_change_where_there_is_no_terminal(self):
        watch = Process(self.command(), self.scratch / "watch.log", self.environment(self.world))
        self.addCleanup(watch.stop)
        wait_for(lambda: "valid" in watch.text(), "the first line")
        self.assertNotIn("\x1b", watch.text())
        self.assertRegex(watch.text(), r"(?m)^[0-9T:-]+Z mondoo: valid, refresh, expires ")
        self.world.fault(match=EXCHANGE, status=503)
        self.control("refresh")
        wait_for(lambda: "retry" in watch.text(), "the failure")
        self.world.heal()
        self.control("refresh")
        wait_for(lambda: watch.text().rstrip().splitlines()[-1].count("valid, refresh,"), "its end")
        # Nothing happens, and nothing is said.
        lines = len(watch.text().splitlines())
        self.assertEqual(self.control("wait", "--timeout", 5).returncode, 0)
        self.assertEqual(len(watch.text().splitlines()), lines)

    def test_it_ends_where_nobody_reads(self):
        child = subprocess.Popen([str(word) for word in self.command()], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.environment(self.world))
        self.addCleanup(child.kill)
        self.assertIn(b" valid, ", child.stdout.readline())
        child.stdout.close()

        def has_ended():
            # A refresh within a second of the one before changes nothing that is written.
            self.assertEqual(self.control("refresh").returncode, 0)
            return child.poll() is not None

        wait_for(has_ended, "its end")
        self.assertEqual(child.returncode, 74)
        child.stderr.close()

    def draw(self, **variables):
        """What a terminal is sent until there is a bar."""
        leader, follower = pty.openpty()
        environment = {**self.environment(self.world), "TERM": "xterm", **variables}
        child = subprocess.Popen([str(word) for word in self.command()], stdout=follower,
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        os.close(follower)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        text, end = b"", time.monotonic() + 20
        while time.monotonic() < end and b"\x1b[J" not in text:
            if select.select([leader], [], [], 1)[0]:
                text += os.read(leader, 65536)
        os.close(leader)
        return text.decode()

    @needs("terminals")
    def test_a_bar_in_place_on_a_terminal(self):
        # Of 24 cells those in the middle, between 35 % and 60 %, are when a refresh is due.
        text = self.draw(LANG="C.UTF-8", NO_COLOR="1")
        self.assertRegex(text, r"mondoo  ░{8}▒{6}░{10}  valid, ")
        self.assertNotIn("\x1b[3", text)
        self.assertRegex(text, r"min left, refresh in \d+ min")
        text = self.draw(LANG="C")
        self.assertTrue(re.search(r"\x1b\[32m\.{8}={6}\.{10}\x1b\[0m", text), text)
        self.assertTrue(text.isascii())

    def test_what_it_cannot_do(self):
        for arguments, code, said in [(("--json",), 64, b"exclude each other"),
                                      (("other",), 66, b"no agent has the account other")]:
            with self.subTest(arguments):
                done = subprocess.run([str(word) for word in self.command(*arguments)],
                                      capture_output=True, timeout=20)
                self.assertEqual(done.returncode, code)
                self.assertIn(said, done.stderr)
        self.process.stop()
        done = subprocess.run([str(word) for word in self.command()], capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"start it: systemctl start wif-agent", done.stderr)
