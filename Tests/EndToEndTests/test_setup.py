"""What is wrong with the place itself: the worker's program, the runtime directory, an account's name."""

import pathlib
import shutil
import subprocess

import world
from machine import same_processor
from world import World, wait_for


class WorkerProgram(World):
    """The programs in a directory of the test's own, where the worker's can be spoilt."""

    def setUp(self):
        super().setUp()
        # As where programs are installed: the worker's own user finds it there, too.
        self.scratch.chmod(0o755)
        self.programs = self.scratch / "bin"
        self.programs.mkdir(mode=0o755)
        for name in ["wif-agent", "wif-exchange", "wif-emulator"]:
            shutil.copy2(world.BIN / name, self.programs / name)
        shipped = world.BIN
        self.addCleanup(setattr, world, "BIN", shipped)
        world.BIN = self.programs

    def heals(self, spoil, mend):
        emulator = self.emulator("--platform", "gcp")
        account = self.account(emulator.account)
        environment = self.environment(emulator)
        worker = self.programs / "wif-exchange"
        spoil(worker)
        done = self.wif("get", "-c", account, "--timeout", 3, environment=environment)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"wif-exchange", done.stderr)
        agent = self.agent("-c", account, environment=environment)
        wait_for(lambda: "refresh-failed" in agent.text(), "the failure")
        self.assertEqual(self.http("/livez")[0], 200)
        self.assertEqual(self.http("/readyz")[0], 503)
        mend(worker)
        self.control("refresh", environment=environment)
        self.await_ready(agent)
        agent.stop()
        return done.returncode

    def test_one_that_is_missing(self):
        aside = self.scratch / "aside"
        if pathlib.Path("/usr/libexec/wif-agent/wif-exchange").exists():
            self.skipTest("another worker is installed in /usr/libexec/wif-agent")
        code = self.heals(lambda worker: worker.rename(aside), lambda worker: aside.rename(worker))
        self.assertIn(code, [75, 78])

    def test_one_in_an_archive_unpacked_anywhere(self):
        emulator = self.emulator("--platform", "gcp")
        place = self.scratch / "libexec" / "wif-agent"
        place.mkdir(mode=0o755, parents=True)
        (self.programs / "wif-exchange").rename(place / "wif-exchange")
        done = self.wif("token", "-c", self.account(emulator.account),
                        environment=self.environment(emulator))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"https://accounts.google.com", done.stdout)

    def test_one_that_is_not_executable(self):
        code = self.heals(lambda worker: worker.chmod(0o644), lambda worker: worker.chmod(0o755))
        self.assertIn(code, [75, 78])

    @same_processor
    def test_its_end_runs_no_handlers(self):
        # Its network thread may still be at work, with what the handlers of libraries free.
        source, library = self.scratch / "end.c", self.scratch / "end.so"
        source.write_text("""
            #include <unistd.h>
            __attribute__((destructor)) static void handler(void) { write(2, "a handler ran\\n", 14); }
            """)
        subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", library, source], check=True)
        environment = {"PATH": "/usr/bin", "LD_PRELOAD": str(library)}
        done = subprocess.run(["/bin/true"], env=environment, capture_output=True)
        self.assertEqual(done.stderr, b"a handler ran\n")
        for arguments in [[], ["--version"]]:
            done = self.wif(*arguments, program="wif-exchange", environment=environment)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"wif-exchange", done.stdout)


class Names(World):
    def test_a_runtime_directory_too_long_for_a_socket(self):
        emulator = self.emulator("--platform", "gcp")
        self.runtime = self.scratch / ("d" * 100)
        self.runtime.mkdir(mode=0o755)
        done = self.control("run", "-c", self.account(emulator.account),
                            environment=self.environment(emulator))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"too long", done.stderr)
        self.assertIn(b"107", done.stderr)
        self.assertEqual(emulator.exchanges(), 0)

    def test_an_account_that_nobody_knows(self):
        emulator = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(emulator.account),
                           environment=self.environment(emulator))
        self.await_ready(agent)
        for command in ["wait", "refresh"]:
            with self.subTest(command):
                done = self.control(command, "nobody", "--timeout", 300)
                self.assertEqual(done.returncode, 66, done.stderr)
                self.assertIn(b"no account nobody; there is mondoo", done.stderr)
        self.assertEqual(emulator.exchanges(), 1)
