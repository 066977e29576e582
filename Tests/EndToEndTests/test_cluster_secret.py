"""Credentials in a cluster's Secret: written by the worker with the pod's own service account."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from world import ROOT, World, wait_for

KUBECTL = shutil.which("kubectl")


class ClusterSecrets(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "kubernetes", "--tls", "--tls-hosts", "127.0.0.1")
        self.pod = self.world.directory / "kubernetes/serviceaccount"
        self.server = "https://127.0.0.1:" + self.world.environment["KUBERNETES_SERVICE_PORT"]
        self.tokens = self.service()
        self.subject = self.scratch / "subject"
        self.subject.write_text("subject-token")

    def write(self, name="app", outputs=(), audience="a", **changes):
        """An account file with an output in the Secret `creds`, and others."""
        content = {**self.tokens.account({"file": str(self.subject)}), "audience": audience,
                   "revokeOnExit": None, "outputs": [self.output(), *outputs], **changes}
        return self.account(content, name=name)

    def output(self, **changes):
        return {"format": "kubernetes-secret", "namespace": "acme", "name": "creds", "key": "token",
                "directory": str(self.pod), **changes}

    def variables(self):
        return self.environment(self.world)

    def once(self, path, code=0):
        done = self.wif("run", "--once", "-c", path, "--runtime-dir", self.runtime,
                        environment=self.variables())
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def api(self, method="GET", name="creds", body=None, query="", kind="application/json"):
        path = "/api/v1/namespaces/acme/secrets" + (f"/{name}" if name else "") + query
        request = urllib.request.Request(
            self.server + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + (self.pod / "token").read_text(),
                     "Content-Type": kind})
        context = ssl.create_default_context(cafile=self.pod / "ca.crt")
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def held(self, key="token"):
        """What a key of the Secret holds; None where there is none."""
        data = self.api().get("data", {})
        return base64.b64decode(data[key], validate=True).decode() if key in data else None

    def newest(self):
        return max(self.tokens.minted, key=self.tokens.minted.get)

    def outputs(self):
        return {output["format"]: output for output in self.the_account()["outputs"]}

    def test_a_credential_is_kept_fresh_there(self):
        agent = self.agent("-c", self.write(), environment=self.variables())
        self.await_ready(agent)
        self.assertEqual(self.held(), self.newest())
        found = self.api()
        self.assertEqual(found["metadata"]["labels"], {"app.kubernetes.io/managed-by": "wif-agent"})
        [mark] = found["metadata"]["annotations"].values()
        self.assertEqual((json.loads(mark)["key"], json.loads(mark)["account"]), ("token", "app"))
        old = self.held()
        self.assertEqual(self.control("refresh").returncode, 0)
        self.assertNotEqual(self.held(), old)
        self.assertEqual(self.held(), self.newest())
        self.assertEqual(
            {key: self.outputs()["kubernetes-secret"][key] for key in ("path", "content", "ok")},
            {"path": "acme/creds/token", "content": "raw", "ok": True})
        page = self.http("/metrics")[1].decode()
        self.assertIn('output="acme/creds/token",result="ok"} 2', page)
        self.assertIn("acme/creds/token", self.control("status").stdout.decode())

    @unittest.skipUnless(KUBECTL, "needs kubectl")
    def test_kubectl_reads_what_was_delivered(self):
        self.once(self.write(outputs=[self.output(key="netrc", content="template",
                                                  template="password {{credential}}\n")]))
        def kubectl(*arguments):
            command = [KUBECTL, "--server", self.server, "--certificate-authority",
                       self.pod / "ca.crt", "--token", (self.pod / "token").read_text(), *arguments]
            done = subprocess.run(command, capture_output=True, timeout=30,
                                  env={"PATH": os.environ["PATH"], "HOME": str(self.scratch)})
            self.assertEqual(done.returncode, 0, done.stderr)
            return base64.b64decode(done.stdout, validate=True).decode()

        get = ["get", "secret", "creds", "-n", "acme", "-o"]
        self.assertEqual(kubectl(*get, "jsonpath={.data.token}"), self.newest())
        self.assertEqual(kubectl(*get, "jsonpath={.data.netrc}"), f"password {self.newest()}\n")

    def test_several_accounts_use_one_secret(self):
        self.once(self.write("one"))
        first = self.newest()
        self.once(self.write("two", audience="b", outputs=[],
                             **{"tokenUrl": f"{self.tokens.url}/token"}), code=74)
        self.once(self.account(json.loads(self.write("two", audience="b").read_text()), name="two",
                               outputs=[self.output(key="other")]))
        self.assertEqual((self.held(), self.held("other")), (first, self.newest()))

    def test_another_identity_is_never_replaced_unless_asked_for(self):
        self.once(self.write("one"))
        first = self.newest()
        said = self.once(self.write("two", audience="b"), code=74)
        self.assertIn("holds the credential of another identity, of the account \"one\"", said)
        self.assertIn('set "force": true', said)
        self.assertEqual(self.held(), first)
        forced = self.account(json.loads(self.write("two", audience="b").read_text()), name="two",
                              outputs=[self.output(force=True)])
        self.once(forced)
        self.assertEqual(self.held(), self.newest())

    def test_a_newer_credential_stays(self):
        path = self.write()
        self.once(path)
        old = self.held()
        # As another agent of the same account would have written it, by a clock 50 s ahead.
        found = self.api()["metadata"]
        [(name, text)] = found["annotations"].items()
        mark = json.loads(text)
        mark["issued"] += 50_000
        mark["expires"] += 3_600_000
        self.api("PATCH", body={
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "creds", "annotations": {name: json.dumps(mark)}},
            "data": {"token": base64.b64encode(old.encode()).decode()}},
            query="?fieldManager=wif-agent.token", kind="application/apply-patch+yaml")
        said = self.once(path)
        self.assertIn("holds a newer credential of the account, which is left there", said)
        self.assertEqual(self.held(), old)

    def test_a_key_of_somebody_else_is_a_conflict(self):
        self.api("POST", name=None, query="?fieldManager=kubectl-create", body={
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds"},
            "data": {"token": "bWluZQ=="}})
        said = self.once(self.write(), code=74)
        self.assertIn('conflict with "kubectl-create"', said)
        self.assertIn("another field manager wrote this key", said)
        self.assertEqual(self.held(), "mine")

    def test_what_is_forbidden_names_the_role_and_stops_nothing_else(self):
        file = self.scratch / "out" / "file"
        path = self.write(outputs=[{"format": "raw", "path": str(file)}])
        self.world.fault(match={"path": "/api/v1/namespaces/acme/secrets", "method": "PATCH"},
                         status=403, headers={"Content-Type": "application/json"}, body=json.dumps({
                             "kind": "Status", "code": 403, "reason": "Forbidden", "message":
                             'secrets "creds" is forbidden: User "x" cannot patch resource "secrets"'}))
        agent = self.agent("-c", path, environment=self.variables())
        wait_for(lambda: "cannot patch resource" in agent.text(), "the refusal")
        self.assertIn("the service account acme/scan needs a role", agent.text())
        self.assertIn("secret-role.yaml", agent.text())
        self.assertTrue((ROOT / "packaging/kubernetes/secret-role.yaml").exists())
        self.assertEqual(file.read_text(), self.newest())
        self.assertEqual({name: output["ok"] for name, output in self.outputs().items()},
                         {"kubernetes-secret": False, "raw": True})
        self.assertEqual(self.http("/readyz")[0], 503)
        doctor = self.wif("doctor", path, "--json", "--runtime-dir", self.runtime,
                          environment=self.variables())
        steps = json.loads(doctor.stdout)["accounts"][0]["steps"]
        told = [step for step in steps if step.get("about") == "acme/creds/token"]
        self.assertEqual([step["state"] for step in told], ["failed", "failed"], told)
        # Once it is allowed, the same credential is delivered: no new exchange.
        self.world.heal()
        self.await_ready(agent)
        self.assertEqual(self.held(), file.read_text())

    def test_another_namespace_is_forbidden(self):
        content = json.loads(self.write().read_text())
        said = self.once(self.account(content, name="app", outputs=[
            self.output(namespace="kube-system")]), code=74)
        self.assertIn('cannot get resource "secrets" in API group "" in the namespace "kube-system"',
                      said)
        self.assertIn("allows get of secrets: kubectl -n kube-system apply", said)

    def test_an_interrupted_answer_is_tried_again(self):
        self.world.fault(match={"path": "/api/v1/namespaces/acme/secrets"}, drop="before-headers",
                         times=2)
        agent = self.agent("-c", self.write(), environment=self.variables())
        self.await_ready(agent)
        self.assertIn("output-failed", agent.text())
        self.assertEqual(self.held(), self.newest())

    def test_a_hanging_cluster_delays_no_file_and_is_told(self):
        file = self.scratch / "out" / "file"
        path = self.write(outputs=[{"format": "raw", "path": str(file)}])
        self.world.fault(match={"path": "/api/v1/namespaces/acme/secrets"}, delay=60)
        agent = self.agent("-c", path, environment=self.variables())
        wait_for(file.exists, "the file", 5)
        wait_for(lambda: "acme/creds/token" in agent.text(), "the word of it", 15)
        self.world.heal()
        self.await_ready(agent)
        self.assertEqual(self.held(), file.read_text())

    def test_what_is_revoked_at_the_end_is_taken_away_first(self):
        agent = self.agent("-c", self.write(revokeOnExit=True), environment=self.variables())
        self.await_ready(agent)
        seen = []
        self.tokens.answer = lambda path, body, token: seen.append(self.held()) \
            if path == "/revoke" else None
        agent.signal(15)
        agent.wait()
        self.assertEqual((seen, self.held()), ([None], None), agent.text())
        self.assertEqual(self.api()["metadata"]["annotations"], {})

    def test_an_edited_account_replaces_its_own(self):
        path = self.write()
        agent = self.agent("-c", path, environment=self.variables())
        self.await_ready(agent)
        old = self.held()
        self.write(audience="b")
        agent.signal(1)
        wait_for(lambda: self.held() not in (old, None), "the new identity's credential")
        self.await_ready(agent)
        self.assertEqual(self.held(), self.newest())

    def test_doctor_and_check_know_it(self):
        path = self.write()
        check = self.wif("check", "-c", path)
        self.assertIn(b"output: kubernetes-secret acme/creds/token", check.stdout)
        doctor = self.wif("doctor", path, "--runtime-dir", self.runtime, environment=self.variables())
        self.assertIn("output acme/creds/token: kubernetes-secret, the cluster takes it",
                      doctor.stdout.decode())
        # It is a look: nothing was made.
        self.assertEqual(self.api()["code"], 404)
        outside = self.wif("doctor", path, "--runtime-dir", self.runtime)
        self.assertIn(b"KUBERNETES_SERVICE_HOST is not set", outside.stdout)


if __name__ == "__main__":
    unittest.main()
