"""The units on a booted system, under the real systemd. run.sh brings it here; it runs as root, as a
service of a machine that is thrown away afterwards. Its network is a loopback interface."""

import gzip
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import stat
import string
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from world import Emulator, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}
ACCOUNTS = pathlib.Path("/etc/wif-agent")
RUNTIME = pathlib.Path("/run/wif-agent")
UNITS = pathlib.Path("/run/systemd/system")
SHIPPED = pathlib.Path("/opt/suite/units")
SCRATCH = pathlib.Path("/run/scratch")
SETTINGS = pathlib.Path("/etc/default/wif-agent")
AGENT_USER = pwd.getpwnam("wif-agent")


def run(*arguments, check=True, **options):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          timeout=60, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def systemctl(*arguments, check=True):
    return run("systemctl", *arguments, check=check)


def show(unit, name):
    return systemctl("show", "--value", "-p", name, unit).stdout.strip()


def journal(unit, since):
    return run("journalctl", "--no-pager", "-o", "cat", "-u", unit, "--since", since).stdout


class Booted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.original = SETTINGS.read_text()
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="world-", dir="/run"))
        cls.world = Emulator(cls.directory / "world", "--platform", "gcp")

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def setUp(self):
        self.own_units = []
        self.clear()
        self.since = time.strftime("%Y-%m-%d %H:%M:%S")
        # As the package makes it.
        ACCOUNTS.mkdir(mode=0o750)
        shutil.chown(ACCOUNTS, "root", "wif-agent")
        SCRATCH.mkdir(mode=0o755)
        self.settings()
        systemctl("start", "wif-exchange.socket")
        self.addCleanup(self.clear)

    def clear(self):
        systemctl("stop", "wif-agent.service", "wif-agent@*.service", "wif-agent-metrics.socket",
                  "wif-exchange@*.service", "wif-exchange.socket", *self.own_units, check=False)
        for place in [ACCOUNTS, RUNTIME, SCRATCH]:
            shutil.rmtree(place, ignore_errors=True)
        for unit in UNITS.iterdir() if UNITS.is_dir() else []:
            shutil.rmtree(unit) if unit.is_dir() and not unit.is_symlink() else unit.unlink()
        systemctl("daemon-reload")
        systemctl("reset-failed")
        self.world.heal()

    # What a test is made of

    def settings(self, **more):
        values = {**self.world.environment, **more}
        lines = [f"{name}={value}" for name, value in values.items()]
        SETTINGS.write_text(self.original + "\n".join(lines) + "\n")

    def account(self, name="mondoo", mode=0o644, content=None, **changes):
        content = {**(content or self.world.account), **changes}
        path = ACCOUNTS / f"{name}.json"
        path.write_text(json.dumps(content))
        path.chmod(mode)
        return path

    def unit(self, name, text):
        UNITS.mkdir(parents=True, exist_ok=True)
        (UNITS / name).write_text(text)
        self.own_units.append(name)
        systemctl("daemon-reload")

    def drop_in(self, unit, text):
        place = UNITS / f"{unit}.d"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{len(list(place.iterdir()))}.conf").write_text(text)
        systemctl("daemon-reload")

    def start(self, unit="wif-agent.service"):
        done = systemctl("start", unit, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + self.journal(unit))

    def journal(self, unit="wif-agent.service"):
        return journal(unit, self.since)

    def said(self, text, unit="wif-agent.service"):
        wait_for(lambda: text in self.journal(unit), f"{text!r} of {unit}", 20)

    def consumer(self, name, load="", more="", start="", arguments=()):
        """A unit that writes what it was given to a file, and what is there once it has run."""
        out = SCRATCH / f"{name}.out"
        self.unit(f"{name}.service", f"""
[Unit]
{more}
[Service]
Type=oneshot
{load}
{start}
ExecStart=/bin/sh -c 'cat "$MONDOO_CONFIG_PATH" >{out}.new && mv {out}.new {out}'
""")
        systemctl(*arguments, "start", f"{name}.service", check=False)
        return out

    LOAD = ("LoadCredential=mondoo.json:/run/wif-agent/mondoo.sock\n"
            "Environment=MONDOO_CONFIG_PATH=%d/mondoo.json")
    SOCKET = {"format": "socket", "path": "/run/wif-agent/mondoo.sock", "content": "json"}


class Agents(Booted):
    def test_all_accounts(self):
        self.account("one")
        self.account("two")
        before = self.world.exchanges()
        self.start()
        self.assertEqual(show("wif-agent.service", "ActiveState"), "active")
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)
        self.assertEqual(self.world.exchanges(), before + 2)
        pid = show("wif-agent.service", "MainPID")
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, AGENT_USER.pw_uid)
        # No network at all, not even the host's loopback; no child; the workers were units.
        self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/net"), os.readlink("/proc/self/ns/net"))
        self.assertEqual(run("ps", "--ppid", pid, "-o", "pid=", check=False).stdout.split(), [])
        self.assertGreaterEqual(int(show("wif-exchange.socket", "NAccepted")), 1)
        wait_for(lambda: show("wif-exchange.socket", "NConnections") == "0", "the workers' end")
        self.assertEqual(systemctl("--failed", "--plain", "--no-legend").stdout, "")
        self.assertIn("2 of 2 ready", show("wif-agent.service", "StatusText"))
        systemctl("stop", "wif-agent.service")
        self.assertTrue((RUNTIME / "state" / "one.json").exists())

    def test_one_account(self):
        path = self.account()
        self.account("other")
        self.start("wif-agent@mondoo.service")
        before = self.world.exchanges()
        place = RUNTIME / "mondoo"
        self.assertEqual(sorted(p.name for p in place.iterdir()),
                         ["agent.lock", "control.sock", "mondoo.sock", "state"])
        # By who asks for that file's credential the agent is found there.
        self.assertGreater(len(run("wif-agent", "get", "-c", path).stdout), 500)
        self.assertEqual(self.world.exchanges(), before)
        # Beside it the agent of all accounts.
        self.start()
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)
        systemctl("stop", "wif-agent@mondoo.service")
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)

    def test_private_users(self):
        self.account()
        self.drop_in("wif-agent.service", (SHIPPED / "drop-ins/private-users.conf").read_text())
        self.start()
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)
        self.assertGreater(len(run("wif-agent", "get", "-c", ACCOUNTS / "mondoo.json").stdout), 500)

    def test_reload(self):
        self.account("one")
        self.start()
        before = self.world.exchanges()
        self.account("two")
        systemctl("reload", "wif-agent.service")
        wait_for(lambda: self.world.exchanges() == before + 1, "the new account's exchange")
        run("wif-agent", "wait", "two", "--timeout", 10)
        self.assertEqual(show("wif-agent.service", "ActiveState"), "active")

    def test_crash(self):
        self.account(outputs=[self.SOCKET, {"format": "json", "path": "/run/wif-agent/mondoo.json"}])
        self.drop_in("wif-agent.service", "[Service]\nRestartSec=200ms\n")
        self.start()
        file = RUNTIME / "mondoo.json"
        held, exchanges = file.read_bytes(), self.world.exchanges()
        for count in range(1, 4):
            pid = int(show("wif-agent.service", "MainPID"))
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(file.read_bytes(), held)
            wait_for(lambda: show("wif-agent.service", "NRestarts") == str(count), "the restart")
            wait_for(lambda: show("wif-agent.service", "ActiveState") == "active", "its readiness")
            self.assertEqual(file.read_bytes(), held)
        self.assertEqual(self.world.exchanges(), exchanges)
        self.assertIn("adopted", self.journal())
        self.assertIn(b"mrn", self.consumer("after", self.LOAD).read_bytes())

    def test_watchdog(self):
        self.account()
        self.drop_in("wif-agent.service", "[Service]\nWatchdogSec=2\nRestartSec=200ms\n")
        self.start()
        exchanges = self.world.exchanges()
        time.sleep(3)
        self.assertEqual(show("wif-agent.service", "NRestarts"), "0")
        os.kill(int(show("wif-agent.service", "MainPID")), signal.SIGSTOP)
        wait_for(lambda: show("wif-agent.service", "NRestarts") == "1", "the restart", 20)
        wait_for(lambda: show("wif-agent.service", "ActiveState") == "active", "its readiness")
        self.assertEqual(self.world.exchanges(), exchanges)

    def test_service_manager_of_a_revoked_start(self):
        """One that can never start is not started again and again."""
        self.account(mode=0o600)
        done = systemctl("start", "wif-agent@mondoo.service", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(show("wif-agent@mondoo.service", "ExecMainStatus"), "66")
        self.assertEqual(show("wif-agent@mondoo.service", "NRestarts"), "0")
        self.assertEqual(show("wif-agent@mondoo.service", "ActiveState"), "failed")
        self.assertIn("Permission denied", self.journal("wif-agent@mondoo.service"))


class Packages(Booted):
    """The Debian package, under agents that run."""

    def setUp(self):
        super().setUp()
        self.addCleanup(run, "dpkg", "-i", "/opt/suite/older.deb")
        self.account(outputs=[{"format": "json", "path": "/run/wif-agent/mondoo.json"}])
        self.account("other")
        self.start()
        self.file = RUNTIME / "mondoo.json"
        self.held, self.exchanges = self.file.read_bytes(), self.world.exchanges()

    def test_upgrade(self):
        self.start("wif-agent@other.service")
        exchanges = self.world.exchanges()
        units = ["wif-agent.service", "wif-agent@other.service"]
        before = [show(unit, "MainPID") for unit in units]
        seen, upgrade = set(), subprocess.Popen(["dpkg", "-i", "/opt/suite/newer.deb"],
                                                stdout=subprocess.DEVNULL)
        while upgrade.poll() is None:
            seen.add(self.file.read_bytes())
        self.assertEqual(upgrade.returncode, 0)
        self.assertTrue(run("dpkg-query", "-W", "wif-agent").stdout.strip().endswith(".1"))
        # At every moment of it the file held the credential.
        self.assertEqual(seen | {self.file.read_bytes()}, {self.held})
        for unit, pid in zip(units, before):
            self.assertEqual(show(unit, "ActiveState"), "active")
            self.assertNotEqual(show(unit, "MainPID"), pid)
            self.assertIn("adopted", self.journal(unit))
            program = os.readlink(f"/proc/{show(unit, 'MainPID')}/exe")
            self.assertEqual(program, "/usr/bin/wif-agent")
        self.assertGreater(len(run("wif-agent", "get", "-c", ACCOUNTS / "mondoo.json").stdout), 500)
        self.assertEqual(self.world.exchanges(), exchanges)
        run("wif-agent", "refresh", "mondoo")
        self.assertEqual(self.world.exchanges(), exchanges + 1)

    def test_removal_and_return(self):
        self.start("wif-agent@other.service")
        exchanges = self.world.exchanges()
        run("dpkg", "-r", "wif-agent")
        for unit in ["wif-agent.service", "wif-agent@other.service", "wif-exchange.socket"]:
            self.assertEqual(show(unit, "ActiveState"), "inactive", unit)
        self.assertFalse(pathlib.Path("/usr/bin/wif-agent").exists())
        self.assertTrue((ACCOUNTS / "mondoo.json").exists())
        self.assertIn("_", SETTINGS.read_text())
        # What consumers hold is theirs until it expires; the next agent adopts it.
        self.assertEqual(self.file.read_bytes(), self.held)
        run("dpkg", "-i", "/opt/suite/older.deb")
        self.assertEqual(show("wif-exchange.socket", "ActiveState"), "active")
        self.start()
        self.assertEqual(self.file.read_bytes(), self.held)
        self.assertEqual(self.world.exchanges(), exchanges)

    def test_purge(self):
        run("dpkg", "-P", "wif-agent")
        self.assertFalse(SETTINGS.exists())
        self.assertFalse(RUNTIME.exists())
        self.assertTrue((ACCOUNTS / "mondoo.json").exists())
        self.assertEqual(show("wif-agent.service", "LoadState"), "not-found")
        self.assertEqual(AGENT_USER, pwd.getpwnam("wif-agent"))


class Extension(Booted):
    """The extension image in the package's place, as where /usr cannot be written: merged by systemd-sysext,
    replaced by the next one under the running agent, and taken away."""

    PLACE = pathlib.Path("/run/extensions/wif-agent.raw")
    UNIT = "/usr/lib/systemd/system/wif-agent.service"

    def setUp(self):
        super().setUp()
        self.loop_devices()
        run("dpkg", "-r", "wif-agent")
        self.addCleanup(run, "dpkg", "-i", "/opt/suite/older.deb")
        self.addCleanup(shutil.rmtree, self.PLACE.parent, ignore_errors=True)
        self.addCleanup(self.unmerge)
        self.assertFalse(os.path.exists(self.UNIT))

    def loop_devices(self):
        """The container has no nodes for them, and no device manager that would make any."""
        if not os.path.exists("/sys/devices/virtual/misc/loop-control"):
            self.skipTest("the kernel has no loop devices")
        numbers = [("/dev/loop-control", 10, 237), *((f"/dev/loop{i}", 7, i) for i in range(64))]
        for path, major, minor in numbers:
            if not os.path.exists(path):
                kind = stat.S_IFCHR if path.endswith("control") else stat.S_IFBLK
                os.mknod(path, 0o600 | kind, os.makedev(major, minor))
        try:
            os.close(os.open("/dev/loop-control", os.O_RDWR))
        except OSError as error:
            self.skipTest(f"loop devices cannot be used here: {error.strerror}")

    def place(self, image):
        """As a download takes the place of the one before."""
        self.PLACE.parent.mkdir(exist_ok=True)
        fresh = self.PLACE.with_suffix(".new")
        shutil.copy(f"/opt/suite/{image}.raw", fresh)
        fresh.rename(self.PLACE)

    def unmerge(self):
        systemctl("stop", "wif-agent.service", "wif-exchange.socket", check=False)
        run("systemd-sysext", "unmerge")
        systemctl("daemon-reload")

    def test_merged_replaced_and_taken_away(self):
        self.place("older")
        run("systemd-sysext", "merge")
        systemctl("daemon-reload")
        # The users are in this root; in one without, the image brings what makes them.
        users = SCRATCH / "users"
        (users / "etc").mkdir(parents=True)
        run("systemd-sysusers", f"--root={users}", "/usr/lib/sysusers.d/wif-agent.conf")
        names = [line.split(":")[0] for line in (users / "etc/passwd").read_text().splitlines()]
        self.assertEqual([name for name in names if name.startswith("wif-")], ["wif-agent", "wif-exchange"])
        self.assertEqual(os.path.realpath(show("wif-agent.service", "FragmentPath")), self.UNIT)
        output = RUNTIME / "mondoo.json"
        self.account(outputs=[self.SOCKET, {"format": "json", "path": str(output)}])
        self.assertFalse(os.access("/usr/bin", os.W_OK))
        systemctl("start", "wif-exchange.socket")
        self.start()
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)
        self.assertIn(b"mrn", self.consumer("reader", self.LOAD).read_bytes())
        held, exchanges = output.read_bytes(), self.world.exchanges()

        for image in ["newer", "older"]:
            pid = show("wif-agent.service", "MainPID")
            self.place(image)
            run("systemd-sysext", "refresh")
            systemctl("daemon-reload")
            self.assertEqual(os.path.exists("/usr/share/wif-agent/newer"), image == "newer")
            # The old program runs on, and answers the new one.
            self.assertEqual(show("wif-agent.service", "MainPID"), pid)
            self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)
            systemctl("restart", "wif-agent.service")
            self.assertNotEqual(show("wif-agent.service", "MainPID"), pid)
            self.assertEqual(output.read_bytes(), held)
        self.assertEqual(self.journal().count("adopted account=mondoo"), 2)
        self.assertEqual(self.world.exchanges(), exchanges)
        run("wif-agent", "refresh", "mondoo")
        self.assertEqual(self.world.exchanges(), exchanges + 1)

        self.unmerge()
        self.assertEqual(show("wif-agent.service", "LoadState"), "not-found")
        self.assertFalse(os.path.exists("/usr/bin/wif-agent"))
        self.assertTrue((ACCOUNTS / "mondoo.json").exists())


class Consumers(Booted):
    def test_load_credential(self):
        self.account(outputs=[{**self.SOCKET, "allowUnits": ["scanner.service"]}])
        self.start()
        document = json.loads(self.consumer("scanner", self.LOAD).read_text())
        self.assertIn("private_key", document)
        self.said("unit=scanner.service")
        # Another unit does not get it.
        out = self.consumer("other", self.LOAD)
        self.assertEqual(out.read_bytes() if out.exists() else b"", b"")
        self.said("unit other.service is not among allowUnits")

    def test_shipped_example(self):
        self.account(outputs=[{**self.SOCKET, "allowUnits": ["scanner.service"]}])
        program = pathlib.Path("/usr/bin/cnspec")
        program.write_text('#!/bin/sh\nexec grep -c private_key "$MONDOO_CONFIG_PATH"\n')
        program.chmod(0o755)
        self.unit("scanner.service", (SHIPPED / "examples/scanner.service").read_text())
        # It wants the agent, which is not running yet.
        systemctl("start", "scanner.service")
        self.assertEqual(show("wif-agent.service", "ActiveState"), "active")
        self.assertEqual(self.journal("scanner.service").count("1\n"), 1)

    def test_impostor(self):
        self.account(outputs=[{**self.SOCKET, "allowUnits": ["scanner.service"],
                               "allowUsers": ["daemon"]}])
        self.start()
        loader = ("import socket,sys; c = socket.socket(socket.AF_UNIX);"
                  "c.bind('\\0' + '1b' * 8 + '/unit/scanner.service/mondoo.json');"
                  "c.connect('/run/wif-agent/mondoo.sock'); c.shutdown(socket.SHUT_WR);"
                  "print(len(c.makefile('rb').read()))")
        daemon = ["setpriv", "--reuid", "daemon", "--clear-groups"]
        self.assertEqual(run(*daemon, sys.executable, "-c", loader).stdout, "0\n")
        self.assertNotEqual(run(sys.executable, "-c", loader).stdout, "0\n")
        self.said("not a systemd unit that can be believed")

    def test_held_until_the_first_credential(self):
        self.account(outputs=[self.SOCKET])
        self.world.fault(match=EXCHANGE, delay=2, times=1)
        systemctl("start", "--no-block", "wif-agent.service")
        wait_for((RUNTIME / "mondoo.sock").exists, "the socket")
        began = time.monotonic()
        out = self.consumer("early", self.LOAD)
        self.assertGreater(time.monotonic() - began, 0.5)
        self.assertIn(b"private_key", out.read_bytes())

    def test_outlives_its_start_timeout(self):
        self.account(outputs=[self.SOCKET])
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        self.world.fault(match=EXCHANGE, status=503)
        self.start()
        out = self.consumer("late", self.LOAD, start="TimeoutStartSec=2")
        self.assertFalse(out.exists())
        self.assertEqual(show("late.service", "Result"), "timeout")
        self.world.heal()
        run("wif-agent", "refresh", "--timeout", "30")
        self.assertIn(b"private_key", self.consumer("late", self.LOAD).read_bytes())

    def test_environment_file(self):
        """What a service's process sees is the token, whatever bytes it has (RFC 6749, A.12)."""
        content = self.world.named("oauth-gcp")
        path = "/" + content["tokenUrl"].split("/", 3)[3]
        output = SCRATCH / "token.envfile"
        account = self.account("token", content=content,
                               outputs=[{"format": "envfile", "path": str(output)}])
        environment = {**os.environ, **self.world.environment}
        seen = SCRATCH / "environ"
        self.unit("reader.service", f"""
[Service]
Type=oneshot
EnvironmentFile={output}
ExecStart=/bin/sh -c 'cp /proc/self/environ {seen}'
""")
        visible = "".join(map(chr, range(0x21, 0x7F)))
        bare = string.ascii_letters + string.digits + "._~+/=:@%,-"
        tokens = [bare, visible, visible[::-1], *["\\" + c for c in "n\"'$`\\"], "$HOME", "${HOME}",
                  "#comment", "a#b", "'single'", '"double"', "back\\", ";", "=", "%h", "$(id)", "`id`",
                  *(f"{c}{c}x{c}" for c in visible if c not in bare)]
        def answer(token):
            self.world.heal()
            reply = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
            self.world.fault(match={"path": path}, status=200, body=json.dumps(reply),
                             headers={"Content-Type": "application/json"})
        for token in tokens:
            answer(token)
            run("wif-agent", "run", "--once", "-c", account, env=environment)
            systemctl("start", "reader.service")
            variables = dict(line.split(b"=", 1) for line in seen.read_bytes().split(b"\0") if line)
            self.assertEqual(variables[b"ACCESS_TOKEN"].decode(), token)
            self.assertRegex(variables[b"WIF_AGENT_EXPIRES_AT"], rb"^20\d\d-.*Z$")

    def test_path_unit_gives_a_daemon_the_newer_credential(self):
        self.account(outputs=[{"format": "envfile", "path": "/run/wif-agent/mondoo.envfile"}])
        program = pathlib.Path("/usr/bin/cnspec")
        program.write_text("#!/bin/sh\nexec sleep 1000\n")
        program.chmod(0o755)
        for name in ["daemon.service", "daemon-refresh.path", "daemon-refresh.service"]:
            self.unit(name, (SHIPPED / "examples" / name).read_text())
        self.start()
        systemctl("start", "daemon.service")
        self.assertEqual(show("daemon-refresh.path", "ActiveState"), "active")

        def credential():
            pid = show("daemon.service", "MainPID")
            try:
                variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                return None
            return next((v for v in variables if v.startswith(b"MONDOO_CONFIG_BASE64=")), None)

        old = wait_for(credential, "the environment")
        run("wif-agent", "refresh")
        new = wait_for(lambda: (c := credential()) != old and c, "the newer one")
        value = new.split(b"=", 1)[1]
        self.assertIn(value, (RUNTIME / "mondoo.envfile").read_bytes())

    def test_sockets_handed_over(self):
        self.account(outputs=[{"format": "socket", "path": "/run/wif-agent/mondoo.sock",
                               "content": "json"}])
        self.unit("mondoo-credential.socket", """
[Socket]
ListenStream=/run/mondoo-credential.sock
FileDescriptorName=mondoo
Service=wif-agent.service
""")
        systemctl("start", "mondoo-credential.socket", "wif-agent-metrics.socket")
        load = self.LOAD.replace("/run/wif-agent/mondoo.sock", "/run/mondoo-credential.sock")
        # The first to connect has the agent started.
        out = self.consumer("first", load)
        self.assertIn(b"private_key", out.read_bytes())
        self.assertEqual(show("wif-agent.service", "ActiveState"), "active")
        with urllib.request.urlopen("http://127.0.0.1:9464/metrics", timeout=10) as reply:
            self.assertIn(b"wif_agent_ready 1", reply.read())
        # The sockets stay open over a restart: who connects meanwhile is served.
        systemctl("restart", "--no-block", "wif-agent.service")
        self.assertIn(b"private_key", self.consumer("second", load).read_bytes())

    def test_outputs_for_a_group(self):
        run("groupadd", "--force", "cnspec")
        shared = pathlib.Path("/run/cnspec")
        shared.mkdir(mode=0o750, exist_ok=True)
        self.addCleanup(shutil.rmtree, shared, ignore_errors=True)
        shutil.chown(shared, "wif-agent", "cnspec")
        self.account(outputs=[{"format": "json", "path": "/run/cnspec/mondoo.json", "mode": "0640",
                               "group": "cnspec"}])
        self.drop_in("wif-agent.service", (SHIPPED / "drop-ins/outputs.conf").read_text())
        self.start()
        facts = (shared / "mondoo.json").stat()
        self.assertEqual((facts.st_mode & 0o777, facts.st_uid), (0o640, AGENT_USER.pw_uid))
        self.assertEqual(shared.group(), "cnspec")
        self.assertEqual((shared / "mondoo.json").group(), "cnspec")


class Hooks(Booted):
    """An agent that has a unit reload: it reaches systemd from its sandbox, and polkit says whether it may."""

    RULES = pathlib.Path("/etc/polkit-1/rules.d/50-wif-agent.rules")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.RULES.unlink, missing_ok=True)
        for name in "xy":
            self.unit(f"{name}.service", f"""
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/sh -c 'echo reloaded >>{SCRATCH}/{name}'
""")
            systemctl("start", f"{name}.service")

    def hooked(self, *units):
        self.account(outputs=[{"format": "raw", "path": "/run/wif-agent/token"}], onRefresh=[
            {"unit": unit, "action": "try-reload-or-restart"} for unit in units])
        self.start()

    def reloads(self, name):
        place = SCRATCH / name
        return len(place.read_text().splitlines()) if place.exists() else 0

    def hook_failure(self):
        told = json.loads(run("wif-agent", "status", "--json").stdout)["accounts"][0]
        return (told.get("hooks") or told).get("last_hook_failure")

    def allow(self):
        """The rule as the manual has it."""
        page = gzip.open("/usr/share/man/man5/wif-agent.json.5.gz", "rt").read()
        rule = re.search(r"^(polkit\.addRule.*?)^\.Ed", page, re.M | re.S).group(1)
        self.RULES.write_text(rule)
        systemctl("restart", "polkit.service")

    def test_a_unit_that_the_rule_names_is_reloaded_at_each_refresh(self):
        self.allow()
        self.hooked("x.service")
        wait_for(lambda: self.reloads("x") == 1, "the reload", 20)
        run("wif-agent", "refresh")
        wait_for(lambda: self.reloads("x") == 2, "the second reload", 20)
        self.assertIsNone(self.hook_failure())

    def test_one_that_it_does_not_name_is_not_and_the_other_is(self):
        self.allow()
        self.hooked("y.service", "x.service")
        wait_for(lambda: self.reloads("x") == 1, "the reload", 20)
        failure = wait_for(self.hook_failure, "the failure", 20)
        self.assertIn("try-reload-or-restart y.service", failure["message"])
        self.assertEqual(self.reloads("y"), 0)

    def test_without_a_rule_it_is_told_what_is_missing(self):
        self.hooked("x.service")
        failure = wait_for(self.hook_failure, "the failure", 20)
        self.assertIn("try-reload-or-restart x.service", failure["message"])
        self.assertIn("polkit must let wif-agent", failure["hint"])
        self.assertEqual(self.reloads("x"), 0)
        # The credential is delivered all the same.
        self.assertEqual(run("wif-agent", "status", "--check", check=False).returncode, 0)


class Workers(Booted):
    def token(self):
        """One of the machine's own, for sources that find theirs by other ways."""
        return run("wif-agent", "token", "--raw", "-c", self.account("machine"),
                   env={**os.environ, **self.world.environment}).stdout.strip()

    def test_a_file_of_a_group(self):
        run("groupadd", "--force", "spire")
        token = SCRATCH / "token"
        token.write_text(self.token())
        token.chmod(0o640)
        shutil.chown(token, "root", "spire")
        (ACCOUNTS / "machine.json").unlink()
        self.account(credentialSource={"file": str(token)})
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        self.start()
        self.said("Permission denied")
        systemctl("stop", "wif-agent.service")
        wait_for(lambda: show("wif-exchange.socket", "NConnections") == "0", "the worker's end")
        self.drop_in("wif-exchange@.service", (SHIPPED / "drop-ins/worker-files.conf").read_text())
        self.start()
        run("wif-agent", "wait", "--timeout", "10")

    def test_programs_need_the_own_worker(self):
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        program = pathlib.Path("/opt/token-program")
        program.write_text(f"#!/bin/sh\necho {self.token()}\n")
        program.chmod(0o755)
        (ACCOUNTS / "machine.json").unlink()
        self.account(credentialSource={"executable": {"command": [str(program)]}})
        self.start()
        self.said("this worker may not run programs")
        self.said("--worker-socket none")
        systemctl("stop", "wif-agent.service")
        self.drop_in("wif-agent.service", (SHIPPED / "drop-ins/own-worker.conf").read_text())
        self.start()
        self.assertEqual(run("wif-agent", "wait", "--timeout", "10", check=False).returncode, 0,
                         self.journal())

    def test_who_may_connect(self):
        path = "/run/wif-exchange.sock"
        facts = os.stat(path)
        self.assertEqual((facts.st_mode & 0o777, facts.st_uid), (0o600, AGENT_USER.pw_uid))
        client = ("import socket; c = socket.socket(socket.AF_UNIX); c.connect('%s');"
                  "c.sendall(b'nonsense\\n'); print(c.recv(10))" % path)
        def of(user):
            return run("setpriv", "--reuid", user, "--clear-groups", sys.executable, "-c", client,
                       check=False)
        self.assertIn("failure", of("wif-agent").stdout)
        self.assertIn("failure", of("root").stdout)
        self.assertIn("PermissionError", of("daemon").stderr)
        os.chmod(path, 0o666)
        self.assertNotIn("failure", of("daemon").stdout)
        wait_for(lambda: "user 1 may not connect" in run("journalctl", "--no-pager", "-o", "cat",
                 "--since", self.since).stdout, "the worker's refusal")

    def test_too_many_connections(self):
        self.account()
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        self.drop_in("wif-exchange.socket", "[Socket]\nMaxConnections=1\n")
        systemctl("restart", "wif-exchange.socket")
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect("/run/wif-exchange.sock")
            wait_for(lambda: show("wif-exchange.socket", "NConnections") == "1", "the connection")
            self.start()
            self.said("it closed the connection")
            self.said("MaxConnections=")
        run("wif-agent", "wait", "--timeout", "20")


class BadInput(Booted):
    def test_no_account_directory(self):
        ACCOUNTS.rmdir()
        systemctl("start", "wif-agent.service")
        self.assertEqual(show("wif-agent.service", "ConditionResult"), "no")
        self.assertEqual(show("wif-agent.service", "ActiveState"), "inactive")
        systemctl("start", "wif-agent@mondoo.service")
        self.assertEqual(show("wif-agent@mondoo.service", "ConditionResult"), "no")

    def test_an_unreadable_file_among_good_ones(self):
        self.account("good")
        self.account("secret", mode=0o600)
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        self.start()
        self.said("rejected file=/etc/wif-agent/secret.json")
        self.assertIn("Permission denied", self.journal())
        run("wif-agent", "wait", "good", "--timeout", "10")
        self.assertEqual(run("wif-agent", "status", "--check", check=False).returncode, 75)

    def test_a_runtime_directory_of_the_wrong_owner(self):
        self.account()
        # That which systemd makes for the unit it puts right.
        RUNTIME.mkdir()
        shutil.chown(RUNTIME, "daemon", "daemon")
        self.start()
        self.assertEqual(RUNTIME.stat().st_uid, AGENT_USER.pw_uid)
        systemctl("stop", "wif-agent.service")
        # Another one it does not.
        wrong = SCRATCH / "wrong"
        wrong.mkdir()
        shutil.chown(wrong, "daemon", "daemon")
        self.drop_in("wif-agent.service", f"[Service]\nEnvironment=WIF_AGENT_RUNTIME_DIR={wrong}\n"
                     f"ReadWritePaths={wrong}\n")
        self.assertNotEqual(systemctl("start", "wif-agent.service", check=False).returncode, 0)
        self.assertIn(show("wif-agent.service", "ExecMainStatus"), ["74", "78"])
        self.assertIn(str(wrong), self.journal())

    def test_no_network_and_no_worker(self):
        self.account()
        self.settings(WIF_AGENT_READY_TIMEOUT="1")
        systemctl("stop", "wif-exchange.socket")
        systemctl("mask", "--runtime", "wif-exchange.socket")
        self.addCleanup(systemctl, "unmask", "--runtime", "wif-exchange.socket")
        self.start()
        self.said("the worker's socket /run/wif-exchange.sock cannot be connected to")
        self.said("systemctl start wif-exchange.socket")
        systemctl("unmask", "--runtime", "wif-exchange.socket")
        systemctl("start", "wif-exchange.socket")
        run("wif-agent", "wait", "--timeout", "30")

    def test_a_control_socket_of_another_agent(self):
        self.account()
        self.start()
        self.unit("second.service", (SHIPPED / "wif-agent.service").read_text()
                  .replace("RuntimeDirectory=wif-agent", "ReadWritePaths=/run/wif-agent")
                  .replace("[Install]", ""))
        self.drop_in("second.service",
                     "[Service]\nEnvironment=WIF_AGENT_RUNTIME_DIR=/run/wif-agent\nRestart=no\n")
        self.assertNotEqual(systemctl("start", "second.service", check=False).returncode, 0)
        self.assertIn("agent.lock is locked by process", self.journal("second.service"))
        self.assertEqual(run("wif-agent", "status", "--check").returncode, 0)


if __name__ == "__main__":
    unittest.main()
