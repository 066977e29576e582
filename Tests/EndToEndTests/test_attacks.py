"""What others on the host try against the agent, and what the agent has given up beforehand."""

import json
import os
import pathlib
import re
import shutil
import unittest

import world
from machine import needs, same_processor
from world import World, wait_for

SOURCES = pathlib.Path(__file__).resolve().parents[2]

# capabilities(7): CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, KILL, SETGID, SETUID, SETPCAP,
# NET_BIND_SERVICE
AGENT = sum(1 << number for number in [0, 1, 2, 3, 5, 6, 7, 8, 10])
READ_SEARCH = 1 << 2


def facts(process):
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    return dict(re.findall(r"^(\w+):[ \t]*(.*)$", text, re.MULTILINE))


def children(process):
    threads = pathlib.Path(f"/proc/{process}/task").glob("*/children")
    return [int(pid) for thread in threads for pid in thread.read_text().split()]


@unittest.skipUnless(os.geteuid() == 0, "root alone has capabilities to give up")
class Powers(World):
    @needs("threads of its own alone")
    def test_the_agent_keeps_what_delivery_takes(self):
        hook = self.scratch / "hook"
        hook.write_text(f"#!/bin/sh\ngrep CapEff /proc/self/status > {self.scratch}/hooked\n")
        hook.chmod(0o755)
        emulator = self.emulator("--platform", "gcp")
        path = self.account(emulator.account, onRefresh=[{"command": [str(hook)]}])
        agent = self.agent("-c", path, environment=self.environment(emulator))
        self.await_ready(agent)
        for task in pathlib.Path(f"/proc/{agent.pid}/task").iterdir():
            status = facts(f"{agent.pid}/task/{task.name}")
            for kind in ["CapEff", "CapPrm", "CapInh", "CapAmb"]:
                self.assertEqual(int(status[kind], 16) & ~AGENT, 0, (kind, status[kind]))
            self.assertTrue(int(status["CapEff"], 16))
        limits = pathlib.Path(f"/proc/{agent.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 ")
        # Its memory and environment are closed to others of its user: not dumpable.
        self.assertEqual(os.stat(f"/proc/{agent.pid}/environ").st_uid, 0)
        # Hooks are the account's own, with all that root has.
        hooked = self.scratch / "hooked"
        wait_for(lambda: hooked.exists() and hooked.read_text(), "the hook")
        own = int(facts("self")["CapBnd"], 16)
        self.assertEqual(int(hooked.read_text().split()[1], 16), own)
        agent.stop()

    @needs("threads of its own alone", "filters", "a limit of files")
    def test_the_worker_keeps_what_reading_takes(self):
        """Of root's powers nothing, or the right to read where its job reads files."""
        token = self.scratch / "token"
        emulator = self.emulator("--platform", "gcp")
        token.write_text(self.wif("token", "--raw", "-c", self.account(emulator.account), records=False,
                                  environment=self.environment(emulator)).stdout.decode())
        token.chmod(0o600)
        for name, changes, kept in [("gcp", {"credentialSource": {"provider": "gcp"}}, 0),
                                    ("file", {"credentialSource": {"file": str(token)}}, READ_SEARCH)]:
            with self.subTest(name):
                emulator.fault(match={"path": "/SecureTokenService/"}, delay=3, times=1)
                before = emulator.exchanges()
                agent = self.agent("-c", self.account(emulator.account, name=name, **changes),
                                   environment=self.environment(emulator))
                pid = wait_for(lambda: emulator.exchanges() > before and children(agent.pid),
                               "the exchange")[0]
                try:
                    self.check_worker(pid, kept)
                    self.await_ready(agent)
                finally:
                    agent.stop()

    def check_worker(self, pid, kept):
        status = facts(pid)
        self.assertEqual(status["NoNewPrivs"], "1")
        for kind in ["CapEff", "CapPrm"]:
            self.assertEqual(int(status[kind], 16), kept, kind)
        for kind in ["CapInh", "CapAmb"]:
            self.assertEqual(int(status[kind], 16) & ~kept, 0, kind)
        self.assertEqual(int(status["CapBnd"], 16), 0)
        users = set(status["Uid"].split()) | set(status["Gid"].split())
        self.assertEqual(len(users), 1)
        self.assertNotIn("0", users)
        self.assertEqual(status["Groups"].split(), [])
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            # Its own, and the one that it was started with.
            self.assertEqual(facts(f"{pid}/task/{task.name}")["Seccomp"], "2")
            self.assertGreaterEqual(int(facts(f"{pid}/task/{task.name}")["Seccomp_filters"]), 2)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max file size +0 +0")
        # No secret in a command line or an environment that root's other programs see.
        self.assertNotIn(b"eyJ", pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        self.assertEqual(environment.rstrip(b"\0"), b"SWIFT_BACKTRACE=enable=no")


@unittest.skipUnless(os.geteuid() == 0, "takes a second user")
class Links(World):
    def test_an_account_file_behind_a_link_of_another_user(self):
        """What was checked is read: not where the link leads a moment later."""
        self.scratch.chmod(0o755)
        shared = self.scratch / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        emulator = self.emulator("--platform", "gcp")
        good = self.account(emulator.account)
        evil = shared / "evil.json"
        evil.write_text(json.dumps({"type": "external_account", "audience": "//evil"}))
        os.chown(evil, 4242, 4242)
        link = shared / "link.json"
        child = os.fork()
        if child == 0:
            try:
                os.setgid(4242)
                os.setuid(4242)
                for turn in range(1 << 30):
                    spare = shared / "spare"
                    os.symlink(good if turn % 2 else evil, spare)
                    os.rename(spare, link)
            finally:
                os._exit(1)
        try:
            wait_for(link.is_symlink, "the link")
            for _ in range(20):
                done = self.wif("check", "-c", link)
                self.assertNotIn(b"//evil", done.stdout + done.stderr)
                if done.returncode == 78:
                    self.assertIn(b"others than root can change", done.stderr)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)

    @same_processor
    @unittest.skipUnless(shutil.which("strace"), "strace holds the agent up at the right call")
    def test_a_socket_swapped_for_another_file_by_the_owner_of_its_directory(self):
        """The agent is held up after each bind, and the socket swapped meanwhile.

        Where fs.protected_hardlinks is 0 any user can make such a name for any file.
        """
        for kind in [os.symlink, os.link]:
            with self.subTest(kind.__name__):
                self.setUp()
                self.swap(kind)

    def swap(self, kind):
        self.scratch.chmod(0o755)
        victim = self.scratch / "victim"
        victim.write_text("")
        victim.chmod(0o600)
        place = self.scratch / "place"
        place.mkdir()
        os.chown(place, 4242, 4242)
        emulator = self.emulator("--platform", "gcp")
        output = {"format": "socket", "path": f"{place}/s", "owner": "4242", "allowUsers": ["4242"]}
        path = self.account(emulator.account, outputs=[output])
        command = ["strace", "-f", "-qqq", "-o", self.scratch / "trace", "-e", "trace=bind",
                   "-e", "inject=bind:delay_exit=500000",
                   world.BIN / "wif-agent", "run", "--runtime-dir", self.runtime, "-c", path]
        agent = world.Process(command, self.scratch / "agent.log", self.environment(emulator))
        self.addCleanup(agent.stop)
        wait_for((place / "s").is_socket, "the socket")
        (place / "s").unlink()
        kind(victim, place / "s")
        agent.wait()
        self.assertIn("cannot be given its owner", agent.text())
        self.assertEqual(victim.stat().st_mode & 0o777, 0o600)
        self.assertEqual(victim.stat().st_uid, 0)


class ThreatModel(unittest.TestCase):
    def test_every_test_that_the_manual_names_exists(self):
        page = (SOURCES / "man/wif-agent-security.7").read_text()
        python = {
            f"{path.stem}.{name}"
            for path in (SOURCES / "Tests/EndToEndTests").glob("*.py")
            for name in re.findall(r"def (test_\w+)", path.read_text())
        }
        swift = {
            f"{path.relative_to(SOURCES / 'Tests').parts[0]}/{name}"
            for path in (SOURCES / "Tests").rglob("*.swift")
            for name in re.findall(r"func `([^`]+)`", path.read_text())
        }
        holds = re.findall(r'^\.\\" holds: (.*)$', page, re.MULTILINE)
        self.assertGreater(len(holds), 20)
        self.assertEqual([name for name in holds if name not in python | swift], [])
        # Every line of the model has one.
        for item in re.split(r"^\.It.*$", page.split(".Sh WHAT IS NOT")[0], flags=re.MULTILINE)[1:]:
            self.assertIn('.\\" holds: ', item)
