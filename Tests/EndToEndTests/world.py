"""The built programs, run as their users run them, against wif-emulator.

Standard library only. WIF_BIN names the directory of the programs (default .build/debug).
Waiting is always for a condition, with a deadline; nothing sleeps for a fixed time and hopes.
"""

import base64
import http.client
import http.server
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WIF_BIN", ROOT / ".build/debug")).resolve()
# How many times longer than usual the programs may take, as under an emulator of another processor.
PATIENCE = float(os.environ.get("PATIENCE", 1))
DEADLINE = 30.0

# Every byte that the programs printed and every command line, for the test of secrets. A pair of
# text and where it comes from.
printed = []
# Every secret that an emulator, or a server of a test's own, handed out.
secrets = set()


def mint(prefix=""):
    """A new opaque secret that no program may show."""
    secret = prefix + os.urandom(24).hex()
    secrets.add(secret)
    return secret


def wait_for(condition, what, deadline=DEADLINE):
    """The condition's first true value; fails the test when there is none in time."""
    end = time.monotonic() + deadline * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.02)


def wake_ups(pid):
    """How often each thread of a process has given up the processor, by its name and number."""
    counts = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            lines = (task / "status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has just ended.
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        counts[f"{facts['Name'].strip()} {task.name}"] = int(facts["voluntary_ctxt_switches"])
    return counts


def await_rest(pid, seconds):
    """Returns once no thread of a process has run for so long; fails with those that do."""
    end = time.monotonic() + DEADLINE * PATIENCE
    woken = []
    while time.monotonic() < end:
        before = wake_ups(pid)
        time.sleep(seconds)
        after = wake_ups(pid)
        if before == after:
            return
        woken.append({name: after.get(name, 0) - before.get(name, 0) for name in before | after})
    raise AssertionError(f"no {seconds} s without a wake-up; in each try: {woken}")


def access_list(user, bits):
    """A POSIX access list as the kernel stores it, for system.posix_acl_access: acl(5)."""
    entries = [(0x01, 7, -1), (0x02, bits, user), (0x04, 0, -1), (0x10, 7, -1), (0x20, 0, -1)]
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHi", tag, bits, who) for tag, bits, who in entries)


def terminal_output(leader):
    """What is written to a terminal until its last writer is gone."""
    written = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the last writer is gone
            piece = b""
        if not piece:
            os.close(leader)
            return written
        written += piece


def remember(data, origin):
    printed.append((data, origin))


def assert_no_secret_shown():
    everything = b"\n".join(data for data, _ in printed)
    for secret in secrets:
        for form in forms(secret):
            if form in everything:
                where = [origin for data, origin in printed if form in data]
                raise AssertionError(f"a secret of {len(secret)} bytes was shown by {where}")


class Process:
    """A program that runs beside the test; ended with it."""

    def __init__(self, arguments, log, environment, **options):
        self.log = log
        self.arguments = [str(argument) for argument in arguments]
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                self.arguments, stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, env=environment, **options)
        self.pid = self.process.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        return self.process.wait(deadline * PATIENCE)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        remember(self.log.read_bytes(), self.arguments)
        return self.process.returncode


class Emulator(Process):
    def __init__(self, directory, *arguments):
        self.directory = pathlib.Path(directory)
        command = [BIN / "wif-emulator", "--directory", directory, *arguments]
        super().__init__(command, self.directory.with_suffix(".log"), {"PATH": os.environ["PATH"]})
        wait_for(lambda: (self.directory / "ready").exists() or self.process.poll() is not None,
                 "the emulator")
        if self.process.poll() is not None:
            raise AssertionError("the emulator ended: " + self.text())
        self.environment = {}
        for line in (self.directory / "environment").read_text().splitlines():
            name, value = line.removeprefix("export ").split("=", 1)
            self.environment[name] = value.strip("'")
        self.url = self.environment["WIF_EMULATOR_URL"]

    @property
    def account(self):
        return json.loads((self.directory / "mondoo.json").read_text())

    def named(self, name):
        return json.loads((self.directory / "accounts" / f"{name}.json").read_text())

    def ask(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        import ssl
        context = ssl._create_unverified_context() if self.url.startswith("https") else None
        with urllib.request.urlopen(request, timeout=10 * PATIENCE, context=context) as reply:
            text = reply.read()
        return json.loads(text) if text.strip() else None

    def fault(self, **fault):
        self.ask("/_emulator/faults", "POST", fault)

    def heal(self):
        self.ask("/_emulator/faults", "DELETE")

    def exchanges(self):
        """How many exchanges have arrived at Mondoo."""
        seen = self.ask("/_emulator/requests?path=/SecureTokenService/")
        return len(seen["requests"])

    def stop(self):
        try:
            for issued in self.ask("/_emulator/issued")["issued"]:
                secrets.add(issued["value"])
        except Exception:  # it may have been ended by the test
            pass
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


class MintingService:
    """A token service of RFC 8693 and 7009 of a test's own, on loopback: it mints opaque tokens, which
    the search for secrets knows. `answer`, called with the path, the body and the token that would be
    handed out, may give another reply: a status and a body."""

    def __init__(self, lifetime=3600):
        service = self
        self.lifetime = lifetime
        self.answer = lambda path, body, token: None
        self.minted = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                token = mint()
                service.minted[token] = time.monotonic()
                reply = service.answer(self.path, body, token) or (200, json.dumps({
                    "access_token": token, "token_type": "Bearer", "expires_in": service.lifetime,
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}))
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(reply[1].encode())))
                self.end_headers()
                self.wfile.write(reply[1].encode())

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def account(self, source):
        return {"type": "external_account", "service": "oauth", "audience": "a",
                "tokenUrl": f"{self.url}/token", "revokeUrl": f"{self.url}/revoke",
                "revokeOnExit": True, "credentialSource": source}


class World(unittest.TestCase):
    """A scratch directory, and what was started in it. No class may have shown a secret."""

    # Whether the test looks at what a command says after two seconds. To others it is no matter how long one
    # takes, where everything takes longer.
    tells_of_waiting = False

    @classmethod
    def setUpClass(cls):
        # The first to be added is the last to run: when everything has ended and is remembered.
        cls.addClassCleanup(assert_no_secret_shown)

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="wif-e2e-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.runtime = self.scratch / "run"
        self.runtime.mkdir(mode=0o755)
        self.count = 0

    def emulator(self, *arguments):
        self.count += 1
        emulator = Emulator(self.scratch / f"world{self.count}", *arguments)
        self.addCleanup(emulator.stop)
        return emulator

    def service(self, **options):
        service = MintingService(**options)
        self.addCleanup(service.stop)
        return service

    def environment(self, *emulators, **more):
        environment = {"PATH": os.environ["PATH"]}
        for emulator in emulators:
            environment.update(emulator.environment)
        environment.update(more)
        return environment

    def account(self, content, name="mondoo", **changes):
        """Writes an account file; a change to None leaves a key out."""
        path = self.scratch / f"{name}.json"
        if isinstance(content, dict):
            content = {**content, **changes}
            content = json.dumps({k: v for k, v in content.items() if v is not None})
        path.write_text(content)
        path.chmod(0o600)
        return path

    def wif(self, *arguments, environment=None, stdin=b"", deadline=DEADLINE, records=True,
            program="wif-agent", user=None, alone=False):
        command = [str(BIN / program), *[str(argument) for argument in arguments]]
        if alone:
            # It sees no other process, and so no agent of another test's. Needs root.
            command = ["unshare", "--pid", "--fork", "--mount-proc", *command]
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=deadline * PATIENCE,
            env=environment if environment is not None else {"PATH": os.environ["PATH"]},
            user=user, group=user, extra_groups=None if user is None else [])
        # What `get` and `token --raw` print on standard output is the secret that was asked for.
        if records:
            remember(done.stdout, command)
        remember(done.stderr, command)
        remember(os.fsencode(" ".join(command)), "command line")
        if PATIENCE > 1 and not self.tells_of_waiting:
            done.stderr = re.sub(rb"(?m)^wif-agent: waiting for .*\n", b"", done.stderr)
        return done

    def agent(self, *arguments, environment, **options):
        self.count += 1
        command = [BIN / "wif-agent", "run", "--runtime-dir", self.runtime, *arguments]
        agent = Process(command, self.scratch / f"agent{self.count}.log", environment, **options)
        self.addCleanup(agent.stop)
        return agent

    def control(self, *arguments, **options):
        return self.wif(*arguments, "--runtime-dir", self.runtime, **options)

    def await_ready(self, agent):
        done = self.control("wait", "--timeout", 20 * PATIENCE, deadline=30)
        self.assertEqual(done.returncode, 0, agent.text() + done.stderr.decode())

    def status(self):
        done = self.control("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def the_account(self):
        return self.status()["accounts"][0]

    def http(self, path, method="GET", timeout=20):
        connection = http.client.HTTPConnection("agent", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout * PATIENCE)
        connection.sock.connect(str(self.runtime / "control.sock"))
        connection.request(method, path)
        reply = connection.getresponse()
        try:
            return reply.status, reply.read()
        finally:
            connection.close()

    def read_socket(self, path, timeout=10, name=None):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout * PATIENCE)
            if name:
                client.bind("\0" + name)
            wait_for(lambda: connects(client, path), "a listener of the socket")
            data = b""
            while piece := client.recv(65536):
                data += piece
            return data


def connects(client, path):
    """Whether a socket is listened at: its file is there a moment before."""
    try:
        client.connect(str(path))
    except ConnectionRefusedError:
        return False
    return True


def is_root():
    return os.geteuid() == 0


# One that other users may run, too.
SYSTEM_PYTHON = "/usr/bin/python3"

root_only = unittest.skipUnless(
    is_root() and os.path.exists(SYSTEM_PYTHON), f"needs root and {SYSTEM_PYTHON}")


def forms(secret):
    """A secret whole and in 24-byte pieces, raw and in every encoding that may be met."""
    raw = secret.encode()
    for piece in [raw] + [raw[i:i + 24] for i in range(0, len(raw) - 23, 24)]:
        if len(piece) < 16:
            continue
        yield piece
        yield base64.b64encode(piece).rstrip(b"=")[:-1]
        yield base64.urlsafe_b64encode(piece).rstrip(b"=")[:-1]
        quoted = urllib.parse.quote_from_bytes(piece, safe="").encode()
        yield quoted
        yield piece.hex().encode()
