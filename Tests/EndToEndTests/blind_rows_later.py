"""Misconfigurations written down after those of blind_rows.py had been answered by class, to see what
that is worth for others: with their causes, before doctor was asked.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import json

from blind_rows import GCP, answered, changed, file_source, gcp, github, held, other, output, source
from test_doctor import provider, without


def text(change):
    """The account's JSON, with a change of its text."""
    def set_up(case):
        gcp(case)
        case.text = change(json.dumps(case.content, indent=1))
    return set_up


def trust(**terms):
    def set_up(case):
        gcp(case)
        case.trust(**terms)
    return set_up


def aws(**environment):
    return lambda case: provider(case, "aws", **environment)


def bright_trust(condition):
    def set_up(case):
        case.content = case.world.named("bright-gcp")
        case.trust(service="bright", issuer="https://accounts.google.com", condition=condition,
                   allowedAudiences=["https://app.brightsec.com"])
    return set_up


def conductor_trust(condition):
    def set_up(case):
        case.content = case.world.named("conductorone-gcp")
        case.trust(service="conductorone", issuer="https://accounts.google.com",
                   clientId=case.content["clientId"], condition=condition)
    return set_up


def token_answer(**fault):
    """The token endpoint of RFC 8693 answers so."""
    def set_up(case):
        case.content = case.world.named("oauth-gcp")
        case.world.fault(match={"path": "/oauth/token"}, **fault)
    return set_up


def utf16_token(case):
    path = case.test.scratch / "token"
    path.write_bytes(case.token("gcp", sub=GCP).encode("utf-16"))
    case.set(credentialSource={"file": str(path)})


def session_without_token(case):
    provider(case, "aws", AWS_ACCESS_KEY_ID="ASIAIOSFODNN7EXAMPLE",
             AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def key_and_secret_swapped(case):
    provider(case, "aws", AWS_ACCESS_KEY_ID="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
             AWS_SECRET_ACCESS_KEY="AKIAIOSFODNN7EXAMPLE")


def hook_is_directory(case):
    folder = case.test.scratch / "hook"
    folder.mkdir()
    gcp(case, onRefresh=[{"command": [str(folder)]}])


def pid_file_of_words(case):
    gcp(case, onRefresh=[{"signal": "HUP", "pidFile": str(case.file("x.pid", "running\n"))}])


def runtime_is_file(case):
    gcp(case)
    case.test.runtime = case.file("run2", "x")


def azure_client(case):
    case.content = case.world.named("mondoo-azure")
    case.set(credentialSource={"provider": "azure",
                               "resource": "8e1f7a52-6c3d-4b0e-9a84-5d2c1b7f3e60"})


def github_slug(case):
    github(case)
    case.set(issuerUri="https://token.actions.githubusercontent.com/acme")


ROWS = [
    ("a comma is missing", text(lambda t: t.replace('",\n', '"\n', 1)), "plain", "','", "comma"),
    ("a line break in a value", text(lambda t: t.replace("spaces/", "spaces/\n", 1)), "plain",
     "control character", "one line"),
    ("the end is cut off", text(lambda t: t[:-20]), "plain", "end", "whole"),
    ("names without quotes", text(lambda t: t.replace('"type"', "type", 1)), "plain", "name",
     "quotes"),
    ("audience as a list", changed(audience=["//captain.api.mondoo.app/spaces/demo"]), "plain",
     "audience", "brackets"),
    ("minutes with their unit", changed(lifetime="60m"), "plain", "lifetime", "number"),
    ("an output as a word", changed(outputs=["raw:/run/x"]), "plain", "outputs[0]", '"format"'),
    ("an output without format", changed(outputs=[{"path": "/run/x"}]), "plain", "format", "raw"),
    ("an output with a slash", output(path="/run/creds/"), "plain", "directory", "file"),
    ("an owner as a number", output(owner=1000), "plain", "owner", "quotes"),
    ("a header for Mondoo", output(format="header"), "plain", "header", "raw"),
    ("readers as a word", output(format="socket", allowUsers="www-data"), "plain", "allowusers",
     "brackets"),
    ("an expiry nobody knows", output(onExpiry="delete"), "plain", "delete", "remove"),
    ("a provider in capitals", source(provider="GitHub"), "plain", "github", "did you mean github"),
    ("a provider by its maker", source(provider="google"), "plain", "google", "gcp"),
    ("a format as a word", source(file="/run/token", format="json"), "plain", "format", '"type"'),
    ("a password in a URL", other("oauth-gcp", tokenUrl="https://me:pw@sts.example.com/token"),
     "plain", "user name or password", "leave"),
    ("GitHub's issuer of an enterprise", github_slug, "plain", "/acme",
     "https://token.actions.githubusercontent.com,"),
    ("a capital in the space's MRN", changed(audience="//captain.api.mondoo.app/Spaces/demo"),
     "plain", "spaces", "write spaces"),
    ("an MRN without its slashes", changed(audience="captain.api.mondoo.app/spaces/demo"), "plain",
     "mrn", "//captain.api.mondoo.app/spaces/"),
    ("a misspelt MRN", changed(audience="//captian.api.mondoo.app/spaces/demo"), "plain",
     "captian", "//captain.api.mondoo.app"),
    ("a list of tokens", held(lambda case: json.dumps([case.token("gcp", sub=GCP)])), "plain",
     "json", "without the list"),
    ("a SAML assertion", held(lambda case: "<saml2:Assertion ID=\"x\"/>"), "plain", "saml", "oidc"),
    ("an AWS key for a token", held(lambda case: "AKIAIOSFODNN7EXAMPLE"), "plain", "access key",
     "provider aws"),
    ("a session id", held(lambda case: "0f8fad5b-d9cb-469f-a165-70867728950e"), "plain",
     "not a jwt", "id token"),
    ("a token in UTF-16", utf16_token, "plain", "utf-16", "utf-8"),
    ("https to a plain proxy", lambda case: case.environment.update(
        HTTPS_PROXY=case.world.named("mondoo-custom")["issuerUri"].replace("http:", "https:")),
     "tls", "proxy", "http://"),
    ("a directory as hook", hook_is_directory, "plain", "directory", "program"),
    ("a pid file of words", pid_file_of_words, "plain", "x.pid", "pid"),
    ("a file as runtime directory", runtime_is_file, "plain", "not a directory", "runtime-dir"),
    ("a region with underscores", aws(AWS_REGION="eu_central_1"), "aws-key", "eu_central_1",
     "eu-central-1"),
    ("a region by its city", aws(AWS_REGION="Frankfurt"), "aws-key", "frankfurt", "eu-central-1"),
    ("a session's key without its token", session_without_token, "aws-key", "session",
     "aws_session_token"),
    ("key and secret swapped", key_and_secret_swapped, "aws-key", "aws_access_key_id", "swapped"),
    ("a client id for a resource", azure_client, "plain", "invalid_resource", "application id uri"),
    ("a mapping without its prefix", trust(subject=GCP, mappings={"email": "x"}), "plain", "email",
     "jwt_claims.email"),
    ("an audience as a word", trust(subject=GCP, allowedAudiences="x"), "plain",
     "allowedaudiences", "brackets"),
    ("one = in a condition", conductor_trust(f'claims.sub = "{GCP}"'), "plain", "=", "=="),
    ("|| at Bright", bright_trust(f'sub == "{GCP}" || sub == "x"'), "plain", "||", "in ["),
    ("an error with status 200", answered(status=200, body={"error": "no"}), "plain",
     "base64_credential", "universedomain"),
    ("an unknown client", token_answer(status=401, body={"error": "invalid_client"}), "plain",
     "invalid_client", "clientid"),
    ("no token exchange there", token_answer(
        status=400, body={"error": "unsupported_grant_type"}), "plain", "unsupported_grant_type",
     "tokenurl"),
]
