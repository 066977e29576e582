"""The agent at work: outputs, refreshes, failures, reload, signals, the service manager."""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time

from world import BIN, SYSTEM_PYTHON, Process, World, is_root, root_only, wait_for

# In a row, of an agent that keeps its credential; WIF_AGENT_SLOW_TESTS asks for the long way.
RESTARTS = 1000 if os.environ.get("WIF_AGENT_SLOW_TESTS") else 40

EXCHANGE = {"path": "/SecureTokenService/"}


class Delivery(World):
    def test_every_output_and_two_refreshes(self):
        world = self.emulator("--platform", "gcp", "--credential-lifetime", "3")
        out = self.scratch / "out"
        account = self.account(world.account, outputs=[
            {"format": "raw", "path": f"{out}/raw"},
            {"format": "base64", "path": f"{out}/base64", "mode": "0640"},
            {"format": "json", "path": f"{out}/json"},
            {"format": "env", "path": f"{out}/env"},
            {"format": "envfile", "path": f"{out}/envfile"},
            {"format": "socket", "path": f"{self.runtime}/json.sock", "content": "json"},
            {"format": "socket", "path": f"{self.runtime}/raw.sock"},
        ])
        agent = self.agent("-c", account, environment=self.environment(world))
        self.await_ready(agent)
        modes = {name: stat.S_IMODE((out / name).stat().st_mode) for name in os.listdir(out)}
        self.assertEqual(modes, {"raw": 0o600, "base64": 0o640, "json": 0o600, "env": 0o600,
                                 "envfile": 0o600})
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o700)
        seen = set()
        wait_for(lambda: seen.add((out / "raw").read_bytes()) or len(seen) >= 3, "two refreshes")
        self.assertIn(self.read_socket(self.runtime / "raw.sock"), seen | {(out / "raw").read_bytes()})
        self.assertIn("mrn", json.loads(self.read_socket(self.runtime / "json.sock")))
        self.assertIn("mrn", json.loads((out / "json").read_bytes()))
        script = f'. {out}/env && printf %s "$MONDOO_CONFIG_BASE64:$WIF_AGENT_EXPIRES_AT"'
        for shell in ["sh", "dash", "bash"]:
            shown = subprocess.run([shell, "-c", script], capture_output=True).stdout.decode()
            value, expiry = shown.split(":", 1)
            self.assertRegex(expiry, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertGreater(len(value), 500)
        lines = dict(line.split("=", 1) for line in (out / "envfile").read_text().splitlines())
        self.assertEqual(set(lines), {"MONDOO_CONFIG_BASE64", "WIF_AGENT_EXPIRES_AT"})
        self.assertGreaterEqual(self.the_account()["refreshes"], 3)

    def test_the_default_output_is_a_socket(self):
        world = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(world.account, name="my-scanner"),
                           environment=self.environment(world))
        self.await_ready(agent)
        self.assertEqual(os.listdir(self.runtime).count("my-scanner.sock"), 1)
        self.assertGreater(len(self.read_socket(self.runtime / "my-scanner.sock")), 500)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(), 0)
        self.assertNotIn("my-scanner.sock", os.listdir(self.runtime))
        self.assertNotIn("control.sock", os.listdir(self.runtime))

    def test_the_service_is_away_past_expiry(self):
        world = self.emulator("--platform", "gcp", "--credential-lifetime", "4")
        kept, removed = self.scratch / "out" / "kept", self.scratch / "out" / "removed"
        account = self.account(world.account, outputs=[
            {"format": "raw", "path": str(kept)},
            {"format": "raw", "path": str(removed), "onExpiry": "remove"},
            {"format": "socket", "path": f"{self.runtime}/s.sock"},
        ])
        agent = self.agent("-c", account, "--hold", 1, environment=self.environment(world))
        self.await_ready(agent)
        world.fault(match=EXCHANGE, status=503)
        last = wait_for(lambda: self.the_account()["failures_in_a_row"] and kept.read_bytes(),
                        "a failure")
        self.assertEqual(self.the_account()["state"], "valid")
        self.assertEqual(self.read_socket(self.runtime / "s.sock"), last)
        wait_for(lambda: self.the_account()["state"] == "expired", "expiry")
        self.assertEqual(self.control("status", "--check").returncode, 75)
        status, why = self.http("/readyz")
        self.assertEqual(status, 503)
        self.assertIn(b"503", why)
        wait_for(lambda: not removed.exists(), "removal at expiry")
        self.assertEqual(kept.read_bytes(), last)
        self.assertEqual(self.read_socket(self.runtime / "s.sock"), b"")
        world.heal()
        self.control("refresh")
        self.assertEqual(self.the_account()["state"], "valid")
        self.assertTrue(removed.exists())
        self.assertGreater(len(self.read_socket(self.runtime / "s.sock")), 500)

    def test_a_reader_that_comes_first_is_held(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match=EXCHANGE, delay=1.5)
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        path = self.runtime / "mondoo.sock"
        wait_for(path.exists, "the socket")
        self.assertGreater(len(self.read_socket(path)), 500)
        self.assertIsNone(agent.process.poll())

    @root_only
    def test_other_users_get_nothing(self):
        world = self.emulator("--platform", "gcp")
        os.chmod(self.scratch, 0o755)
        account = self.account(world.account, outputs=[
            {"format": "socket", "path": f"{self.runtime}/open.sock", "allowUsers": ["daemon"]},
            {"format": "socket", "path": f"{self.runtime}/shut.sock", "mode": "0666"},
        ])
        agent = self.agent("-c", account, environment=self.environment(world))
        self.await_ready(agent)
        reader = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                  "print(len(s.makefile('rb').read()))")
        for name, user, expected in [("open", "daemon", True), ("open", "nobody", False),
                                     ("shut", "daemon", False)]:
            done = subprocess.run(
                ["setpriv", "--reuid", user, "--clear-groups", "--regid", "nogroup",
                 SYSTEM_PYTHON, "-c", reader, f"{self.runtime}/{name}.sock"],
                capture_output=True)
            self.assertEqual(done.stdout.strip() not in (b"", b"0"), expected,
                             (name, user, done.stdout, done.stderr))
        wait_for(lambda: "socket-refused" in agent.text(), "the refusal in the log")
        # Told to whoever looks for why a reader got nothing.
        refusal = self.the_account()["outputs"][1]["last_refusal"]
        self.assertIn("daemon", refusal["user"])
        self.assertIn('"allowUsers": ["daemon"]', refusal["hint"])
        self.assertRegex(self.control("status").stdout.decode(), r"refused +daemon .*nor allowed")
        done = self.control("doctor", account, environment=self.environment(world))
        self.assertRegex(done.stdout.decode(), r"daemon \([0-9]+\) was refused at 20")


class Workers(World):
    def children(self, agent):
        done = subprocess.run(["pgrep", "-P", str(agent.pid)], capture_output=True)
        return [int(pid) for pid in done.stdout.split()]

    def test_a_worker_killed_in_the_middle_of_a_job(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match=EXCHANGE, delay=2, times=1)
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        worker = wait_for(lambda: world.exchanges() and self.children(agent), "the worker's request")
        os.kill(worker[0], signal.SIGKILL)
        self.await_ready(agent)
        self.assertIn("worker-died", agent.text())
        self.assertEqual(self.the_account()["failures_in_a_row"], 0)

    def test_a_worker_that_always_dies_is_a_passing_failure(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match=EXCHANGE, delay=5)
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        for _ in range(2):
            seen = world.exchanges()
            worker = wait_for(lambda: self.children(agent), "a worker")
            os.kill(worker[0], signal.SIGKILL)
            wait_for(lambda: worker[0] not in self.children(agent), "its end")
        wait_for(lambda: "refresh-failed" in agent.text(), "the failure")
        failure = wait_for(lambda: self.the_account().get("last_failure"), "the failure")
        self.assertEqual((failure["class"], failure["step"]), ("transient", "worker"))
        world.heal()
        self.await_ready(agent)

    def test_the_agent_is_alone_when_idle(self):
        world = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        self.await_ready(agent)
        wait_for(lambda: not self.children(agent), "the worker's end", 10)

    def test_ends_while_a_job_hangs(self):
        world = self.emulator("--platform", "gcp")
        world.fault(match=EXCHANGE, delay=30)
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        wait_for(world.exchanges, "the request")
        worker = self.children(agent)
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(5), 0)
        wait_for(lambda: not os.path.exists(f"/proc/{worker[0]}"), "the worker's end", 5)


class Manager(World):
    """What systemd is told and tells."""

    def listen(self):
        path = self.scratch / "notify"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(str(path))
        self.notify.settimeout(20)
        self.told = []
        return str(path)

    def await_told(self, line):
        while not any(line in message for message in self.told):
            self.told.append(self.notify.recv(4096).decode())

    def test_ready_reloading_watchdog_stopping(self):
        world = self.emulator("--platform", "gcp")
        environment = self.environment(
            world, NOTIFY_SOCKET=self.listen(), WATCHDOG_USEC="200000")
        agent = self.agent("-c", self.account(world.account), environment=environment)
        self.await_told("READY=1")
        self.await_told("STATUS=1 of 1 ready")
        self.await_told("WATCHDOG=1")
        self.told = []
        agent.signal(signal.SIGHUP)
        self.await_told("RELOADING=1\nMONOTONIC_USEC=")
        self.await_told("READY=1")
        agent.signal(signal.SIGTERM)
        self.await_told("STOPPING=1")
        self.assertEqual(agent.wait(), 0)

    def test_one_that_can_never_work_among_good_ones(self):
        world = self.emulator("--platform", "gcp")
        good = self.account(world.account, name="good")
        bad = self.account(world.account, name="bad", audience="//captain.api.mondoo.app/spaces/no")
        environment = self.environment(world, NOTIFY_SOCKET=self.listen())
        self.agent("-c", good, "-c", bad, environment=environment)
        self.await_told("READY=1")
        self.assertGreater(len(self.read_socket(self.runtime / "good.sock")), 500)
        status, why = self.http("/readyz")
        self.assertEqual(status, 503)
        self.assertIn(b"bad", why)
        self.assertNotIn(b"good:", why)
        self.assertEqual(self.control("wait", "good", "--timeout", 1).returncode, 0)
        self.assertEqual(self.control("wait", "bad", "--timeout", 0.3).returncode, 75)
        self.assertEqual(self.control("refresh", "bad").returncode, 77)


class Reload(World):
    def test_reload(self):
        world = self.emulator("--platform", "gcp")
        directory = self.scratch / "etc"
        directory.mkdir(mode=0o755)
        def put(name, content):
            path = directory / f"{name}.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            path.chmod(0o600)
            return path
        put("one", world.account)
        put("two", world.account)
        agent = self.agent("--config-dir", directory, environment=self.environment(world))
        self.await_ready(agent)
        self.assertEqual(world.exchanges(), 2)

        def reload(marker):
            seen = agent.text().count(marker)
            agent.signal(signal.SIGHUP)
            wait_for(lambda: agent.text().count(marker) > seen, marker)

        # Broken: reported, and the last good version stays in force.
        put("two", "{")
        reload("rejected")
        names = {account["account"]: account["state"] for account in self.status()["accounts"]}
        self.assertEqual(names, {"one": "valid", "two": "valid"})
        self.assertEqual(self.http("/readyz")[0], 503)
        self.assertGreater(len(self.read_socket(self.runtime / "two.sock")), 500)
        self.assertEqual(world.exchanges(), 2)
        # Mended with a change: a new exchange for it, and none for the other.
        put("two", {**world.account, "lifetime": 1800})
        reload("reloaded")
        self.await_ready(agent)
        wait_for(lambda: world.exchanges() == 3, "the new exchange")
        # Outputs that cannot be opened: the version before stays.
        put("two", {**world.account, "outputs": [{"format": "raw", "path": str(directory)}]})
        reload("rejected")
        self.assertGreater(len(self.read_socket(self.runtime / "two.sock")), 500)
        # Gone, and a new one.
        (directory / "two.json").unlink()
        put("three", world.account)
        reload("loaded account=three")
        self.await_ready(agent)
        self.assertEqual([a["account"] for a in self.status()["accounts"]], ["one", "three"])
        self.assertFalse((self.runtime / "two.sock").exists())
        self.assertEqual(self.status()["accounts"][0]["refreshes"], 1)

    def reload(self, agent, marker):
        seen = agent.text().count(marker)
        agent.signal(signal.SIGHUP)
        wait_for(lambda: agent.text().count(marker) > seen, marker)

    def test_another_identity_comes_into_force_with_its_first_credential(self):
        world = self.emulator("--platform", "gcp")
        old, new = self.scratch / "out" / "old", self.scratch / "out" / "new"
        raw = lambda path: [{"format": "raw", "path": str(path)}]
        path = self.account(world.account, outputs=raw(old))
        environment = self.environment(world)
        agent = self.agent("-c", path, environment=environment)
        self.await_ready(agent)
        first = old.read_bytes()
        world.fault(match=EXCHANGE, status=403, body='{"message": "no such space"}')
        # Another source may vouch for somebody else.
        self.account(world.account, outputs=raw(new), credentialSource={"provider": "gcp"})
        self.reload(agent, "change-failed")
        state = self.the_account()
        self.assertEqual((state["state"], state["ready"]), ("valid", False))
        self.assertIn("403", state["pending_change"]["last_failure"]["message"])
        self.assertIn("the edited file has another identity",
                      self.control("status").stdout.decode())
        self.assertIn("the edited file is not in force", self.http("/readyz")[1].decode())
        self.assertEqual(self.control("status", "--check").returncode, 75)
        self.assertIn(b'wif_agent_account_change_pending{account="mondoo"} 1',
                      self.http("/metrics")[1])
        self.assertFalse(new.exists())
        self.assertEqual(old.read_bytes(), first)
        # Whoever holds the new bytes gets the new version's failure.
        for command in [["get", "-c", path], ["exec", "-c", path, "--", "env"]]:
            done = self.control(*command, environment=environment)
            self.assertEqual(done.returncode, 77, done.stderr)
            self.assertNotIn(first, done.stdout)
        world.heal()
        done = self.control("refresh")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + agent.text().encode())
        self.await_ready(agent)
        second = new.read_bytes()
        self.assertNotEqual(second, first)
        self.assertEqual(self.control("get", "-c", path, environment=environment,
                                      records=False).stdout, second)
        self.assertNotIn("pending_change", self.the_account())
        # And back, with a restart in between: the kept credential is of another identity.
        self.account(world.account, outputs=raw(new))
        agent.signal(signal.SIGKILL)
        agent.wait()
        world.fault(match=EXCHANGE, status=503)
        agent = self.agent("-c", path, environment=environment)
        wait_for(lambda: "refresh-failed" in agent.text(), "a failure")
        self.assertNotIn("adopted", agent.text())
        self.assertEqual(self.the_account()["state"], "pending")

    def test_a_token_is_never_paired_with_another_tenant(self):
        world = self.emulator("--platform", "github")
        file = self.scratch / "out" / "env"
        outputs = [{"format": "envfile", "path": str(file)}]
        content = world.named("conductorone-github")
        path = self.account(content, name="c1", outputs=outputs)
        agent = self.agent("-c", path, environment=self.environment(world))
        self.await_ready(agent)
        first = file.read_text()
        self.assertIn(content["clientId"], first)
        name, rest = content["clientId"].split("@", 1)
        self.account(content, name="c1", outputs=outputs, clientId=f"other-{name}@{rest}")
        world.fault(match={"path": "/auth/v1/token"}, status=400,
                    body='{"error": "invalid_client"}')
        self.reload(agent, "change-failed")
        self.assertEqual(file.read_text(), first)
        done = self.control("get", "-c", path, "--format", "env",
                            environment=self.environment(world))
        self.assertEqual((done.returncode, done.stdout), (77, b""), done.stderr)
        # The file goes back: all is well at once, and no exchange was needed.
        self.account(content, name="c1", outputs=outputs)
        agent.signal(signal.SIGHUP)
        self.await_ready(agent)
        self.assertEqual(self.the_account()["refreshes"], 1)

    def test_a_change_of_the_rest_carries_the_credential_over(self):
        world = self.emulator("--platform", "gcp")
        old, new = self.scratch / "out" / "old", self.scratch / "out" / "new"
        path = self.account(world.account, outputs=[{"format": "raw", "path": str(old)}])
        agent = self.agent("-c", path, environment=self.environment(world))
        self.await_ready(agent)
        self.account(world.account, outputs=[{"format": "raw", "path": str(new)}])
        self.reload(agent, "reloaded")
        self.await_ready(agent)
        self.assertEqual(new.read_bytes(), old.read_bytes())
        self.assertEqual(world.exchanges(), 1)

    def test_user_signal_refreshes(self):
        world = self.emulator("--platform", "gcp")
        agent = self.agent("-c", self.account(world.account), environment=self.environment(world))
        self.await_ready(agent)
        agent.signal(signal.SIGUSR1)
        wait_for(lambda: self.the_account()["refreshes"] == 2, "the refresh")


class Adoption(World):
    def setUp(self):
        super().setUp()
        self.memory = self.scratch / "memory"
        self.memory.mkdir(mode=0o755)
        if not os.access("/dev/shm", os.W_OK):
            self.skipTest("needs a writable memory file system at /dev/shm")
        import pathlib, shutil, tempfile
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="wif-e2e-", dir="/dev/shm"))
        self.runtime.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.runtime, ignore_errors=True)
        self.world = self.emulator("--platform", "gcp")
        self.path = self.account(self.world.account)

    def restart(self, *arguments, exchanges):
        agent = self.agent("-c", self.path, *arguments, environment=self.environment(self.world))
        self.await_ready(agent)
        wait_for(lambda: self.world.exchanges() == exchanges, f"{exchanges} exchanges", 5)
        agent.signal(signal.SIGKILL)
        agent.wait()
        return agent

    def test_restarts(self):
        self.restart(exchanges=1)
        for _ in range(RESTARTS):
            agent = self.restart(exchanges=1)
            self.assertIn("adopted", agent.text())
        self.restart("--no-adopt", exchanges=2)
        state = self.runtime / "state" / "mondoo.json"
        self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(state.parent.stat().st_mode), 0o700)
        kept = json.loads(state.read_text())
        state.write_text(json.dumps({**kept, "boot": "another"}))
        self.restart(exchanges=3)
        state.write_text("{")
        self.restart(exchanges=4)
        state.chmod(0o644)
        self.restart(exchanges=5)
        self.path = self.account(self.world.account, lifetime=1800)
        self.restart(exchanges=6)
        self.restart(exchanges=6)

    def test_doctored_state_is_not_adopted(self):
        """Each change that somebody, or a crash, could make to it leads to an exchange."""
        self.restart(exchanges=1)
        state = self.runtime / "state" / "mondoo.json"
        kept = json.loads(state.read_text())
        credential = kept["credential"]
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        changes = {
            "no boot": {"boot": None},
            "no account": {"account": None},
            "a byte of the account": {"account": kept["account"] + " "},
            "from the future": {"credential": {**credential, "receivedAt": now + 10 ** 12}},
            "before the boot": {"credential": {**credential, "receivedAt": -10 ** 15}},
            "less than a quarter left": {"credential": {
                **credential, "receivedAt": now - int(0.76e9 * credential["lifetime"])}},
            "no lifetime": {"credential": {**credential, "lifetime": 0}},
            "an endless lifetime": {"credential": {**credential, "lifetime": 1e30}},
            "no value": {"credential": {**credential, "value": ""}},
            "another kind": {"credential": {**credential, "kind": "gold"}},
            "no credential": {"credential": None},
            "a list": [kept],
        }
        exchanges = 1
        for name, change in changes.items():
            with self.subTest(name):
                content = {**kept, **change} if isinstance(change, dict) else change
                state.write_text(json.dumps(content))
                exchanges += 1
                agent = self.restart(exchanges=exchanges)
                self.assertNotIn("adopted", agent.text())
        with self.subTest("half of it"):
            text = state.read_text()
            state.write_text(text[:len(text) // 2])
            self.restart(exchanges=exchanges + 1)
        with self.subTest("a link to it"):
            state.rename(state.with_suffix(".old"))
            state.symlink_to(state.with_suffix(".old"))
            self.restart("--no-adopt", exchanges=exchanges + 2)

    def test_nothing_is_kept_on_a_disk(self):
        self.runtime = self.scratch / "on-disk"
        self.runtime.mkdir()
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.runtime], capture_output=True)
        if kind.stdout.strip() in (b"tmpfs", b"ramfs"):
            self.skipTest("the scratch directory is in memory")
        self.restart(exchanges=1)
        self.restart(exchanges=2)
        self.assertFalse((self.runtime / "state").exists())
        state = self.scratch / "asked-for"
        self.restart("--state-dir", state, exchanges=3)
        self.assertIn("adopted", self.restart("--state-dir", state, exchanges=3).text())

    @root_only
    def test_time_that_passed_while_the_machine_slept(self):
        """Time namespaces move the clock that credentials are counted by: here between two runs."""
        def restart(offset, exchanges):
            self.count += 1
            agent = Process(
                ["unshare", "-T", "--boottime", offset, "--kill-child", "--fork",
                 BIN / "wif-agent", "run", "--runtime-dir", self.runtime, "-c", self.path],
                self.scratch / f"agent{self.count}.log", self.environment(self.world))
            self.addCleanup(agent.stop)
            self.await_ready(agent)
            wait_for(lambda: self.world.exchanges() == exchanges, f"{exchanges} exchanges", 5)
            state = self.the_account()
            agent.signal(signal.SIGKILL)
            agent.wait()
            wait_for(lambda: not self.serves(), "its end")
            return agent.text(), state
        done = subprocess.run(["unshare", "-T", "--boottime", "1", "true"], capture_output=True)
        if done.returncode:
            self.skipTest("no time namespaces here")
        start = 1_000_000
        _, state = restart(start, 1)
        self.assertAlmostEqual(state["expires_in"], 3600, delta=20)
        text, state = restart(start + 1000, 1)
        self.assertIn("adopted", text)
        self.assertAlmostEqual(state["expires_in"], 2600, delta=20)
        # Less than a quarter is left; then all of it is past; then it comes from the future.
        text, state = restart(start + 2800, 2)
        self.assertNotIn("adopted", text)
        self.assertAlmostEqual(state["expires_in"], 3600, delta=20)
        self.assertNotIn("adopted", restart(start + 10_000_000, 3)[0])
        self.assertNotIn("adopted", restart(start, 4)[0])

    def serves(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.runtime / "control.sock")) == 0


class Crowd(World):
    """More accounts than the usual soft limit of descriptors has room for."""

    def test_more_sockets_than_the_soft_limit_allows(self):
        world = self.emulator("--platform", "gcp")
        seen = self.scratch / "limit"
        script = f"ulimit -Sn > {seen}.new && mv {seen}.new {seen}"
        files = [self.account(world.account, name=f"account{number}") for number in range(60)]
        files.append(self.account(world.account, name="hooked", onRefresh=[
            {"command": ["/bin/sh", "-c", script]}]))
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        arguments = [part for file in files for part in ("-c", file)]
        agent = self.agent(
            *arguments, environment=self.environment(world),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1])))
        self.await_ready(agent)
        self.assertEqual(len(self.status()["accounts"]), 61)
        # What the agent starts has the limit that the agent was started with.
        wait_for(seen.exists, "the hook")
        self.assertEqual(seen.read_text().strip(), "64")
