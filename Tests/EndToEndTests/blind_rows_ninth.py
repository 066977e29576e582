"""Misconfigurations of a ninth round for test_doctor_blind.py: what services and platforms say.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json

import blind_rows
from blind_rows import gcp
from test_doctor import provider, without


def role(code, message, **changes):
    """AWS answers the exchange so."""
    def set_up(case):
        case.content = {"type": "external_account", "service": "aws",
                        "roleArn": "arn:aws:iam::123456789012:role/scanner"}
        gcp(case, **changes)
        case.world.fault(match={"role": "aws-sts"}, status=400, body=(
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}"
            "</Message></Error></ErrorResponse>"))
    return set_up


def issuer_elsewhere(case):
    """An issuer that is not reached from here, and AWS says that it was: the certificate is another."""
    role("InvalidIdentityToken", "OpenIDConnect provider's HTTPS certificate doesn't match configured"
         " thumbprint")(case)
    token = case.token("gitlab", sub="project_path:acme/app:ref_type:branch:ref:main",
                       aud="sts.amazonaws.com")
    case.set(credentialSource={"file": str(case.file("token", token))})


def key_without_service(case):
    case.content = {"type": "external_account", "roleArn": "arn:aws:iam::123456789012:role/scanner"}
    gcp(case)


def govcloud(case):
    case.content = {"type": "external_account", "service": "aws",
                    "roleArn": "arn:aws-us-gov:iam::123456789012:role/scanner"}
    without(case, "AWS_")
    gcp(case)


def session_name(case):
    role("x", "y", sessionName="GitHub CI: acme/app")(case)


def list_for_a_text(case):
    case.content = case.world.named("conductorone-gcp")
    gcp(case)
    case.trust(service="conductorone", clientId=case.content["clientId"], issuer="https://accounts.google.com",
               condition='claims.email_verified == true && claims.sub == "1"')


def names_of_boto(case):
    folder = case.test.scratch / "aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key = AKIAIOSFODNN7EXAMPLE\n"
                                        "aws_secret_key = x\n")
    (folder / "credentials").chmod(0o600)
    without(case, "AWS_ACCESS")
    without(case, "AWS_SECRET")
    provider(case, "aws", AWS_EC2_METADATA_DISABLED="true",
             AWS_SHARED_CREDENTIALS_FILE=str(folder / "credentials"))


def task_without_role(case):
    without(case, "AWS_ACCESS")
    without(case, "AWS_SECRET")
    provider(case, "aws", AWS_EC2_METADATA_DISABLED="true",
             ECS_CONTAINER_METADATA_URI_V4="http://169.254.170.2/v4/abc-1")


def secret_cut_short(case):
    provider(case, "aws", AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE")


def scope_for_a_resource(case):
    provider(case, "azure")
    case.set(tokenAudience="api://acme/.default")


def reference_to_a_variable(case):
    case.set(credentialSource={"provider": "gitlab", "variable": "$WIF_ID_TOKEN"})


def whole_answer(case):
    token = case.token("gcp", sub="112233445566778899000")
    program = case.file("fetch", "#!/bin/sh\ncat <<'E'\n" + json.dumps(
        {"access_token": token, "expires_in": 300, "token_type": "Bearer"}) + "\nE\n")
    program.chmod(0o755)
    case.set(credentialSource={"executable": {"command": str(program)}})


WORLDS = {**blind_rows.WORLDS, "role": [
    "--platform", "gcp,gitlab,aws", "--issuer", "gitlab=https://gitlab.corp.example"]}

ROWS = [
    ("a policy of AWS's organization", role(
        "AccessDenied", "Not authorized with an explicit deny in a resource control policy"),
     "role", "resource control policy", "management account"),
    ("a thumbprint", issuer_elsewhere, "role", "thumbprint",
     "update-open-id-connect-provider-thumbprint"),
    ("AWS throttles", role("Throttling", "Rate exceeded"), "role", "throttling", "less often"),
    ("AWS's role without its service", key_without_service, "plain", "service: is missing",
     '"service": "aws"'),
    ("a role of another partition", govcloud, "plain", "aws-us-gov", "us-gov-west-1"),
    ("signs in a session's name", session_name, "plain", "sessionname", "github-ci-acme-app"),
    ("a condition with another value", list_for_a_text, "plain", "claims.sub",
     'claims.sub == "112233445566778899000"'),
    ("names of boto", names_of_boto, "aws-key", "no key", "aws_access_key_id for aws_access_key"),
    ("a task without a role", task_without_role, "aws-key", "no key", "taskrolearn"),
    ("a secret key cut short", secret_cut_short, "aws-key", "signaturedoesnotmatch",
     "39 characters"),
    ("a scope for a resource", scope_for_a_resource, "plain", "/.default",
     'without /.default'),
    ("a reference to a variable", reference_to_a_variable, "plain", "$wif_id_token",
     '"variable": "wif_id_token"'),
    ("a program that prints all", whole_answer, "plain", "version", "jq -r .access_token"),
]
