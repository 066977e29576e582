"""Misconfigurations for test_doctor_blind.py: each with what is wrong and what is to be done, as they
were written down before doctor was asked.

A row is: what was done, the set-up, the world, words of the cause, words of what to do.
"""

import base64
import json
import os
import subprocess
import time

from test_doctor import provider, without
from world import wait_for

GCP = "112233445566778899000"
CIRCLE = "https://oidc.circleci.com/org/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
TENANT = "8e1f7a52-6c3d-4b0e-9a84-5d2c1b7f3e60"


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(case, header=None, signature="c2ln" * 20, **claims):
    now = int(time.time())
    body = {"iss": case.content["issuerUri"], "sub": "workload", "aud": "x", "iat": now,
            "exp": now + 3600, **claims}
    body = {key: value for key, value in body.items() if value is not None}
    return f'{encoded(header or {"alg": "RS256", "kid": "k"})}.{encoded(body)}.{signature}'


def gcp(case, **changes):
    provider(case, "gcp")
    case.set(**changes)


def file_source(case, text):
    case.set(credentialSource={"file": str(case.file("token", text))})


def changed(**changes):
    """The account of the VM on GCP, with changes."""
    return lambda case: gcp(case, **changes)


def other(name, **changes):
    """Another account of the world, with changes."""
    def set_up(case):
        case.content = case.world.named(name)
        case.set(**changes)
    return set_up


def source(**content):
    return lambda case: case.set(credentialSource=content)


def held(make):
    """A token file that holds what is made."""
    return lambda case: file_source(case, make(case))


def answered(**fault):
    """Mondoo answers the exchange so."""
    def set_up(case):
        gcp(case)
        case.world.fault(match={"path": "/SecureTokenService/"}, **fault)
    return set_up


def output(**content):
    def set_up(case):
        gcp(case, outputs=[{"format": "raw", "path": f"{case.test.scratch}/out", **content}])
    return set_up


# MARK: The account file

def written_twice(case):
    gcp(case)
    case.text = json.dumps(case.content)[:-1] + ', "audience": "//captain.api.mondoo.app/spaces/b"}'


def typographic_quotes(case):
    case.text = json.dumps(case.content).replace('"', "\u201c", 1).replace('"', "\u201d", 1)


def name_with_blank(case):
    case.path = case.test.account(case.content, name="my account")


def reserved_name(case):
    case.path = case.test.account(case.content, name="control")


def outputs_object(case):
    gcp(case, outputs={"format": "raw", "path": f"{case.test.scratch}/out"})


def trailing_text(case):
    gcp(case)
    case.text = json.dumps(case.content) + "\n" + json.dumps(case.content)


def mode_for_all(case):
    output(mode="0666")(case)


# MARK: The token

def azure(case, **changes):
    case.content = case.world.named("mondoo-azure")
    case.set(credentialSource={"provider": "azure", "resource": "api://acme"}, **changes)


def other_tenant(case):
    azure(case, issuerUri=f"https://sts.windows.net/{TENANT}/")


def second_version(case):
    azure(case)
    tenant = case.content["issuerUri"].rstrip("/").rsplit("/", 1)[1]
    case.set(issuerUri=f"https://login.microsoftonline.com/{tenant}/v2.0")


def identity_by_name(case):
    azure(case)
    case.set(credentialSource={"provider": "azure", "resource": "api://acme",
                               "clientId": "my-identity"})


def two_identities(case):
    azure(case)
    case.set(credentialSource={"provider": "azure", "resource": "api://acme",
                               "clientId": TENANT, "objectId": TENANT})


def dangling_link(case):
    (case.test.scratch / "token").symlink_to("/nonexistent/projected/token")
    case.set(credentialSource={"file": f"{case.test.scratch}/token"})


def cluster_token(case):
    case.content = case.world.named("conductorone-custom")
    file_source(case, case.token("custom", aud=["https://kubernetes.default.svc"]))


def legacy_cluster_token(case):
    file_source(case, unsigned(
        case, iss="kubernetes/serviceaccount", sub="system:serviceaccount:default:app", aud=None,
        exp=None, iat=None))


def in_milliseconds(case):
    file_source(case, case.token("gcp", sub=GCP, exp=int(time.time() + 3600) * 1000))


def program(case, text, **options):
    path = case.file("mint", "#!/bin/sh\n" + text)
    path.chmod(0o755)
    case.set(credentialSource={"executable": {"command": [str(path)], **options}})


def program_says_no(case):
    reply = {"version": 1, "success": False, "code": "401", "message": "vault is sealed"}
    program(case, f"echo '{json.dumps(reply)}'\n")


def program_is_slow(case):
    program(case, "sleep 20\n", timeoutMillis=30)


def program_by_name(case):
    case.set(credentialSource={"executable": {"command": ["mint-token"]}})


def login_page(case):
    url = case.world.named("mondoo-custom")["issuerUri"] + "/keys"
    case.world.fault(match={"path": "/issuers/custom/keys"}, body="<html>log in</html>",
                     headers={"Content-Type": "text/html"})
    case.set(credentialSource={"url": url})


def variable_with_path(case):
    path = case.file("token", case.token("gcp", sub=GCP))
    case.environment["ID_TOKEN"] = str(path)
    case.set(credentialSource={"environment": "ID_TOKEN"})


# MARK: AWS

def aws(case, **environment):
    without(case, "AWS_EC2")
    provider(case, "aws", **environment)


def users_key(case):
    """The key of a user that the emulator's account has."""
    issued = case.world.ask("/_emulator/issued")["issued"]
    secret = next(one["value"] for one in issued if one["kind"] == "secret-access-key")
    return secret


def wrong_secret(case):
    # The world's own variables have a key that is good.
    provider(case, "aws", AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def zone_for_region(case):
    provider(case, "aws", AWS_REGION="eu-central-1a")


def region_misspelt(case):
    without(case, "AWS_ENDPOINT")
    provider(case, "aws", AWS_REGION="eu-centrl-1")


def region_disabled(case):
    provider(case, "aws", AWS_REGION="ap-east-1")
    case.world.fault(match={"role": "aws-sts"}, status=403, body=(
        "<ErrorResponse><Error><Type>Sender</Type><Code>RegionDisabledException</Code><Message>STS "
        "is not activated in this region</Message></Error></ErrorResponse>"))


def session_expired(case):
    provider(case, "aws")
    case.world.fault(match={"role": "aws-sts"}, status=403, body=(
        "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security "
        "token included in the request is expired</Message></Error></ErrorResponse>"))


def no_such_profile(case):
    folder = case.test.scratch / "aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
                                        "aws_secret_access_key = x\n")
    (folder / "credentials").chmod(0o600)
    without(case, "AWS_ACCESS")
    without(case, "AWS_SECRET")
    provider(case, "aws", AWS_PROFILE="production",
             AWS_SHARED_CREDENTIALS_FILE=str(folder / "credentials"))


def key_without_secret(case):
    without(case, "AWS_SECRET")
    provider(case, "aws")


def role_as_subject(case):
    provider(case, "aws")
    case.trust(subject="arn:aws:iam::123456789012:role/workload")


def account_of_another(case):
    provider(case, "aws")
    case.trust(subject="arn:aws:sts::123456789012:assumed-role/workload/*",
               mappings={"aws_claims.account": "999999999999"})


# MARK: What the service trusts

def github(case):
    case.content = case.world.named("mondoo-github")
    provider(case, "github")


def environment_in_subject(case):
    github(case)
    file_source(case, case.token("github", sub="repo:acme/app:environment:production",
                                 repository="acme/app", environment="production"))
    case.trust(subject="repo:acme/app:ref:refs/heads/main")


def capital_letter(case):
    github(case)
    case.trust(subject="repo:Acme/app:ref:refs/heads/main")


def audience_with_slash(case):
    gcp(case)
    case.trust(subject=GCP, allowedAudiences=[case.content["audience"] + "/"])


def subject_is_email(case):
    gcp(case)
    case.trust(subject="scanner@acme.iam.gserviceaccount.com")


def condition_for_mondoo(case):
    gcp(case)
    case.trust(condition=f'claims.sub == "{GCP}"')


def commented_trust(case):
    gcp(case)
    case.arguments += ["--trust", case.file("trust.json", "// ours\n{}")]


def expiration_too_long(case):
    gcp(case)
    case.trust(subject=GCP, expiration=604800)


def claim_not_there(case):
    case.content = case.world.named("conductorone-github")
    case.trust(service="conductorone", issuer="https://token.actions.githubusercontent.com",
               clientId=case.content["clientId"],
               condition='claims.sub == "repo:acme/app:ref:refs/heads/main" && '
                         'claims.repo == "acme/app"')


def first_circle_token(case):
    case.content = case.world.named("bright-circleci")
    case.set(credentialSource={"provider": "circleci", "variable": "CIRCLE_OIDC_TOKEN"})
    case.trust(service="bright", issuer=CIRCLE,
               allowedAudiences=["0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"], provider="circleci",
               fields={"Organization ID": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
                       "Project ID": "77aa", "VCS origin": "github.com/acme/app"})


# MARK: This machine

def mounted(case, options, name="small"):
    place = case.test.scratch / name
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755," + options, "none", place], check=True)
    case.test.addCleanup(subprocess.run, ["umount", place])
    return place


def read_only(case):
    place = mounted(case, "size=64k")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    gcp(case, outputs=[{"format": "raw", "path": f"{place}/out"}])


def no_inodes(case):
    place = mounted(case, "nr_inodes=3")
    for name in "ab":
        (place / name).touch()
    gcp(case, outputs=[{"format": "raw", "path": f"{place}/out"}])


def name_too_long(case):
    gcp(case, outputs=[{"format": "raw", "path": f"{case.test.scratch}/{'n' * 300}"}])


def worker_socket_away(case):
    gcp(case)
    case.arguments += ["--worker-socket", f"{case.test.scratch}/exchange.sock"]


def bundle_is_directory(case):
    gcp(case)
    case.environment["SSL_CERT_FILE"] = "/etc/ssl/certs"


def key_for_certificate(case):
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                          "ec_paramgen_curve:P-256"], capture_output=True, check=True).stdout
    gcp(case, caFile=str(case.file("ca.pem", key.decode())))


def authority_of_another(case):
    target = case.test.scratch / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.devnull, "-subj",
                    "/CN=other", "-out", target], capture_output=True, check=True)
    gcp(case, caFile=str(target))


def pid_file_missing(case):
    gcp(case, onRefresh=[{"signal": "HUP", "pidFile": f"{case.test.scratch}/no.pid"}])


def hook_in_home(case):
    gcp(case, onRefresh=[{"command": ["~/bin/reload"]}])


def edited_and_refused(case):
    """The file was edited for another space, and Mondoo refuses that."""
    gcp(case, outputs=[{"format": "raw", "path": f"{case.test.scratch}/out"}])
    case.path = case.test.account(case.content)
    agent = case.test.agent("-c", case.path, environment=case.environment)
    case.test.await_ready(agent)
    case.test.account(case.content, audience="//captain.api.mondoo.app/spaces/other")
    agent.signal(1)
    wait_for(lambda: "change-failed" in agent.text(), "the refusal")


def hook_fails(case):
    """The program that is run after a refresh ends with an error."""
    hook = case.file("hook", "#!/bin/sh\necho no such service >&2\nexit 3\n")
    hook.chmod(0o755)
    gcp(case, outputs=[{"format": "raw", "path": f"{case.test.scratch}/out"}],
        onRefresh=[{"command": [str(hook)]}])
    case.path = case.test.account(case.content)
    agent = case.test.agent("-c", case.path, environment=case.environment)
    case.test.await_ready(agent)
    wait_for(lambda: "hook" in agent.text(), "the hook")


def service_in_the_way(case):
    """A directory stands where the agent must put the file back."""
    out = case.test.scratch / "out"
    gcp(case, outputs=[{"format": "raw", "path": str(out)}])
    case.path = case.test.account(case.content)
    agent = case.test.agent("-c", case.path, environment=case.environment)
    case.test.await_ready(agent)
    out.unlink()
    out.mkdir()
    wait_for(lambda: "error" in case.test.the_account()["outputs"][0], "the failure")


# what, set-up, world, words of the cause, words of what to do
ROWS = [
    ("a key written twice", written_twice, "plain", "twice", "audience"),
    ("typographic quotes", typographic_quotes, "plain", "\u201c", 'straight'),
    ("a blank in the file's name", name_with_blank, "plain", "my account", "rename"),
    ("a reserved name", reserved_name, "plain", "control", "rename"),
    ("outputs as one object", outputs_object, "plain", "outputs", "array"),
    ("two documents in one file", trailing_text, "plain", "more than one", "one file"),
    ("a placeholder for the space", changed(
        audience="//captain.api.mondoo.app/spaces/YOUR_SPACE_ID"), "plain",
     "your_space_id", "space's id"),
    ("a placeholder for the tenant", other(
        "mondoo-azure", issuerUri="https://sts.windows.net/TENANT_ID",
        credentialSource={"provider": "azure", "resource": "api://acme"}), "plain",
     "tenant_id", "tenant's id"),
    ("a lifetime in quotes", changed(lifetime="3600"), "plain", "lifetime", "without quotes"),
    ("an output's format misspelt", output(format="jsn"), "plain", "jsn", "json"),
    ("a file that all may write", mode_for_all, "plain", "0666", "0640"),
    ("a variable that would do harm", changed(variable="PATH"), "plain", "path", "another name"),
    ("a token file by a relative path", source(file="token.jwt"), "plain", "absolute", "/"),
    ("a token file in ~", source(file="~/token.jwt"), "plain", "~", "absolute"),
    ("a variable in an output's path", changed(
        outputs=[{"format": "raw", "path": "${HOME}/out"}]), "plain", "${home}", "absolute"),
    ("no token endpoint", other("oauth-gcp", tokenUrl=None), "plain", "tokenurl", "tokenurl"),
    ("a token endpoint over http", other("oauth-gcp", tokenUrl="http://sts.example.com/token"),
     "plain", "http", "https://sts.example.com/token"),
    ("Bright's project as a URL", other(
        "bright-gcp", projectId="https://app.brightsec.com/projects/abc"), "plain", "projectid",
     "id alone"),
    ("a client id of another kind", other("conductorone-gcp", clientId="my-client"), "plain",
     "my-client", "conductor.one/wfe"),
    ("the exchange's URL as universeDomain", changed(
        universeDomain="https://us.api.mondoo.com/SecureTokenService/ExchangeExternalToken"),
     "plain", "securetokenservice", "https://us.api.mondoo.com"),
    ("the console as universeDomain", changed(universeDomain="https://console.mondoo.com"),
     "plain", "console.mondoo.com", "us.api.mondoo.com"),
    ("a misspelt endpoint of Mondoo's", changed(universeDomain="https://us.api.mondo.com"),
     "plain", "us.api.mondo.com", "us.api.mondoo.com"),
    ("an issuer of GitHub's misspelt", other(
        "mondoo-github", issuerUri="https://token.actions.githubuserscontent.com",
        credentialSource={"provider": "github"}), "plain", "githubuserscontent",
     "https://token.actions.githubusercontent.com"),
    ("AWS's issuer with a slash", changed(
        issuerUri="https://sts.amazonaws.com/", credentialSource={"provider": "aws"}), "aws",
     "https://sts.amazonaws.com/", "https://sts.amazonaws.com, "),
    ("AWS's issuer of a region", changed(
        issuerUri="https://sts.eu-central-1.amazonaws.com",
        credentialSource={"provider": "aws"}), "aws", "eu-central-1",
     "issueruri https://sts.amazonaws.com"),
    ("organisations for organizations", changed(
        audience="//captain.api.mondoo.app/organisations/acme"), "plain", "organisations",
     "organizations"),
    ("a token type without its URN", other("oauth-gcp", subjectTokenType="jwt"), "plain",
     "jwt", "urn:ietf:params:oauth:token-type:jwt"),
    ("a truth in quotes", other("bright-gcp", revokeOnExit="yes"), "plain", "revokeonexit",
     "true"),
    ("a signal that is none", changed(
        onRefresh=[{"signal": "RELOAD", "pidFile": "/run/x.pid"}]), "plain", "reload", "hup"),
    ("a pid file that is not there", pid_file_missing, "plain", "no.pid", "pidfile"),
    ("a hook in ~", hook_in_home, "plain", "~/bin/reload", "absolute"),
    ("a proxy's port in words", changed(proxy="http://proxy.example:squid"), "plain", "squid",
     "number"),
    ("headers as a list", source(url="https://mint.example/token", headers=["Accept: text/plain"]),
     "plain", "headers", "object"),
    ("a key for a CA's certificate", key_for_certificate, "tls", "key", "certificate"),
    ("the certificate of another authority", authority_of_another, "tls", "cafile",
     "cafile"),

    ("an access token of Google's", held(lambda case: "ya29." + "a" * 120), "plain",
     "access token", "identity token"),
    ("GITHUB_TOKEN for the OIDC token", held(lambda case: "ghs_" + "a" * 36), "plain",
     "github", "id-token: write"),
    ("the cluster's default token", cluster_token, "plain", "https://kubernetes.default.svc",
     "projected"),
    ("a token of a Secret", legacy_cluster_token, "plain", "kubernetes/serviceaccount",
     "projected"),
    ("a token in base64", held(lambda case: base64.b64encode(
        case.token("gcp", sub=GCP).encode()).decode()), "plain", "base64", "base64 -d"),
    ("a token with an empty signature", held(lambda case: unsigned(case, signature="")), "plain",
     "signature", "whole token"),
    ("an encrypted token", held(lambda case: "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"), "plain",
     "encrypted", "signed"),
    ("times in milliseconds", in_milliseconds, "plain", "milliseconds", "seconds"),
    ("a token without a subject", held(lambda case: case.token("gcp", sub=None)), "plain",
     "no sub", "sub"),
    ("a program that says no", program_says_no, "plain", "vault is sealed", "by hand"),
    ("a program's seconds for milliseconds", program_is_slow, "plain", "timeoutmillis",
     "milliseconds"),
    ("a program by its name", program_by_name, "plain", "mint-token", "absolute"),
    ("a token service over http", source(url="http://mint.example/token"), "plain", "http",
     "https://mint.example/token"),
    ("a page for a token", login_page, "plain", "html", "url"),
    ("a variable with its $", source(environment="$ID_TOKEN"), "plain", "$id_token", "without"),
    ("a variable that names a file", variable_with_path, "plain", "path", "file"),
    ("a byte order mark before the token", held(
        lambda case: "\ufeff" + case.token("gcp", sub=GCP)), "plain", "byte order mark", "without"),
    ("a link to nothing", dangling_link, "plain", "/nonexistent/projected/token", "link"),
    ("another tenant", other_tenant, "plain", TENANT, "issueruri"),
    ("Entra's newer issuer", second_version, "plain", "login.microsoftonline.com",
     "https://sts.windows.net/"),
    ("a managed identity by its name", identity_by_name, "plain", "my-identity", "client id"),
    ("two ways to name an identity", two_identities, "plain", "objectid", "one of"),
    ("a service account that is not attached", lambda case: case.set(credentialSource={
        "provider": "gcp", "serviceAccount": "other@acme.iam.gserviceaccount.com"}), "plain",
     "other@acme.iam.gserviceaccount.com", "attach"),

    ("AWS's secret is wrong", wrong_secret, "aws-key", "secret", "aws_secret_access_key"),
    ("a zone for a region", zone_for_region, "aws-key", "eu-central-1a", "eu-central-1"),
    ("a region misspelt", region_misspelt, "aws-key", "eu-centrl-1", "eu-central-1"),
    ("a region that is not activated", region_disabled, "aws-key", "ap-east-1",
     "activate"),
    ("a session that has ended", session_expired, "aws-key", "expired", "session"),
    ("a profile that is not there", no_such_profile, "aws-key", "production", "aws_profile"),
    ("a key without its secret", key_without_secret, "aws-key", "aws_secret_access_key",
     "aws_secret_access_key"),
    ("a role's ARN for its sessions'", role_as_subject, "aws", "role/workload",
     "assumed-role/workload/*"),
    ("another AWS account", account_of_another, "aws", "999999999999", "123456789012"),

    ("an environment changes the subject", environment_in_subject, "plain",
     "environment:production", "environment:production"),
    ("a capital letter in the subject", capital_letter, "plain", "capital", "repo:acme/app"),
    ("a slash after the allowed audience", audience_with_slash, "plain", "slash",
     "spaces/demo"),
    ("an e-mail for the unique id", subject_is_email, "plain", "gserviceaccount", GCP),
    ("a condition for Mondoo", condition_for_mondoo, "plain", "condition", "mappings"),
    ("a comment in the trust file", commented_trust, "plain", "comment", "json"),
    ("an expiration of a week", expiration_too_long, "plain", "expiration", "86400"),
    ("a claim that is not there", claim_not_there, "plain", "claims.repo", "claims.repository"),
    ("CircleCI's first token", first_circle_token, "ci", "vcs origin",
     "circle_oidc_token_v2"),

    ("a file system that is read-only", read_only, "plain", "read-only", "path"),
    ("no inodes left", no_inodes, "plain", "inode", "inode"),
    ("a file's name too long", name_too_long, "plain", "too long", "255"),
    ("a worker's socket that is away", worker_socket_away, "plain", "exchange.sock",
     "wif-exchange.socket"),
    ("a directory as the CA bundle", bundle_is_directory, "tls", "directory", "ssl_cert_dir"),
    ("an edit that the service refuses", edited_and_refused, "plain", "spaces/other",
     "audience"),
    ("a hook that fails", hook_fails, "plain", "exit code 3", "by hand"),
    ("a directory in the file's place", service_in_the_way, "plain", "directory", "remove"),

    ("a firewall's page", answered(status=403, body="<html>blocked by policy</html>",
                                   headers={"Content-Type": "text/html"}), "plain",
     "not mondoo", "proxy"),
    ("Mondoo's words on an audience", answered(
        status=403, body={"code": 7, "message": "audience not allowed"}), "plain",
     "audience not allowed", "tokenaudience"),
    ("Mondoo's words on a subject", answered(
        status=403, body={"code": 7, "message": "subject mismatch"}), "plain",
     "subject mismatch", GCP),
]

WORLDS = {
    "plain": ["--platform", "gcp,azure,github", "--azure-resource", "api://acme"],
    "aws": ["--platform", "aws"],
    "aws-key": ["--platform", "aws", "--aws-credentials", "environment"],
    "tls": ["--platform", "gcp", "--tls"],
    "ci": ["--platform", "gitlab,circleci,bitbucket"],
}
NEEDS_ROOT = {read_only, no_inodes}
