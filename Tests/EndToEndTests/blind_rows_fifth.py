"""Misconfigurations of a fifth round for test_doctor_blind.py, for kinds of mistakes: each row stands for
many. Each was written down with its cause before doctor was asked.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import gzip
import json
import socket

from blind_rows import answered, changed, gcp, output, source
from blind_rows_later import text
from test_doctor import Listener, without


# MARK: The account file

def invisible(case):
    gcp(case, audience=case.content["audience"].replace("spaces/", "spaces/\u200b"))


def no_break_space(case):
    gcp(case, issuerUri=case.content["issuerUri"] + "\u00a0")


def compressed(case):
    case.path = case.test.account(case.content)
    case.path.write_bytes(gzip.compress(json.dumps(case.content).encode()))


def below_a_name(case):
    case.text = json.dumps({"mondoo": case.content})


def short_names(case):
    gcp(case, issuerUri=None, audience=None, issuer="https://accounts.google.com", space="demo")


def exchanged(case):
    gcp(case, audience=case.content["issuerUri"], issuerUri=case.content["audience"])


def link_circle(case):
    case.path = case.test.scratch / "mondoo.json"
    case.path.symlink_to("mondoo.json")


def another_suffix(case):
    case.path = case.test.scratch / "mondoo.yaml"
    case.path.write_text(json.dumps(case.content))
    case.path.chmod(0o600)


# MARK: Sources

def program(case, content, **options):
    path = case.test.scratch / "mint"
    path.write_bytes(content)
    path.chmod(0o755)
    case.set(credentialSource={"executable": {"command": [str(path)], **options}})


def windows_script(case):
    program(case, b"#!/bin/sh\r\necho token\r\n")


def no_interpreter(case):
    program(case, b"#!/usr/bin/no-such-python\nprint()\n")


def no_first_line(case):
    program(case, b"echo token\n")


def slow_program(case):
    program(case, b"#!/bin/sh\nsleep 30\n", timeoutMillis=5000)


def unknown_command(case):
    program(case, b"#!/bin/sh\nexec no-such-tool\n")


def answering(case, reply):
    listener = Listener(reply)
    case.test.addCleanup(listener.close)
    return f"http://127.0.0.1:{listener.port}/token"


def redirecting(case):
    url = answering(case, b"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\n"
                          b"Content-Length: 0\r\n\r\n")
    case.set(credentialSource={"url": url})


def unauthenticated(case):
    url = answering(case, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    case.set(credentialSource={"url": url})


def stale_override(case):
    gcp(case)
    case.environment["GCE_METADATA_HOST"] = "metadata.example.invalid"


def folder_for_token(case):
    folder = case.test.scratch / "tokens"
    folder.mkdir()
    (folder / "mondoo").write_text("x")
    case.set(credentialSource={"provider": "kubernetes", "path": str(folder)})


def jobs_audience(case):
    case.content = case.world.named("mondoo-gitlab")
    case.trust(allowedAudiences=["https://mondoo.example"], subject="x")


# MARK: The way and the refusals

def forbidding_proxy(case):
    listener = Listener(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    case.test.addCleanup(listener.close)
    gcp(case, universeDomain="https://us.api.mondoo.com",
        proxy=f"http://127.0.0.1:{listener.port}")


def tls_to_http(case):
    gcp(case, universeDomain=case.world.url.replace("http://", "https://"))


def empty_authorities(case):
    gcp(case)
    folder = case.test.scratch / "certs"
    folder.mkdir()
    without(case, "SSL_CERT_FILE")
    case.environment["SSL_CERT_DIR"] = str(folder)


def silent(case):
    server = socket.create_server(("127.0.0.1", 0))
    case.test.addCleanup(server.close)
    gcp(case, universeDomain=f"http://127.0.0.1:{server.getsockname()[1]}")


def oauth(changes, **answer):
    def set_up(case):
        case.content = case.world.named("oauth-gcp")
        gcp(case, **changes)
        case.world.fault(match={"path": "/oauth/token"}, **answer)
    return set_up


def too_many(case):
    case.content = case.world.named("bright-gcp")
    gcp(case)
    case.world.fault(match={"path": "/api/v1/token"}, status=429, body={
        "error": "too_many_requests", "error_description": "maximum of 20 active credentials"})


# MARK: Outputs and what reads them

def closed_folder(case):
    folder = case.test.scratch / "closed"
    folder.mkdir(mode=0o700)
    gcp(case, outputs=[{"format": "json", "path": f"{folder}/out", "owner": "daemon"}])


def line_for_program(case):
    gcp(case, onRefresh=[{"command": ["/bin/true --reload x"]}])


def variable_of(variable, format):
    def set_up(case):
        gcp(case, outputs=[{"format": format, "path": f"{case.test.scratch}/out"}])
        case.environment[variable] = f"{case.test.scratch}/out"
    return set_up


def variable_of_nothing(case):
    gcp(case, outputs=[{"format": "json", "path": f"{case.test.scratch}/credential.json"}])
    case.environment["MONDOO_CONFIG_PATH"] = f"{case.test.scratch}/credentials.json"


ROWS = [
    ("a space of no width", invisible, "plain", "u+200b", "\"audience\": \"//captain"),
    ("a space that does not break", no_break_space, "plain", "u+00a0",
     "\"https://accounts.google.com\""),
    ("a blank behind a word", changed(type="external_account "), "plain", "space",
     "\"external_account\""),
    ("quotes inside of the quotes", changed(audience="'//captain.api.mondoo.app/spaces/demo'"),
     "plain", "around it", "\"//captain.api.mondoo.app/spaces/demo\""),
    ("a comma inside of the quotes", changed(issuerUri="https://accounts.google.com,"), "plain",
     "ends in ,", "\"https://accounts.google.com\""),
    ("a template of Helm's", changed(
        audience="//captain.api.mondoo.app/spaces/{{ .Values.space }}"), "plain",
     "{{ .values.space }}", "space's id"),
    ("a placeholder in an output", output(path="/run/<app>/out"), "plain", "<app>", "absolute"),
    ("a file of Markdown", text(lambda t: f"```json\n{t}\n```\n"), "plain", "```", "remove"),
    ("a comment with #", text(lambda t: t.replace("{", "{\n# production\n", 1)), "plain", "comment",
     "remove line 2"),
    ("a web page for the file", text(lambda _: "<!DOCTYPE html><html></html>"), "plain", "web page",
     "account file itself"),
    ("a file of variables", text(lambda _: "AUDIENCE=x\nISSUER=y\n"), "plain", "variables", "json"),
    ("marks of a merge", text(lambda t: t.replace("{", "{\n<<<<<<< HEAD\n", 1)), "plain", "merge",
     "one of the two"),
    ("True for true", text(lambda t: t[:-1] + ', "revokeOnExit": True}'), "plain", "true stands",
     "lower case"),
    ("a compressed file", compressed, "plain", "gzip", "gunzip"),
    ("the account below a name", below_a_name, "plain", "below the name", "mondoo"),
    ("names with hyphens", changed(**{"issuerUri": None, "issuer-uri": "https://x"}), "plain",
     "issueruri", "issuer-uri"),
    ("shorter names", short_names, "plain", "audience", "rename space"),
    ("the kind of source under type", source(type="gcp"), "plain", "exactly one of",
     '{"provider": "gcp"}'),
    ("an option of another place", changed(provider="gcp"), "plain", "provider",
     "credentialsource"),
    ("a path as a URL", source(file="file:///var/run/token"), "plain", "file:///", "/var/run/token"),
    ("a specifier of systemd's", output(path="%t/out"), "plain", "%t", "/run/out"),
    ("audience and issuer exchanged", exchanged, "plain", "mrn", "exchange"),
    ("an MRN with https:", changed(audience="https://captain.api.mondoo.app/spaces/demo"), "plain",
     "before the mrn", "write //captain.api.mondoo.app/spaces/demo"),
    ("links in a circle", link_circle, "plain", "too many levels", "circle"),
    ("a file that the service passes over", another_suffix, "plain", ".json", "mondoo.json"),
    ("owner and group in one", output(owner="root:root"), "plain", "root:root", '"group": "root"'),

    ("a script of Windows", windows_script, "plain", "cannot be started", "line ends"),
    ("a script without its interpreter", no_interpreter, "plain", "cannot be started",
     "/usr/bin/no-such-python"),
    ("a script without its first line", no_first_line, "plain", "exec format", "#!/bin/sh"),
    ("a program that takes too long", slow_program, "plain", "5 s", "timeoutmillis"),
    ("a command that is not found", unknown_command, "plain", "127", "whole path"),
    ("a redirect in a token's place", redirecting, "plain", "redirect", "login.example.com"),
    ("a token service that asks who", unauthenticated, "plain", "401", "authorization"),
    ("a variable of another machine", stale_override, "plain", "gce_metadata_host", "unset"),
    ("a folder for a token's file", folder_for_token, "plain", "a directory", "tokens/mondoo"),
    ("a job's audience", jobs_audience, "ci", "https://mondoo.example", "id_tokens"),

    ("a proxy that forbids the host", forbidding_proxy, "plain", "403", "us.api.mondoo.com:443"),
    ("https to a port of http", tls_to_http, "plain", "tls failed", "port"),
    ("no authority is trusted", empty_authorities, "tls", "certificate", "ssl_cert_dir"),
    ("a service that says nothing", silent, "plain", "timed out", "does not answer"),
    ("a balancer's page", answered(status=502, body="<html>502</html>"), "plain", "502", "balancer"),
    ("too many credentials", too_many, "plain", "maximum", "revoke"),
    ("a value that the service names", oauth(
        {"parameters": {"role": "nosuch"}}, status=400, body={
            "errors": ["role \"nosuch\" could not be found"]}), "plain", "nosuch",
     "parameters.role"),
    ("scopes with commas", oauth(
        {"scopes": "read,write"}, status=400, body={"error": "invalid_scope"}), "plain",
     "invalid_scope", "without commas"),
    ("a firewall's page for a refusal", oauth(
        {}, status=403, body="<html>blocked</html>", headers={"Content-Type": "text/html"}), "plain",
     "403", "firewall"),
    ("what is switched off", answered(
        status=400, body={"code": 9, "message": "the identity provider is disabled"}), "plain",
     "disabled", "enable it"),

    ("a folder that the owner cannot enter", closed_folder, "plain", "closed to the owner",
     "chmod o+x"),
    ("a group without rights", output(group="daemon", mode="0600"), "plain", "no access",
     '"0640"'),
    ("a line for a program", line_for_program, "plain", "no such file", '"--reload"'),
    ("a variable that names raw", variable_of("MONDOO_CONFIG_PATH", "raw"), "plain",
     "whose format is raw", '"json"'),
    ("a variable that names nothing", variable_of_nothing, "plain", "not there",
     "credential.json"),
]

NEEDS_ROOT = {closed_folder}
