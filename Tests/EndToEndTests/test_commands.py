"""Exit codes, what is said about bad input, and the way from get to a running agent."""

import http.server
import json
import os
import pathlib
import shutil
import signal
import socketserver
import subprocess
import threading

from world import SYSTEM_PYTHON, World, access_list, root_only, wait_for

GOOD = {
    "type": "external_account", "audience": "//captain.api.mondoo.app/spaces/demo",
    "issuerUri": "https://accounts.google.com", "universeDomain": "https://us.api.mondoo.com",
}


class BadInput(World):
    # name: (changes or text, exit code, words that the message must hold)
    CASES = {
        "no JSON": ("{\"type\":", 78, ["is not JSON", "line 1"]),
        "YAML": ("type: external_account\naudience: x\n", 78, ["YAML"]),
        "an array": ("[]", 78, ["an object is expected"]),
        "another type": ({"type": "service_account"}, 78, ["type", "external_account"]),
        "a service account": ({"private_key": "x"}, 78, ["private_key", "needs no agent"]),
        "a wrong type": ({"audience": 5}, 78, ["audience", "a string is expected, found a number"]),
        "no audience": ({"audience": None}, 78, ["audience", "missing"]),
        "plain http": ({"universeDomain": "http://us.api.mondoo.com"}, 78,
                       ["universeDomain", "https"]),
        "a relative path": ({"outputs": [{"format": "raw", "path": "x"}]}, 78,
                            ["outputs[0].path", "relative"]),
        "a mode in decimal": ({"outputs": [{"format": "raw", "path": "/x/y", "mode": 640}]}, 78,
                              ["outputs[0].mode", "0640"]),
        "a world-writable mode": ({"outputs": [{"format": "raw", "path": "/x/y", "mode": "666"}]},
                                  78, ["mode"]),
        "an unsafe variable": ({"variable": "LD_PRELOAD"}, 78, ["variable", "LD_PRELOAD"]),
        "an unknown provider": ({"credentialSource": {"provider": "gpc"}}, 78, ["gcp"]),
        "an unknown service": ({"service": "mondo"}, 78, ["mondoo"]),
        "two sources": ({"credentialSource": {"provider": "gcp", "file": "/x"}}, 78,
                        ["credentialSource"]),
    }

    def test_each_has_one_clear_error(self):
        for name, (content, code, words) in self.CASES.items():
            with self.subTest(name):
                if isinstance(content, dict):
                    path = self.account(GOOD, **content)
                else:
                    path = self.account(content)
                for command in ["check", "run"]:
                    done = self.control(command, "-c", path) if command == "run" else self.wif(
                        command, "-c", path)
                    text = done.stderr.decode()
                    self.assertEqual(done.returncode, code, text)
                    self.assertIn(str(path), text)
                    for word in words:
                        self.assertIn(word, text)

    def test_unknown_keys_are_warned_of(self):
        done = self.wif("check", "-c", self.account(GOOD, lifetme=60))
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"lifetime", done.stdout)

    def test_names(self):
        for name in ["control", "state", "exchange", "listen", "-x", "a b", "x" * 65]:
            with self.subTest(name):
                path = self.scratch / f"{name}.json"
                path.write_text(json.dumps(GOOD))
                done = self.wif("check", "-c", path)
                self.assertEqual(done.returncode, 78, done.stderr)

    def test_usage(self):
        cases = [[], ["frobnicate"], ["get", "--nonsense"], ["get", "--format", "xml"],
                 ["run", "--hold", "soon"], ["wait", "a", "b"], ["get", "-c"],
                 ["token", "-c", self.account(GOOD), "--source", "moon"],
                 ["run", "--log-level", "loud"]]
        for arguments in cases:
            with self.subTest(arguments):
                done = self.wif(*arguments)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertEqual(done.stdout, b"")

    def test_missing_files(self):
        for command in [["check"], ["get", "--fresh"], ["token"], ["run"]]:
            done = self.wif(*command, "-c", "/nonexistent/x.json", *(
                ["--runtime-dir", self.runtime] if command == ["run"] else []))
            self.assertEqual(done.returncode, 66, done.stderr)

    def test_help_and_version(self):
        overview = self.wif("--help")
        self.assertEqual(overview.returncode, 0)
        commands, _, topics = overview.stdout.decode().partition("manual pages")
        names = [line.split()[0] for line in commands.splitlines() if line.startswith("  ")]
        self.assertIn("troubleshooting", topics)
        self.assertLessEqual({"run", "get", "token", "check", "status", "wait", "refresh"}, set(names))
        for name in names:
            done = self.wif(name, "--help")
            self.assertEqual(done.returncode, 0, name)
            self.assertIn(f"usage: wif-agent {name}".encode(), done.stdout)
        for program in ["wif-agent", "wif-exchange", "wif-emulator"]:
            done = self.wif("--version", program=program)
            self.assertRegex(done.stdout.decode(), 
                             rf"^{program} \d+\.\d+\.\d+ \((debug|release) build( of commit [0-9a-f]{{12}}(-changed)?)?\)\n$")

    @root_only
    def test_files_that_others_can_change(self):
        path = self.account(GOOD)
        for mode, says in [(0o666, b"writable by others"), (0o660, b"writable by its group root")]:
            path.chmod(mode)
            done = self.wif("check", "-c", path)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(b"others than root can change it", done.stderr)
            self.assertIn(says, done.stderr)
        path.chmod(0o600)
        for mode in [0o777, 0o770]:
            self.scratch.chmod(mode)
            done = self.wif("check", "-c", path)
            self.assertEqual(done.returncode, 78, done.stderr)
        self.scratch.chmod(0o1777)
        self.assertEqual(self.wif("check", "-c", path).returncode, 0)

    @root_only
    def test_files_whose_access_list_lets_others_write(self):
        """Such a file looks like one of mode 0660, or, behind a mask, of 0600."""
        path = self.account(GOOD)
        for place in [path, self.scratch]:
            os.setxattr(place, "system.posix_acl_access", access_list(user=4242, bits=6))
            done = self.wif("check", "-c", path)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(b"is writable by the user 4242", done.stderr)
            self.assertIn(b"setfacl -x u:4242", done.stderr)
            os.setxattr(place, "system.posix_acl_access", access_list(user=4242, bits=5))
            self.assertEqual(self.wif("check", "-c", path).returncode, 0)

    @root_only
    def test_another_user_is_warned_of_files_that_others_can_change(self):
        self.scratch.chmod(0o755)
        path = self.account(GOOD)
        os.chown(path, 4242, 4242)
        done = self.wif("check", "-c", path, user=4242)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"others can change", done.stdout)
        path.chmod(0o660)
        done = self.wif("check", "-c", path, user=4242)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"others can change the account file", done.stdout)
        self.assertIn(b"writable by its group 4242", done.stdout)

    def test_outputs_that_would_be_account_files(self):
        world = self.emulator("--platform", "gcp")
        accounts = self.scratch / "accounts"
        accounts.mkdir(mode=0o700)
        (self.scratch / "link").symlink_to(accounts)
        own = accounts / "mondoo.json"
        for name in [own, self.scratch / "link/mondoo.json"]:
            own.write_text(json.dumps(
                {**world.account, "outputs": [{"format": "json", "path": str(name)}]}))
            own.chmod(0o600)
            before = own.read_bytes()
            for command in [["check"], ["get", "--fresh"]]:
                done = self.wif(*command, "-c", own, environment=self.environment(world))
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(b"would take the place of", done.stderr)
            done = self.control("run", "-c", own, environment=self.environment(world))
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertEqual(own.read_bytes(), before)
        own.write_text(json.dumps(world.account))
        done = self.control("run", "-c", own, "--output", f"json:{self.scratch}/link/mondoo.json",
                            environment=self.environment(world))
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(b"would take the place of", done.stderr)
        done = self.control("run", "-c", own, "--output", "raw:/proc/self/x",
                            environment=self.environment(world))
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertEqual(world.exchanges(), 0)

    def test_places_that_are_refused(self):
        world = self.emulator("--platform", "gcp")
        (self.scratch / "directory").mkdir()
        (self.scratch / "link").symlink_to("/etc/passwd")
        os.mkfifo(self.scratch / "fifo")
        shared = self.scratch / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        for place in ["directory", "link", "fifo", "shared/x"]:
            with self.subTest(place):
                path = self.account(world.account)
                done = self.control("run", "-c", path, "--output", f"raw:{self.scratch}/{place}",
                                    environment=self.environment(world))
                self.assertEqual(done.returncode, 74, done.stderr)
                self.assertIn(place.split("/")[0].encode(), done.stderr)
        self.assertEqual(world.exchanges(), 0)

    def test_bad_ones_among_good_ones_disturb_nothing(self):
        world = self.emulator("--platform", "gcp")
        good = self.account(world.account, name="good")
        other = self.scratch / "other"
        other.mkdir(mode=0o700)
        twin = other / "good.json"
        twin.write_text(json.dumps(world.account))
        broken = self.account("{", name="broken")
        agent = self.agent("-c", good, "-c", twin, "-c", broken, "-c", "/nonexistent.json",
                           environment=self.environment(world))
        wait_for(lambda: agent.text().count("rejected") == 3, "three rejections")
        self.assertEqual(self.control("wait", "good").returncode, 0)
        status = self.status()
        self.assertEqual(len(status["rejected"]), 3)
        self.assertEqual([a["account"] for a in status["accounts"]], ["good"])
        self.assertEqual(self.control("status", "--check").returncode, 75)


class Once(World):
    def test_once(self):
        world = self.emulator("--platform", "gcp")
        file = self.scratch / "out" / "x"
        done = self.control("run", "--once", "-c", self.account(world.account), "--output",
                            f"json:{file}", environment=self.environment(world))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mrn", json.loads(file.read_text()))
        done = self.control("run", "--once", "-c", self.account(world.account),
                            environment=self.environment(world))
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"--output", done.stderr)
        world.fault(match={"path": "/SecureTokenService/"}, grpc=7)
        done = self.control("run", "--once", "-c", self.account(world.account), "--output",
                            f"json:{file}", environment=self.environment(world))
        self.assertEqual(done.returncode, 77)
        self.assertIn("mrn", json.loads(file.read_text()))

    @root_only
    def test_a_full_disk(self):
        world = self.emulator("--platform", "gcp")
        mount = self.scratch / "tiny"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=755", "none", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", mount])
        (mount / "filler").write_bytes(b"x" * 4096)
        done = self.control("run", "--once", "-c", self.account(world.account), "--output",
                            f"raw:{mount}/x", environment=self.environment(world))
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(b"No space left", done.stderr)
        self.assertEqual(os.listdir(mount), ["filler"])


class GetFromTheAgent(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "gcp")
        self.path = self.account(self.world.account)
        self.surroundings = self.environment(self.world)

    def get(self, *arguments):
        return self.control("get", "-c", self.path, *arguments, environment=self.surroundings,
                            records=False)

    def test_the_agents_credential(self):
        agent = self.agent("-c", self.path, environment=self.surroundings)
        self.await_ready(agent)
        first = self.get()
        self.assertEqual(first.stdout, self.read_socket(self.runtime / "mondoo.sock"))
        self.assertEqual(self.world.exchanges(), 1)
        link = self.scratch / "link.json"
        link.symlink_to(self.path)
        done = self.control("get", "-c", link, environment=self.surroundings, records=False)
        self.assertEqual(done.stdout, first.stdout)
        self.assertEqual(self.world.exchanges(), 1)
        for form, marker in [("json", b'"mrn"'), ("env", b"export MONDOO_CONFIG_BASE64='"),
                             ("envfile", b"MONDOO_CONFIG_BASE64=")]:
            self.assertIn(marker, self.get("--format", form).stdout)
        self.assertEqual(self.get("--format", "header").returncode, 78)
        self.assertEqual(self.get("--fresh").returncode, 0)
        self.assertEqual(self.world.exchanges(), 2)
        # Other bytes than those the agent loaded: not its account any more.
        self.account(self.world.account, lifetime=1800)
        self.assertEqual(self.get().returncode, 0)
        self.assertEqual(self.world.exchanges(), 3)

    def test_an_agent_that_has_failed_is_not_gone_around(self):
        self.world.fault(match={"path": "/SecureTokenService/"}, grpc=7)
        agent = self.agent("-c", self.path, environment=self.surroundings)
        wait_for(lambda: "refresh-failed" in agent.text(), "the refusal")
        self.world.heal()
        done = self.get("--timeout", 1)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertEqual(self.world.exchanges(), 1)

    @root_only
    def test_the_control_socket_is_roots(self):
        self.scratch.chmod(0o755)
        agent = self.agent("-c", self.path, "--control-group", "daemon",
                           environment=self.surroundings)
        self.await_ready(agent)
        ask = ("import http.client,socket,sys; c=http.client.HTTPConnection('x');"
               "c.sock=socket.socket(socket.AF_UNIX); c.sock.connect(sys.argv[1]);"
               "c.request(*sys.argv[2].split()); print(c.getresponse().status)")
        for group, question, expected in [
            ("daemon", "GET /status", b"200"), ("daemon", "GET /metrics", b"200"),
            ("daemon", f"GET /credential?file={self.path}", b"403"),
            ("daemon", "POST /refresh", b"403"), ("nogroup", "GET /status", None),
        ]:
            done = subprocess.run(
                ["setpriv", "--reuid", "games", "--clear-groups", "--regid", group,
                 SYSTEM_PYTHON, "-c", ask, f"{self.runtime}/control.sock", question],
                capture_output=True)
            if expected is None:
                self.assertNotEqual(done.returncode, 0)
            else:
                self.assertEqual(done.stdout.strip(), expected, done.stderr)

    def test_tcp_serves_no_credential(self):
        import urllib.error, urllib.request
        agent = self.agent("-c", self.path, "--listen", "127.0.0.1:0", "--log-level", "debug",
                           environment=self.surroundings)
        self.await_ready(agent)
        found = subprocess.run(["ss", "-Htlnp"], capture_output=True).stdout.decode()
        ports = [line.split()[3].rsplit(":", 1)[1] for line in found.splitlines()
                 if f"pid={agent.pid}," in line]
        self.assertEqual(len(ports), 1, found)
        base = f"http://127.0.0.1:{ports[0]}"
        def ask(path, **headers):
            request = urllib.request.Request(base + path, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=10) as reply:
                    return reply.status, reply.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()
        self.assertEqual(ask("/readyz")[0], 200)
        self.assertIn(b"wif_agent_ready 1", ask("/metrics")[1])
        self.assertEqual(ask("/status")[0], 200)
        self.assertEqual(ask("/status", Host="evil.example")[0], 403)
        self.assertEqual(ask(f"/credential?file={self.path}")[0], 403)

class Exec(World):
    def test_nothing_secret_stays_beside_what_a_command_leaves(self):
        emulator = self.emulator("--platform", "gcp")
        done = self.wif("exec", "-c", self.account(emulator.account), "--", "sh", "-c",
                        'echo "$WIF_AGENT_FILE"; mkdir "${WIF_AGENT_FILE%/*}/a" "${WIF_AGENT_FILE%/*}/z"',
                        environment=self.environment(emulator))
        self.assertEqual(done.returncode, 0, done.stderr)
        place = pathlib.Path(done.stdout.decode().strip()).parent
        self.addCleanup(shutil.rmtree, place)
        self.assertEqual(sorted(os.listdir(place)), ["a", "z"])
        self.assertIn(b"cannot be removed", done.stderr)


class AgentTakenOver(World):
    def test_it_does_not_steer_the_terminal_of_who_asks(self):
        evil = "\x1b[2J\x9b5m"
        failure = {"class": "refused", "step": "exchange", "message": evil, "hint": evil}
        account = self.account(GOOD, universeDomain="http://127.0.0.1:1", jwtToken="a.b.c")
        answers = {
            "/status": (200, {"ready": True, "accounts": [{
                "account": evil, "state": evil, "expires_in": 1e300, "next_in": -1e300,
                "expires_at": evil, "lifetime": 1e300, "next_action": evil,
                "file": str(account), "outputs": [{"path": f"{self.runtime}/mondoo.sock",
                                                   "error": evil}]},
                {"account": evil, "last_failure": {**failure, "seconds_ago": 1e300}}]}),
            "/refresh": (502, {"results": [{"account": evil, "failure": failure},
                                           {"account": evil, "expires_at": evil}]}),
            "/readyz": (503, evil), "/refresh/x": (404, evil), "/credential": (500, evil),
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, answer = answers[self.path.partition("?")[0]]
                body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def address_string(self):
                return ""

            def log_message(self, *_):
                pass

        server = socketserver.ThreadingUnixStreamServer(
            str(self.runtime / "control.sock"), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        for command, code in ((["status"], 0), (["refresh"], 77), (["refresh", "x"], 66),
                              (["wait", "--timeout", "0.1"], 75),
                              (["get", "-c", account], 77), (["doctor", "-c", account], 75)):
            with self.subTest(command):
                done = self.control(*command)
                self.assertEqual(done.returncode, code, done.stderr)
                for bad in (b"\x1b", b"\x9b"):
                    self.assertNotIn(bad, done.stdout + done.stderr)
