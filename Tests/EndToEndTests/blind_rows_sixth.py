"""Misconfigurations of a sixth round for test_doctor_blind.py: what the environment and the network leave
behind. Each stands for a class, whose rules the Swift tests have; a row was added where doctor as a whole has
to put two things together.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json
import subprocess

from blind_rows import gcp
from test_doctor import provider, without


def exempted(case):
    gcp(case, universeDomain="https://api.nosuch.invalid")
    case.environment.update(HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="localhost,.nosuch.invalid")


def dead_metadata(case):
    provider(case, "gcp", GCE_METADATA_HOST="localhost:9")


def half_a_job(case):
    case.content = case.world.named("mondoo-github")
    without(case, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def template_for_token(case):
    case.content = case.world.named("mondoo-github")
    case.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "${{ env.TOKEN }}"


def another_name(case):
    case.environment["OIDC_TOKN"] = case.token("gcp", sub="112233445566778899000")
    case.set(credentialSource={"environment": "OIDC_TOKEN"})


def given_template(case):
    case.environment["JWT_TOKEN"] = "$(TOKEN)"


def kept_audience(case):
    audience = case.content["audience"]
    case.content = case.world.named("conductorone-gcp")
    provider(case, "gcp")
    case.set(audience=audience)


def manifest(case):
    case.text = json.dumps({
        "apiVersion": "v1", "kind": "ConfigMap",
        "data": {"mondoo.json": json.dumps(case.content)}})


def script_without_start(case):
    path = case.file("hook", "echo\n")
    path.chmod(0o755)
    gcp(case, onRefresh=[{"command": [str(path)]}])


def old_process(case):
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    gcp(case, onRefresh=[{"signal": "HUP", "pidFile": str(case.file("app.pid", f"{gone.pid}\n"))}])


def no_such_store(case):
    case.environment["SSL_CERT_FILE"] = "/nonexistent/ca.pem"


def untrusted(case):
    without(case, "SSL_CERT_FILE")


ROWS = [
    ("the service among the proxy's exceptions", exempted, "plain",
     "no_proxy has .nosuch.invalid", "take .nosuch.invalid out"),
    ("a metadata server of a test that is over", dead_metadata, "plain",
     "connection refused", "unset gce_metadata_host"),
    ("one of a job's two variables", half_a_job, "plain",
     "actions_id_token_request_token is not set", "docker run -e actions_id_token_request_token"),
    ("a template in a job's variable", template_for_token, "plain", "${{ ... }}",
     "put the value itself"),
    ("the token's variable under another name", another_name, "plain", "oidc_tokn is set",
     '{"environment": "oidc_tokn"}'),
    ("a template for JWT_TOKEN", given_template, "plain", "not a jwt", "unset jwt_token"),
    ("ConductorOne with Mondoo's audience", kept_audience, "plain", "without the tenant's domain",
     "remove audience"),
    ("a ConfigMap for the account", manifest, "plain", "manifest for a cluster",
     '.data["mondoo.json"]'),
    ("a hook's script without a first line", script_without_start, "plain", "cannot be started",
     "#!/bin/sh"),
    ("a pid file of a process that is gone", old_process, "plain", "which does not run",
     "start the program"),
    ("an authority's file that is not there", no_such_store, "tls", "cannot be read",
     "unset ssl_cert_file"),
    ("an authority that nobody knows", untrusted, "tls", "signed", "trusted here"),
]
