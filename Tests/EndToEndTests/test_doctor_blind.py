"""`wif-agent doctor` on misconfigurations that were written down before its code was changed for them.

A row says what was done wrong, and what a good answer must hold: words of the cause, and words of
what to do, in lower case, both in the first step that fails (or, where nothing fails, that warns).
The grade of an answer:

    A   the cause and what to do
    B   the cause, and advice that is vague
    C   another cause, or a general one
    F   no failure and no warning, or advice that makes things worse

WIF_GRADES=1 prints the grade of each row and what was said. Each third row is tried; with
WIF_AGENT_SLOW_TESTS all are.
"""

import base64
import json
import os
import subprocess
import time
import unittest

import blind_rows
import blind_rows_eighth
import blind_rows_fifth
import blind_rows_fourth
import blind_rows_later
import blind_rows_ninth
import blind_rows_seventh
import blind_rows_sixth
from test_doctor import Case, provider, without
import world
from world import BIN, World, is_root

GCP = "112233445566778899000"
IMMUTABLE = "repo:acme@987654/app@123456789:ref:refs/heads/main"


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(case, header, **claims):
    now = int(time.time())
    body = {"iss": case.content["issuerUri"], "sub": "workload", "aud": "x", "iat": now,
            "exp": now + 3600, **claims}
    return f'{encoded(header)}.{encoded(body)}.{"c2ln" * 20}'


def gcp(case, **changes):
    provider(case, "gcp")
    case.set(**changes)


def file_source(case, text):
    case.set(credentialSource={"file": str(case.file("token", text))})


# MARK: What an account file says

def response_saved_whole(case):
    case.text = json.dumps({"data": {"createWIFAuthBinding": {
        "binding": {"mrn": "//m"}, "config": case.content}}})


def array_around(case):
    case.text = json.dumps([case.content])


def commented(case):
    case.text = "// Mondoo's production space\n" + json.dumps(case.content, indent=1)


def single_quotes(case):
    case.text = json.dumps(case.content).replace('"', "'")


def empty_file(case):
    case.text = "\n"


def byte_order_mark(case):
    case.text = "\ufeff" + json.dumps(case.content)


def service_misspelt(case):
    gcp(case, service="mondo")


def type_of_another(case):
    gcp(case, type="service_account")


def universe_without_scheme(case):
    gcp(case, universeDomain="us.api.mondoo.com")


def source_as_text(case):
    case.set(credentialSource="github")


def audience_is_an_id(case):
    gcp(case, audience="demo")


def audience_with_slash(case):
    gcp(case, audience=case.content["audience"] + "/")


def audience_of_role(case):
    gcp(case, audience="//iam.api.mondoo.app/roles/agent")


def issuer_is_discovery(case):
    gcp(case, issuerUri="https://accounts.google.com/.well-known/openid-configuration")


def issuer_without_scheme(case):
    gcp(case, issuerUri="accounts.google.com")


def issuer_over_http(case):
    gcp(case, issuerUri="http://accounts.google.com")


def issuer_with_blank(case):
    gcp(case, issuerUri="https://accounts.google.com ")


# MARK: Outputs and hooks

def two_outputs_one_path(case):
    out = {"format": "raw", "path": f"{case.test.scratch}/out"}
    gcp(case, outputs=[out, {**out, "format": "json"}])


def file_in_the_way(case):
    case.file("place", "x")
    gcp(case, outputs=[{"format": "raw", "path": f"{case.test.scratch}/place/out"}])


def relative_output(case):
    gcp(case, outputs=[{"format": "raw", "path": "credentials/out"}])


def unit_without_suffix(case):
    gcp(case, onRefresh=[{"unit": "cnspec"}])


def hook_of_words(case):
    gcp(case, onRefresh=[{"command": "systemctl reload nginx"}])


# MARK: The way

def der_certificate(case):
    path = case.test.scratch / "ca.der"
    path.write_bytes(bytes.fromhex("3082015930819f"))
    gcp(case, caFile=str(path))


def proxy_without_scheme(case):
    gcp(case, proxy="proxy.example:3128")


def metadata_host_as_url(case):
    host = case.environment["GCE_METADATA_HOST"]
    gcp(case)
    case.environment["GCE_METADATA_HOST"] = f"http://{host}"


# MARK: The token

def token_in_quotes(case):
    file_source(case, json.dumps(case.token("gcp", sub=GCP)))


def token_assigned(case):
    file_source(case, "OIDC_TOKEN=" + case.token("gcp", sub=GCP))


def token_cut(case):
    file_source(case, ".".join(case.token("gcp", sub=GCP).split(".")[:2]))


def two_tokens(case):
    file_source(case, case.token("gcp", sub=GCP) + "\n" + case.token("gcp", sub=GCP) + "\n")


def source_is_directory(case):
    case.set(credentialSource={"file": str(case.test.scratch)})


def program_says_more(case):
    token = case.token("gcp", sub=GCP)
    program = case.file("mint", f"#!/bin/sh\necho warning: cached\necho {token}\n")
    program.chmod(0o755)
    case.set(credentialSource={"executable": {"command": [str(program)]}})


def wrong_field(case):
    path = case.file("token", json.dumps({"access_token": case.token("gcp", sub=GCP)}))
    case.set(credentialSource={"file": str(path), "format": {
        "type": "json", "subject_token_field_name": "id_token"}})


def algorithm_none(case):
    case.content = case.world.named("mondoo-custom")
    file_source(case, unsigned(case, {"alg": "none"}))


def symmetric(case):
    case.content = case.world.named("mondoo-custom")
    file_source(case, unsigned(case, {"alg": "HS256", "kid": "k"}))


def not_yet_valid(case):
    file_source(case, case.token("gcp", sub=GCP, nbf=int(time.time()) + 1800))


def identity_of_another(case):
    case.content = case.world.named("mondoo-azure")
    case.set(credentialSource={"provider": "azure", "resource": "api://acme",
                               "clientId": "00000000-1111-2222-3333-444444444444"})


# MARK: What the service trusts

def trusts_old_form(case):
    case.content = case.world.named("mondoo-github")
    file_source(case, case.token("github", sub=IMMUTABLE, repository="acme/app",
                                 repository_id="123456789", ref="refs/heads/main"))
    case.trust(subject="repo:acme/app:ref:refs/heads/main")


def mapping_misspelt(case):
    case.content = case.world.named("mondoo-github")
    provider(case, "github")
    case.trust(subject="repo:acme/app:ref:refs/heads/main",
               mappings={"jwt_claims.repo": "acme/app"})


def subject_with_blank(case):
    gcp(case)
    case.trust(subject=GCP + " ")


def unknown_client(case):
    case.content = case.world.named("conductorone-gcp")
    gcp(case, clientId="no-such-bear-1@acme.conductor.one/wfe")


def project_unknown(case):
    case.content = case.world.named("bright-gcp")
    gcp(case, projectId="nope")


def bright_audience(case):
    case.content = case.world.named("bright-gcp")
    gcp(case, tokenAudience="https://elsewhere.example")


def endpoint_is_host(case):
    case.content = case.world.named("oauth-gcp")
    gcp(case, tokenUrl=case.content["tokenUrl"].removesuffix("/oauth/token"))


def several_projects(case):
    case.content = case.world.named("bright-gcp")
    gcp(case, projectId=None)
    terms = {"service": "bright", "issuer": "https://accounts.google.com",
             "allowedAudiences": ["https://app.brightsec.com"],
             "condition": f'sub == "{GCP}"'}
    trusts = [{**terms, "projectId": name} for name in ("one", "two")]
    case.arguments += ["--trust", case.file("trust.json", json.dumps(trusts))]


# what, set-up, words of the cause, words of what to do
ROWS = [
    ("the whole reply of the API saved", response_saved_whole, "graphql", "config"),
    ("an array around the object", array_around, "array", "object"),
    ("a comment in the JSON", commented, "comment", "json"),
    ("single quotes", single_quotes, "'", "double quotes"),
    ("an empty file", empty_file, "empty", "provider"),
    ("a misspelt service", service_misspelt, "mondo", "mean"),
    ("a Google key file's type", type_of_another, "service_account", "external_account"),
    ("universeDomain without https://", universe_without_scheme, "us.api.mondoo.com",
     "https://us.api.mondoo.com"),
    ("credentialSource as a word", source_as_text, "credentialsource", "provider"),
    ("the space's id as audience", audience_is_an_id, "demo", "//captain.api.mondoo.app/spaces/"),
    ("a slash after the space's MRN", audience_with_slash, "audience", "slash"),
    ("a role's MRN as audience", audience_of_role, "roles/agent",
     "//captain.api.mondoo.app/spaces/"),
    ("the discovery document as issuer", issuer_is_discovery, ".well-known",
     "https://accounts.google.com"),
    ("an issuer without https://", issuer_without_scheme, "issueruri", "https://"),
    ("an issuer over http", issuer_over_http, "http", "https://accounts.google.com"),
    ("a blank behind the issuer", issuer_with_blank, "space", "issueruri"),

    ("two outputs with one path", two_outputs_one_path, "twice", "path"),
    ("a file on the way to an output", file_in_the_way, "not a directory", "path"),
    ("a relative path", relative_output, "absolute", "path"),
    ("a unit without its suffix", unit_without_suffix, "cnspec", "cnspec.service"),
    ("a hook's command as text", hook_of_words, "command", "array"),

    ("a certificate in DER", der_certificate, "pem", "openssl x509"),
    ("a proxy without http://", proxy_without_scheme, "proxy", "http://"),

    ("a token in quotes", token_in_quotes, "quote", "format"),
    ("a token behind NAME=", token_assigned, "a name and =", "give only"),
    ("a token without its signature", token_cut, "two parts", "whole"),
    ("two tokens in a file", two_tokens, "more than one", "one token"),
    ("a directory as token file", source_is_directory, "not a regular file", "file"),
    ("a program that says more", program_says_more, "more than", "standard error"),
    ("a field that the file lacks", wrong_field, "id_token", "access_token"),
    ("a token that nobody signed", algorithm_none, "none", "sign"),
    ("a token signed with a secret", symmetric, "hs256", "rs256"),
    ("a token of the future", not_yet_valid, "valid", "clock"),
    ("a managed identity of another VM", identity_of_another, "identity not found", "clientid"),

    ("GitHub's old subject is trusted", trusts_old_form, "immutable", "repository_id"),
    ("a mapping's claim misspelt", mapping_misspelt, "repo", "jwt_claims.repository"),
    ("a blank behind the trusted subject", subject_with_blank, "space", "trust"),
    ("ConductorOne's client unknown", unknown_client, "client", "clientid"),
    ("Bright's project unknown", project_unknown, "nope", "projectid"),
    ("an audience that Bright does not allow", bright_audience, "https://elsewhere.example",
     "tokenaudience"),
    # The metadata server has the root of that port, and answers no JSON.
    ("a token endpoint without its path", endpoint_is_host, "not json", "tokenurl"),
    ("two projects of Bright that both fit", several_projects, "one and two", "projectid"),
]

WORLD = ["--platform", "gcp,azure,github", "--azure-resource", "api://acme"]


class Trial(World):
    """Runs rows, those of a world against one emulator, and grades what doctor says."""

    def trial(self, rows, worlds, needs_root=frozenset()):
        emulators = {name: self.emulator(*arguments) for name, arguments in worlds.items()}
        scratch = self.scratch
        scratch.chmod(0o755)
        grades = {}
        step = 1 if os.environ.get("WIF_AGENT_SLOW_TESTS") else 3
        for index, (what, set_up, world_name, cause, advice) in enumerate(rows[::step]):
            if set_up in needs_root and not is_root():
                continue
            self.scratch = scratch / str(index)
            self.scratch.mkdir(mode=0o755)
            self.runtime = self.scratch / "run"
            self.runtime.mkdir(mode=0o755)
            case = Case(self, emulators[world_name])
            try:
                set_up(case)
                done = case.run()
            finally:
                case.world.heal()
            grades[what], said = self.grade(done, cause, advice)
            if os.environ.get("WIF_GRADES"):
                print(f"{grades[what]}  {what}: {said}", flush=True)
        counts = {grade: list(grades.values()).count(grade) for grade in "ABCF"}
        if os.environ.get("WIF_GRADES"):
            print(f"{len(grades)} rows: {counts}", flush=True)
        poor = {what: grade for what, grade in grades.items() if grade not in "AB"}
        self.assertEqual(poor, {})

    def grade(self, done, cause, advice):
        try:
            steps = json.loads(done.stdout)["accounts"][0]["steps"]
        except ValueError:
            return "C", (done.stdout + done.stderr).decode()
        found = next((one for one in steps if one["state"] == "failed"), None)
        found = found or next((one for one in steps if one["state"] == "warning"), None)
        if found is None:
            return "F", "nothing failed"
        said = f'{found["step"]}: {found["cause"]} | {found["hint"]}'
        text = " ".join([found.get("about", ""), found["cause"], found["hint"]]).lower()
        hint = found["hint"].lower()
        if cause not in text:
            return "C", said
        return ("A" if advice in hint else "B"), said


class Blind(Trial):
    def test_forty_misconfigurations(self):
        rows = [(what, set_up, "plain", *words) for what, set_up, *words in ROWS]
        self.trial(rows, {"plain": WORLD})


class SecondBlind(Trial):
    def test_eighty_eight_misconfigurations(self):
        self.trial(blind_rows.ROWS, blind_rows.WORLDS, blind_rows.NEEDS_ROOT)


class ThirdBlind(Trial):
    def test_forty_two_later_ones(self):
        self.trial(blind_rows_later.ROWS, blind_rows.WORLDS)


class FourthBlind(Trial):
    def test_seventy_more(self):
        self.trial(blind_rows_fourth.ROWS, blind_rows.WORLDS, blind_rows_fourth.NEEDS_ROOT)


class SixthBlind(Trial):
    def test_what_the_environment_leaves_behind(self):
        self.trial(blind_rows_sixth.ROWS, blind_rows.WORLDS)

    def test_two_agents_that_write_one_file(self):
        case = Case(self, self.emulator(*WORLD))
        gcp(case, outputs=[{"format": "raw", "path": f"{self.scratch}/out"}])
        account = self.account(case.content, name="one")
        other = self.scratch / "other"
        other.mkdir(mode=0o700)
        for runtime in (self.runtime, other):
            agent = world.Process(
                [BIN / "wif-agent", "run", "--runtime-dir", runtime, "-c", account],
                self.scratch / f"{runtime.name}.log", case.environment)
            self.addCleanup(agent.stop)
            done = self.wif("wait", "--timeout", "20", "--runtime-dir", runtime)
            self.assertEqual(done.returncode, 0, agent.text())
        done = self.control("doctor", account, environment=case.environment)
        self.assertNotEqual(done.returncode, 0)
        said = done.stdout.decode()
        self.assertIn(f"another agent writes there, too: process {agent.pid} in {other}", said)
        self.assertIn(f"stop that agent (kill {agent.pid}", said)


class SeventhBlind(Trial):
    def test_what_readers_containers_and_jobs_lack(self):
        self.trial(blind_rows_seventh.ROWS, blind_rows.WORLDS)


class EighthBlind(Trial):
    def test_the_value_to_write_and_whose_rights_are_meant(self):
        self.trial(blind_rows_eighth.ROWS, blind_rows.WORLDS, blind_rows_eighth.NEEDS_ROOT)

    @unittest.skipUnless(is_root(), "another user's agent takes root")
    def test_another_user_is_not_told_what_root_may_not(self):
        case = Case(self, self.emulator(*WORLD))
        self.scratch.chmod(0o755)
        place = self.scratch / "place"
        place.mkdir(mode=0o700)
        gcp(case, outputs=[{"format": "raw", "path": str(place / "out")}])
        account = self.account(case.content, name="one")
        account.chmod(0o644)
        self.runtime.chmod(0o755)
        agent = world.Process(
            [BIN / "wif-agent", "run", "--runtime-dir", self.runtime, "-c", account],
            self.scratch / "agent.log", case.environment)
        self.addCleanup(agent.stop)
        done = self.wif("wait", "--timeout", "20", "--runtime-dir", self.runtime)
        self.assertEqual(done.returncode, 0, agent.text())
        done = subprocess.run(
            [str(word) for word in (
                BIN / "wif-agent", "doctor", "-c", account, "--runtime-dir", self.runtime)],
            capture_output=True, timeout=60, env=case.environment, stdin=subprocess.DEVNULL,
            user="nobody", group="nogroup", extra_groups=[])
        said = done.stdout.decode()
        self.assertEqual(done.returncode, 0, said)
        self.assertIn("nobody, this user, may not look at it", said)
        self.assertIn('a file with "owner": "nobody"', said)
        self.assertIn("nothing failed, 1 warning; first thing to do, agent", said)


class NinthBlind(Trial):
    def test_what_services_and_platforms_say(self):
        self.trial(blind_rows_ninth.ROWS, blind_rows_ninth.WORLDS)


class FifthBlind(Trial):
    def test_kinds_of_mistakes(self):
        self.trial(blind_rows_fifth.ROWS, blind_rows.WORLDS, blind_rows_fifth.NEEDS_ROOT)

    def test_an_output_of_two_accounts(self):
        case = Case(self, self.emulator(*WORLD))
        gcp(case, outputs=[{"format": "raw", "path": f"{self.scratch}/out"}])
        files = [self.account(case.content, name=name) for name in ("first", "second")]
        for command in (["check", *files], ["doctor", *files, "--runtime-dir", self.runtime]):
            done = self.wif(*command, environment=case.environment)
            said = (done.stdout + done.stderr).decode()
            self.assertNotEqual(done.returncode, 0, said)
            self.assertIn(f"{self.scratch}/first.json, too", said)
            self.assertIn("another path", said)


if __name__ == "__main__":
    import unittest

    unittest.main()
