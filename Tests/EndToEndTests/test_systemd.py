"""What systemd and docker do, done here without them: the calls behind LoadCredential=, sockets handed
over, the reading of env files. The booted-system suite has the real systemd."""

import http.client
import json
import os
import pathlib
import secrets as randomness
import socket
import string
import subprocess

from world import BIN, SYSTEM_PYTHON, Process, World, root_only, wait_for

EXCHANGE = {"path": "/SecureTokenService/"}

# Binds the name by which systemd.exec(5) has a unit known to the socket that it loads a credential
# from, connects, shuts down writing, reads to the end; prints how many bytes that were.
LOADER = """
import os, socket, sys
path, unit = sys.argv[1:]
client = socket.socket(socket.AF_UNIX)
client.bind("\\0%016x/unit/%s/mondoo.json" % (int.from_bytes(os.urandom(8), "big"), unit))
client.connect(path)
client.shutdown(socket.SHUT_WR)
print(len(client.makefile("rb").read()))
"""


class LoadCredential(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.socket = self.runtime / "mondoo.sock"

    def start(self, *arguments, **access):
        output = {"format": "socket", "path": str(self.socket), "content": "json", **access}
        self.file = self.account(self.world.account, outputs=[output])
        return self.agent("-c", self.file, *arguments, environment=self.environment(self.world))

    def loader(self, unit, *prefix):
        process = subprocess.Popen(
            [*prefix, SYSTEM_PYTHON, "-c", LOADER, str(self.socket), unit], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def load(self, unit, *prefix):
        process = self.loader(unit, *prefix)
        return int(process.stdout.read() or -1)

    def test_units_that_may_and_units_that_may_not(self):
        agent = self.start(allowUnits=["scanner.service", "scan@a-b.service"])
        self.await_ready(agent)
        self.assertGreater(self.load("scanner.service"), 500)
        self.assertGreater(self.load("scan@a-b.service"), 500)
        for other in ["scanner.service.service", "scanner", "scan@.service", "Scanner.service", " "]:
            self.assertEqual(self.load(other), 0, other)
        # No unit at all.
        self.assertEqual(self.read_socket(self.socket), b"")
        self.assertEqual(self.read_socket(self.socket, name="x/y/scanner.service/z"), b"")
        self.assertIn("unit=scanner.service", agent.text())
        self.assertIn("is not among allowUnits", agent.text())

    def test_a_unit_is_held_until_the_first_credential(self):
        self.world.fault(match=EXCHANGE, status=503, times=2)
        agent = self.start("--hold", 0)
        wait_for(self.socket.exists, "the socket")
        unit = self.loader("early.service")
        # Others are not held, as --hold says.
        self.assertEqual(self.read_socket(self.socket), b"")
        self.assertGreater(int(unit.stdout.read()), 500)
        self.assertIn("unit=early.service", agent.text())

    def test_a_unit_that_gives_up_waiting(self):
        self.world.fault(match=EXCHANGE, status=503)
        agent = self.start("--hold", 0)
        wait_for(self.socket.exists, "the socket")
        units = [self.loader(f"late{number}.service") for number in range(20)]
        wait_for(lambda: self.waiting() == 20, "all of them")
        for unit in units:
            unit.kill()
        wait_for(lambda: self.waiting() == 0, "the end of their wait")
        self.assertIsNone(agent.process.poll())
        self.world.heal()
        self.control("refresh")
        self.assertGreater(self.load("late.service"), 500)

    def waiting(self):
        for line in self.http("/metrics")[1].decode().splitlines():
            if line.startswith("wif_agent_socket_readers_waiting"):
                return int(float(line.split()[-1]))
        return None

    @root_only
    def test_an_impostor(self):
        """A user's own process takes a unit's name: its uid gives it away."""
        os.chmod(self.scratch, 0o755)
        agent = self.start(allowUnits=["scanner.service"], allowUsers=["daemon"])
        self.await_ready(agent)
        daemon = ["setpriv", "--reuid", "daemon", "--clear-groups"]
        self.assertEqual(self.load("scanner.service", *daemon), 0)
        self.assertIn("not a systemd unit that can be believed", agent.text())
        self.assertGreater(self.load("scanner.service"), 500)


class HandedOver(World):
    """sd_listen_fds(3): descriptors from 3 on, their names, and the process they are for."""

    def start(self, account, environment, **sockets):
        names = ":".join(name.replace("_", "-") for name in sockets)
        places = " ".join(f"{3 + i}<&{s.fileno()}" for i, s in enumerate(sockets.values()))
        script = (f"exec env LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names} "
                  f"{BIN}/wif-agent run --runtime-dir {self.runtime} -c {account} {places}")
        self.count += 1
        agent = Process(["bash", "-c", script], self.scratch / f"agent{self.count}.log", environment,
                        pass_fds=[s.fileno() for s in sockets.values()])
        self.addCleanup(agent.stop)
        return agent

    def listener(self, address):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(address)
        listener.listen()
        return listener

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def test_metrics_and_a_credential_socket(self):
        world = self.emulator("--platform", "gcp")
        path = self.scratch / "handed.sock"
        metrics, credential = self.listener(("127.0.0.1", 0)), self.listener(str(path))
        stranger = self.listener(b"\0wif" + randomness.token_bytes(8))
        agent = self.start(self.account(world.account), self.environment(world),
                           listen=metrics, mondoo=credential, my_metrics=stranger)
        self.await_ready(agent)
        port = metrics.getsockname()[1]
        self.assertEqual(self.get(port, "/readyz")[0], 200)
        self.assertIn(b"wif_agent_ready 1", self.get(port, "/metrics")[1])
        self.assertEqual(self.get(port, "/status")[0], 200)
        self.assertIn(self.get(port, f"/credential?file={self.scratch}/mondoo.json")[0], [403, 404])
        self.assertGreater(len(self.read_socket(path)), 500)
        self.assertFalse((self.runtime / "mondoo.sock").exists())
        self.assertIn('handed over as \\"my-metrics\\"', agent.text())

    def test_what_is_no_listening_socket(self):
        world = self.emulator("--platform", "gcp")
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(datagram.close)
        agent = self.start(self.account(world.account), self.environment(world), listen=datagram)
        self.assertEqual(agent.wait(), 78)
        self.assertIn("ListenStream=", agent.text())


class EnvFiles(World):
    """Every byte that a token may have (RFC 6749, A.12), as docker --env-file reads it."""

    BARE = string.ascii_letters + string.digits + "._~+/=:@%,-"

    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")

    def token_file(self, token):
        world = self.world
        world.heal()
        account = world.named("oauth-gcp")
        path = "/" + account["tokenUrl"].split("/", 3)[3]
        reply = {"access_token": token, "token_type": "Bearer", "expires_in": 3600,
                 "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        world.fault(match={"path": path}, status=200, body=json.dumps(reply),
                    headers={"Content-Type": "application/json"})
        output = self.scratch / "out" / "envfile"
        done = self.wif("run", "--once", "-c", self.account(account, name="oauth"), "--output",
                        f"envfile:{output}", environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stderr)
        return output.read_bytes(), done.stderr

    @staticmethod
    def docker(content):
        """As docker's reference of --env-file has it: a variable a line, # at the start of one is a
        comment, white space before a name is dropped, a value is taken as it is, quotes and all."""
        variables = {}
        for line in content.decode().removeprefix("\ufeff").split("\n"):
            line = line.removesuffix("\r").lstrip()
            if line and not line.startswith("#") and "=" in line:
                name, value = line.split("=", 1)
                variables[name] = value
        return variables

    def test_what_is_written_bare_is_read_as_it_is(self):
        content, warnings = self.token_file(self.BARE)
        self.assertEqual(self.docker(content)["ACCESS_TOKEN"], self.BARE)
        self.assertEqual(set(self.docker(content)), {"ACCESS_TOKEN", "WIF_AGENT_EXPIRES_AT"})
        # But for the note on what ends a credential that is no agent's.
        lines = [line for line in warnings.splitlines() if not line.startswith(b"note: no agent knows")]
        self.assertEqual(lines, [])

    def test_what_only_systemd_reads_is_warned_of(self):
        for byte in sorted(set(map(chr, range(0x21, 0x7F))) - set(self.BARE))[::6]:
            content, warnings = self.token_file(f"a{byte}b")
            self.assertIn(b"docker --env-file", warnings, byte)
            self.assertNotEqual(self.docker(content)["ACCESS_TOKEN"], f"a{byte}b")


class UnitHooks(World):
    """A systemctl of the test's own; the booted system has the real one."""

    def test_a_unit_is_reloaded_after_each_refresh(self):
        world = self.emulator("--platform", "gcp")
        programs = self.scratch / "bin"
        programs.mkdir(mode=0o755)
        stub = programs / "systemctl"
        stub.write_text(f"#!/bin/sh\necho \"$@\" >> {self.scratch}/asked\n")
        stub.chmod(0o755)
        account = self.account(world.account, onRefresh=[
            {"unit": "consumer.service"}, {"unit": "other.service", "action": "restart"}])
        environment = self.environment(world)
        environment["PATH"] = f"{programs}:{environment['PATH']}"
        agent = self.agent("-c", account, environment=environment)
        self.await_ready(agent)
        asked = self.scratch / "asked"
        expected = ["try-reload-or-restart -- consumer.service", "restart -- other.service"]
        lines = lambda: [line.split(" --no-ask-password ")[1]
                         for line in asked.read_text().splitlines()] if asked.exists() else []
        wait_for(lambda: lines() == expected, "both jobs")
        self.assertEqual(self.control("refresh").returncode, 0)
        wait_for(lambda: lines() == expected * 2, "both jobs again")
        self.assertNotIn("hook-failed", agent.text())
        done = self.wif("doctor", "-c", account, environment=environment)
        said = (b"try-reload-or-restart consumer.service can be asked for"
                if pathlib.Path("/run/systemd/system").is_dir() else b"systemd does not run here")
        self.assertIn(said, done.stdout)
        stub.write_text("#!/bin/sh\nexit 4\n")
        self.control("refresh")
        wait_for(lambda: "hook restart other.service: " in agent.text(), "the failure")
        self.assertIn("try-reload-or-restart consumer.service", agent.text())
