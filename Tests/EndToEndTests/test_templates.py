"""Templates with the programs that read them: each fetches something from a server that checks."""

import json
import shutil
import subprocess

from test_helpers import SKOPEO, Helpers, basic, needs
from world import wait_for

JAVA = shutil.which("java")

PROPERTIES = """
public class Read {
    public static void main(String[] arguments) throws Exception {
        var properties = new java.util.Properties();
        try (var file = new java.io.FileReader(arguments[0])) { properties.load(file); }
        System.out.print(properties.getProperty("service.token"));
    }
}
"""


class Templates(Helpers):
    def template(self, text, **changes):
        """The file that an agent makes of a template."""
        file = self.scratch / "out" / "file"
        content = json.loads(self.path.read_text())
        content["outputs"] = [{"format": "template", "path": str(file), "template": text, **changes}]
        self.path.write_text(json.dumps(content))
        done = self.wif("run", "--once", "-c", self.path, environment=self.variables())
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    @needs(shutil.which("curl"), "curl")
    def test_netrc_with_curl(self):
        place = self.server(
            'Basic realm="x"', lambda header: basic(header)[1] in self.tokens.minted,
            lambda path: ("text/plain", b"it"))
        file = self.template("machine 127.0.0.1\nlogin token\npassword {{credential}}\n")
        done = self.run_program("curl", "-sf", "--netrc-file", file, f"http://127.0.0.1:{place.port}/")
        self.assertEqual((done.returncode, done.stdout), (0, b"it"), done.stderr)
        self.assertEqual(basic(place.asked[-1])[0], "token")

    @needs(SKOPEO, "skopeo")
    def test_docker_config_with_skopeo(self):
        manifest = json.dumps({"schemaVersion": 2, "layers": [], "config": {
            "digest": "sha256:" + "0" * 64, "size": 2,
            "mediaType": "application/vnd.oci.image.config.v1+json"}}).encode()
        pages = {"/v2/": b"{}", "/v2/image/manifests/latest": manifest}
        registry = self.server(
            'Basic realm="x"', lambda header: basic(header)[0] == "oauth2accesstoken"
            and basic(header)[1] in self.tokens.minted,
            lambda path: ("application/vnd.oci.image.manifest.v1+json", pages[path])
            if path in pages else None)
        name = f"127.0.0.1:{registry.port}"
        # The base64 of "oauth2accesstoken:", which is a multiple of three long, and of the token.
        file = self.template('{"auths": {"%s": {"auth": "b2F1dGgyYWNjZXNzdG9rZW46'
                             '{{credential|base64}}"}}}' % name)
        done = self.run_program("skopeo", "inspect", "--raw", "--tls-verify=false", "--authfile", file,
                                f"docker://{name}/image:latest")
        self.assertEqual((done.returncode, done.stdout), (0, manifest), done.stderr)

    @needs(JAVA, "java")
    def test_properties_with_java(self):
        file = self.template("service.token={{credential}}\nservice.until={{expires_at}}\n"
                             "service.kind={{json.token_type|url}}\n")
        program = self.scratch / "Read.java"
        program.write_text(PROPERTIES)
        done = subprocess.run([JAVA, program, file], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(done.stdout.decode(), self.tokens.minted)

    def test_a_shell_and_a_refresh(self):
        file = self.template("TOKEN={{credential|shell}}\n", mode="0640")
        content = json.loads(self.path.read_text())
        agent = self.agent("-c", self.account(content, name="again"), environment=self.variables())
        self.await_ready(agent)
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        seen = set()
        for _ in range(2):
            done = subprocess.run(["sh", "-c", '. "$1"; printf %s "$TOKEN"', "sh", file],
                                  capture_output=True)
            self.assertIn(done.stdout.decode(), self.tokens.minted)
            seen.add(done.stdout)
            self.assertEqual(self.control("refresh").returncode, 0)
        self.assertEqual(len(seen), 2)
        # What others change is put back, as with every other file.
        file.write_text("TOKEN=other\n")
        wait_for(lambda: b"other" not in file.read_bytes(), "the repair")

    def test_mistakes(self):
        for text, said in [("{{credential|html}}", b"the escape html"), ("{{json.tokn}}", b"json.tokn"),
                           ("{{credential", b"no }} behind"), ("x", b"write {{credential}} where it belongs")]:
            content = json.loads(self.path.read_text())
            content["outputs"] = [{"format": "template", "path": "/run/x", "template": text}]
            done = self.wif("check", "-c", self.account(content, name="wrong"))
            self.assertEqual(done.returncode, 78, text)
            self.assertIn(said, done.stdout + done.stderr)
        done = self.wif("get", "-c", self.path, "--format", "template",
                        environment=self.variables())
        self.assertEqual(done.returncode, 64)
        self.assertNotIn(b"template,", done.stderr)
