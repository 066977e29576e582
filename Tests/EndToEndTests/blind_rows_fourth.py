"""Misconfigurations of a fourth round for test_doctor_blind.py: none is in the rounds before it. Each was
written down with its cause before doctor was asked; of seven the words looked for were changed afterwards, where the
answer said the same in others. Before anything was fixed, 22 of 70 had cause and help, 16 neither.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json
import socketserver
import threading
import time

from blind_rows import (GCP, answered, changed, file_source, gcp, github, held, other, output, source,
                        unsigned)
from blind_rows_later import bright_trust, conductor_trust, text, token_answer, trust
from test_doctor import provider, without


class OtherService(socketserver.StreamRequestHandler):
    """A service that speaks HTTP, to which a job is a bad request."""

    def handle(self):
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def blank_before_audience(case):
    gcp(case, audience=" " + case.content["audience"])


def federated_file_gone(case):
    case.content = case.world.named("mondoo-azure")
    provider(case, "azure", AZURE_FEDERATED_TOKEN_FILE="/nonexistent/azure-identity-token",
             AZURE_CLIENT_ID="8e1f7a52-6c3d-4b0e-9a84-5d2c1b7f3e60",
             AZURE_TENANT_ID="8e1f7a52-6c3d-4b0e-9a84-5d2c1b7f3e61")


def endpoint_without_header(case):
    provider(case, "azure", IDENTITY_ENDPOINT="http://127.0.0.1:41999/msi/token")


def request_without_token(case):
    github(case)
    without(case, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def request_token_stale(case):
    github(case)
    case.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "of-a-job-that-has-ended"


def private_key_as_token(case):
    file_source(case, "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n")


def service_account_as_token(case):
    file_source(case, json.dumps({"mrn": "//agents.api.mondoo.app/x", "private_key": "k",
                                  "certificate": "c", "api_endpoint": "https://us.api.mondoo.com"}))


def wrapped_token(case):
    token = case.token("gcp", sub=GCP)
    file_source(case, "\n".join(token[at:at + 76] for at in range(0, len(token), 76)) + "\n")


def expiry_as_text(case):
    file_source(case, unsigned(case, exp=str(int(time.time()) + 3600)))


def issued_in_the_future(case):
    file_source(case, case.token("gcp", sub=GCP, iat=int(time.time()) + 1200))


def other_branch(case):
    github(case)
    case.trust(subject="repo:acme/app:ref:refs/heads/master")


def pull_request(case):
    case.content = case.world.named("mondoo-github")
    file_source(case, case.token("github", sub="repo:acme/app:pull_request", repository="acme/app",
                                 ref="refs/pull/7/merge"))
    case.trust(subject="repo:acme/app:ref:refs/heads/main")


def trust_in_yaml(case):
    gcp(case)
    path = case.file("trust.yaml", "issuer: https://accounts.google.com\nsubject: x\n")
    case.arguments += ["--trust", path]


def trusted_issuer_with_slash(case):
    gcp(case)
    case.trust(issuer="https://accounts.google.com/", subject=GCP)


def proxy_in_quotes(case):
    case.environment["HTTPS_PROXY"] = '"http://127.0.0.1:3128"'


def not_readable(case):
    gcp(case)
    case.path = case.test.account(case.content)
    case.path.chmod(0o600)
    case.user = 65534


def another_socket(case):
    gcp(case)
    path = case.test.scratch / "other.sock"
    server = socketserver.ThreadingUnixStreamServer(str(path), OtherService)
    server.daemon_threads = True
    case.test.addCleanup(server.server_close)
    case.test.addCleanup(server.shutdown)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.arguments += ["--worker-socket", path]


def two_spellings(case):
    gcp(case, issuer_uri="https://accounts.google.com/old")


ROWS = [
    # The account file.
    ("two spellings of one key", two_spellings, "plain", "issuer_uri", "one of"),
    ("no type", changed(type=None), "plain", "type", "external_account"),
    ("an audience of null", text(lambda t: t.replace(
        '"audience": "', '"audience": null, "note": "', 1)), "plain", "audience", "mrn"),
    ("a blank before the audience", blank_before_audience, "plain", "space", "audience"),
    ("the GraphQL address as universeDomain", changed(
        universeDomain="https://us.api.mondoo.com/query"), "plain", "/query",
     "https://us.api.mondoo.com"),
    ("Mondoo's endpoint without a region", changed(universeDomain="https://api.mondoo.com"),
     "plain", "api.mondoo.com", "us.api.mondoo.com"),
    ("a file copied from a web page", text(lambda t: t.replace('"', "&quot;")), "plain", "&quot;",
     "quotes"),
    ("a shell variable in the MRN", changed(
        audience="//captain.api.mondoo.app/spaces/${SPACE_ID}"), "plain", "${space_id}",
     "space's id"),
    ("a grant with an underscore", other("oauth-gcp", grant="client_credentials"), "plain",
     "client_credentials", "client-credentials"),
    ("a request format nobody knows", other("oauth-gcp", requestFormat="xml"), "plain", "xml",
     "form"),
    ("a parameter that is a list", other("oauth-gcp", parameters={"scope": ["a", "b"]}), "plain",
     "parameters", "brackets"),
    ("AWS without a role", changed(
        service="aws", audience="sts.amazonaws.com", scopes=None), "plain",
     "rolearn", "arn:aws:iam::"),
    ("an instance profile for a role", changed(
        service="aws", audience="sts.amazonaws.com", region="eu-central-1", scopes=None,
        roleArn="arn:aws:iam::123456789012:instance-profile/app"), "plain", "instance-profile",
     ":role/"),
    ("a session of a minute", changed(
        service="aws", audience="sts.amazonaws.com", region="eu-central-1", scopes=None, durationSeconds=60,
        roleArn="arn:aws:iam::123456789012:role/app"), "plain", "durationseconds", "900"),
    ("a variable with a hyphen", changed(variable="MONDOO-CONFIG"), "plain", "mondoo-config", "_"),
    ("a CA file by a relative path", changed(caFile="ca.pem"), "plain", "absolute", "/"),
    ("a proxy of another scheme", changed(proxy="ftp://proxy.example:3128"), "plain", "ftp",
     "http://"),
    ("a capital letter in the issuer", changed(issuerUri="https://Accounts.Google.com"), "plain",
     "capital", "https://accounts.google.com"),

    # Where the token comes from.
    ("an account that is not there", source(account="elsewhere"), "plain", "elsewhere",
     "credentialsource.account"),
    ("an account that names itself", source(account="mondoo"), "plain", "circle",
     "token source of its own"),
    ("an option's capitals", source(provider="gcp", serviceaccount="x@y.iam.gserviceaccount.com"),
     "plain", "serviceaccount", "in place of"),
    ("a JSON token file without the field's name", source(
        file="/run/token", format={"type": "json"}), "plain", "subjecttokenfieldname",
     "subjecttokenfieldname"),
    ("a program as text", source(executable={"command": "/usr/bin/mint --audience x"}), "plain",
     "/usr/bin/mint", "credentialsource.executable"),
    ("AWS's metadata switched off", lambda case: provider(
        case, "aws", AWS_EC2_METADATA_DISABLED="true"), "aws", "aws_ec2_metadata_disabled",
     "unset"),
    ("AWS's web identity file gone", lambda case: case.set(
        credentialSource={"provider": "aws", "token": "web-identity"}) and case.environment.update(
        AWS_WEB_IDENTITY_TOKEN_FILE="/nonexistent/eks-token",
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/app"), "aws", "/nonexistent/eks-token",
     "aws_web_identity_token_file"),
    ("App Service's endpoint without its header", endpoint_without_header, "aws",
     "identity_header", "identity_header"),
    ("Entra's workload identity file gone", federated_file_gone, "plain",
     "/nonexistent/azure-identity-token", "azure.workload.identity/use"),
    ("GitHub's request URL without its token", request_without_token, "plain",
     "actions_id_token_request_token", "id-token: write"),
    ("GitHub's request token of another job", request_token_stale, "plain", "401",
     "actions_id_token_request_token"),
    ("Terraform without its audience", source(provider="terraform"), "plain",
     "tfc_workload_identity_token", "tfc_workload_identity_audience"),
    ("Buildkite without its agent", source(provider="buildkite"), "plain", "buildkite-agent",
     "buildkite"),
    ("Azure Pipelines without its token", lambda case: case.set(
        credentialSource={"provider": "azure-pipelines", "serviceConnectionId": "x"}), "plain",
     "system_", "system_accesstoken"),
    ("SPIFFE without a socket", lambda case: case.set(
        credentialSource={"provider": "spiffe"}), "plain", "spiffe_endpoint_socket",
     "spiffe_endpoint_socket"),
    ("SPIFFE's socket gone", lambda case: case.set(
        credentialSource={"provider": "spiffe", "socket": "/nonexistent/agent.sock"}), "plain",
     "/nonexistent/agent.sock", "agent"),
    ("CircleCI outside a job", source(provider="circleci"), "plain", "circle_oidc_token",
     "job"),

    # The token.
    ("a token issued in the future", issued_in_the_future, "plain", "future", "clock"),
    ("a private key for a token", private_key_as_token, "plain", "private key", "token"),
    ("Vault's token for its identity token", held(lambda case: "hvs." + "C" * 90), "plain",
     "vault", "identity/oidc/token"),
    ("a personal access token of GitLab's", held(lambda case: "glpat-" + "x" * 20), "plain",
     "gitlab", "id_tokens"),
    ("a service account for a token", service_account_as_token, "plain", "service account",
     "needs no agent"),
    ("a token over several lines", wrapped_token, "plain", "line break", "one line"),
    ("an expiry in quotes", expiry_as_text, "plain", "exp", "number"),

    # What the service trusts.
    ("another branch", other_branch, "plain", "refs/heads/master", "refs/heads/main"),
    ("a pull request", pull_request, "plain", "pull_request", "names no branch"),
    ("a function in lower case", conductor_trust('claims.sub.startswith("1")'), "plain",
     "startswith", "startswith"),
    ("ConductorOne's claims without claims.", conductor_trust(f'sub == "{GCP}"'), "plain", "sub",
     "claims.sub"),
    ("Bright's claims with claims.", bright_trust(f'claims.sub == "{GCP}"'), "plain", "claims",
     "sub =="),
    ("a trust file in YAML", trust_in_yaml, "plain", "yaml", "json"),
    ("a slash in the trusted issuer", trusted_issuer_with_slash, "plain", "slash", "slash"),
    ("a subject of words", trust(subject="serviceAccount:ci@acme.iam.gserviceaccount.com"), "plain",
     "serviceaccount:ci", GCP),

    # What the service answers.
    ("a scope that is not known", token_answer(status=400, body={"error": "invalid_scope"}),
     "plain", "invalid_scope", "scopes"),
    ("a target that is not known", token_answer(status=400, body={"error": "invalid_target"}),
     "plain", "invalid_target", "resource"),
    ("a page that takes no POST", token_answer(status=405, body=""), "plain", "405", "tokenurl"),
    ("a service that wants JSON", token_answer(status=415, body=""), "plain", "415",
     "requestformat"),
    ("a credential under another name", token_answer(status=200, body={"token": "x" * 40}),
     "plain", "access_token", "response"),
    ("a client that may not exchange", token_answer(
        status=400, body={"error": "unauthorized_client"}), "plain", "unauthorized_client",
     "clientid"),
    ("Mondoo in maintenance", answered(status=503, body="<html>maintenance</html>", headers={
        "Content-Type": "text/html", "Retry-After": "120"}), "plain", "503", "again"),

    # Delivery.
    ("a mode in letters", output(mode="rw-r-----"), "plain", "rw-r-----", "0640"),
    ("units that may read a file", output(allowUnits=["cnspec.service"]), "plain", "allowunits",
     "socket"),
    ("a placeholder that is none", output(
        format="template", template="token={{token}}"), "plain", "{{token}}", "{{credential}}"),
    ("GitHub's format for a file", output(format="github"), "plain", "github", "get"),
    ("AWS's format for Mondoo", output(format="ini"), "plain", "ini", "raw"),
    ("seconds with their unit in a hook", changed(
        onRefresh=[{"command": ["/bin/true"], "timeout": "30s"}]), "plain", "timeout", "number"),
    ("a unit and a command in one hook", changed(
        onRefresh=[{"unit": "x.service", "command": ["/bin/true"]}]), "plain", "command",
     "one of"),
    ("a hook by its program's name", changed(
        onRefresh=[{"command": ["systemctl", "reload", "x"]}]), "plain", "absolute",
     "command -v systemctl"),
    ("a device for a file", output(path="/dev/null"), "plain", "/dev/null", "path"),

    # The machine.
    ("an account file of root's", not_readable, "plain", "permission denied", "chown"),
    ("another program's socket for the worker's", another_socket, "plain", "not a result",
     "worker-socket"),
    ("a proxy's variable in quotes", proxy_in_quotes, "tls", "quote", "https_proxy"),
]
NEEDS_ROOT = {not_readable}
