"""What may go wrong on the road to a credential, each with the class, pace, exit code and words expected.

One table. All of its cases happen at the same time, to an account each, in one agent: that is what the
longest of them takes. What a service may answer in its own words is in test_replies.
"""

import concurrent.futures
import email.utils
import http.client
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

from world import World, mint, wait_for

EXIT_CODES = {"transient": 75, "throttled": 75, "refused": 77, "misconfigured": 78, "no-source": 69}


def reply(status=200, body=b"", *headers, length=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'X')}",
            f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    if not any(header.startswith("Date:") for header in headers):
        head.append("Date: " + email.utils.formatdate(usegmt=True))
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


# What a peer does to a connection once the request is there; the connection is closed afterwards.

def sends(*arguments, **options):
    return lambda peer: peer.sendall(reply(*arguments, **options))


def raw(data):
    return lambda peer: peer.sendall(data)


def resets(data=b""):
    def act(peer):
        peer.sendall(data)
        time.sleep(0.05)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return act


def silence(peer):
    peer.settimeout(100)
    peer.recv(1)


def drips(data, pause):
    def act(peer):
        for byte in data:
            peer.sendall(bytes([byte]))
            time.sleep(pause)
    return act


def floods(head, chunk):
    def act(peer):
        peer.sendall(head)
        while True:
            peer.sendall(chunk)
    return act


def later(seconds):
    return lambda: email.utils.formatdate(time.time() + seconds, usegmt=True)


def asks_patience(value, status=429):
    return lambda peer: peer.sendall(
        reply(status, {"error": "slow_down"}, f"Retry-After: {value() if callable(value) else value}"))


def token_of(number):
    return {"access_token": mint(f"good-{number}-"), "token_type": "Bearer", "expires_in": 3600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}


OPENING = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HALF = reply(200, b'{"access_token": "half', length=4000)
ENDLESS = floods(OPENING + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n")
BACKOFF = (1, 2)
PATIENT = (300, 300)

# What may happen to either request, by name: act, words that the message holds.
ANY = {
    "refused connection": ("closed", "no connection"),
    "blackhole": ("full", "timed out connecting"),
    "silence": (silence, "timed out waiting for the reply"),
    "reset before headers": (resets(), "connection broke off"),
    "reset after headers": (resets(OPENING + b"Content-Length: 100\r\n\r\n"), "connection broke off"),
    "reset in the body": (resets(HALF), "connection broke off"),
    "closed without a byte": (raw(b""), "connection broke off"),
    "closed in the body": (raw(HALF), "connection broke off"),
    "slow drip": (drips(reply(200, token_of(1)), 1), "timed out waiting for the reply"),
    "endless body": (ENDLESS, "too large"),
    "endless headers": (floods(OPENING, b"X-Y: " + b"z" * 4000 + b"\r\n"), "too large"),
    "a large body": (sends(200, b" " * (2 << 20)), "too large"),
    "garbage": (raw(os.urandom(300)), ""),
    "another protocol": (raw(b"SSH-2.0-OpenSSH_9.2p1\r\n" + b"x" * 100), "not HTTP"),
    "500": (sends(500, b"oops"), "500"),
    "502": (sends(502, b"<html>Bad gateway</html>", "Content-Type: text/html"), "502"),
    "503": (sends(503), "503"),
    "504": (sends(504), "504"),
}

# The exchange alone: act, class, pace, words.
EXCHANGE = {
    "an empty 200": (sends(200), "transient", BACKOFF, ""),
    "an HTML page": (sends(200, b"<html>Sign in</html>", "Content-Type: text/html"),
                     "transient", BACKOFF, ""),
    "no JSON": (sends(200, b"{\"access_token\": "), "transient", BACKOFF, ""),
    "an array": (sends(200, []), "transient", BACKOFF, ""),
    "a number for the token": (sends(200, {**token_of(1), "access_token": 7}), "transient", BACKOFF,
                               "access_token"),
    "no token": (sends(200, {"token_type": "Bearer"}), "transient", BACKOFF, "access_token"),
    "an empty token": (sends(200, {**token_of(1), "access_token": ""}), "transient", BACKOFF,
                       "access_token"),
    "a token with a line feed": (sends(200, {**token_of(1), "access_token": "a\nb"}), "transient",
                                 BACKOFF, "access_token"),
    "a token over the limit": (sends(200, {**token_of(1), "access_token": "x" * 65_537}),
                               "transient", BACKOFF, "access_token"),
    "a lifetime in the past": (sends(200, {**token_of(1), "expires_in": -5}), "transient", BACKOFF,
                               "expires_in"),
    "a token of another type": (sends(200, {**token_of(1), "token_type": "mac"}), "transient",
                                BACKOFF, "token_type"),
    "a redirect": (sends(302, b"", "Location: https://elsewhere.example/"), "refused", PATIENT,
                   "redirect"),
    "invalid_request": (sends(400, {"error": "invalid_request"}), "refused", PATIENT,
                        "invalid_request"),
    "invalid_grant": (sends(400, {"error": "invalid_grant", "error_description": "no"}), "refused",
                      PATIENT, "invalid_grant"),
    "invalid_client": (sends(401, {"error": "invalid_client"}), "refused", PATIENT,
                       "invalid_client"),
    "403": (sends(403, {"error": "access_denied"}), "refused", PATIENT, "403"),
    "404": (sends(404, b"nothing here"), "refused", PATIENT, "404"),
    "429": (sends(429), "throttled", BACKOFF, "429"),
    "Retry-After: seconds": (asks_patience("70"), "throttled", (70, 70), "429"),
    "Retry-After: date": (asks_patience(later(120)), "throttled", (118, 121), "429"),
    "Retry-After: absurd": (asks_patience("99999999999999999999"), "throttled", (1, 3600), "429"),
    "Retry-After: a year": (asks_patience("31536000"), "throttled", (3600, 3600), "429"),
    "Retry-After: past": (asks_patience(later(-500)), "throttled", BACKOFF, "429"),
    "Retry-After: negative": (asks_patience("-7"), "throttled", BACKOFF, "429"),
    "Retry-After: words": (asks_patience("tomorrow"), "throttled", BACKOFF, "429"),
    "503 with Retry-After": (asks_patience("40", 503), "throttled", (40, 40), "503"),
}

# The token source alone.
SOURCE = {
    "an empty token": (sends(200), "no-source", BACKOFF, "empty"),
    "404": (sends(404), "no-source", BACKOFF, "404"),
    "401": (sends(401), "no-source", BACKOFF, "401"),
    "a redirect": (sends(302, b"", "Location: https://elsewhere.example/"), "no-source", BACKOFF,
                   "redirect"),
    "429": (asks_patience("50"), "throttled", (50, 50), "429"),
}

# TLS, before there is a request: what the server's certificate is, or does.
TLS = {
    "unknown authority": ("foreign", "TLS failed"),
    "wrong host": ("elsewhere", "TLS failed"),
    "expired": ("old", "TLS failed"),
    "plain text": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS failed"),
    "closed in the handshake": (b"", "TLS failed"),
    "too old a version": ("1.1", "TLS failed"),
}

# The proxy: what it says to CONNECT.
PROXY = {
    "refused connection": ("closed", "no connection"),
    "407": (sends(407, b"", "Proxy-Authenticate: Basic"), "proxy"),
    "502": (sends(502), "proxy"),
    "garbage": (raw(b"\0\1\2\3" * 20), ""),
    "closed without a byte": (raw(b""), ""),
}

# The worker: what it says to a job instead of a result, and words that the message holds.
WORKER = {
    "crash": (lambda job: None, "died"),
    "garbage line": (lambda job: b"Segmentation fault (core dumped)\n", "died"),
    "no result": (lambda job: b'{"id": %d}\n' % job["id"], "died"),
    "a huge line": (lambda job: b"x" * (5 << 20), "died"),
    "deeply nested": (lambda job: b"[" * 100_000 + b"\n", "died"),
    "no UTF-8": (lambda job: b'{"id": %d, "failure": "\xff\xfe"}\n' % job["id"], "died"),
    "an empty credential": (lambda job: result(job, value=""), "died"),
    "no lifetime": (lambda job: result(job, lifetime=0), "died"),
    "not a credential": (lambda job: line(job, subjectToken="x"), "is not of the kind that was asked for"),
    "half a result": (lambda job: result(job)[:-20], "died"),
}


def line(job, **members):
    return json.dumps({"id": job["id"], **members}).encode() + b"\n"


def result(job, **changes):
    return line(job, credential={
        "kind": "access-token", "value": mint("good-"), "lifetime": 3600,
        "issuedAt": time.time(), "receivedAt": time.clock_gettime_ns(time.CLOCK_BOOTTIME), **changes})


class Peer:
    """A service of one case: fine, until it is told to do something else."""

    def __init__(self, answer, context=None):
        self.answer, self.context, self.fault = answer, context, None
        self.requests = 0
        self.held = []
        self.open()
        self.port = self.listener.getsockname()[1]

    def open(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def fail(self, fault):
        if fault in ("closed", "full"):
            self.close()
        if fault == "full":
            # Nobody accepts, and the queue is full: the kernel drops what comes.
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
            self.listener.listen(0)
            for _ in range(3):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.port))
                self.held.append(client)
        self.fault = fault

    def heal(self):
        if self.fault in ("closed", "full"):
            for client in self.held:
                client.close()
            self.close()
            self.open(self.port)
        self.fault = None

    def serve(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(peer,), daemon=True).start()

    def handle(self, peer):
        try:
            with peer:
                peer.settimeout(60)
                self.work(peer)
        except (OSError, ssl.SSLError):
            pass

    def work(self, peer):
        fault = self.fault
        if isinstance(fault, bytes):
            peer.recv(4096)
            return peer.sendall(fault)
        if self.context:
            with (fault or self.context).wrap_socket(peer, server_side=True) as secured:
                return self.converse(secured, None)
        self.converse(peer, fault)

    def converse(self, peer, fault):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = peer.recv(65536)
            if not piece:
                return
            head += piece
        head, body = head.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += peer.recv(65536)
        self.requests += 1
        if fault:
            fault(peer)
        elif head.startswith(b"CONNECT"):
            self.tunnel(peer, head.split()[1].decode())
        else:
            peer.sendall(reply(200, self.answer(self.requests)))

    def tunnel(self, peer, target):
        host, port = target.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as other:
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            def pump(source, sink):
                try:
                    while piece := source.recv(65536):
                        sink.sendall(piece)
                    sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            threading.Thread(target=pump, args=(peer, other), daemon=True).start()
            pump(other, peer)


class Case:
    def __init__(self, name, peer, fault, klass, pace, words, steps):
        self.name, self.peer, self.fault = name, peer, fault
        self.klass, self.pace, self.words, self.steps = klass, pace, words, steps


class Matrix(World):
    def setUp(self):
        super().setUp()
        self.cases = []
        self.token = self.scratch / "token"
        self.token.write_text("an-opaque-token")
        self.token.chmod(0o600)

    def peer(self, answer=token_of, context=None):
        peer = Peer(answer, context)
        self.addCleanup(peer.close)
        return peer

    def add(self, name, peer, fault, klass, pace, words, steps, **changes):
        number = len(self.cases)
        key = f"c{number:03}"
        out = self.scratch / "out" / key
        self.account({"type": "external_account", "service": "oauth"}, name=key, **{
            "audience": "//x", "tokenUrl": f"http://127.0.0.1:{peer.port}/token",
            "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
            "credentialSource": {"file": str(self.token)},
            "outputs": [{"format": "raw", "path": str(out)}], **changes})
        case = Case(name, peer, fault, klass, pace, words, steps)
        case.key, case.out = key, out
        self.cases.append(case)

    def build(self):
        for name, (fault, words) in ANY.items():
            self.add(f"exchange: {name}", self.peer(), fault, "transient", BACKOFF, words,
                     ("exchange", "reply"))
        for name, (fault, klass, pace, words) in EXCHANGE.items():
            self.add(f"exchange: {name}", self.peer(), fault, klass, pace, words,
                     ("exchange", "reply"))
        good = self.peer()
        for name, (fault, words) in ANY.items():
            self.add_source(name, fault, None, None, words, good)
        for name, (fault, klass, pace, words) in SOURCE.items():
            self.add_source(name, fault, klass, pace, words, good)
        contexts = self.certificates()
        for name, (fault, words) in TLS.items():
            peer = self.peer(context=contexts["good"])
            self.add(f"TLS: {name}", peer, contexts.get(fault, fault), "transient", BACKOFF, words,
                     ("exchange",), tokenUrl=f"https://127.0.0.1:{peer.port}/token",
                     caFile=str(self.scratch / "good.pem"))
        secured = self.peer(context=contexts["good"])
        for name, (fault, words) in PROXY.items():
            peer = self.peer()
            self.add(f"proxy: {name}", peer, fault, "transient", BACKOFF, words, ("exchange", "reply"),
                     tokenUrl=f"https://127.0.0.1:{secured.port}/token",
                     caFile=str(self.scratch / "good.pem"), proxy=f"http://127.0.0.1:{peer.port}")

    def add_source(self, name, fault, klass, pace, words, good):
        peer = self.peer(lambda number: mint(f"token-{number}-"))
        self.add(f"source: {name}", peer, fault, klass, pace, words, ("subject-token",),
                 tokenUrl=f"http://127.0.0.1:{good.port}/token",
                 credentialSource={"url": f"http://127.0.0.1:{peer.port}/subject"})

    def certificates(self):
        contexts = {}
        # OpenSSL 3.4 and newer take dates, and no negative number of days any more.
        said = subprocess.run(["openssl", "version"], check=True, capture_output=True, text=True).stdout
        is_new = tuple(map(int, said.split()[1].split(".")[:2])) >= (3, 4)
        past = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"] if is_new else ["-days", "-1"]
        for name, host, days in [("good", "127.0.0.1", ["-days", "2"]), ("foreign", "127.0.0.1", ["-days", "2"]),
                                 ("elsewhere", "192.0.2.1", ["-days", "2"]), ("old", "127.0.0.1", past)]:
            key, request, names, certificate = [
                str(self.scratch / f"{name}.{end}") for end in ["key", "csr", "ext", "pem"]]
            with open(names, "w") as extensions:
                extensions.write(f"subjectAltName=IP:{host}\n")
            for command in [
                    ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request],
                    ["x509", "-req", "-in", request, "-signkey", key, *days,
                     "-extfile", names, "-out", certificate]]:
                subprocess.run(["openssl", *command], check=True, capture_output=True)
            contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            contexts[name].load_cert_chain(self.scratch / f"{name}.pem", self.scratch / f"{name}.key")
        with open(self.scratch / "good.pem", "a") as authorities:
            for name in ["elsewhere", "old"]:
                authorities.write((self.scratch / f"{name}.pem").read_text())
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        old.load_cert_chain(self.scratch / "good.pem", self.scratch / "good.key")
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        contexts["1.1"] = old
        return contexts

    def refresh_all(self):
        def refresh(case):
            return self.control("refresh", case.key, deadline=100).returncode
        with concurrent.futures.ThreadPoolExecutor(len(self.cases)) as pool:
            return dict(zip([case.key for case in self.cases], pool.map(refresh, self.cases)))

    def first_failures(self, agent):
        """Of each account, what the log told first."""
        found = {}
        for line in agent.text().splitlines():
            event = json.loads(line)
            if event.get("event") == "refresh-failed":
                found.setdefault(event["account"], event)
        return found

    def test_every_fault(self):
        self.build()
        self.assertGreaterEqual(len(self.cases), 60)
        paths = [part for case in self.cases
                 for part in ("-c", self.scratch / f"{case.key}.json")]
        agent = self.agent("--log-format", "json", *paths, environment=self.environment())
        done = self.control("wait", "--timeout", 40, deadline=50)
        self.assertEqual(done.returncode, 0, done.stderr)
        kept = {case.key: case.out.read_bytes() for case in self.cases}
        for case in self.cases:
            case.peer.fail(case.fault)
        codes = self.refresh_all()
        failures = self.first_failures(agent)
        for case in self.cases:
            with self.subTest(case.name):
                told = failures.get(case.key)
                self.assertIsNotNone(told, "it did not fail")
                if case.klass:
                    self.assertEqual(told["class"], case.klass, told)
                self.assertIn(told["step"], case.steps, told)
                self.assertEqual(codes[case.key], EXIT_CODES[told["class"]])
                if case.pace:
                    self.assertLessEqual(case.pace[0], int(told["retry_in"]), told)
                    self.assertGreaterEqual(case.pace[1], int(told["retry_in"]), told)
                self.assertIn(case.words, told["error"])
                self.assertEqual(case.out.read_bytes(), kept[case.key])
        states = {account["account"]: account["state"] for account in self.status()["accounts"]}
        self.assertEqual(set(states.values()), {"valid"})
        for case in self.cases:
            case.peer.heal()
        # An attempt that is under way has met the fault still; the one after it does not.
        self.refresh_all()
        codes = self.refresh_all()
        self.assertEqual({key for key, code in codes.items() if code}, set())
        for case in self.cases:
            self.assertNotEqual(case.out.read_bytes(), kept[case.key], case.name)
        self.assertTrue(self.status()["ready"])

    def test_a_host_without_an_address(self):
        self.add("DNS", self.peer(), None, "transient", BACKOFF, "not resolved", ("exchange",),
                 tokenUrl="https://no-such-host.invalid/token")
        done = self.wif("get", "--fresh", "-c", self.scratch / "c000.json", "--timeout", 0)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertRegex(done.stderr, b"host name not resolved|timed out connecting")

    def test_every_fault_of_the_worker(self):
        """One after the other: a worker that dies takes the jobs of all accounts with it."""
        fault = None
        def work(peer):
            with peer, peer.makefile("rwb") as lines:
                for text in lines:
                    answer = (fault or result)(json.loads(text))
                    if answer is None:
                        return
                    lines.write(answer)
                    lines.flush()
                    if not answer.endswith(b"\n"):
                        return
        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=quiet, args=(peer,), daemon=True).start()
        def quiet(peer):
            try:
                work(peer)
            except OSError:
                pass
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.scratch / "worker.sock"))
        listener.listen(64)
        threading.Thread(target=serve, daemon=True).start()
        self.add("worker", self.peer(), None, "transient", BACKOFF, "", ("worker",))
        case = self.cases[0]
        agent = self.agent("--worker-socket", self.scratch / "worker.sock", "-c",
                           self.scratch / f"{case.key}.json", environment=self.environment())
        self.await_ready(agent)
        for name, (fault, words) in WORKER.items():
            with self.subTest(name):
                kept = case.out.read_bytes()
                self.assertEqual(self.control("refresh", deadline=40).returncode, 75)
                failure = self.the_account()["last_failure"]
                self.assertEqual((failure["class"], failure["step"]), ("transient", "worker"))
                self.assertIn(words, failure["message"])
                self.assertEqual(case.out.read_bytes(), kept)
                self.assertEqual(self.the_account()["state"], "valid")
                fault = None
                wait_for(lambda: self.control("refresh").returncode == 0, "healing")
                self.assertNotEqual(case.out.read_bytes(), kept)
