"""A worker whose C libraries get no memory: its agent outlives it and says what happened.

Tests/Faults/malloc.c, preloaded into the worker, fails one allocation of libcurl or OpenSSL, or all from one on.
With WIF_AGENT_SLOW_TESTS the first 200 are tried one by one, and then ever fewer; else a few, drawn anew.
"""

import os
import random
import shutil
import signal
import subprocess
import unittest

import world
from machine import same_processor
from test_attacks import children
from test_hostile_worker import is_sanitized
from world import BIN, ROOT, World, wait_for

SOURCE = ROOT / "Tests/Faults/malloc.c"
SLOW = bool(os.environ.get("WIF_AGENT_SLOW_TESTS"))
# More than an exchange over TLS takes.
BEYOND = 1_000_000


@same_processor
@unittest.skipUnless(shutil.which("gcc"), "needs a C compiler")
@unittest.skipIf(is_sanitized, "a sanitizer has an allocator of its own")
class OutOfMemory(World):
    def setUp(self):
        super().setUp()
        self.scratch.chmod(0o755)
        self.programs = self.scratch / "bin"
        self.programs.mkdir(mode=0o755)
        shutil.copy2(BIN / "wif-agent", self.programs)
        self.worker = self.programs / "wif-exchange"
        self.library = self.programs / "malloc.so"
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", self.library, SOURCE], check=True)
        self.library.chmod(0o755)
        self.world = self.emulator("--listen", "127.0.0.1:0=gcp", "--listen", "tls:127.0.0.1:0=issuers,mondoo")

    def plan(self, number, onwards=False):
        """For the workers that start from now on."""
        text = (f"#!/bin/sh\nWIF_MALLOC='{number}{' onwards' if onwards else ''}' LD_PRELOAD={self.library} "
                f"exec {BIN / 'wif-exchange'} \"$@\"\n")
        temporary = self.programs / "new"
        temporary.write_text(text)
        temporary.chmod(0o755)
        temporary.rename(self.worker)

    def start(self):
        self.out = self.scratch / "out"
        path = self.account(self.world.account, credentialSource={"provider": "gcp"},
                            outputs=[{"format": "raw", "path": str(self.out)}])
        agent = world.Process(
            [self.programs / "wif-agent", "run", "--runtime-dir", self.runtime, "-c", path,
             "--worker-socket", "none"], self.scratch / "agent.log", self.environment(self.world))
        self.addCleanup(agent.stop)
        self.await_ready(agent)
        return agent

    def attempt(self, agent):
        """What a worker of its own made of one exchange: the account's status after it."""
        for pid in children(agent.pid):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not children(agent.pid), "the worker's end")
        def ended(account):
            # Not by the log, which says less and less of what goes on in the same way.
            return account["refreshes"], account["failures_in_a_row"]
        before = ended(self.the_account())
        agent.signal(signal.SIGUSR1)
        wait_for(lambda: ended(self.the_account()) != before, "an answer", 90)
        return self.the_account()

    def numbers(self):
        ladder = [round(1.3 ** power) for power in range(18, 50)]
        if SLOW:
            return [*range(1, 200), *ladder]
        return [random.randint(1, 100), random.randint(100, 1000), random.choice(ladder)]

    def test_an_agent_outlives_its_worker(self):
        self.plan(BEYOND)
        agent = self.start()
        failed = 0
        for onwards in (False, True):
            for number in self.numbers():
                with self.subTest(f"allocation {number}{' and on' if onwards else ''}"):
                    self.plan(number, onwards)
                    account = self.attempt(agent)
                    self.assertIsNone(agent.process.poll(), agent.text()[-2000:])
                    self.assertGreater(len(self.out.read_bytes()), 500)
                    if account["failures_in_a_row"] > 0:
                        failed += 1
                        self.assertEqual(account["last_failure"]["class"], "transient")
                        self.assertGreater(len(account["last_failure"]["message"]), 10)
        self.assertGreater(failed, 0)
        self.plan(BEYOND)
        self.assertEqual(self.attempt(agent)["failures_in_a_row"], 0)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
