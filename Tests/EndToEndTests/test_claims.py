"""`wif-agent claims`: a condition on the token's claims, tried and suggested."""

import base64
import json

from world import World

CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com", "aud": "acme.conductor.one",
    "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app",
    "repository_id": "123", "ref": "refs/heads/main", "environment": "prod",
    "iat": 1_900_000_000, "exp": 4_000_000_000,
}
AWS = {"Account": "1234", "Arn": "arn:aws:sts::1234:assumed-role/r/s", "UserId": "AROA:s"}
LONG = "claims.sub == '" + "x" * 1100 + "'"
DEEP = "(" * 200 + "true" + ")" * 200


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims):
    return f'{encoded({"alg": "RS256", "kid": "k"})}.{encoded(claims)}.{"c2ln" * 20}\n'


class Claims(World):
    def claims(self, *arguments, given=CLAIMS, **options):
        data = given if isinstance(given, bytes) else json.dumps(given).encode()
        return self.wif("claims", "-", *arguments, stdin=data, **options)

    # service, conditions, exit code, a part of what is printed
    CONDITIONS = [
        ("conductorone", ["claims.sub == 'repo:acme/app:ref:refs/heads/main'"], 0,
         "conductorone: accepted"),
        ("conductorone", ["claims.ref == 'refs/heads/dev'"], 77, '"refs/heads/main"  claims.ref'),
        ("conductorone", ["claims.absent == 1"], 77, "error: "),
        ("conductorone", ["1 / 0 == 1"], 77, "error: "),
        ("conductorone", ["9223372036854775807 + 1 > 0"], 77, "error: "),
        ("conductorone", ["claims.sub.startsWith('repo:acme/ap')"], 0, "ends in a name"),
        ("conductorone", ["claims.repository == 'acme/app'"], 0, "subject is not checked"),
        ("bright", ["sub == 'repo:acme/app:ref:refs/heads/main' && claims.ref == 'x'"], 77,
         "false  claims.ref == 'x'"),
        ("bright", ["sub in ['repo:acme/app:ref:refs/heads/main']"], 0, "bright: accepted"),
        ("mondoo", ["subject=repo:acme/app:ref:refs/heads/main", "jwt_claims.repository=acme/app"],
         0, "✓ jwt_claims.repository"),
        ("mondoo", ["subject=other"], 77, "✗ subject"),
        ("mondoo", ["jwt_claims.repository=acme/app"], 0, "no subject is given"),
        ("mondoo", ["subject = repo:acme/app:ref:refs/heads/main",
                    "jwt_claims.repository = acme/app"], 0, "mondoo: accepted"),
        ("mondoo", ["subject=acme/app"], 0, "mondoo: cannot be told here: Mondoo's page for GitHub"),
        ("bright", ["Organization or user = acme", "Repository = app", "Branch / Ref = main"], 77,
         "✗ Organization or user"),
    ]

    def test_conditions_are_tried_and_shown_part_by_part(self):
        for service, conditions, code, shown in self.CONDITIONS:
            with self.subTest(service=service, conditions=conditions):
                arguments = [word for text in conditions for word in ("--when", text)]
                done = self.claims(
                    "--for", service, *arguments, environment={"LANG": "C.UTF-8"})
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(shown, done.stdout.decode())

    # service, condition, a part of the message
    ERRORS = [
        ("conductorone", LONG, "at most 1024 bytes"),
        ("conductorone", DEEP, "deep"),
        ("conductorone", "claims.sub = 'a'", "line 1, column"),
        ("conductorone", "sub == 'a'", "did you mean claims.sub?"),
        ("bright", "sub == 'a' || sub == 'b'", "Bright takes the operators"),
        ("bright", "claims.ref == 'a'", "sub"),
        ("mondoo", "jwt.ref=a", "unknown prefix"),
        ("mondoo", "aws_claims.ref=a", "nothing that AWS states"),
    ]

    def test_what_is_no_condition_is_a_usage_error(self):
        for service, condition, message in self.ERRORS:
            with self.subTest(service=service, condition=condition[:40]):
                done = self.claims("--for", service, "--when", condition)
                self.assertEqual((done.returncode, done.stdout), (64, b""))
                self.assertIn(message, done.stderr.decode())

    def test_a_suggestion_holds_for_the_token_it_is_made_of(self):
        for service in ("conductorone", "bright", "mondoo"):
            done = self.claims("--for", service, "--json")
            advice = json.loads(done.stdout)["suggestion"]
            if service == "mondoo":
                conditions = [f"subject={advice['subject']}"] + [
                    f"{key}={value}" for key, value in advice["mappings"].items()]
                self.assertGreater(len(conditions), 2)
            else:
                conditions = [advice["condition"]]
            arguments = [word for text in conditions for word in ("--when", text)]
            report = json.loads(self.claims("--for", service, "--json", *arguments).stdout)
            self.assertEqual((report["accepted"], report["warnings"]), (True, []), service)
            other = {**CLAIMS, "sub": CLAIMS["sub"].replace("main", "evil")}
            done = self.claims("--for", service, *arguments, given=other)
            self.assertEqual(done.returncode, 77, service)

    def test_awss_answer_is_held_against_mappings(self):
        done = self.claims("--for", "mondoo", "--when", "aws_claims.account=1234", "--when",
                           "subject=arn:aws:sts::1234:assumed-role/r/*", given=AWS)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("assumed-role/r/*", done.stdout.decode())

    def test_what_one_command_prints_the_others_take(self):
        text = self.claims("--for", "mondoo").stdout.decode()
        lines = [line.strip() for line in text.splitlines() if " = " in line]
        self.assertIn("jwt_claims.repository = acme/app", lines)
        self.assertIn(f"subject = {CLAIMS['sub']}", lines)
        arguments = [word for line in lines for word in ("--when", line)]
        file = self.scratch / "lines"
        file.write_text("\n\n".join(lines) + "\n")
        for tried in (arguments, ["--when-file", file]):
            done = self.claims("--for", "mondoo", "--json", *tried)
            report = json.loads(done.stdout)
            self.assertEqual((done.returncode, report["verdict"]), (0, "accepted"), report)

    def test_a_form_of_brights_for_a_ci_provider(self):
        claims = {**CLAIMS, "repository_owner": "acme"}
        advice = json.loads(self.claims("--for", "bright", "--json", given=json.dumps(
            claims).encode()).stdout)["suggestion"]
        self.assertEqual(advice["issuer"], CLAIMS["iss"])
        self.assertEqual(advice["preset"], {"provider": "github", "fields": {
            "Organization or user": "acme", "Repository": "app", "Branch / Ref": "main",
            "Environment name": "prod"}})
        fields = [word for title, value in advice["preset"]["fields"].items()
                  for word in ("--when", f"{title} = {value}")]
        done = self.claims("--for", "bright", "--json", *fields, given=json.dumps(claims).encode())
        self.assertEqual(json.loads(done.stdout)["verdict"], "accepted")
        trust = self.scratch / "trust.json"
        trust.write_text(json.dumps({
            "service": "bright", "issuer": CLAIMS["iss"], "allowedAudiences": [CLAIMS["aud"]],
            **advice["preset"]}))
        done = self.claims("--trust", trust, "--json", given=json.dumps(claims).encode())
        self.assertEqual(json.loads(done.stdout)["verdict"], "accepted", done.stdout)

    # Of each of Bright's forms: the fields that a token of the platform fills in.
    FORMS = {
        "github": {"Organization or user": "acme", "Repository": "app", "Branch / Ref": "main"},
        "gitlab": {"Namespace / Project": "acme/app", "Ref type": "branch", "Ref": "main"},
        "bitbucket": {"Workspace UUID": "{7f2a}", "Repository UUID": "{3b1e}"},
        "circleci": {"Organization ID": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
                     "Project ID": "77aa", "VCS origin": "github.com/acme/app",
                     "VCS ref": "refs/heads/main"},
    }

    def test_brights_forms_are_suggested_tried_and_played(self):
        listed = ",".join(self.FORMS)
        world = self.emulator("--platform", listed)
        good, bad = [], []
        for name, fields in self.FORMS.items():
            source = {"provider": name}
            if name == "circleci":
                source["variable"] = "CIRCLE_OIDC_TOKEN_V2"
            path = self.account(world.named(f"bright-{name}"), name=name, credentialSource=source)
            done = self.wif("claims", "-c", path, "--for", "bright", "--json",
                            environment=self.environment(world))
            report = json.loads(done.stdout)
            advice = report["suggestion"]
            self.assertEqual(advice["preset"], {"provider": name, "fields": fields}, done.stderr)
            self.assertTrue(advice["issuer"].startswith("https://"), advice["issuer"])
            audience = report["claims"]["aud"]
            terms = {"service": "bright", "issuer": name, "allowedAudiences": [audience],
                     "provider": name}
            good.append({**terms, "fields": fields})
            title = list(fields)[-1]
            bad.append({**terms, "fields": {**fields, title: "other"}})
            for trust, code, verdict in [(good[-1], 0, "accepted"), (bad[-1], 77, "refused")]:
                file = self.scratch / "trust.json"
                file.write_text(json.dumps({**trust, "issuer": advice["issuer"]}))
                done = self.wif("claims", "-c", path, "--trust", file, "--json",
                                environment=self.environment(world))
                told = json.loads(done.stdout)
                self.assertEqual((done.returncode, told["verdict"]), (code, verdict), told)
                if code:
                    clause = next(one for one in told["clauses"] if one["verdict"] == "refused")
                    self.assertEqual(clause["name"], title)
                    self.assertIn(f"write {title} = {fields[title]}", clause["hint"])
        for trusts, code in [(good, 0), (bad, 77)]:
            played = self.emulator("--platform", listed, "--trust", json.dumps(trusts))
            for name in self.FORMS:
                source = {"provider": name}
                if name == "circleci":
                    source["variable"] = "CIRCLE_OIDC_TOKEN_V2"
                path = self.account(played.named(f"bright-{name}"), name=name,
                                    credentialSource=source)
                done = self.wif("get", "-c", path, "--fresh", records=False,
                                environment=self.environment(played))
                self.assertEqual(done.returncode, code, (name, done.stderr))

    def test_githubs_two_forms_of_the_subject(self):
        plain, immutable = "repo:acme/app:ref:refs/heads/main", (
            "repo:acme@987654/app@123456789:ref:refs/heads/main")
        for form, subject, other in [("plain", plain, immutable), ("immutable", immutable, plain)]:
            with self.subTest(form):
                world = self.emulator("--platform", "github", "--github-subject", form)
                environment = self.environment(world)
                path = self.account(world.named("mondoo-github"))
                # The world's own trust is for the form that it mints.
                done = self.wif("get", "-c", path, "--fresh", environment=environment,
                                records=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                done = self.wif("claims", "-c", path, "--for", "mondoo", "--json",
                                environment=environment)
                advice = json.loads(done.stdout)["suggestion"]
                self.assertEqual(advice["subject"], subject)
                self.assertEqual(advice["mappings"]["jwt_claims.repository_id"], "123456789")
                self.assertTrue([one for one in advice["remarks"] if "the sub is in GitHub's" in one])
                trust = {"issuer": "github", "subject": other}
                strict = self.emulator("--platform", "github", "--github-subject", form,
                                       "--trust", json.dumps(trust))
                path = self.account(strict.named("mondoo-github"))
                done = self.wif("doctor", "--json", "-c", path, "--runtime-dir", self.runtime,
                                environment=self.environment(strict))
                self.assertEqual(done.returncode, 77, done.stdout)
                first = json.loads(done.stdout)["first"]
                self.assertIn(f"write the provider's subject as {subject}", first["hint"])
                named = "repository_id, 123456789, is the same in both forms" in first["hint"]
                self.assertEqual(named, form == "immutable", first)

    def test_two_projects_of_bright_that_both_fit(self):
        terms = {"service": "bright", "issuer": CLAIMS["iss"], "allowedAudiences": [CLAIMS["aud"]],
                 "condition": f"sub == '{CLAIMS['sub']}'"}
        trust = self.scratch / "trust.json"
        trust.write_text(json.dumps([{**terms, "projectId": name} for name in ("one", "two")]))
        report = json.loads(self.claims("--trust", trust, "--json").stdout)
        self.assertEqual((report["verdict"], report["accepted"]), ("cannot be told here", None))
        self.assertEqual(report["clauses"][-1]["name"], "resource")
        self.assertIn("without it rejects it as ambiguous", report["why"])

    def test_without_an_account_file(self):
        world = self.emulator("--platform", "github")
        environment = self.environment(world)
        environment.pop("MONDOO_CONFIG_PATH", None)
        done = self.wif("claims", "--for", "bright", "--audience", "https://github.com/acme",
                        "--json", environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"no account file", done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["claims"]["aud"], "https://github.com/acme")
        self.assertEqual(report["suggestion"]["preset"]["provider"], "github")

    def test_files(self):
        condition = self.scratch / "condition"
        condition.write_text(f"claims.sub == '{CLAIMS['sub']}'\n")
        done = self.claims("--for", "conductorone", "--when-file", condition)
        self.assertEqual(done.returncode, 0, done.stderr)
        condition.write_bytes(b"claims.sub ==\n\xff")
        done = self.claims("--for", "conductorone", "--when-file", condition)
        self.assertEqual(done.returncode, 78, done.stderr)
        trust = self.scratch / "trust.json"
        trust.write_text(json.dumps({
            "service": "mondoo", "issuer": CLAIMS["iss"], "subject": CLAIMS["sub"],
            "allowedAudiences": ["other"], "mappings": {"jwt_claims.ref": "refs/heads/main"}}))
        done = self.claims("--trust", trust, environment={"LANG": "C.UTF-8"})
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("✗ audience: aud is \"acme.conductor.one\"", done.stdout.decode())
        self.assertIn("✓ jwt_claims.ref", done.stdout.decode())
        for text, message in (("{", "not JSON"), ('{"service":"mondoo"}', "issuer"),
                              ('{"issuer":"https://i","subject":"s","mappings":{"jwt_claims.a":1}}',
                               "not a string")):
            trust.write_text(text)
            done = self.claims("--trust", trust)
            self.assertEqual(done.returncode, 78)
            self.assertIn(message, done.stderr.decode())
        done = self.claims("--trust", self.scratch / "absent")
        self.assertEqual(done.returncode, 66)

    def test_what_is_read_may_be_anything(self):
        nested = b'{"a":' * 100 + b"1" + b"}" * 100
        for given, code in ((token(CLAIMS).encode(), 0), (b"", 78), (b"a.b.c", 78), (b"{", 78),
                            (b"[1]", 78), (b"\xff\xfe", 78), (nested, 78),
                            (b'{"a":1,"a":2}', 78), (b'{"a":"' + b"x" * 2_000_000 + b'"}', 66),
                            (b'{"sub":"\\u001b[31mred\\u009b"}', 0)):
            with self.subTest(given=given[:30]):
                done = self.claims("--for", "conductorone", "--when", "claims.sub == 'x'",
                                   given=given)
                self.assertEqual(done.returncode, 77 if code == 0 else code, done.stderr)
                for byte in (b"\x1b", b"\xc2\x9b"):
                    self.assertNotIn(byte, done.stdout)

    def test_the_token_of_this_machine(self):
        world = self.emulator()
        account = self.account(world.account)
        done = self.wif("claims", "-c", account, "--json", "--for", "mondoo",
                        environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["claims"]["iss"], "https://accounts.google.com")
        self.assertEqual(report["suggestion"]["subject"], report["claims"]["sub"])
        # Whose condition it is follows from the account.
        done = self.wif("claims", "-c", account, "--when", "subject=nobody",
                        environment=self.environment(world))
        self.assertEqual(done.returncode, 77, done.stderr)

    def test_of_a_signed_request_aws_is_asked(self):
        world = self.emulator("--platform", "aws")
        account = self.account(world.account)
        done = self.wif("claims", "-c", account, "--json", "--for", "mondoo",
                        environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertIn("Arn", report["claims"])
        pairs = {"subject": report["suggestion"]["subject"], **report["suggestion"]["mappings"]}
        arguments = [word for key, value in pairs.items() for word in ("--when", f"{key}={value}")]
        done = self.wif("claims", "-c", account, "--for", "mondoo", *arguments,
                        environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(b"accepted", done.stdout)

    def test_usage(self):
        for arguments, message in (
                (["--for", "conductrone"], "did you mean conductorone?"),
                (["--when", "true"], "whose condition is it?"),
                (["--when", "a", "--trust", "b"], "exclude each other")):
            done = self.claims(*arguments)
            self.assertEqual(done.returncode, 64)
            self.assertIn(message, done.stderr.decode())


if __name__ == "__main__":
    import unittest

    unittest.main()
