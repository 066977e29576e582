"""Services that an account file describes by configuration alone, each played strictly."""

import json
import re

from world import ROOT, World, secrets

# What begins the credential of each, and whether its request is JSON.
VENDORS = {
    "entra": "", "keycloak": "", "anthropic": "sk-ant-oat01-", "openai": "", "vault": "hvs.",
    "octo-sts": "ghs_",
}


class Vendors(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "github,gcp", "--credential-lifetime", "1800")

    def get(self, path, *arguments):
        return self.wif("get", "--fresh", "-c", path, "--timeout", 5, *arguments, records=False,
                        environment=self.environment(self.world))

    def test_each_by_its_account_file(self):
        for vendor, prefix in VENDORS.items():
            for platform in ["github", "gcp"]:
                with self.subTest(f"{vendor} with {platform}"):
                    path = self.account(self.world.named(f"{vendor}-{platform}"), name=vendor)
                    done = self.get(path)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    token = done.stdout.decode()
                    secrets.add(token)
                    issued = self.world.ask("/_emulator/issued")["issued"]
                    self.assertIn((vendor, token), [(one["from"], one["value"]) for one in issued])
                    self.assertTrue(token.startswith(prefix), token[:8])
                    check = self.wif("check", "-c", path)
                    self.assertEqual(check.returncode, 0, check.stderr)
                    self.assertNotIn(b"warning", check.stderr + check.stdout)

    def test_the_manuals_examples_are_the_ones_that_are_tested(self):
        # A reader writes their own values in place of these words, which are refused.
        text = re.sub(r"\b(TENANT|HOST|NAME|REALM|OWNER|REPOSITORY|[A-Z]+-ID)\b", "0c1d2e3f-4a5b-4c6d-8e9f-a0b1c2d3e4f5",
                      (ROOT / "man/wif-agent.json.5").read_text())
        examples = [json.loads(block) for block in re.findall(
            r"^\.Bd -literal -offset indent\n(\{\n.*?^\})$", text, re.M | re.S)]
        self.assertGreater(len(examples), 12)
        for example in examples:
            done = self.wif("check", "-c", self.account(example, name="example"))
            self.assertEqual((done.returncode, done.stderr), (0, b""), example)
            self.assertNotIn(b"warning", done.stdout)
        shapes = [self.shape(example) for example in examples]
        for vendor in VENDORS:
            self.assertIn(self.shape(self.world.named(f"{vendor}-github")), shapes, vendor)

    @staticmethod
    def shape(account):
        """How a file asks: all but names and addresses."""
        return (account.get("grant"), account.get("requestFormat"),
                sorted(account.get("parameters", {})), account.get("response"),
                "clientId" in account, account.get("scopes"))

    def test_the_lifetime_is_the_replys(self):
        for vendor, lifetime in [("vault", 1800), ("keycloak", 1800), ("octo-sts", 3600)]:
            with self.subTest(vendor):
                path = self.account(self.world.named(f"{vendor}-github"), name=vendor)
                done = self.wif("doctor", "-c", path, environment=self.environment(self.world))
                self.assertIn(f"a credential of {lifetime} s".encode(), done.stdout, done.stderr)

    def test_a_refusal_says_what_to_change(self):
        rows = [
            ("entra", {"tokenAudience": "api://other"}, 77, "set tokenAudience"),
            ("entra", {"scopes": "https://graph.microsoft.com"}, 77, "/.default"),
            ("keycloak", {"grant": "jwt-bearer"}, 77, "does not take the grant jwt-bearer"),
            ("anthropic", {"requestFormat": "form"}, 77, "application/json"),
            ("anthropic", {"grant": "token-exchange"}, 77, "does not take the grant token-exchange"),
            ("vault", {"parameters": {"role": "other"}}, 77, "role could not be found"),
            ("vault", {"response": {"credential": "auth.token"}}, 75, "has no auth.token"),
            ("octo-sts", {"parameters": {"scope": "acme/other", "identity": "x"}}, 77,
             "unable to find trust policy"),
        ]
        for vendor, change, code, text in rows:
            with self.subTest(f"{vendor}: {change}"):
                path = self.account(self.world.named(f"{vendor}-github"), name=vendor, **change)
                # A refusal ends it at once; what may pass is tried again until the end.
                done = self.wif("get", "--fresh", "-c", path, "--timeout", 20 if code == 77 else 5,
                                environment=self.environment(self.world))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr.decode())
