"""`wif-agent doctor`: first days as they go, each reproduced and answered with its cause.

A row of TABLE is one misconfiguration: what was done, and the first step that fails (or warns, with
the class `warning`), its class, and words of the cause and of the hint, in lower case.
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import world
from world import World, is_root, remember, root_only, wait_for

CODES = {"transient": 75, "throttled": 75, "refused": 77, "misconfigured": 78, "no-source": 69}
NOBODY = 65534


def has_network():
    """Whether there is any address but the loopback's, proc(5): in a container without a network doctor says so."""
    lines = pathlib.Path("/proc/net/fib_trie").read_text().splitlines()
    own = [lines[index - 1].split()[-1] for index, line in enumerate(lines) if "/32 host LOCAL" in line]
    others = pathlib.Path("/proc/net/if_inet6").read_text().splitlines()
    return any(not address.startswith("127.") for address in own) or any(
        line.split()[-1] != "lo" and not line.startswith("fe80") for line in others)


class Listener:
    """Somebody who listens on a port of the loopback and answers each connection in one way."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                with client, contextlib.suppress(OSError):
                    client.recv(65536)
                    client.sendall(self.answer)

    def close(self):
        self.socket.close()


class Blackhole:
    """A port whose queue is full: whoever connects hears nothing."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def close(self):
        for filler in self.fillers + [self.socket]:
            filler.close()


class Case:
    """One row being set up: the account, the environment, the command line, and who runs it."""

    def __init__(self, test, world):
        self.test = test
        self.world = world
        self.content = world.account
        self.text = None
        self.environment = test.environment(world)
        self.arguments = []
        self.program = world_binaries() / "wif-agent"
        self.user = None
        self.path = None

    def set(self, **changes):
        """Changes keys of the account; None leaves one out."""
        content = {**self.content, **changes}
        self.content = {key: value for key, value in content.items() if value is not None}
        return self

    def file(self, name, content=""):
        path = self.test.scratch / name
        path.write_text(content)
        return path

    def token(self, issuer="custom", lifetime=3600, **claims):
        body = {"issuer": issuer, "lifetime": lifetime, "claims": claims}
        request = urllib.request.Request(
            self.world.url + "/_emulator/token", data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, context=unverified()) as reply:
            return reply.read().decode()

    def custom(self, **claims):
        """An account of the custom issuer, with a token in a variable, that the service refuses."""
        self.content = self.world.named("mondoo-custom")
        self.set(credentialSource={"environment": "MY_TOKEN"})
        self.environment["MY_TOKEN"] = self.token(**claims)
        self.refusing()
        return self

    def refusing(self):
        """The service says no, as it does when it cannot verify a token."""
        self.world.fault(match={"path": "/SecureTokenService/"}, grpc=16)

    def trust(self, **terms):
        content = {"issuer": self.content.get("issuerUri"), **terms}
        self.arguments += ["--trust", self.file("trust.json", json.dumps(content))]
        return self

    def run(self):
        if self.path is None:
            self.path = self.test.account(self.text or self.content)
        command = [self.program, "doctor", "--json", "-c", self.path,
                   "--runtime-dir", self.test.runtime, *self.arguments]
        command = [str(word) for word in command]
        options = {} if self.user is None else {
            "user": self.user, "group": self.user, "extra_groups": []}
        done = subprocess.run(
            command, capture_output=True, timeout=60, env=self.environment,
            stdin=subprocess.DEVNULL, **options)
        remember(done.stdout + done.stderr, command)
        return done


def world_binaries():
    return pathlib.Path(world.BIN)


def unverified():
    import ssl
    return ssl._create_unverified_context()


# MARK: The account file

def yaml(case):
    case.text = "type: external_account\naudience: x\n"


def service_account(case):
    case.text = json.dumps({"mrn": "//agents/x", "space_mrn": "//spaces/x", "private_key": "x",
                            "certificate": "x", "api_endpoint": "https://us.api.mondoo.com"})


def misspelt(case):
    case.set(audience=None, audiance=case.content["audience"])


def missing_file(case):
    case.path = case.test.scratch / "nothing.json"


def directory_for_file(case):
    case.path = case.test.scratch / "directory.json"
    case.path.mkdir()


def world_writable(case):
    case.path = case.test.account(case.content)
    case.path.chmod(0o666)


def number_for_mode(case):
    case.set(outputs=[{"format": "raw", "path": f"{case.test.scratch}/out", "mode": 640}])


def plain_http(case):
    case.set(universeDomain="http://us.api.mondoo.com")


def two_sources(case):
    case.set(credentialSource={"provider": "gcp", "file": "/x"})


def unknown_provider(case):
    case.set(credentialSource={"provider": "gpc"})


def trailing_comma(case):
    case.text = json.dumps(case.content, indent=1).replace("\n}", ",\n}")


def in_base64(case):
    case.text = base64.b64encode(json.dumps(case.content).encode()).decode()


def in_utf16(case):
    case.path = case.test.account(case.content)
    case.path.write_bytes(json.dumps(case.content).encode("utf-16"))


def client_without_suffix(case):
    case.content = case.world.named("conductorone-gcp")
    case.set(clientId=case.content["clientId"].removesuffix("/wfe"))


def unit_without_suffix(case):
    output(case, format="socket", path=f"{case.test.scratch}/s", allowUnits=["cnspec"])


def unknown_setting(case):
    case.environment["WIF_AGENT_TIMOUT"] = "5"


# MARK: This machine

def no_worker(case):
    folder = case.test.scratch / "bin"
    folder.mkdir()
    shutil.copy2(case.program, folder)
    case.program = folder / "wif-agent"


def worker_not_executable(case):
    no_worker(case)
    worker = case.program.with_name("wif-exchange")
    worker.write_text("")
    worker.chmod(0o644)


def output(case, **output):
    case.set(outputs=[{"format": "raw", **output}])


def unknown_owner(case):
    output(case, path=f"{case.test.scratch}/out", owner="nobody-at-all")


def unknown_group(case):
    output(case, path=f"{case.test.scratch}/out", group="no-such-group")


def shared_directory(case):
    folder = case.test.scratch / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    output(case, path=f"{folder}/out")


def foreign_directory(case):
    folder = case.test.scratch / "foreign"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    output(case, path=f"{folder}/out")


def directory_in_the_way(case):
    (case.test.scratch / "out").mkdir()
    output(case, path=f"{case.test.scratch}/out")


def link_on_the_way(case):
    (case.test.scratch / "link").symlink_to("/etc")
    output(case, path=f"{case.test.scratch}/link/out")


def long_socket(case):
    output(case, format="socket", path=f"{case.test.scratch}/{'s' * 100}")


def unknown_reader(case):
    output(case, format="socket", path=f"{case.test.scratch}/s", allowUsers=["nobody-at-all"])


def full_disk(case):
    place = case.test.scratch / "tiny"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=755", "none", place], check=True)
    case.test.addCleanup(subprocess.run, ["umount", place])
    (place / "filler").write_bytes(b"x" * 4096)
    output(case, path=f"{place}/out")


def hook(case, program):
    case.set(onRefresh=[{"command": [str(program)]}])


def hook_missing(case):
    hook(case, "/usr/bin/no-such-program")


def hook_not_executable(case):
    case.file("hook", "#!/bin/sh\n").chmod(0o644)
    hook(case, case.test.scratch / "hook")


def hook_of_another(case):
    program = case.file("hook", "#!/bin/sh\n")
    program.chmod(0o755)
    os.chown(program, NOBODY, NOBODY)
    hook(case, program)


def foreign_socket(case):
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{case.test.scratch}/s")
    server.listen()
    case.test.addCleanup(server.close)
    output(case, format="socket", path=f"{case.test.scratch}/s")


def as_nobody(case):
    """Runs it as another user, whose the account file and the runtime directory are."""
    case.user = NOBODY
    case.test.scratch.chmod(0o755)
    case.path = case.test.account(case.content)
    for path in [case.path, case.test.runtime]:
        os.chown(path, NOBODY, NOBODY)


def unwritable_directory(case):
    folder = case.test.scratch / "roots"
    folder.mkdir(mode=0o755)
    output(case, path=f"{folder}/out")
    as_nobody(case)


def owner_without_root(case):
    output(case, path=f"{case.test.runtime}/out", owner="root")
    as_nobody(case)


def foreign_runtime(case):
    os.chown(case.test.runtime, NOBODY, NOBODY)


def other_agent(case):
    other = case.test.account(case.content, name="other")
    case.test.agent("-c", other, environment=case.environment)
    wait_for((case.test.runtime / "control.sock").exists, "the other agent")


def foreign_agent(case):
    code = ("import socket,sys,os; os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
            "s.bind(sys.argv[1]); s.listen(); print(flush=True)\n"
            "while True: c, _ = s.accept(); c.recv(9999)\n")
    os.chown(case.test.runtime, NOBODY, NOBODY)
    process = subprocess.Popen(
        [world.SYSTEM_PYTHON, "-c", code, f"{case.test.runtime}/control.sock"],
        stdout=subprocess.PIPE)
    case.test.addCleanup(process.stdout.close)
    case.test.addCleanup(process.wait)
    case.test.addCleanup(process.kill)
    process.stdout.readline()
    os.chown(case.test.runtime, 0, 0)


def delivery_failed(case):
    """What others remove or change is whole again within a second, unless something is in the way."""
    out = case.test.scratch / "out"
    case.set(outputs=[{"format": "directory", "path": str(out)}])
    case.path = case.test.account(case.content)
    agent = case.test.agent("-c", case.path, environment=case.environment)
    case.test.await_ready(agent)
    (out / "credential").unlink()
    (out / "credential").mkdir()
    wait_for(lambda: "error" in case.test.the_account()["outputs"][0], "the failure")


def agent_refused(case):
    case.refusing()
    case.path = case.test.account(case.content)
    agent = case.test.agent("-c", case.path, environment=case.environment)
    wait_for(lambda: "refresh-failed" in agent.text(), "the refusal")


def no_agent(case):
    output(case, path=f"{case.test.scratch}/out")


# MARK: The way to the service

def no_such_name(case):
    case.set(universeDomain="https://api.mondoo.invalid")


def nobody_listens(case):
    case.set(universeDomain="https://127.0.0.1:1")


def blackholed(case):
    hole = Blackhole()
    case.test.addCleanup(hole.close)
    case.set(universeDomain=f"https://127.0.0.1:{hole.port}")


def not_tls(case):
    case.set(universeDomain=case.content["universeDomain"].replace("http:", "https:"))


def not_http(case):
    listener = Listener(b"SSH-2.0-OpenSSH_9.2\r\n")
    case.test.addCleanup(listener.close)
    case.set(universeDomain=f"http://127.0.0.1:{listener.port}")


def proxied(case, answer):
    listener = Listener(answer)
    case.test.addCleanup(listener.close)
    case.environment["HTTPS_PROXY"] = f"http://user:secret@127.0.0.1:{listener.port}"


def proxy_away(case):
    case.environment["HTTPS_PROXY"] = "http://127.0.0.1:1"


def proxy_unknown(case):
    case.environment["HTTPS_PROXY"] = "http://proxy.invalid:3128"


def proxy_wants_password(case):
    proxied(case, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def no_proxy_missing(case):
    proxied(case, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


def exempt_and_away(case):
    case.environment.update(HTTPS_PROXY="http://127.0.0.1:2", NO_PROXY="127.0.0.1")
    case.set(universeDomain="https://127.0.0.1:1")


def mondoo_proxy_away(case):
    case.environment["MONDOO_API_PROXY"] = "http://127.0.0.1:1"


def unknown_authority(case):
    case.environment.pop("SSL_CERT_FILE", None)


def ca_file_missing(case):
    case.set(caFile="/nonexistent/ca.pem")


def ca_file_is_none(case):
    case.set(caFile=str(case.file("ca.pem", "no certificate\n")))


def bundle_missing(case):
    case.environment["SSL_CERT_FILE"] = "/nonexistent/bundle.pem"


# MARK: Token sources

def provider(case, word, **environment):
    case.set(credentialSource={"provider": word})
    case.environment.update(environment)


def without(case, prefix):
    for name in [name for name in case.environment if name.startswith(prefix)]:
        del case.environment[name]


def no_permission(case):
    without(case, "ACTIONS_")
    provider(case, "github", GITHUB_ACTIONS="true")


def job_on_a_vm(case):
    case.content = case.world.named("mondoo-github")
    without(case, "ACTIONS_")
    case.environment["GITHUB_ACTIONS"] = "true"


def bearer(case):
    case.set(credentialSource={"file": str(case.file("token", "Bearer " + case.token("gcp")))})


def json_without_format(case):
    text = json.dumps({"access_token": case.token("gcp")})
    case.set(credentialSource={"file": str(case.file("token", text))})


def blackholed_metadata(case):
    hole = Blackhole()
    case.test.addCleanup(hole.close)
    provider(case, "gcp", GCE_METADATA_HOST=f"127.0.0.1:{hole.port}")


def another_cloud(case):
    provider(case, "gcp", GCE_METADATA_HOST="127.0.0.1:1")


def no_service_account(case):
    case.world.fault(match={"role": "gcp"}, status=404, body="not found",
                     headers={"Metadata-Flavor": "Google"})
    provider(case, "gcp")


def unknown_resource(case):
    provider(case, "azure")
    case.set(tokenAudience="api://not-registered")


def hop_limit(case):
    provider(case, "aws")


def no_aws_keys(case):
    without(case, "AWS_")
    provider(case, "aws", AWS_EC2_METADATA_DISABLED="true")


def file_missing(case):
    case.set(credentialSource={"file": "/nonexistent/token"})


def file_empty(case):
    case.set(credentialSource={"file": str(case.file("token"))})


def file_unreadable(case):
    case.file("token", "x").chmod(0o600)
    case.set(credentialSource={"file": f"{case.test.scratch}/token"})
    as_nobody(case)


def variable_unset(case):
    case.set(credentialSource={"environment": "NO_SUCH_TOKEN"})


def program_missing(case):
    case.set(credentialSource={"executable": {"command": ["/nonexistent/mint"]}})


def program_fails(case):
    case.set(credentialSource={"executable": {"command": ["/bin/false"]}})


def no_id_tokens(case):
    provider(case, "gitlab", GITLAB_CI="true")


def no_oidc_step(case):
    provider(case, "bitbucket", BITBUCKET_BUILD_NUMBER="7")


def not_in_a_pod(case):
    provider(case, "kubernetes")


def url_source_404(case):
    case.set(credentialSource={"url": case.world.url + "/no/such/token"})


# MARK: The token

def wrong_issuer(case):
    provider(case, "gcp")
    case.set(issuerUri="https://accounts.example.com")


def slash(case):
    provider(case, "gcp")
    case.set(issuerUri="https://accounts.google.com/")


def expired_file(case):
    case.set(credentialSource={"file": str(case.file("token", case.token("gcp", -500)))})


def short_lived(case):
    case.set(credentialSource={"file": str(case.file("token", case.token("gcp", 100)))})


def literal(case):
    case.environment["JWT_TOKEN"] = case.token("gcp", sub="112233445566778899000")


def stale_literal(case):
    case.environment["JWT_TOKEN"] = case.token("gcp", -86400)


def literal_in_file(case):
    case.set(jwtToken=case.token("gcp", sub="112233445566778899000"))


def management_token(case):
    case.content = case.world.named("mondoo-azure")
    case.set(credentialSource={"provider": "azure", "resource": "https://management.azure.com/"})


def clock_ahead(case):
    provider(case, "gcp")


def tenant_missing(case):
    case.content = case.world.named("conductorone-gcp")
    case.set(tokenAudience="something-else", credentialSource={"provider": "gcp"})


def too_old(case):
    case.content = case.world.named("conductorone-custom")
    domain = case.content["clientId"].split("@")[1].split("/")[0].split(":")[0]
    case.environment["MY_TOKEN"] = case.token(iat=int(time.time()) - 900, aud=domain)
    case.set(credentialSource={"environment": "MY_TOKEN"})


# MARK: The issuer

def issuer_over_http(case):
    case.custom()


def issuer_document(case, **fault):
    case.custom()
    case.world.fault(match={"path": "/issuers/custom/.well-known"}, **fault)


def discovery_missing(case):
    issuer_document(case, status=404)


def discovery_without_fields(case):
    issuer = case.world.named("mondoo-custom")["issuerUri"]
    issuer_document(case, body={"issuer": issuer, "jwks_uri": issuer + "/keys"})


def discovery_of_another(case):
    document = case.test.fetch(case.world, "/.well-known/openid-configuration")
    issuer_document(case, body={**document, "issuer": document["issuer"] + "/"})


def discovery_login_page(case):
    issuer_document(case, body="<html>log in</html>")


def private_issuer(case):
    case.custom(iss="https://kubernetes.default.svc.invalid")
    case.set(issuerUri="https://kubernetes.default.svc.invalid")


def keys_without_the_key(case):
    case.custom()
    case.world.fault(match={"path": "/issuers/custom/keys"},
                     body={"keys": [{"kty": "AKP", "kid": "other", "alg": "ML-DSA-65"}]})


def keys_without_names(case):
    case.custom()
    key = case.test.fetch(case.world, "/keys")["keys"][0]
    del key["kid"]
    case.world.fault(match={"path": "/issuers/custom/keys"}, body={"keys": [key]})


def keys_away(case):
    case.custom()
    case.world.fault(match={"path": "/issuers/custom/keys"}, status=503)


def another_key(case):
    case.custom()
    keys = case.test.fetch(case.world, "/keys")["keys"]
    stranger = case.test.fetch(case.world, "/../gcp/keys")["keys"][0]
    case.world.fault(match={"path": "/issuers/custom/keys"},
                     body={"keys": [{**stranger, "kid": keys[0]["kid"]}]})


# MARK: The trust

def trusted_subject(case):
    provider(case, "gcp")
    case.trust(subject="999")


def trusted_audience(case):
    provider(case, "gcp")
    case.trust(subject="112233445566778899000", allowedAudiences=["https://mondoo.com"])


def trusted_claim(case):
    case.content = case.world.named("mondoo-github")
    provider(case, "github")
    case.trust(subject="repo:acme/app:ref:refs/heads/main",
               mappings={"jwt_claims.environment": "production"})


def trusted_role(case):
    provider(case, "aws")
    case.trust(subject="arn:aws:sts::123456789012:assumed-role/other/*")


def key_unknown(case):
    without(case, "AWS_EC2")
    provider(case, "aws", AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_REGION="eu-central-1",
             AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def region_unknown(case):
    provider(case, "aws", AWS_REGION="mars 1")


def trusted_issuer(case):
    provider(case, "gcp")
    case.trust(issuer="https://accounts.google.example", subject="112233445566778899000")


def trusted_scope(case):
    provider(case, "gcp")
    case.trust(subject="112233445566778899000", audience="//captain.api.mondoo.app/spaces/other")


def trust_condition(case):
    case.content = case.world.named("conductorone-gcp")
    provider(case, "gcp")
    case.trust(service="conductorone", issuer="https://accounts.google.com",
               clientId=case.content["clientId"], condition='claims.email == "someone"')


def broken_trust(case):
    provider(case, "gcp")
    case.arguments += ["--trust", case.file("trust.json", '{"issuer": "https://a"}')]


# MARK: The service

def answer(case, **fault):
    provider(case, "gcp")
    case.world.fault(match={"path": "/SecureTokenService/"}, **fault)


def refused(case):
    answer(case, grpc=7)


def wrong_region(case):
    answer(case, grpc=5)


def wrong_path(case):
    provider(case, "gcp")
    case.set(universeDomain=case.content["universeDomain"] + "/wrong")


def redirected(case):
    answer(case, redirect="https://login.example/")


def overloaded(case):
    answer(case, status=429, body="", headers={"Retry-After": "7"})


def unwell(case):
    answer(case, status=503, body="<html>maintenance</html>")


def page(case):
    answer(case, status=200, body="<html>log in</html>", headers={"Content-Type": "text/html"})


def foreign_key(case):
    answer(case, body={"base64_credential": "e30="})


def provider_removed(case):
    provider(case, "gcp")
    case.set(audience="//captain.api.mondoo.app/spaces/removed")


def account_removed(case):
    provider(case, "gcp")
    case.world.fault(match={"path": "/AgentManager/"}, grpc=16)


TABLE = [
    # what, set-up, world, step, class, words of the cause, words of the hint
    ("YAML in place of JSON", yaml, "plain", "account-file", "misconfigured", "is yaml", "console generates"),
    ("a service account's file", service_account, "plain", "account-file", "misconfigured",
     "service-account file", "needs no agent"),
    ("a misspelt key", misspelt, "plain", "account-file", "misconfigured", "audi", "audience"),
    ("a file that is not there", missing_file, "plain", "account-file", "unreadable",
     "no such file", "correct the path"),
    ("a directory in its place", directory_for_file, "plain", "account-file", "unreadable",
     "not a regular file", "-c"),
    ("a file that anyone can change", world_writable, "plain", "account-file", "misconfigured",
     "others than root", "chmod go-w"),
    ("a mode that is no string", number_for_mode, "plain", "account-file", "misconfigured",
     "mode", "0640"),
    ("a service over http", plain_http, "plain", "account-file", "misconfigured",
     "plain http", "https://us.api.mondoo.com"),
    ("two sources", two_sources, "plain", "account-file", "misconfigured", "exactly one of", "keep one of"),
    ("a provider nobody knows", unknown_provider, "plain", "account-file", "misconfigured",
     "one of auto, aws", "wif-agent.json(5)"),
    ("a comma too many", trailing_comma, "plain", "account-file", "misconfigured", "not json",
     "at the end of line"),
    ("a file in base64", in_base64, "plain", "account-file", "misconfigured", "base64",
     "base64 -d"),
    ("a file in UTF-16", in_utf16, "plain", "account-file", "misconfigured", "utf-16", "utf-8"),
    ("a client id without /wfe", client_without_suffix, "plain", "account-file", "misconfigured",
     "name@tenant/wfe", "conductor.one/wfe"),
    ("a unit without its suffix", unit_without_suffix, "plain", "account-file", "misconfigured",
     "no suffix", "cnspec.service"),
    ("a setting that is not known", unknown_setting, "plain", "environment", "warning",
     "wif_agent_timout", "wif_agent_timeout"),

    ("no wif-exchange", no_worker, "plain", "worker", "misconfigured", "no such file",
     "beside wif-agent"),
    ("a wif-exchange that may not run", worker_not_executable, "plain", "worker", "misconfigured",
     "permission denied", "install the package again"),
    ("an owner that does not exist", unknown_owner, "plain", "output", "output",
     "no user \"nobody-at-all\"", "getent passwd"),
    ("a group that does not exist", unknown_group, "plain", "output", "output",
     "no group \"no-such-group\"", "getent group"),
    ("a reader that does not exist", unknown_reader, "plain", "output", "output",
     "no user \"nobody-at-all\"", "getent passwd"),
    ("a directory that all can write", shared_directory, "plain", "output", "output",
     "writable by others", "chmod o-w"),
    ("a directory of another's", foreign_directory, "plain", "output", "output",
     "is owned by nobody", '"owner": "nobody"'),
    ("a directory in the file's place", directory_in_the_way, "plain", "output", "output",
     "is a directory, not a regular file", "choose another path"),
    ("a link on the path", link_on_the_way, "plain", "output", "output",
     "symbolic link", "/etc"),
    ("a socket's path too long", long_socket, "plain", "output", "output", "too long", "107"),
    ("a socket that is served", foreign_socket, "plain", "output", "output",
     "served by a running process", "listens there: stop it"),
    ("a directory that the user cannot write", unwritable_directory, "plain", "output", "output",
     "cannot be written by nobody", "install -d -o nobody"),
    ("a file to give away without root", owner_without_root, "plain", "output", "output",
     "cannot be given to root", "only root"),
    ("a disk that is full", full_disk, "plain", "output", "output", "no space left", "make room"),
    ("a hook's program missing", hook_missing, "plain", "hook", "misconfigured",
     "is not run", "program"),
    ("a hook's program that may not run", hook_not_executable, "plain", "hook", "misconfigured",
     "cannot be run by", "chmod a+rx"),
    ("a hook's program of another's", hook_of_another, "plain", "hook", "misconfigured",
     "is owned by nobody", ""),
    ("a runtime directory of another's", foreign_runtime, "plain", "runtime-directory",
     "misconfigured", "is owned by nobody", "must be owned by root"),
    ("a control socket of another agent", other_agent, "plain", "agent", "misconfigured",
     "other.json, not this file", "sighup"),
    ("a control socket of another user", foreign_agent, "plain", "agent", "misconfigured",
     "nobody", "as that user"),
    ("something else in a delivered link's place", delivery_failed, "plain", "output", "output",
     "not a link of a credential directory", ""),
    ("outputs, and no agent", no_agent, "plain", "agent", "warning",
     "no agent runs", "wif-agent run -c"),
    ("an agent that is refused", agent_refused, "plain", "agent", "refused",
     "last attempt failed", "identity provider"),

    ("a host name that nobody knows", no_such_name, "plain", "dns", "transient",
     "resolv", "/etc/resolv.conf must name" if has_network() else "give it a network"),
    ("a port where nobody listens", nobody_listens, "plain", "connection", "transient",
     "connection refused", "universedomain"),
    ("a firewall that drops", blackholed, "plain", "connection", "transient",
     "timed out", "https_proxy"),
    ("https to a port of http", not_tls, "plain", "tls", "transient", "tls failed", "speak tls"),
    ("no HTTP at all", not_http, "plain", "http", "transient",
     "not http", "correct the port"),
    ("a proxy that is away", proxy_away, "tls", "proxy", "transient",
     "https_proxy", "unset it, so that localhost is asked directly"),
    ("a proxy with an unknown name", proxy_unknown, "tls", "proxy", "transient",
     "proxy.invalid", "proxy"),
    ("a proxy that wants a password", proxy_wants_password, "tls", "proxy", "misconfigured",
     "407", "user:password"),
    ("NO_PROXY without an internal host", no_proxy_missing, "tls", "proxy", "transient",
     "403", "no_proxy"),
    ("a host without a proxy that is away", exempt_and_away, "plain", "connection", "transient",
     "connection refused", "universedomain"),
    ("Mondoo's proxy away", mondoo_proxy_away, "tls", "proxy", "transient",
     "mondoo_api_proxy", "unset it, so that localhost is asked directly"),
    ("an authority that is not known", unknown_authority, "tls", "tls", "transient",
     "certificate", "get its certificate from whoever runs localhost"),
    ("a CA file that is missing", ca_file_missing, "tls", "tls", "misconfigured",
     "/nonexistent/ca.pem cannot be read", "pem file"),
    ("a CA file without a certificate", ca_file_is_none, "tls", "tls", "misconfigured",
     "no pem certificate", "pem file"),
    ("a bundle that is missing", bundle_missing, "tls", "tls", "misconfigured",
     "/nonexistent/bundle.pem", "ssl_cert_file"),
    ("a certificate of another host", None, "wrong-host", "tls", "transient",
     "tls failed", "write https://wrong.host.invalid:"),
    ("a certificate that has expired", None, "expired", "tls", "transient",
     "expired", "clock"),

    ("nothing that gives a token", None, "nowhere", "token", "no-source",
     "no token source", "credentialsource"),
    ("GitHub without the permission", no_permission, "plain", "source", "no-source",
     "actions_id_token", "id-token: write"),
    ("a job without the permission on a VM with an identity", job_on_a_vm, "plain", "source",
     "no-source", "actions_id_token", "id-token: write"),
    ("a token behind the word Bearer", bearer, "plain", "token", "refused", "bearer", "give only"),
    ("a JSON file without a format", json_without_format, "plain", "token", "refused", "is json",
     "credentialsource.format"),
    ("a metadata server that is blackholed", blackholed_metadata, "plain", "source", "no-source",
     "timed out connecting", "another credentialsource"),
    ("a provider of another cloud", another_cloud, "plain", "source", "no-source",
     "connection refused", "the platform's machines"),
    ("a VM without a service account", no_service_account, "plain", "source", "no-source",
     "404", "service account"),
    ("a resource that Entra does not know", unknown_resource, "plain", "source", "misconfigured",
     "invalid_resource", "application id uri"),
    ("IMDSv2 behind a hop limit of 1", hop_limit, "hop-limit", "source", "misconfigured",
     "answers other requests", "hoplimit to 2"),
    ("AWS without a key", no_aws_keys, "plain", "source", "no-source",
     "no key in the variables", "unset aws_ec2_metadata_disabled"),
    ("AWS keys that are no longer valid", key_unknown, "aws", "subject", "no-source",
     "invalidclienttokenid", "disabled, deleted"),
    ("an AWS region that is none", region_unknown, "aws", "source", "misconfigured",
     "\"mars 1\" is not the name of a region", "aws_region"),
    ("a token file that is missing", file_missing, "plain", "source", "no-source",
     "/nonexistent/token cannot be read", "program that writes it"),
    ("a token file that is empty", file_empty, "plain", "source", "no-source",
     "is empty", "writes it"),
    ("a token file that only root reads", file_unreadable, "plain", "source", "misconfigured",
     "permission denied", "supplementarygroups"),
    ("a variable that is unset", variable_unset, "plain", "source", "no-source",
     "no_such_token is not set", "where wif-agent is started"),
    ("a source's program missing", program_missing, "plain", "source", "no-source",
     "/nonexistent/mint is not run", "credentialsource.executable names this"),
    ("a source's program that fails", program_fails, "plain", "source", "no-source",
     "/bin/false ended with exit code 1", "by hand"),
    ("GitLab without id_tokens", no_id_tokens, "plain", "source", "no-source",
     "gitlab_oidc_token", "id_tokens"),
    ("Bitbucket without oidc", no_oidc_step, "plain", "source", "no-source",
     "bitbucket_step_oidc_token", "oidc: true"),
    ("Kubernetes' source outside a pod", not_in_a_pod, "plain", "source", "no-source",
     "kubernetes_service_host", "outside a pod"),
    ("a url source with a wrong path", url_source_404, "plain", "source", "no-source",
     "status 404", "correct credentialsource.url"),

    ("an issuer with a wrong host", wrong_issuer, "plain", "issuer", "refused",
     "accounts.google.com", "issueruri"),
    ("an issuer with a slash too many", slash, "plain", "issuer", "refused",
     "trailing slash", "slash"),
    ("a token file that has expired", expired_file, "plain", "times", "refused",
     "expired", "puts a new token there"),
    ("a token with too little left", short_lived, "plain", "times", "refused",
     "s left", "ask for tokens of 1200 s or more"),
    ("JWT_TOKEN over the source", literal, "plain", "token", "warning",
     "jwt_token", "unset jwt_token"),
    ("a stale JWT_TOKEN", stale_literal, "plain", "times", "refused", "expired", "new token"),
    ("jwtToken in the file", literal_in_file, "plain", "account-file", "warning",
     "jwttoken", "wif-agent.json(5)"),
    ("a token for Azure's management", management_token, "plain", "audience", "warning",
     "subscription", "app id uri"),
    ("a clock that is wrong", clock_ahead, "ahead", "clock", "warning",
     "behind the service's", "timedatectl"),
    ("no tenant in the audience", tenant_missing, "plain", "audience", "refused",
     "something-else", "tokenaudience"),
    ("a token too old for ConductorOne", too_old, "plain", "times", "refused",
     "conductorone", "new token"),

    ("an issuer over http", issuer_over_http, "plain", "discovery", "refused",
     "http, not https", "only over https"),
    ("no discovery document", discovery_missing, "tls", "discovery", "refused",
     "status 404", "internet"),
    ("a discovery document without fields", discovery_without_fields, "tls", "discovery",
     "refused", "response_types_supported", "publish"),
    ("a discovery document of another issuer", discovery_of_another, "tls", "discovery",
     "refused", "names the issuer", "slash at the end"),
    ("a page in the document's place", discovery_login_page, "tls", "discovery", "refused",
     "not json", "another server"),
    ("an issuer that only the cluster sees", private_issuer, "tls", "discovery", "refused",
     "resolv", "internet"),
    ("a key that is not published", keys_without_the_key, "tls", "keys", "refused",
     "not among", "publish the key"),
    ("keys without their names", keys_without_names, "tls", "keys", "refused", "1 without a kid",
     "publish each key with its kid"),
    ("keys that cannot be had", keys_away, "tls", "keys", "refused", "status 503", "internet"),
    ("another key under the same name", another_key, "tls", "signature", "refused",
     "does not verify", "same kid"),

    ("a subject that is not trusted", trusted_subject, "plain", "trust", "refused",
     "\"999\" is trusted", "subject as 112233445566778899000"),
    ("an audience that is not allowed", trusted_audience, "plain", "trust", "refused",
     "https://mondoo.com", "tokenaudience"),
    ("a claim that is not there", trusted_claim, "plain", "trust", "refused",
     "\"production\" is wanted", "leave the mapping out"),
    ("a role that is not trusted", trusted_role, "aws", "trust", "refused",
     "assumed-role/workload", "assumed-role/workload/*"),
    ("a trust in another issuer", trusted_issuer, "plain", "trust", "refused",
     "the trust is for https://accounts.google.example", "write issueruri in the account file as the trust has it"),
    ("a trust for another space", trusted_scope, "plain", "trust", "refused",
     "spaces/other", "audience"),
    ("a condition that does not hold", trust_condition, "plain", "trust", "refused",
     "claims.email == \"someone\" is false", "claims --for conductorone"),
    ("a trust file that is none", broken_trust, "plain", "trust", "misconfigured",
     "subject: is missing", "trust"),

    ("a refusal", refused, "plain", "exchange", "refused", "refused", "identity provider"),
    ("another region", wrong_region, "plain", "exchange", "refused", "code 5", "region"),
    ("a base URL with a wrong path", wrong_path, "plain", "exchange", "refused",
     "404", "universedomain"),
    ("a redirect", redirected, "plain", "exchange", "refused",
     "redirect (302)", "gateway"),
    ("a service that asks for patience", overloaded, "plain", "exchange", "throttled",
     "429", "tries again by itself"),
    ("a service in maintenance", unwell, "plain", "exchange", "transient",
     "503", "maintenance"),
    ("a page in the reply's place", page, "plain", "reply", "transient", "json", "proxy"),
    ("a reply that is no credential", foreign_key, "plain", "reply", "transient",
     "no mrn", "is it the service"),
    ("a provider that was removed", provider_removed, "plain", "exchange", "refused",
     "no identity provider", "region"),
    ("a service account that was removed", account_removed, "plain", "credential", "refused",
     "401", "removed"),
]

NEEDS_ROOT = {
    world_writable, foreign_directory, unwritable_directory, owner_without_root, foreign_runtime,
    foreign_agent, file_unreadable, full_disk, hook_of_another,
}

WORLDS = {
    "plain": ["--platform", "gcp,azure,github", "--azure-resource", "api://known",
              "--azure-resource", "https://management.azure.com/"],
    "tls": ["--platform", "gcp", "--tls"],
    "wrong-host": ["--platform", "gcp", "--tls", "--tls-fault", "wrong-host"],
    "expired": ["--platform", "gcp", "--tls", "--tls-fault", "expired"],
    "nowhere": ["--platform", "none"],
    "aws": ["--platform", "aws"],
    "hop-limit": ["--platform", "aws", "--aws-hop-limit", "1"],
    "ahead": ["--platform", "gcp", "--clock-offset", "4000"],
}


class Doctor(World):
    def fetch(self, emulator, path):
        issuer = emulator.named("mondoo-custom")["issuerUri"]
        if path.startswith("/../"):
            issuer, path = issuer.rsplit("/", 1)[0], path[3:]
        with urllib.request.urlopen(issuer + path, context=unverified()) as reply:
            return json.loads(reply.read())

    def test_first_days(self):
        emulators = {name: self.emulator(*arguments) for name, arguments in WORLDS.items()}
        scratch = self.scratch
        scratch.chmod(0o755)
        for index, row in enumerate(TABLE):
            what, set_up, world_name = row[:3]
            if set_up in NEEDS_ROOT and not is_root():
                continue
            with self.subTest(what):
                self.scratch = scratch / str(index)
                self.scratch.mkdir(mode=0o755)
                self.runtime = self.scratch / "run"
                self.runtime.mkdir(mode=0o755)
                case = Case(self, emulators[world_name])
                try:
                    if set_up:
                        set_up(case)
                    began = time.monotonic()
                    done = case.run()
                    spent = time.monotonic() - began
                    if os.environ.get("WIF_TIMES") and spent > 0.3:
                        print(f"{spent:.2f} {what}", flush=True)
                    self.check(done, *row[3:])
                finally:
                    case.world.heal()

    def check(self, done, step, kind, cause, hint):
        self.assertTrue(done.stdout, done.stderr)
        self.assertNotIn(b"user:secret", done.stdout + done.stderr)
        report = json.loads(done.stdout)
        steps = report["accounts"][0]["steps"]
        state = "warning" if kind == "warning" else "failed"
        found = next((one for one in steps if one["state"] == state), None)
        shown = json.dumps(steps, indent=1)
        self.assertIsNotNone(found, shown)
        self.assertEqual(found["step"], step, json.dumps(found))
        self.assertIn(cause, found["cause"].lower())
        self.assertIn(hint, found["hint"].lower())
        for one in steps:
            self.assertEqual(one["state"] in ("failed", "warning"), "hint" in one, one)
        if kind == "warning":
            code = 0
        elif kind in ("unreadable", "output"):
            code = {"unreadable": 66, "output": 74}[kind]
            self.assertIn(found["class"], ["misconfigured", "transient"])
        else:
            code = CODES[kind]
            self.assertEqual(found["class"], kind)
        self.assertEqual((done.returncode, report["exit_code"]), (code, code), shown)
        self.assertEqual(report["ok"], code == 0)

    # MARK: Beyond the table

    def doctor(self, emulator, path, *arguments, **environment):
        return self.control("doctor", "-c", path, *arguments,
                            environment=self.environment(emulator, **environment))

    def test_a_road_without_trouble_at_every_service(self):
        emulator = self.emulator("--platform", "gcp", "--tls")
        for service in ["mondoo", "conductorone", "bright", "oauth", "google"]:
            with self.subTest(service):
                path = self.account(emulator.named(f"{service}-gcp"), name=service)
                done = self.doctor(emulator, path, "--json")
                self.assertEqual(done.returncode, 0, done.stdout)
                steps = json.loads(done.stdout)["accounts"][0]["steps"]
                states = {one["step"]: one["state"] for one in steps}
                for step in ["tls", "clock", "times", "exchange", "reply", "credential"]:
                    self.assertEqual(states[step], "ok", step)
                tls = next(one for one in steps if one["step"] == "tls")
                self.assertRegex(tls["found"], "signed by CN ?= ?wif-emulator CA, until .* GMT")
                if service == "bright":
                    self.assertEqual(states["revocation"], "ok")
        pings = emulator.ask("/_emulator/requests?path=/AgentManager/")["requests"]
        self.assertEqual([ping["status"] for ping in pings], [200])

    def test_a_custom_issuer_without_trouble(self):
        emulator = self.emulator("--platform", "gcp", "--tls")
        token = Case(self, emulator).token()
        path = self.account(emulator.named("mondoo-custom"),
                            credentialSource={"file": str(self.scratch / "token")})
        (self.scratch / "token").write_text(token)
        done = self.doctor(emulator, path, "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        steps = json.loads(done.stdout)["accounts"][0]["steps"]
        states = {(one["step"], one.get("about")): one["state"] for one in steps}
        for part in ["https", "fields", "issuer", "jwks_uri"]:
            self.assertEqual(states["discovery", part], "ok", part)
        self.assertEqual(states["discovery", "from outside"], "skipped")
        self.assertEqual(states["keys", "the token's"], "ok")
        self.assertEqual(states["signature", None], "ok")

    def test_marks_by_the_locale(self):
        emulator = self.emulator("--platform", "gcp")
        good = self.account(emulator.account)
        bad = self.account(emulator.account, name="bad", universeDomain="https://127.0.0.1:1")
        marks = {"C.UTF-8": ("✓ exchange", "✗ connection"), "C": ("ok   exchange", "FAIL conn")}
        for locale, (right, wrong) in marks.items():
            done = self.doctor(emulator, good, "-c", bad, LC_ALL=locale)
            text = done.stdout.decode()
            self.assertEqual(done.returncode, 75, text)
            self.assertIn(right, text)
            self.assertRegex(text, wrong + r".*\n +cause: .*Connection refused.*\n +fix: ")
            last = text.splitlines()[-1]
            self.assertRegex(last, f"^first thing to do, connection of {bad}: nothing listens at")
            self.assertEqual(text.isascii(), locale == "C")

    # Of an object, its members and what each may be; of an array, what its elements are.
    SCHEMA = {
        "ok": bool, "exit_code": int, "first": (type(None), {
            "file": str, "step": str, "about": (str, type(None)), "hint": (str, type(None))}),
        "accounts": [{"file": str, "ok": bool, "steps": [{
            "step": str, "about?": str, "state": {"ok", "warning", "failed", "skipped"},
            "found?": str, "cause?": str, "hint?": str,
            "class?": {"transient", "throttled", "refused", "misconfigured", "no-source"}}]}],
    }

    def fit(self, value, schema, place="report"):
        if isinstance(schema, type):
            self.assertIs(type(value), schema, place)
        elif isinstance(schema, set):
            self.assertIn(value, schema, place)
        elif isinstance(schema, list):
            for index, element in enumerate(value):
                self.fit(element, schema[0], f"{place}[{index}]")
        elif isinstance(schema, tuple):
            choices = [one for one in schema if isinstance(value, dict) == isinstance(one, dict)]
            self.assertTrue(choices, place)
            if isinstance(value, dict):
                self.fit(value, choices[0], place)
            else:
                self.assertIn(type(value), choices, place)
        else:
            known = {key.rstrip("?") for key in schema}
            needed = {key for key in schema if not key.endswith("?")}
            self.assertLessEqual(needed, set(value), place)
            self.assertLessEqual(set(value), known, place)
            for key in schema:
                if key.rstrip("?") in value:
                    self.fit(value[key.rstrip("?")], schema[key], f"{place}.{key}")

    def test_the_document_has_the_form_that_the_manual_states(self):
        emulator = self.emulator("--platform", "gcp")
        good = self.account(emulator.account)
        bad = self.account(emulator.account, name="bad", universeDomain="https://127.0.0.1:1")
        worse = self.account("{", name="worse")
        reports = []
        for files in [[good], [good, bad, worse], [worse]]:
            done = self.control("doctor", "--json", *files, environment=self.environment(emulator))
            reports.append(json.loads(done.stdout))
            self.fit(reports[-1], self.SCHEMA)
            self.assertEqual(done.returncode, reports[-1]["exit_code"])
        self.assertIsNone(reports[0]["first"])
        self.assertEqual((reports[1]["first"]["file"], reports[1]["first"]["step"]),
                         (str(bad), "connection"))
        for one in reports[1]["accounts"][1]["steps"]:
            told = "cause" if one["state"] in ("warning", "failed") else "found"
            self.assertIn(told, one)
            self.assertEqual("class" in one, one["state"] == "failed", one)
        # Every member, state and class stands in the manual.
        manual = (world.ROOT / "man/wif-agent.1").read_text()
        part = manual[manual.index(".Ss Doctor"):]
        part = part[part.index("it prints one object:"):part.index("\n.Ss ", 10)]
        words = ["ok", "exit_code", "first", "accounts", "file", "steps", "step", "about", "state",
                 "found", "cause", "hint", "class", "warning", "failed", "skipped", "transient",
                 "throttled", "refused", "misconfigured", "no-source"]
        for word in words:
            self.assertRegex(part, rf"\.(It|Va|Cm|Li)[^\n]*\b{word}\b", word)

    def test_what_a_file_holds_is_compared(self):
        emulator = self.emulator("--platform", "gcp")
        formats = ["raw", "json", "env", "envfile"]
        outputs = [{"format": word, "path": str(self.scratch / word)} for word in formats]
        path = self.account(emulator.account, outputs=outputs)
        agent = self.agent("-c", path, environment=self.environment(emulator))
        self.await_ready(agent)
        done = self.doctor(emulator, path, "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        # Somebody writes there again and again, with the mode that it has; the agent puts it back.
        ended = threading.Event()

        def spoil():
            while not ended.wait(0.002):
                with open(self.scratch / "env", "r+b") as file:
                    file.write(b"export NOTHING=")

        spoiler = threading.Thread(target=spoil)
        spoiler.start()
        try:
            done = self.doctor(emulator, path, "--json")
        finally:
            ended.set()
            spoiler.join()
        steps = [one for one in json.loads(done.stdout)["accounts"][0]["steps"]
                 if one["step"] == "delivery"]
        self.assertEqual([one["state"] for one in steps], ["ok", "ok", "failed", "ok"], steps)
        self.assertEqual(steps[2]["cause"], "holds something else than what the agent delivered")
        self.assertIn("somebody else writes there", steps[2]["hint"])
        self.assertEqual(done.returncode, 74)

    def test_it_changes_nothing(self):
        emulator = self.emulator("--platform", "gcp")
        out, pipe = self.scratch / "out", self.scratch / "socket"
        path = self.account(emulator.account, outputs=[
            {"format": "raw", "path": str(out)}, {"format": "socket", "path": str(pipe)}])
        elsewhere = self.account(emulator.account, name="elsewhere", outputs=[
            {"format": "raw", "path": f"{self.scratch}/new/deep/out"},
            {"format": "socket", "path": f"{self.scratch}/new/socket"}])
        agent = self.agent("-c", path, environment=self.environment(emulator))
        self.await_ready(agent)
        before = self.everything(), self.settled()
        for account in [path, elsewhere]:
            for arguments in [[], ["--json"]]:
                done = self.doctor(emulator, account, *arguments)
                self.assertIn(b"exchange", done.stdout)
        self.assertEqual((self.everything(), self.settled()), before)
        self.assertEqual(emulator.exchanges(), 5)

    def test_a_trust_file_says_what_the_service_will(self):
        good = {"issuer": "https://accounts.google.com", "subject": "112233445566778899000",
                "audience": "//captain.api.mondoo.app/spaces/demo",
                "mappings": {"jwt_claims.email_verified": "true"}}
        trusts = {
            "good": good,
            "subject": {**good, "subject": "7"},
            "audience": {**good, "allowedAudiences": ["https://elsewhere"]},
            "jwt_claims.hd": {**good, "mappings": {"jwt_claims.hd": "acme.example"}},
            "issuer": {**good, "issuer": "https://accounts.google.com/"},
        }
        for clause, content in trusts.items():
            with self.subTest(clause):
                file = self.scratch / "trust.json"
                file.write_text(json.dumps(content))
                emulator = self.emulator("--platform", "gcp", "--trust", file)
                path = self.account(emulator.account)
                done = self.doctor(emulator, path, "--json", "--trust", file)
                # Whether a slash counts is left to the service.
                self.assertEqual(emulator.exchanges(), 1 if clause in ("good", "issuer") else 0)
                blind = self.doctor(emulator, path, "--json")
                code = 0 if clause == "good" else 77
                self.assertEqual((done.returncode, blind.returncode), (code, code), done.stdout)
                steps = json.loads(done.stdout)["accounts"][0]["steps"]
                refused = [one["about"] for one in steps
                           if one["step"] == "trust" and one["state"] == "failed"]
                wanted = {"good": [], "issuer": []}.get(clause, [clause])
                self.assertEqual(refused, wanted)

    @root_only
    def test_root_looks_as_the_user_of_the_service(self):
        emulator = self.emulator("--platform", "gcp")
        place = pathlib.Path(tempfile.mkdtemp(prefix="wif-e2e-", dir="/run"))
        self.addCleanup(shutil.rmtree, place)
        place.chmod(0o755)
        self.runtime = place / "agent"
        self.runtime.mkdir(mode=0o755)
        folder = place / "out"
        folder.mkdir(mode=0o755)
        outputs = [{"format": "raw", "path": f"{self.runtime}/good"},
                   {"format": "raw", "path": f"{folder}/bad"}]
        account = place / "mondoo.json"
        account.write_text(json.dumps({**emulator.account, "outputs": outputs[:1]}))
        environment = self.environment(emulator, HOME="/nonexistent")
        os.chown(self.runtime, NOBODY, NOBODY)
        agent = self.agent("-c", account, environment=environment, user=NOBODY, group=NOBODY,
                           extra_groups=[])
        self.await_ready(agent)
        self.assertIn(b"valid", self.control("status").stdout)
        done = self.doctor(emulator, account, "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        steps = json.loads(done.stdout)["accounts"][0]["steps"]
        states = {one["step"]: one["state"] for one in steps}
        self.assertEqual((states["agent"], states["delivery"]), ("ok", "ok"), steps)
        # Root could write there; the service's user cannot.
        account.write_text(json.dumps({**emulator.account, "outputs": outputs}))
        done = self.doctor(emulator, account, "--json")
        self.assertEqual(done.returncode, 74, done.stdout)
        self.assertIn(b"cannot be written by nobody", done.stdout)
        # Whom root has not given the place is not believed.
        os.chown(self.runtime, 0, 0)
        done = self.control("status")
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"not trusted", done.stderr)
        os.chown(self.runtime, NOBODY, NOBODY)

    def everything(self):
        """Every file there is: what it is, whose, since when, and what is in it."""
        found = {}
        for path in sorted(self.scratch.rglob("*")):
            facts = path.lstat()
            # The programs' own output.
            if path.suffix == ".log" or "world" in path.parts[3]:
                continue
            content = path.read_bytes() if stat.S_ISREG(facts.st_mode) else None
            found[str(path)] = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_ino,
                                facts.st_mtime_ns, facts.st_ctime_ns, content)
        self.assertIn(str(self.scratch / "out"), found)
        return found

    def settled(self):
        """The agent's status, without what the clock alone changes."""
        status = self.status()
        for account in status["accounts"]:
            # Counted from now on, and rounded to the second.
            for key in [key for key in account if key.endswith(("_in", "_at", "_ago"))]:
                del account[key]
        return status
