"""The emulator is as strict as the services' pages say: what a real service refuses, by page and
rule, and that ours does. Each row changes one thing of an exchange that is accepted."""

import json
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from world import World

SPACE = "//captain.api.mondoo.app/spaces/demo"
CLIENT = "quiet-bear-88456@acme.conductor.one/wfe"
BEARER = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
TRUSTS = [
    {"issuer": "custom", "subject": "workload", "allowedAudiences": ["test"],
     "mappings": {"jwt_claims.repository": "acme/app"}, "audience": SPACE},
    {"issuer": "https://sts.amazonaws.com", "audience": SPACE,
     "subject": "arn:aws:sts::123456789012:assumed-role/other/*"},
    {"service": "conductorone", "issuer": "custom", "clientId": CLIENT,
     "condition": 'claims.sub == "workload" && claims.repository == "acme/app"'},
    {"service": "bright", "issuer": "custom", "allowedAudiences": ["api://bright"],
     "condition": 'sub == "workload"', "projectId": "one"},
    {"service": "bright", "issuer": "custom", "allowedAudiences": ["api://both"],
     "condition": 'sub == "workload"', "projectId": "one"},
    {"service": "bright", "issuer": "custom", "allowedAudiences": ["api://both"],
     "condition": 'sub == "workload"', "projectId": "two"},
]
NOW = int(time.time())

# What the page says, what is changed: of the request, of the token's claims, of its issuer.
MONDOO = [
    ("only POST", {"method": "GET"}, {}, "custom"),
    ("three fields", {"issuer_uri": ""}, {}, "custom"),
    ("three fields", {"audience": ""}, {}, "custom"),
    ("three fields", {"jwt_token": ""}, {}, "custom"),
    ("more than 3 minutes until expiration", {}, {"exp": NOW + 170}, "custom"),
    ("more than 3 minutes until expiration", {}, {"exp": NOW - 10}, "custom"),
    ("more than 3 minutes until expiration", {}, {"exp": None}, "custom"),
    ("verified with the provider's keys", {}, {}, "gcp"),
    ("the issuer is the token's", {"issuer_uri": "https://accounts.google.com"}, {}, "custom"),
    ("the audience is the scope's MRN", {"audience": SPACE + "x"}, {}, "custom"),
    ("the audience is the scope's MRN", {"audience": "demo"}, {}, "custom"),
    ("the expected subject", {}, {"sub": "other"}, "custom"),
    ("mappings must match", {}, {"repository": "acme/other"}, "custom"),
    ("mappings must match", {}, {"repository": None}, "custom"),
    ("allowed audiences", {}, {"aud": "other"}, "custom"),
    ("a JWT", {"jwt_token": "a.b"}, {}, "custom"),
]
CONDUCTORONE = [
    ("a form", {"json": True}, {}, "custom"),
    ("the grant type", {"grant_type": "client_credentials"}, {}, "custom"),
    ("the token's type", {"subject_token_type": TYPES + "saml2"}, {}, "custom"),
    ("the client id", {"client_id": ""}, {}, "custom"),
    ("the client id", {"client_id": "other@acme.conductor.one/wfe"}, {}, "custom"),
    ("iss must match exactly", {}, {}, "gcp"),
    ("aud must contain the tenant's domain", {}, {"aud": "other"}, "custom"),
    ("aud must contain the tenant's domain", {}, {"aud": None}, "custom"),
    ("exp", {}, {"exp": NOW - 10}, "custom"), ("exp", {}, {"exp": None}, "custom"),
    ("iat within 10 minutes", {}, {"iat": NOW - 700}, "custom"),
    ("iat within 10 minutes", {}, {"iat": None}, "custom"),
    ("the CEL expression", {}, {"sub": "other"}, "custom"),
    ("the CEL expression", {}, {"repository": None}, "custom"),
]
BRIGHT = [
    ("the grant type", {"grant_type": "password"}, {}, "custom"),
    ("the token's type", {"subject_token_type": ""}, {}, "custom"),
    ("iss must match exactly", {}, {}, "gcp"),
    ("an allowed audience", {}, {"aud": "api://brigh"}, "custom"),
    ("the expiry", {}, {"exp": NOW - 10}, "custom"), ("the expiry", {}, {"exp": None}, "custom"),
    ("the claim policy", {}, {"sub": "other"}, "custom"),
    ("the resource's project", {"resource": "two"}, {}, "custom"),
    ("the resource is a project", {"resource": "https://elsewhere.example/"}, {}, "custom"),
    ("ambiguous without resource", {}, {"aud": "api://both"}, "custom"),
]
# Of an identity provider that is made: what the page says, and the changed input.
INPUT = [
    ("scopeMrn is required", {"scopeMrn": None}), ("name is required", {"name": None}),
    ("issuerUri is required", {"issuerUri": None}), ("subject is required", {"subject": None}),
    ("an MRN of a space, an organization or the platform", {"scopeMrn": "banana"}),
    ("an MRN of a space, an organization or the platform",
     {"scopeMrn": "//captain.api.mondoo.app/space/demo"}),
    ("https", {"issuerUri": "http://login.example.com"}),
    ("a URI", {"issuerUri": "login.example.com"}),
    ("expiration 1 to 86400", {"expiration": 0}),
    ("expiration 1 to 86400", {"expiration": 86_401}),
    ("the prefixes", {"mappings": [{"key": "repository", "value": "x"}]}),
    ("AWS's three keys", {"issuerUri": "https://sts.amazonaws.com",
                          "mappings": [{"key": "aws_claims.region", "value": "x"}]}),
    ("audiences for OIDC only", {"issuerUri": "https://sts.amazonaws.com",
                                 "allowedAudiences": ["x"]}),
    ("values as they are", {"subject": "workload "}),
    ("values as they are", {"mappings": [{"key": "jwt_claims.a ", "value": "x"}]}),
    ("role MRNs", {"roles": ["agent"]}),
]
# Of a signed request to AWS.
AWS = [
    ("sts.amazonaws.com or a regional endpoint",
     lambda r: r["url"].replace("sts.", "sts.evil.", 1), None),
    ("sts.amazonaws.com or a regional endpoint",
     lambda r: "https://169.254.169.254/?Action=GetCallerIdentity&Version=2011-06-15", None),
    ("over https", lambda r: r["url"].replace("https", "http"), None),
    ("GetCallerIdentity", lambda r: r["url"].replace("GetCallerIdentity", "GetSessionToken"), None),
    ("executed at AWS, by its signature", None, "x-amz-date"),
    ("the ARN is the subject", None, None),
]
# Both use the same rules, so that their agreement proves nothing: a row states what the pages say.
# The service, the index of its trust above, the changed claims, the verdict.
OPEN = "cannot be told here"
VERDICTS = [
    ("mondoo", 0, {}, "accepted"),
    ("mondoo", 0, {"aud": ["other", "test"]}, "accepted"),
    ("mondoo", 0, {"exp": NOW + 3600}, "accepted"),
    ("mondoo", 0, {"exp": NOW + 170}, "refused"),
    ("mondoo", 0, {"sub": "Workload"}, "refused"),
    ("mondoo", 0, {"sub": None}, "refused"),
    ("mondoo", 0, {"aud": "test/"}, "refused"),
    ("mondoo", 0, {"repository": "acme/other"}, "refused"),
    ("mondoo", 0, {"repository": ["acme/app"]}, OPEN),
    ("conductorone", 2, {}, "accepted"),
    ("conductorone", 2, {"aud": ["acme.conductor.one", "other"]}, "accepted"),
    ("conductorone", 2, {"iat": NOW - 300}, "accepted"),
    ("conductorone", 2, {"iat": NOW - 700}, "refused"),
    ("conductorone", 2, {"iat": NOW + 500}, OPEN),
    ("conductorone", 2, {"aud": "https://acme.conductor.one"}, OPEN),
    ("conductorone", 2, {"aud": "other.conductor.one"}, "refused"),
    ("conductorone", 2, {"repository": None}, "refused"),
    ("bright", 3, {}, "accepted"),
    ("bright", 3, {"aud": ["other", "api://bright"]}, "accepted"),
    ("bright", 3, {"aud": []}, "refused"),
    ("bright", 3, {"exp": NOW - 10}, "refused"),
    ("bright", 3, {"sub": "workload2"}, "refused"),
]
AUDIENCES = {"mondoo": "test", "conductorone": "acme.conductor.one", "bright": "api://bright"}


class Verdicts(World):
    """What `claims --trust` says and what the emulator does, each held against the table."""

    def test_both_say_what_the_table_says(self):
        trusts = self.scratch / "trusts.json"
        trusts.write_text(json.dumps(TRUSTS[:4]))
        lenient, strict = [Strictness() for _ in range(2)]
        for one, word in [(lenient, "accept"), (strict, "refuse")]:
            one.world = self.emulator("--platform", "none", "--trust", trusts,
                                      "--undocumented", word)
            one.issuer = one.world.named("mondoo-custom")["issuerUri"]
        for service, index, claims, verdict in VERDICTS:
            with self.subTest(service, claims=claims):
                told = {"iss": lenient.issuer, "sub": "workload", "iat": NOW, "exp": NOW + 3600,
                        "repository": "acme/app", "aud": AUDIENCES[service], **claims}
                told = {key: value for key, value in told.items() if value is not None}
                file = self.scratch / "trust.json"
                file.write_text(json.dumps({**TRUSTS[index], "issuer": lenient.issuer}))
                done = self.wif("claims", "-", "--trust", file, "--json",
                                stdin=json.dumps(told).encode())
                self.assertEqual(json.loads(done.stdout)["verdict"], verdict, done.stdout)
                self.assertEqual(done.returncode, 77 if verdict == "refused" else 0)
                accepted = [getattr(one, service)({}, claims, "custom")[0] == 200
                            for one in (lenient, strict)]
                self.assertEqual(accepted, {"accepted": [True, True], "refused": [False, False],
                                            OPEN: [True, False]}[verdict])


class Strictness(World):
    def setUp(self):
        super().setUp()
        trusts = self.scratch / "trusts.json"
        trusts.write_text(json.dumps(TRUSTS))
        self.world = self.emulator("--platform", "gcp,azure,aws", "--trust", trusts)
        self.issuer = self.world.named("mondoo-custom")["issuerUri"]

    def token(self, issuer="custom", **claims):
        body = {"issuer": issuer, "claims": {"repository": "acme/app", **claims}}
        request = urllib.request.Request(
            self.world.url + "/_emulator/token", data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request) as reply:
            return reply.read().decode()

    def send(self, url, body, method="POST", form=False, **headers):
        data = urllib.parse.urlencode(body) if form else json.dumps(body)
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        request = urllib.request.Request(
            url, data=data.encode(), method=method, headers={"Content-Type": kind, **headers})
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def mondoo(self, change, claims, issuer):
        body = {"issuer_uri": self.issuer, "audience": SPACE,
                "jwt_token": self.token(issuer, **{"aud": "test", **claims}), **change}
        method = body.pop("method", "POST")
        url = self.world.account["universeDomain"] + "/SecureTokenService/ExchangeExternalToken"
        return self.send(url, body, method)

    def conductorone(self, change, claims, issuer):
        url = self.world.named("conductorone-custom")["tokenUrl"]
        token = self.token(issuer, **{"aud": "acme.conductor.one", **claims})
        body = {"grant_type": BEARER, "subject_token": token, "client_id": CLIENT,
                "subject_token_type": TYPES + "jwt", **change}
        return self.send(url, body, form=not body.pop("json", False))

    def bright(self, change, claims, issuer):
        url = self.world.named("bright-custom")["tokenUrl"]
        token = self.token(issuer, **{"aud": "api://bright", **claims})
        body = {"grant_type": BEARER, "subject_token": token,
                "subject_token_type": TYPES + "id_token", **change}
        if body.get("resource") == "two":
            body["resource"] = url + "/api/v1/projects/two"
        return self.send(url + "/api/v1/token", body)

    def hold(self, exchange, rows):
        status, reply = exchange({}, {}, "custom")
        self.assertEqual(status, 200, reply)
        for rule, change, claims, issuer in rows:
            with self.subTest(rule, change=change, claims=claims, issuer=issuer):
                status, reply = exchange(change, claims, issuer)
                self.assertNotEqual(status, 200, reply)

    def test_mondoos_exchange(self):
        self.hold(self.mondoo, MONDOO)

    def test_conductorones_exchange(self):
        self.hold(self.conductorone, CONDUCTORONE)

    def test_brights_exchange(self):
        self.hold(self.bright, BRIGHT)
        both = {"aud": "api://both"}
        status, reply = self.bright({"resource": "two"}, both, "custom")
        self.assertEqual(status, 200, reply)

    def test_a_project_of_bright_holds_twenty_credentials(self):
        trusts = self.scratch / "many.json"
        trusts.write_text(json.dumps([TRUSTS[3]] * 21))
        done = self.wif("--trust", trusts, "--platform", "none", program="wif-emulator")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"at most 20", done.stderr)

    def graphql(self, query, variables, token=None):
        headers = {"Authorization": "Bearer " + (
            self.world.environment["MONDOO_API_TOKEN"] if token is None else token)}
        return self.send(self.world.account["universeDomain"] + "/query",
                         {"query": query, "variables": variables}, **headers)

    CREATE = ("mutation CreateWIFAuthBinding($input: CreateWIFAuthBindingInput) {"
              " createWIFAuthBinding(input: $input) { binding { mrn } } }")
    LIST = ("query ListWIFAuthBindings($scopeMrn: String!, $orderBy: WIFAuthBindingOrder) {"
            " listWIFAuthBindings(scopeMrn: $scopeMrn, orderBy: $orderBy) { bindings { name } } }")

    def test_mondoos_interface(self):
        good = {"scopeMrn": "//captain.api.mondoo.app/spaces/made", "name": "n",
                "issuerUri": "https://login.example.com", "subject": "workload"}
        status, reply = self.graphql(self.CREATE, {"input": good})
        self.assertNotIn("errors", reply)
        for rule, change in INPUT:
            with self.subTest(rule, change=change):
                changed = {k: v for k, v in {**good, **change}.items() if v is not None}
                status, reply = self.graphql(self.CREATE, {"input": changed})
                self.assertIn("errors", reply)
        self.assertEqual(self.graphql(self.LIST, {"scopeMrn": SPACE}, token="wrong")[0], 401)
        self.assertIn("errors", self.graphql(
            "query GetWIFAuthBinding($mrn: String!) { getWIFAuthBinding(mrn: $mrn)"
            " { binding { mrn } } }", {"mrn": "//absent"})[1])

    def test_identity_providers_come_in_the_order_asked_for(self):
        scope = "//captain.api.mondoo.app/spaces/ordered"
        for name in ("b", "c", "a"):
            self.graphql(self.CREATE, {"input": {
                "scopeMrn": scope, "name": name, "issuerUri": "https://login.example.com",
                "subject": name}})
        for order, names in ((None, "bca"), ({"field": "name", "direction": "ASC"}, "abc"),
                             ({"field": "name", "direction": "DESC"}, "cba"),
                             ({"field": "createdAt", "direction": "ASC"}, "bca")):
            _, reply = self.graphql(self.LIST, {"scopeMrn": scope, "orderBy": order})
            found = reply["data"]["listWIFAuthBindings"]["bindings"]
            self.assertEqual("".join(one["name"] for one in found), names, order)
        for order in ({"field": "colour"}, {"field": "name", "direction": "up"}):
            _, reply = self.graphql(self.LIST, {"scopeMrn": scope, "orderBy": order})
            self.assertIn("errors", reply)

    def test_a_signed_request_to_aws(self):
        account = self.account(self.world.named("mondoo-aws"))
        proof = json.loads(self.wif("token", "-c", account, "--raw", records=False,
                                    environment=self.environment(self.world)).stdout)
        url = self.world.account["universeDomain"] + "/SecureTokenService/ExchangeExternalToken"
        for rule, address, header in AWS:
            with self.subTest(rule):
                changed = json.loads(json.dumps(proof))
                if address:
                    changed["url"] = address(proof)
                for one in changed["headers"]:
                    if one["key"] == header:
                        one["value"] = "20200101T000000Z"
                status, reply = self.send(url, {
                    "issuer_uri": "https://sts.amazonaws.com", "audience": SPACE,
                    "jwt_token": json.dumps(changed)})
                self.assertIn(status, (400, 401, 403), reply)

    def test_entra_knows_no_resource_of_mondoos(self):
        account = self.account(self.world.named("mondoo-azure"), tokenAudience=None,
                               credentialSource={"provider": "azure"})
        done = self.wif("token", "-c", account, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"AADSTS500011", done.stderr)

    def test_what_the_pages_leave_open_is_as_configured(self):
        trust = {"issuer": "custom", "subject": "workload", "audience": SPACE,
                 "mappings": {"jwt_claims.groups": "engineering"}}
        for verdict, wanted in (("accept", 200), ("refuse", 403)):
            self.world = self.emulator("--platform", "none", "--undocumented", verdict,
                                       "--trust", json.dumps(trust))
            self.issuer = self.world.named("mondoo-custom")["issuerUri"]
            status, reply = self.mondoo({}, {"groups": ["engineering"]}, "custom")
            self.assertEqual(status, wanted, reply)

    def test_azures_issuer_as_the_page_has_it(self):
        account = self.world.named("mondoo-azure")
        issuer = account["issuerUri"].removesuffix("/")
        claims = {"sub": "2f9d1c4b-8e7a-4d3c-b6a5-89abcdef0123"}
        trust = {"issuer": issuer, "subject": claims["sub"], "audience": SPACE}
        file = self.scratch / "trust.json"
        file.write_text(json.dumps(trust))
        self.world = self.emulator("--platform", "azure", "--trust", file)
        path = self.account({**account, "universeDomain": self.world.account["universeDomain"],
                             "issuerUri": issuer})
        environment = self.environment(self.world)
        done = self.wif("get", "-c", path, environment=environment, records=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = self.wif("claims", "-c", path, "--trust", file, "--json", environment=environment)
        self.assertEqual(json.loads(done.stdout)["verdict"], "accepted", done.stdout)
        done = self.control("doctor", "-c", path, "--trust", file, "--json",
                            environment=environment)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_account_of_the_default_world_works(self):
        world = self.emulator()
        environment = self.environment(world)
        paths = sorted((world.directory / "accounts").iterdir())
        self.assertGreater(len(paths), 24)
        for path in paths:
            with self.subTest(path.name):
                done = self.wif("get", "-c", path, "--timeout", 0, environment=environment,
                                records=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_table_is_counted(self):
        rows = len(MONDOO) + len(CONDUCTORONE) + len(BRIGHT) + len(INPUT) + len(AWS)
        self.assertGreaterEqual(rows, 60)


if __name__ == "__main__":
    unittest.main()
