"""What others do to what was delivered, and how soon it is whole again."""

import os
import shutil
import socket
import time
import unittest

from world import World, await_rest, wait_for


def read_socket(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        data = b""
        while more := client.recv(65536):
            data += more
        return data


class Repairs(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.place = self.scratch / "out"
        self.file = self.place / "m.json"
        self.socket = self.place / "m.sock"
        self.set = self.scratch / "set"
        account = self.account(self.world.account, outputs=[
            {"format": "json", "path": str(self.file), "mode": "0640"},
            {"format": "socket", "path": str(self.socket), "content": "json"},
            {"format": "directory", "path": str(self.set)}])
        self.run = self.agent("-c", account, environment=self.environment(self.world))
        self.await_ready(self.run)
        self.good = self.file.read_bytes()

    def is_whole(self):
        try:
            return (self.file.read_bytes() == self.good
                    and self.file.stat().st_mode & 0o777 == 0o640
                    and self.socket.stat().st_mode & 0o777 == 0o600
                    and (self.set / "credential.json").read_bytes() == self.good
                    and read_socket(self.socket) == self.good)
        except OSError:
            return False

    def damages(self):
        return {
            "file removed": self.file.unlink,
            "file truncated": lambda: os.truncate(self.file, 0),
            "file overwritten": lambda: self.file.write_bytes(b"x" * len(self.good)),
            "file of mode 0666": lambda: self.file.chmod(0o666),
            "socket removed": self.socket.unlink,
            "folder removed": lambda: shutil.rmtree(self.place),
            "folder renamed": lambda: self.place.rename(self.scratch / f"aside-{time.monotonic()}"),
            "file of a directory removed": (self.set / "..data/credential.json").unlink,
            "directory removed": lambda: shutil.rmtree(self.set),
        }

    def test_damage_is_repaired_within_a_second_without_an_exchange(self):
        exchanges = self.world.exchanges()
        for name in self.damages():
            with self.subTest(name):
                self.assertTrue(self.is_whole())
                begin = time.monotonic()
                self.damages()[name]()
                wait_for(self.is_whole, "the repair", 5)
                self.assertLess(time.monotonic() - begin, 1.5)
        # What is whole on the disk is told a moment later.
        wait_for(lambda: self.control("status", "--check").returncode == 0, "the status", 5)
        self.assertEqual(self.world.exchanges(), exchanges)

    def test_what_cannot_be_repaired_is_not_ready_until_it_can_be(self):
        for path in [self.file, self.socket]:
            with self.subTest(path.name):
                path.unlink()
                path.mkdir()
                wait_for(lambda: self.failed() == [str(path)], "the failure", 5)
                self.assertEqual(self.control("status", "--check").returncode, 75)
                path.rmdir()
                wait_for(self.is_whole, "the repair", 5)
                wait_for(lambda: self.control("status", "--check").returncode == 0, "the status", 5)

    def failed(self):
        return [output["path"] for output in self.the_account()["outputs"] if output.get("error")]

    def test_nothing_wakes_the_agent_while_nothing_is_done(self):
        self.assertTrue(self.is_whole())
        # The worker ends two seconds after its last job.
        await_rest(self.run.pid, 3)


if __name__ == "__main__":
    unittest.main()
