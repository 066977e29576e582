"""SPIFFE's Workload API, played by a gRPC server that is not ours. Left out where grpcio is not installed."""

import concurrent.futures
import importlib.util
import json
import threading
import time
import unittest
import urllib.request

from world import World, secrets

SERVICE, METHOD = "SpiffeWorkloadAPI", "FetchJWTSVID"


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def fields(message):
    """Of a message of texts: number and content, in order."""
    found, at = [], 0
    while at < len(message):
        number, length = message[at] >> 3, message[at + 1]
        assert message[at] & 7 == 2 and length < 128
        found.append((number, message[at + 2:at + 2 + length].decode()))
        at += 2 + length
    return found


@unittest.skipUnless(importlib.util.find_spec("grpc"), "needs grpcio")
class WorkloadAPI(World):
    def setUp(self):
        super().setUp()
        import grpc
        self.grpc = grpc
        self.world = self.emulator("--platform", "none")
        self.socket = self.scratch / "agent.sock"
        self.asked = []
        self.answer = self.svid
        self.ended = threading.Event()
        handler = grpc.method_handlers_generic_handler(SERVICE, {
            METHOD: grpc.unary_unary_rpc_method_handler(self.fetch)})
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((handler,))
        self.server.add_insecure_port(f"unix:{self.socket}")
        self.server.start()
        self.addCleanup(lambda: self.server.stop(None).wait(5))
        self.addCleanup(self.ended.set)

    def fetch(self, request, context):
        metadata = dict(context.invocation_metadata())
        if metadata.get("workload.spiffe.io") != "true":
            context.abort(self.grpc.StatusCode.INVALID_ARGUMENT, "security header missing")
        self.asked.append(fields(request))
        return self.answer(context, [text for number, text in fields(request) if number == 1])

    def svid(self, context, audiences):
        now = int(time.time())
        data = {"issuer": "custom", "claims": {
            "sub": "spiffe://example.org/scanner", "aud": audiences, "iat": now, "exp": now + 300}}
        request = urllib.request.Request(self.world.url + "/_emulator/token", json.dumps(data).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            token = reply.read().decode().strip()
        secrets.add(token)
        identity = field(1, b"spiffe://example.org/scanner") + field(2, token.encode())
        return field(1, identity)

    def file(self, **changes):
        return self.account({
            "type": "external_account", "service": "token", "audience": "https://reader.example",
            "credentialSource": {"provider": "spiffe", **changes}}, name="svid")

    def get(self, path, timeout=1, **variables):
        return self.wif("get", "--fresh", "-c", path, "--timeout", timeout, records=False,
                        environment=self.environment(self.world, **variables))

    def test_a_token_of_the_wanted_audience(self):
        for changes, variables in [
                ({"socket": str(self.socket)}, {}), ({"socket": f"unix://{self.socket}"}, {}),
                ({}, {"SPIFFE_ENDPOINT_SOCKET": f"unix://{self.socket}"})]:
            with self.subTest(str(changes)):
                done = self.get(self.file(**changes), **variables)
                self.assertEqual(done.returncode, 0, done.stderr)
                request = urllib.request.Request(
                    self.world.url + "/reader",
                    headers={"Authorization": "Bearer " + done.stdout.decode()})
                with urllib.request.urlopen(request, timeout=10) as reply:
                    self.assertEqual(json.load(reply)["sub"], "spiffe://example.org/scanner")
        self.assertEqual(self.asked, [[(1, "https://reader.example")]] * 3)

    def test_an_identity_by_name(self):
        done = self.get(self.file(socket=str(self.socket), spiffeId="spiffe://example.org/scanner"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.asked[-1], [(1, "https://reader.example"),
                                          (2, "spiffe://example.org/scanner")])

    def test_the_agent_keeps_it_fresh_over_an_outage(self):
        path = self.file(socket=str(self.socket))
        agent = self.agent("-c", path, environment=self.environment(self.world))
        self.await_ready(agent)
        before = len(self.asked)
        unavailable = self.grpc.StatusCode.UNAVAILABLE
        self.answer = lambda context, audiences: (
            context.abort(unavailable, "restarting") if len(self.asked) == before + 1
            else self.svid(context, audiences))
        done = self.control("refresh")
        self.assertEqual(done.returncode, 0, agent.text())
        self.assertGreaterEqual(len(self.asked), before + 2)

    def test_what_is_told_of_failures(self):
        code = self.grpc.StatusCode
        rows = [(code.PERMISSION_DENIED, 69, "no identity issued", "register the workload"),
                (code.UNAVAILABLE, 75, "gRPC status 14", "")]
        for status, exit_code, text, hint in rows:
            with self.subTest(str(status)):
                self.answer = lambda context, audiences: context.abort(status, "no identity issued")
                done = self.get(self.file(socket=str(self.socket)))
                self.assertEqual(done.returncode, exit_code, done.stderr)
                self.assertIn(text, done.stderr.decode())
                self.assertIn(hint, done.stderr.decode())

    def test_one_that_hangs_ends_with_the_deadline(self):
        self.answer = lambda context, audiences: self.ended.wait(60) and b""
        began = time.monotonic()
        done = self.get(self.file(socket=str(self.socket)), timeout=2)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertLess(time.monotonic() - began, 15)

    def test_bad_input(self):
        rows = [({"socket": "tcp://127.0.0.1:1"}, 78, "is not the path of a Unix socket"),
                ({"socket": str(self.scratch / "none")}, 69, "No such file"),
                ({}, 69, "SPIFFE_ENDPOINT_SOCKET is not set"),
                ({"path": "/svid", "spiffeId": "spiffe://d/w"}, 78, "goes with the Workload API")]
        for changes, exit_code, text in rows:
            with self.subTest(str(changes)):
                done = self.get(self.file(**changes))
                self.assertEqual(done.returncode, exit_code, done.stderr)
                self.assertIn(text, done.stderr.decode())
