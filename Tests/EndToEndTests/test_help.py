"""`wif-agent help`: the manual pages as texts beside the program, with a pager on a terminal alone."""

import os
import pty
import re
import shutil
import subprocess

import world
from machine import needs
from world import ROOT, World, remember, terminal_output

PAGES = sorted(path.name for path in (ROOT / "man").glob("*.[1-8]"))


class Help(World):
    def setUp(self):
        super().setUp()
        # Laid out as a release is: the texts are found from the program's own place.
        self.program = self.scratch / "usr/bin/wif-agent"
        self.program.parent.mkdir(parents=True)
        shutil.copy2(world.BIN / "wif-agent", self.program)
        self.texts = self.scratch / "usr/share/wif-agent/help"
        subprocess.run([ROOT / "packaging/help.sh", self.texts], check=True)
        self.tools = self.scratch / "tools"
        self.tools.mkdir()

    def help(self, *words, environment=None):
        command = [str(self.program), "help", *words]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=environment or {"PATH": "/usr/bin:/bin"}, timeout=30)
        remember((done.stdout + done.stderr).encode(), command)
        return done

    def on_terminal(self, *words, **environment):
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [self.program, "help", *words], stdin=follower, stdout=follower, stderr=follower,
            start_new_session=True, env={"PATH": str(self.tools), "TERM": "xterm", **environment})
        os.close(follower)
        written = terminal_output(leader)
        self.assertEqual(process.wait(30), 0, written)
        return written.decode()

    def tool(self, name):
        """A pager that says how it was called."""
        path = self.tools / name
        path.write_text('#!/bin/sh\necho "paged by ${0##*/}: $* with $LESS"\n')
        path.chmod(0o755)

    def test_every_page_has_a_topic(self):
        listed = re.findall(r"^  ([a-z-]+) .*, ([\w.-]+)\((\d)\)$", self.help().stdout, re.M)
        self.assertEqual(sorted(f"{name}.{section}" for _, name, section in listed), PAGES)
        self.assertEqual(sorted(path.name for path in self.texts.iterdir()), PAGES)
        for topic, name, section in listed:
            for word in (topic, name, f"{name}.{section}", f"{name}({section})"):
                done = self.help(word)
                self.assertEqual((done.returncode, done.stderr), (0, ""), word)
                self.assertTrue(done.stdout.startswith(f"{name.upper()}({section})"), word)

    def test_plain_text_where_there_is_no_terminal(self):
        self.tool("less")
        done = self.help("kubernetes", environment={"PATH": str(self.tools), "PAGER": "less"})
        self.assertIn("\nNAME\n     wif-agent-kubernetes - credentials for pods\n", done.stdout)
        self.assertNotRegex(done.stdout, r"[^\x20-\x7e\n\t]")

    @needs("terminals")
    def test_a_pager_on_a_terminal(self):
        page = str(self.texts / "wif-agent-ci.7")
        self.assertIn("wif-agent-ci - credentials for jobs", self.on_terminal("ci"))
        self.tool("more")
        self.assertIn(f"paged by more: {page}", self.on_terminal("ci"))
        self.tool("less")
        self.assertIn(f"paged by less: {page} with FRX", self.on_terminal("ci"))
        self.tool("mine")
        self.assertIn(f"paged by mine: -x {page} with i", self.on_terminal("ci", PAGER="mine -x", LESS="i"))
        self.assertIn(f"paged by less: {page}", self.on_terminal("ci", PAGER="not-there"))

    def test_a_command(self):
        self.assertEqual(self.help("doctor").stdout, self.wif("doctor", "--help").stdout.decode())

    def test_what_is_no_topic(self):
        for word, nearest in [("kubernets", "kubernetes"), ("trouble-shooting", "troubleshooting"),
                              ("wif-agent-jason", "wif-agent.json"), ("docter", "doctor")]:
            done = self.help(word)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertEqual(done.stderr, f'wif-agent: unknown topic "{word}"\nhint: did you mean {nearest}?\n')
        self.assertIn("hint: wif-agent help lists them", self.help("weather").stderr)

    def test_a_text_that_is_not_installed(self):
        (self.texts / "wif-agent-ci.7").unlink()
        done = self.help("ci")
        self.assertEqual(done.returncode, 66)
        self.assertIn(f"the text of wif-agent-ci(7) is not at {self.texts}/wif-agent-ci.7", done.stderr)
        self.assertIn("hint: a release has it there; man 7 wif-agent-ci shows the same page", done.stderr)


if __name__ == "__main__":
    import unittest

    unittest.main()
