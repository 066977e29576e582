"""The vendors' own libraries and tools read what the agent delivers, against the emulator. Each test is
left out where its library is not installed: pip install botocore awscli azure-identity google-auth requests.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from world import BIN, World, secrets

ROLE = "arn:aws:iam::123456789012:role/scanner"


def needs(*modules):
    missing = [module for module in modules if not has(module)]
    return unittest.skipIf(missing, f"needs {', '.join(missing)}")


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class Consumers(World):
    def start(self, *emulator):
        self.world = self.emulator(*emulator)
        return self.world.environment

    def deliver(self, account, output, name="account", **variables):
        """The file of one output, written once."""
        path = self.account({**account, "outputs": [output]}, name=name)
        done = self.wif("run", "--once", "-c", path, environment=self.environment(self.world, **variables))
        self.assertEqual(done.returncode, 0, done.stderr)
        content = pathlib.Path(output["path"]).read_text()
        return content

    def token(self, audience):
        """The platform's token for an audience, in a file that `service: token` keeps."""
        path = self.scratch / "out" / "token"
        content = self.deliver(
            {"type": "external_account", "service": "token", "audience": audience,
             "credentialSource": {"provider": "github"}},
            {"format": "raw", "path": str(path)}, name="token")
        secrets.add(content)
        return path

    def note(self, *keys):
        secrets.update(key for key in keys if key)


@needs("botocore")
class Amazon(Consumers):
    """AWS's own libraries, with a token's file and with each form of a role's key."""

    def setUp(self):
        super().setUp()
        self.start("--platform", "aws,github")
        sts = self.world.environment["AWS_ENDPOINT_URL_STS"]
        self.account_file = {
            "type": "external_account", "service": "aws", "roleArn": ROLE,
            "sessionName": "e2e", "durationSeconds": 900, "region": "eu-central-1",
            "credentialSource": {"provider": "github"}}
        # Nothing else from which a key could come, and nothing of this machine.
        self.clean = {"PATH": os.environ["PATH"], "HOME": str(self.scratch),
                      "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL_STS": sts,
                      "AWS_EC2_METADATA_DISABLED": "true"}

    def caller(self, **variables):
        """As whom botocore's chain makes a signed call, in a process of its own."""
        program = ("import botocore.session as s; c = s.get_session().create_client('sts');"
                   "print(c.get_caller_identity()['Arn'])")
        done = subprocess.run([sys.executable, "-c", program], env={**self.clean, **variables},
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_botocores_web_identity_provider_reads_the_tokens_file(self):
        path = self.token("sts.amazonaws.com")
        arn = self.caller(AWS_WEB_IDENTITY_TOKEN_FILE=str(path), AWS_ROLE_ARN=ROLE,
                          AWS_ROLE_SESSION_NAME="own")
        self.assertTrue(arn.endswith(":assumed-role/scanner/own"), arn)

    def test_botocore_reads_every_form_of_the_key(self):
        out = self.scratch / "out"
        ini = self.deliver(self.account_file, {"format": "ini", "path": str(out / "credentials")})
        self.assertTrue(self.caller(AWS_SHARED_CREDENTIALS_FILE=str(out / "credentials")).endswith(
            ":assumed-role/scanner/e2e"), ini.split("\n")[0])
        document = json.loads(
            self.deliver(self.account_file, {"format": "json", "path": str(out / "key.json")}))
        self.assertEqual(document["Version"], 1)
        self.note(document["SecretAccessKey"], document["SessionToken"])
        config = self.scratch / "config"
        config.write_text(f"[default]\ncredential_process = /bin/cat {out / 'key.json'}\n")
        self.assertTrue(self.caller(AWS_CONFIG_FILE=str(config)).endswith("/scanner/e2e"))
        env = self.deliver(self.account_file, {"format": "env", "path": str(out / "key.env")})
        variables = dict(line.removeprefix("export ").replace("'", "").split("=", 1)
                         for line in env.splitlines())
        variables.pop("WIF_AGENT_EXPIRES_AT")
        self.assertEqual(set(variables), {
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
        self.assertTrue(self.caller(**variables).endswith("/scanner/e2e"))

    @unittest.skipUnless(shutil.which("aws"), "needs the AWS CLI")
    def test_the_aws_cli_under_exec_and_with_credential_process(self):
        path = self.account(self.account_file, name="aws")
        environment = self.environment(self.world)
        environment.update(self.clean)
        command = ["aws", "sts", "get-caller-identity", "--output", "text", "--query", "Arn"]
        # The older name of the session's token, of another session: botocore would prefer it.
        done = self.wif("exec", "-c", path, "--", *command,
                        environment={**environment, "AWS_SECURITY_TOKEN": "of another session"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.strip().endswith(b"/scanner/e2e"), done.stdout)
        config = self.scratch / "config"
        config.write_text("[default]\ncredential_process = "
                          f"{BIN / 'wif-agent'} get -c {path} --format json\n")
        done = subprocess.run(command, env={**environment, "AWS_CONFIG_FILE": str(config)},
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.strip().endswith(b"/scanner/e2e"), done.stdout)

    def test_refusals(self):
        rows = [({"roleArn": ROLE.replace("123456789012", "999999999999")}, 77, "trust policy"),
                ({"tokenAudience": "https://other.example"}, 77, "identity provider"),
                ({"roleArn": "scanner"}, 78, "is not the ARN of a role"),
                ({"credentialSource": {"provider": "aws"}}, 78, "is not a JWT")]
        for change, code, text in rows:
            with self.subTest(str(change)):
                path = self.account(self.account_file, name="aws", **change)
                done = self.wif("get", "--fresh", "-c", path, "--timeout", 1,
                                environment=self.environment(self.world))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr.decode())


class Microsoft(Consumers):
    @needs("azure.identity", "requests")
    def test_azure_identitys_workload_credential_reads_the_tokens_file(self):
        self.start("--platform", "github", "--tls")
        account = self.world.named("entra-github")
        authority, tenant = account["tokenUrl"].split("/oauth2/")[0].rsplit("/", 1)
        path = self.token("api://AzureADTokenExchange")
        program = (
            "import os, sys\nfrom azure.identity import WorkloadIdentityCredential\n"
            "c = WorkloadIdentityCredential(disable_instance_discovery=True)\n"
            "print(c.get_token('https://graph.microsoft.com/.default').token)\n")
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "AZURE_TENANT_ID": tenant,
                 "AZURE_CLIENT_ID": account["clientId"], "AZURE_AUTHORITY_HOST": authority,
                 "AZURE_FEDERATED_TOKEN_FILE": str(path),
                 "REQUESTS_CA_BUNDLE": str(self.world.directory / "ca.pem"), "NO_PROXY": "*"})
        self.assertEqual(done.returncode, 0, done.stderr)
        issued = self.world.ask("/_emulator/issued")["issued"]
        self.assertIn(("entra", done.stdout.strip()), [(one["from"], one["value"]) for one in issued])


@needs("google.auth", "requests")
class Google(Consumers):
    def refresh(self, info, **variables):
        """The token that google-auth gets by a file, in a process of its own."""
        path = self.scratch / "google.json"
        path.write_text(json.dumps(info))
        program = (
            "import sys, json, google.auth.transport.requests as transport\n"
            "from google.auth import aws, identity_pool\n"
            "info = json.load(open(sys.argv[1]))\n"
            "kind = aws if 'environment_id' in info['credential_source'] else identity_pool\n"
            "scopes = ['https://www.googleapis.com/auth/cloud-platform']\n"
            "credentials = kind.Credentials.from_info(info, scopes=scopes)\n"
            "credentials.refresh(transport.Request())\n"
            "print(credentials.token)\n")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, path], capture_output=True, text=True,
            timeout=60, env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "HOME": str(self.scratch),
                             "REQUESTS_CA_BUNDLE": str(self.world.directory / "ca.pem"), **variables})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def tokens(self):
        issued = self.world.ask("/_emulator/issued")["issued"]
        return [one["value"] for one in issued if one["from"] == "google"]

    def amazons(self):
        """A file for an identity of AWS, as gcloud makes it."""
        account = self.world.named("google-aws")
        account.pop("credentialSource")
        account.pop("service_account_impersonation_url")
        # The address that answers in the place of the link-local one.
        base = self.world.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].rstrip("/")
        return {
            **account, "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "credential_source": {
                "environment_id": "aws1",
                "region_url": f"{base}/latest/meta-data/placement/availability-zone",
                "url": f"{base}/latest/meta-data/iam/security-credentials",
                "imdsv2_session_token_url": f"{base}/latest/api/token",
                "regional_cred_verification_url":
                    "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}}

    def test_the_same_file_of_an_identity_of_aws(self):
        self.start("--platform", "aws", "--tls")
        info = self.amazons()
        self.assertIn(self.refresh(info), self.tokens())
        before = len(self.tokens())
        done = self.wif("get", "--fresh", "-c", self.account(json.dumps(info), name="google"),
                        records=False, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(done.stdout.decode())
        self.assertIn(done.stdout.decode(), self.tokens()[before:])
        # The request is bound to the provider: another one's audience is refused.
        other = {**info, "tokenAudience": "//iam.googleapis.com/projects/1/locations/global/x"}
        done = self.wif("get", "--fresh", "-c", self.account(json.dumps(other), name="google"),
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 77, done.stderr)

    def made_by_gcloud(self, audience, *options):
        """The file that gcloud writes for a provider; it speaks to nobody."""
        path = self.scratch / "made.json"
        done = subprocess.run(
            ["gcloud", "iam", "workload-identity-pools", "create-cred-config",
             audience.removeprefix("//iam.googleapis.com/"), *options, f"--output-file={path}"],
            capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": str(self.scratch),
                 "CLOUDSDK_CONFIG": str(self.scratch / "gcloud"),
                 "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                 "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return path.read_text()

    @unittest.skipUnless(shutil.which("gcloud"), "needs gcloud")
    def test_files_that_gcloud_makes(self):
        self.start("--platform", "aws", "--tls")
        account = self.world.named("google-aws")
        made = self.made_by_gcloud(account["audience"], "--aws", "--enable-imdsv2")
        # The address that answers in the place of the link-local one, and Google's own.
        base = self.world.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].rstrip("/")
        info = json.loads(made.replace("http://169.254.169.254", base))
        info["token_url"] = account["token_url"]
        done = self.wif("get", "--fresh", "-c", self.account(json.dumps(info), name="google"),
                        records=False, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(done.stdout.decode())
        self.assertIn(done.stdout.decode(), self.tokens())
        for options, source in [
                (["--azure"], "url"), (["--credential-source-url=http://127.0.0.1:1/t"], "url"),
                (["--credential-source-file=/run/token"], "file"),
                (["--executable-command=/usr/bin/true"], "executable")]:
            with self.subTest(options):
                made = self.made_by_gcloud(account["audience"], *options)
                done = self.wif("check", "-c", self.account(made, name="google"))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"token source: {source}\n", done.stdout.decode())

    def test_what_of_googles_files_is_refused(self):
        self.start("--platform", "aws", "--tls")
        info = self.amazons()
        source = info["credential_source"]
        rows = [
            ({"certificate": {"use_default_certificate_config": True}}, "X.509 federation"),
            ({**source, "environment_id": "aws2"}, "\"aws2\" is not known; one of aws1"),
            ({**source, "url": "http://example.com/"}, "url: is plain http to a host"),
            ({**source, "regional_cred_verification_url": "https://sts.example.com"},
             "is not a GetCallerIdentity"),
        ]
        for source, text in rows:
            with self.subTest(text):
                path = self.account(json.dumps({**info, "credential_source": source}), name="google")
                done = self.wif("check", "-c", path)
                self.assertEqual(done.returncode, 78)
                self.assertIn(text, done.stderr.decode())

    def test_google_auths_identity_pool_reads_the_tokens_file(self):
        self.start("--platform", "github", "--tls")
        account = self.world.named("google-github")
        path = self.token(account["audience"])
        info = {**account, "credential_source": {"file": str(path)}}
        info.pop("credentialSource")
        info.pop("service_account_impersonation_url")
        self.assertIn(self.refresh(info), self.tokens())
