"""Accounts whose subject token is another account's credential."""

import json
import unittest
import urllib.request

from world import World, secrets, wait_for


class Chain(World):
    def setUp(self):
        super().setUp()
        self.world = self.emulator("--platform", "github")
        self.files = self.scratch / "accounts"
        self.files.mkdir(mode=0o755)

    def write(self, name, content, **changes):
        content = {**content, **changes,
                   "outputs": [{"format": "raw", "path": str(self.scratch / "out" / name)}]}
        path = self.files / f"{name}.json"
        path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
        path.chmod(0o600)
        return path

    def base(self, **changes):
        return self.write("base", self.world.named("token-github"), **changes)

    def top(self, **changes):
        return self.write("top", self.world.named("oauth-github"), **{
            "credentialSource": {"account": "base"}, **changes})

    def run_agent(self):
        return self.agent("--config-dir", self.files, "--state-dir", self.scratch / "state",
                          environment=self.environment(self.world))

    def account_named(self, name):
        return next(one for one in self.status()["accounts"] if one["account"] == name)

    def out(self, name):
        text = (self.scratch / "out" / name).read_text()
        secrets.add(text)
        return text

    def exchanges(self):
        seen = self.world.ask("/_emulator/requests?path=/oauth/token")["requests"]
        return [one["status"] for one in seen]

    def test_the_second_follows_the_first(self):
        self.base()
        self.top()
        self.await_ready(self.run_agent())
        self.assertNotEqual(self.out("base"), self.out("top"))
        self.assertEqual(self.exchanges(), [200])
        self.assertEqual(self.account_named("top")["source"], "account")

    def test_one_failure_is_told_once_and_both_recover_together(self):
        self.base()
        self.top()
        self.world.fault(match={"role": "github"}, status=403, body="forbidden")
        agent = self.run_agent()
        wait_for(lambda: "whose credential is the subject token, has none" in agent.text(),
                 "the second's own word", 40)
        self.assertEqual(self.exchanges(), [])
        told = [line for line in agent.text().splitlines() if "forbidden" in line]
        self.assertTrue(told and all("base" in line and "top" not in line for line in told), told)
        self.world.heal()
        self.assertEqual(self.control("refresh", "base").returncode, 0)
        wait_for(lambda: (self.scratch / "out" / "top").exists(), "the second's credential", 10)

    def test_what_the_first_becomes_the_second_follows(self):
        self.base()
        self.top()
        agent = self.run_agent()
        self.await_ready(agent)
        old = self.out("base"), self.out("top")
        self.base(tokenAudience="https://other.example")
        agent.signal(1)
        wait_for(lambda: self.out("base") != old[0] and self.out("top") != old[1], "both anew")
        self.await_ready(agent)

    def test_a_circle_and_a_missing_account_are_refused_and_nothing_else(self):
        self.base()
        self.top(credentialSource={"account": "other"})
        self.write("other", self.world.named("oauth-github"),
                   credentialSource={"account": "top"})
        self.write("lost", self.world.named("oauth-github"),
                   credentialSource={"account": "nobody"})
        check = self.wif("check", "--config-dir", self.files)
        self.assertEqual(check.returncode, 78)
        self.assertIn("leads in a circle: top, other, top", check.stderr.decode())
        self.assertIn('there is no usable account "nobody"', check.stderr.decode())
        agent = self.run_agent()
        wait_for(lambda: (self.scratch / "out" / "base").exists(), "the good one")
        self.assertEqual(len(self.status()["accounts"]), 1, agent.text())

    def test_without_an_agent(self):
        self.base()
        top = self.top()
        done = self.wif("get", "--fresh", "-c", top, records=False,
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(done.stdout.decode())
        self.write("base", self.world.named("oauth-github"), credentialSource={"account": "top"})
        done = self.wif("get", "--fresh", "-c", top, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"leads in a circle", done.stderr)

    def test_the_restarted_agent_adopts_both(self):
        self.base()
        self.top()
        agent = self.run_agent()
        self.await_ready(agent)
        old = self.out("top")
        agent.signal(15)
        agent.wait()
        self.await_ready(self.run_agent())
        self.assertEqual(self.out("top"), old)
        self.assertEqual(self.exchanges(), [200])

    def act(self, token):
        """What the service knows of who acts, and for whom."""
        request = urllib.request.Request(
            self.world.named("oauth-github")["tokenUrl"].replace("/token", "/resource"),
            headers={"Authorization": "Bearer " + token})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())

    def minted(self, subject):
        request = urllib.request.Request(
            self.world.url + "/_emulator/token", json.dumps({"claims": {"sub": subject}}).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            token = reply.read().decode()
        path = self.scratch / subject
        path.write_text(token)
        path.chmod(0o600)
        return {"file": str(path)}

    def test_an_actor_from_a_file(self):
        path = self.write("acting", self.world.named("oauth-github"),
                          actorToken=self.minted("robot"))
        done = self.wif("get", "--fresh", "-c", path, records=False,
                        environment=self.environment(self.world))
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets.add(done.stdout.decode())
        known = self.act(done.stdout.decode())
        self.assertEqual(known["act"], {"sub": "robot"})
        self.assertIn("repo:acme/app", known["sub"])
        check = self.wif("check", "-c", path)
        self.assertIn(b"actor token: file", check.stdout)

    def test_an_actor_that_is_refused_or_absent(self):
        wrong = self.write("wrong", self.world.named("oauth-github"),
                           actorToken=self.minted("robot"), actorTokenType="urn:x")
        done = self.wif("get", "--fresh", "-c", wrong, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn(b"actor_token_type is not known", done.stderr)
        absent = self.write("absent", self.world.named("oauth-github"),
                            actorToken={"environment": "NOT_THERE"})
        done = self.wif("get", "--fresh", "-c", absent, environment=self.environment(self.world))
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(b"actorToken: environment: the variable NOT_THERE is not set", done.stderr)

    def test_an_actor_from_another_account_comes_first(self):
        self.base()
        self.write("acting", self.world.named("oauth-github"), actorToken={"account": "base"})
        agent = self.run_agent()
        self.await_ready(agent)
        known = self.act(self.out("acting"))
        self.assertIn("repo:acme/app", known["act"]["sub"])
        # What the first becomes, the second follows.
        old = self.out("acting")
        self.base(tokenAudience="https://other.example")
        agent.signal(1)
        wait_for(lambda: self.out("acting") != old, "the second anew")
        self.await_ready(agent)
