"""Files that the agent watches: account files, which take effect when edited, and token files."""

import itertools
import json
import os
import signal
import subprocess
import time
import unittest

from world import BIN, Process, World, await_rest, wait_for, wake_ups


class AccountFiles(World):
    """Nothing here sends a signal unless it says so."""

    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.etc = self.scratch / "etc"
        self.etc.mkdir(mode=0o755)

    def content(self, **changes):
        return json.dumps({**self.world.account, **changes})

    def put(self, name, text, directory=None):
        path = (directory or self.etc) / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start(self, *arguments):
        agent = self.agent(*arguments, environment=self.environment(self.world))
        self.await_ready(agent)
        return agent

    def await_line(self, agent, line, count=1):
        wait_for(lambda: agent.text().count(line) == count, f"{line} in {agent.text()}", 10)

    def test_a_named_file(self):
        path = self.put("m.json", self.content())
        agent = self.start("-c", path)
        # In place, in two steps within the quiet second: the half of a file is never looked at.
        with open(path, "w") as file:
            file.write('{"type": ')
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            file.write(self.content(variable="A"))
        self.await_line(agent, "reloaded account=m")
        self.assertNotIn("rejected", agent.text())
        # As editors do it: another file takes its name.
        self.put("m.json.new", self.content(variable="B")).rename(path)
        self.await_line(agent, "reloaded account=m", 2)
        # Removed and made anew.
        path.unlink()
        self.await_line(agent, "rejected file=")
        self.put("m.json", self.content(variable="C"))
        self.await_line(agent, "resolved file=")
        self.assertEqual(self.the_account()["refreshes"], 1)
        # No bytes but rights: what cannot be used is told.
        if os.geteuid() == 0:
            path.chmod(0o666)
            self.await_line(agent, "rejected file=", 2)
            path.chmod(0o600)
            self.await_line(agent, "resolved file=", 2)
        await_rest(agent.pid, 2)
        self.assertEqual(self.the_account()["refreshes"], 1)

    def test_a_directory(self):
        self.put("one.json", self.content())
        agent = self.start("--config-dir", self.etc)
        self.put("two.json", self.content())
        self.await_line(agent, "loaded account=two")
        self.put("notes.txt", "not an account")
        (self.etc / "one.json").rename(self.etc / "three.json")
        self.await_line(agent, "loaded account=three")
        self.await_line(agent, "removed account=one")
        self.assertEqual({a["account"] for a in self.status()["accounts"]}, {"two", "three"})
        self.assertEqual(self.control("wait", "--timeout", 60).returncode, 0, agent.text())
        await_rest(agent.pid, 2)

    def version(self, mount, name, text):
        """As the kubelet updates a mounted ConfigMap: kubernetes pkg/volume/util/atomic_writer.go"""
        directory = mount / name
        directory.mkdir(mode=0o755)
        self.put("mondoo.json", text, directory)
        (mount / "..data_tmp").symlink_to(name)
        old = (mount / "..data").resolve() if (mount / "..data").exists() else None
        (mount / "..data_tmp").rename(mount / "..data")
        return old

    def test_a_config_map(self):
        mount = self.scratch / "mount"
        mount.mkdir(mode=0o755)
        self.version(mount, "..2026_1", self.content())
        (mount / "mondoo.json").symlink_to("..data/mondoo.json")
        for arguments in (["--config-dir", mount], ["-c", mount / "mondoo.json"]):
            with self.subTest(arguments[0]):
                agent = self.start(*arguments)
                # The old version stays for now: nothing happens to the file itself.
                for number in (1, 2):
                    self.version(mount, f"{arguments[0]}{number}", self.content(variable=f"A{number}"))
                    self.await_line(agent, "reloaded account=mondoo", number)
                agent.stop()

    def test_a_signal_does_it_once(self):
        path = self.put("m.json", self.content())
        agent = self.start("-c", path)
        self.put("m.json", self.content(variable="A"))
        agent.signal(signal.SIGHUP)
        self.await_line(agent, "reloaded account=m")
        await_rest(agent.pid, 2)
        self.assertEqual(agent.text().count("reloaded account=m"), 1)

    def test_an_output_that_is_dropped(self):
        """Its file goes where the credential in it is to be revoked; elsewhere it stays, and the log says so."""
        service = self.service()
        token = self.put("token", "subject")
        revocable = service.account({"file": str(token)})
        for name, account in (("left", self.world.account), ("removed", revocable)):
            with self.subTest(name):
                kept, dropped = self.scratch / name, self.scratch / f"{name}-dropped"
                outputs = [{"format": "raw", "path": str(path)} for path in (kept, dropped)]
                path = self.put(f"{name}.json", json.dumps({**account, "outputs": outputs}))
                agent = self.start("-c", path)
                before = dropped.read_bytes()
                self.put(path.name, json.dumps({**account, "outputs": outputs[:1]}))
                self.await_line(agent, f"reloaded account={name}")
                self.await_line(agent, f"output-{name} account={name} path={dropped}")
                self.assertEqual(kept.read_bytes(), before)
                self.assertEqual(dropped.exists(), name == "left")
                agent.stop()

    def test_not_with_no_watch(self):
        path = self.put("m.json", self.content())
        edits = itertools.count()

        def woken(agent):
            """How often twelve edits wake the agent; other things may, now and then."""
            before = sum(wake_ups(agent.pid).values())
            for _ in range(12):
                self.put("m.json", self.content(variable=f"A{next(edits)}"))
                time.sleep(0.05)
            return sum(wake_ups(agent.pid).values()) - before

        agent = self.start("-c", path)
        await_rest(agent.pid, 2)
        self.assertGreaterEqual(woken(agent), 12)
        agent.stop()
        agent = self.start("-c", path, "--no-watch")
        await_rest(agent.pid, 2)
        wait_for(lambda: woken(agent) < 12, "edits that wake nobody")
        self.assertNotIn("reloaded", agent.text())
        agent.signal(signal.SIGHUP)
        self.await_line(agent, "reloaded account=m")

    def test_a_watch_that_cannot_be_had(self):
        forbid = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\""
        unshare = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        if subprocess.run([*unshare, forbid, "sh", "true"], capture_output=True).returncode:
            raise unittest.SkipTest("needs user namespaces")
        path = self.put("m.json", self.content())
        command = [*unshare, forbid, "sh", BIN / "wif-agent", "run", "--runtime-dir", self.runtime,
                   "-c", path]
        agent = Process(command, self.scratch / "blind.log", self.environment(self.world))
        self.addCleanup(agent.stop)
        # As root of a namespace with one user it can start no worker; it reads its files all the same.
        self.await_line(agent, "account files are not watched")
        self.put("m.json", self.content(variable="A"))
        agent.signal(signal.SIGHUP)
        self.await_line(agent, "reloaded account=m")


class TokenFiles(World):
    def test_a_rotation_refreshes_an_account_that_waits_for_it(self):
        world = self.emulator("--platform", "gcp")
        mount = self.scratch / "tokens"
        mount.mkdir(mode=0o755)
        token = mount / "token"
        account = self.account(world.account, credentialSource={"file": str(token)})
        environment = self.environment(world)
        fresh = self.wif("token", "--raw", "-c", self.account(world.account, name="minting"),
                         environment=environment, records=False).stdout
        self.assertGreater(len(fresh), 100)
        agent = self.agent("-c", account, environment=environment)
        wait_for(lambda: "refresh-failed" in agent.text(), "a failure")
        # As a projected volume has it; the next attempt of its own would come in minutes.
        (mount / "..1").mkdir(mode=0o755)
        (mount / "..1" / "token").write_bytes(fresh)
        (mount / "..data").symlink_to("..1")
        token.symlink_to("..data/token")
        self.await_ready(agent)
        self.assertEqual(self.the_account()["refreshes"], 1)
        # One that works is not disturbed by the next rotation.
        seen = world.exchanges()
        (mount / "..2").mkdir(mode=0o755)
        (mount / "..2" / "token").write_bytes(fresh)
        (mount / "..data_tmp").symlink_to("..2")
        (mount / "..data_tmp").rename(mount / "..data")
        await_rest(agent.pid, 2)
        self.assertEqual(world.exchanges(), seen)
