"""Each token source, exchanged for a credential, over plain HTTP and TLS."""

import base64
import json
import os

from world import World


class Sources(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp,azure,github")

    def get(self, account, **environment):
        done = self.wif("get", "--fresh", "-c", account, "--timeout", 5, records=False,
                        environment=self.environment(self.world, **environment))
        return done

    def assert_credential(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(base64.b64decode(done.stdout, validate=True))
        self.assertLessEqual({"mrn", "private_key", "certificate", "api_endpoint"}, set(document))

    def test_named_providers(self):
        for provider in ["gcp", "azure", "github"]:
            with self.subTest(provider):
                path = self.account(self.world.named(f"mondoo-{provider}"),
                                    credentialSource={"provider": provider})
                self.assert_credential(self.get(path))

    def test_auto_prefers_the_matching_issuer(self):
        for provider in ["gcp", "azure", "github"]:
            with self.subTest(provider):
                path = self.account(self.world.named(f"mondoo-{provider}"))
                done = self.get(path)
                self.assert_credential(done)
                self.assertNotIn(b"warning", done.stderr)

    def test_auto_warns_of_another_issuer(self):
        path = self.account(self.world.account, issuerUri="https://issuer.example")
        done = self.wif("token", "-c", path, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["iss"], "https://accounts.google.com")
        self.assertIn(b"https://issuer.example", done.stderr)
        self.assertIn(b"https://accounts.google.com", done.stderr)

    def test_azure_legacy_where_imds_is_away(self):
        account = self.world.named("mondoo-azure")
        path = self.account(account, credentialSource={"provider": "azure"})
        done = self.get(path, AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:1")
        self.assert_credential(done)
        seen = self.world.ask("/_emulator/requests?path=/oauth2/token")["requests"]
        self.assertTrue(seen)

    def test_file_text_and_json(self):
        token = self.world_token()
        text = self.scratch / "token"
        text.write_text(token + "\n")
        boxed = self.scratch / "token-json"
        boxed.write_text(json.dumps({"id_token": token}))
        formats = {
            text: None,
            boxed: {"type": "json", "subjectTokenFieldName": "id_token"},
        }
        for file, form in formats.items():
            with self.subTest(file.name):
                source = {"file": str(file)}
                if form:
                    source["format"] = form
                path = self.account(self.world.account, credentialSource=source)
                self.assert_credential(self.get(path))

    def test_environment_literal_and_jwt_token(self):
        token = self.world_token()
        cases = {
            "environment": ({"credentialSource": {"environment": "MY_TOKEN"}}, {"MY_TOKEN": token}),
            "jwtToken": ({"jwtToken": token}, {}),
            "JWT_TOKEN": ({}, {"JWT_TOKEN": token}),
        }
        for name, (changes, environment) in cases.items():
            with self.subTest(name):
                path = self.account(self.world.account, **changes)
                self.assert_credential(self.get(path, **environment))

    def world_token(self):
        path = self.account(self.world.account, name="minter", credentialSource={"provider": "gcp"})
        done = self.wif("token", "--raw", "-c", path, records=False,
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().strip()

    def test_bad_token_files(self):
        cases = {"missing": None, "empty": "", "directory": "/"}
        for name, content in cases.items():
            with self.subTest(name):
                file = self.scratch / name
                if content == "/":
                    file.mkdir()
                elif content is not None:
                    file.write_text(content)
                path = self.account(self.world.account, credentialSource={"file": str(file)})
                done = self.get(path)
                self.assertIn(done.returncode, (69, 78), done.stderr)
                self.assertIn(str(file).encode(), done.stderr)

    def test_no_platform_at_all(self):
        nothing = self.emulator("--platform", "none")
        path = self.account(nothing.account)
        done = self.wif("get", "--fresh", "-c", path, "--timeout", 2,
                        environment=self.environment(nothing))
        self.assertEqual(done.returncode, 69, done.stderr)
        for source in (b"gcp", b"azure", b"github"):
            self.assertIn(source, done.stderr)


class Secure(World):
    """The same over TLS, and everything that can be wrong with it."""

    def get(self, world, account, **environment):
        return self.wif("get", "--fresh", "-c", account, "--timeout", 1.5, records=False,
                        environment=self.environment(world, **environment))

    def test_tls_with_each_way_to_name_the_authority(self):
        world = self.emulator("--platform", "gcp,github", "--tls")
        self.assertTrue(world.account["universeDomain"].startswith("https://"))
        ca = world.directory / "ca.pem"
        path = self.account(world.account)
        self.assertEqual(self.get(world, path).returncode, 0)
        path = self.account(world.account, caFile=str(ca))
        self.assertEqual(self.get(world, path, SSL_CERT_FILE="/dev/null").returncode, 0)

    def test_certificates_that_must_not_pass(self):
        for fault in ["expired", "wrong-host", "unknown-ca"]:
            with self.subTest(fault):
                world = self.emulator("--platform", "gcp", "--tls", "--tls-fault", fault)
                done = self.get(world, self.account(world.account))
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertIn(b"certificate", done.stderr.lower())

    def test_unreadable_ca_file(self):
        world = self.emulator("--platform", "gcp")
        path = self.account(world.account, caFile="/nonexistent/ca.pem")
        done = self.get(world, path)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"/nonexistent/ca.pem", done.stderr)
