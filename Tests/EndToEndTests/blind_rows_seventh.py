"""Misconfigurations of a seventh round for test_doctor_blind.py: what a reader, a container or a job lacks.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json
import os
import stat

from blind_rows import gcp
from test_doctor import provider


def two_accounts_in_a_list(case):
    case.text = json.dumps([case.content, case.content])


def provider_by_another_name(case):
    case.set(credentialSource={"provider": "github-actions"})


def variable_of_the_job(case):
    gcp(case, variable="GITHUB_TOKEN")


def member_with_the_token(case):
    token = case.token("gcp", sub="112233445566778899000")
    path = case.file("token.json", json.dumps({"access_token": token, "expires_in": 300}))
    case.set(credentialSource={"file": str(path), "format": {
        "type": "json", "subjectTokenFieldName": "id_token"}})


def member_of_a_member(case):
    token = case.token("gcp", sub="112233445566778899000")
    path = case.file("token.json", json.dumps({"data": {"token": token}}))
    case.set(credentialSource={"file": str(path), "format": {
        "type": "json", "subjectTokenFieldName": "token"}})


def a_fork(case):
    case.content = case.world.named("mondoo-github")
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        case.environment.pop(name, None)
    event = {"pull_request": {"head": {"repo": {"full_name": "mallory/app", "fork": True}},
                              "base": {"repo": {"full_name": "acme/app"}}}}
    case.environment.update(GITHUB_ACTIONS="true", GITHUB_EVENT_PATH=str(
        case.file("event.json", json.dumps(event))))
    case.set(credentialSource={"provider": "github"})


def no_context(case):
    case.environment["CIRCLECI"] = "true"
    case.set(credentialSource={"provider": "circleci"})


def in_a_step_s_container(case):
    case.environment.update(BUILDKITE="true", BUILDKITE_JOB_ID="1")
    case.set(credentialSource={"provider": "buildkite"})


def variables_of_a_pod(case):
    provider(case, "azure", AZURE_FEDERATED_TOKEN_FILE="/nonexistent/token",
             AZURE_TENANT_ID="7d0a3c1e-5b2f-4a6d-9c8e-0123456789ab",
             AZURE_CLIENT_ID="5c1e0f3a-1111-4222-8333-444455556666")
    case.environment.pop("KUBERNETES_SERVICE_HOST", None)


def key_of_the_variables(case):
    case.content = case.world.named("mondoo-aws")
    case.environment.update(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
                            AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def proxy_of_the_file(case):
    gcp(case, universeDomain="https://api.nosuch.invalid", proxy="http://127.0.0.1:9")


def directory_is_a_file(case):
    place = case.file("creds", "x")
    gcp(case, outputs=[{"format": "directory", "path": str(place)}])


def folder_alone(case):
    gcp(case, outputs=[{"format": "json", "path": f"{case.test.scratch}/run/"}])


def over_its_own_token(case):
    token = case.file("token", case.token("gcp", sub="112233445566778899000"))
    case.set(credentialSource={"file": str(token)},
             outputs=[{"format": "json", "path": str(token)}])


def closed_socket(case):
    gcp(case, outputs=[{"format": "socket", "path": f"{case.test.runtime}/x.sock",
                        "allowUsers": ["nobody"], "mode": "0600"}])


def socket_for_a_file(case):
    path = f"{case.test.runtime}/x.sock"
    gcp(case, outputs=[{"format": "socket", "path": path, "content": "json"}])
    case.environment["MONDOO_CONFIG_PATH"] = path


def left_behind(case):
    old = case.file("old.json", json.dumps({"mrn": "//m", "private_key": "x"}))
    new = f"{case.test.scratch}/new.json"
    gcp(case, outputs=[{"format": "json", "path": new}])
    case.environment["MONDOO_CONFIG_PATH"] = str(old)


def state_directory(case):
    place = case.test.scratch / "state"
    place.mkdir()
    os.chmod(place, stat.S_IRUSR | stat.S_IXUSR | stat.S_IWOTH | stat.S_IXOTH)
    gcp(case)
    case.environment["WIF_AGENT_STATE_DIR"] = str(place)


ROWS = [
    ("two accounts in a list", two_accounts_in_a_list, "plain", "an object is expected",
     "one file holds one account"),
    ("a provider by another name", provider_by_another_name, "plain", "github-actions",
     '"provider": "github"'),
    ("a variable that a job owns", variable_of_the_job, "plain", "begins with github_", "gh_token"),
    ("a member by another name", member_with_the_token, "plain", "no string", "to access_token"),
    ("a member of a member", member_of_a_member, "plain", "no string", "one level deeper"),
    ("a pull request from a fork", a_fork, "plain", "from a fork, mallory/app", "run this on push"),
    ("a job without a context", no_context, "plain", "not set", "context: name"),
    ("a container of a step", in_a_step_s_container, "plain", "buildkite_agent_access_token",
     "docker run -e buildkite_agent_access_token"),
    ("a pod's variables elsewhere", variables_of_a_pod, "plain", "is a variable of pods",
     "unset azure_federated_token_file"),
    ("an old key in the variables", key_of_the_variables, "aws", "invalidclienttokenid",
     "unset aws_access_key_id"),
    ("the account file's own proxy", proxy_of_the_file, "plain", "the account file's proxy",
     "remove it"),
    ("a file for a directory", directory_is_a_file, "plain", "not a directory", "move it away"),
    ("a folder alone", folder_alone, "plain", "names a directory", "/run/credential.json"),
    ("an output over its own token", over_its_own_token, "plain", "would take the place of",
     "another path"),
    ("a mode that shuts out the list", closed_socket, "plain", "whomever allowusers allows",
     "leave mode out"),
    ("a socket for a file", socket_for_a_file, "plain", "names the socket", "format json"),
    ("a file that nobody writes any more", left_behind, "plain", "no output of the account writes",
     "new.json"),
    ("a state directory of others", state_directory, "plain", "no credential is kept",
     "chown"),
]
