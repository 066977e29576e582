"""Misconfigurations of an eighth round for test_doctor_blind.py: the value to write, and whose rights are meant.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json

from blind_rows import gcp
from test_doctor import provider


def broken_line(case):
    gcp(case)
    text = json.dumps(case.content, indent=2)
    audience = case.content["audience"]
    case.text = text.replace(audience, f"{audience[:12]}\n    {audience[12:]}")


def service_account(case):
    case.text = json.dumps({
        "mrn": "//agents.api.mondoo.app/spaces/demo/serviceaccounts/1", "private_key": "x",
        "space_mrn": "//captain.api.mondoo.app/spaces/demo", "certificate": "a\nb"})


def lost_zero(case):
    case.text = json.dumps({
        "type": "external_account", "service": "aws",
        "roleArn": "arn:aws:iam::12345678901:role/scanner",
        "credentialSource": {"provider": "gcp"}})


def binding_as_audience(case):
    gcp(case, audience="//captain.api.mondoo.app/spaces/demo/wifAuthBindings/2kP1")


def client_with_a_secret(case):
    case.text = json.dumps({
        "type": "external_account", "clientId": "quiet-bear-20002@acme.conductor.one/pcc",
        "clientSecret": "secret-token:conductorone.com:v1:x"})


def under_sudo(case):
    provider(case, "github")
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                 "GITHUB_ACTIONS"):
        case.environment.pop(name, None)
    case.environment.update(SUDO_USER="runner", SUDO_UID="1001", SUDO_GID="127",
                            SUDO_COMMAND="/usr/bin/wif-agent doctor")


def a_variable_under_sudo(case):
    case.set(credentialSource={"environment": "MY_TOKEN"})
    case.environment.update(SUDO_USER="runner", SUDO_UID="1001")


def nobody_at_loopback(case):
    case.set(credentialSource={"url": "http://127.0.0.1:9/token"})


def closed_folder(case):
    place = case.test.scratch / "place"
    place.mkdir(mode=0o700)
    gcp(case, outputs=[{"format": "socket", "path": str(place / "cred.sock"),
                        "allowUsers": ["nobody"]}])


ROWS = [
    ("a string that a terminal broke", broken_line, "plain", 'string of "audience" goes on',
     "without the line break"),
    ("a service account's file", service_account, "plain", "a credential itself",
     "provider create --scope //captain.api.mondoo.app/spaces/demo"),
    ("an account without its zero", lost_zero, "plain", "11 digits",
     "arn:aws:iam::012345678901:role/scanner"),
    ("a provider's MRN as audience", binding_as_audience, "plain", "identity provider",
     "write //captain.api.mondoo.app/spaces/demo"),
    ("a client with a secret", client_with_a_secret, "plain", "(/pcc)", "ends in /wfe"),
    ("sudo in a job", under_sudo, "plain", "sudo started this command",
     "sudo --preserve-env=actions_id_token_request_url,actions_id_token_request_token"),
    ("a token's variable under sudo", a_variable_under_sudo, "plain",
     "sudo started this command", "sudo --preserve-env=my_token"),
    ("a program that gives tokens and does not run", nobody_at_loopback, "plain",
     "no connection", "nothing listens at 127.0.0.1:9"),
    ("a socket behind a closed door", closed_folder, "plain", "whom allowusers lets in",
     "chmod o+x"),
]

NEEDS_ROOT = {closed_folder}
