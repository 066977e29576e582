"""What the manual pages, the README and the completions say, held against the programs themselves:
`--help` prints the table of commands that also parses the command line and makes the completions."""

import re
import subprocess
import unittest

from world import BIN, ROOT

# In the sources in capitals, and no variables that a program reads or sets.
NO_VARIABLES = {
    "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "N_A",
    # Parts of names: what follows GOOGLE_EXTERNAL_ACCOUNT_.
    "TOKEN_TYPE", "IMPERSONATED_EMAIL", "OUTPUT_FILE",
    # Words of OpenSSL and of systemd's units.
    "SSL_ERROR_SYSCALL", "AF_INET", "AF_UNIX",
    # Those that are only named: for an output to set, or not.
    "GH_TOKEN", "GITHUB_TOKEN",
    # Of options, whose names the manual has.
    "WIF_AGENT_CONFIG_DIR", "WIF_AGENT_STATE_DIR", "WIF_AGENT_WORKER_SOCKET",
    # Of the language's runtime.
    "SWIFT_BACKTRACE",
}
# Keys that are known only for what they tell of the file.
ONLY_RECOGNISED = {"privateKey"}
ACCESSORS = ("text|texts|requiredText|string|bool|isTrue|number|object|objects|strings|choice"
             "|absolutePath|endpoint|take|peek|has")


def said_by(program, *arguments):
    return subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=True).stdout


def page(name):
    return (ROOT / "man" / name).read_text()


def section(text, title):
    """From its heading to the next one, `.Ss` or `.Sh`."""
    found = re.search(rf'^\.S[hs] "?{re.escape(title)}"?$(.*?)(?=^\.S[hs] |\Z)', text, re.M | re.S)
    assert found, title
    return found[1]


def macro(text, name):
    """The arguments of a macro, wherever it is called, up to the next macro on its line."""
    found = set()
    for line in text.splitlines():
        if not line.startswith("."):
            continue
        words = line[1:].split()
        current = None
        for word in words:
            if re.fullmatch(r"[A-Z][a-z]", word):
                current = word
            elif current == name:
                found.add(word.strip('"'))
    return found


def options_of(text):
    """Long ones, of mdoc's `Fl -name`."""
    return {word[1:] for word in macro(text, "Fl") if re.fullmatch(r"-[a-z][a-z0-9-]+", word)}


def options_in_help(text):
    return set(re.findall(r"^ +(?:-\w, )? *--([a-z][a-z0-9-]*)", text, re.M))


def blocks(text):
    """Of the outermost list of a section: what its items are called, and their text."""
    found, depth, name = {}, 0, None
    for line in text.splitlines():
        depth += line.startswith(".Bl ")
        depth -= line == ".El"
        if depth == 1 and line.startswith(".It "):
            name = line.split()[2]
            found[name] = ""
        if name:
            found[name] += line + "\n"
    return found


def sources(*rooms):
    for room in rooms:
        for path in sorted((ROOT / "Sources" / room).rglob("*.swift")):
            yield path.read_text()


def platforms():
    """The words of the domain's list, in its order."""
    text = (ROOT / "Sources/Federation/Platforms/TokenPlatform.swift").read_text()
    cases = re.findall(r'^    case (\w+)(?: = "([\w-]+)")?$', text.split("package var facts", 1)[0], re.M)
    return [word or name for name, word in cases]


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class CommandTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        overview = said_by("wif-agent", "--help")
        cls.commands = re.findall(r"^  ([a-z]+)  ", overview.split("manual pages")[0], re.M)
        cls.help = {name: options_in_help(said_by("wif-agent", name, "--help")) for name in cls.commands}
        cls.page = page("wif-agent.1")
        cls.blocks = blocks(section(cls.page, "Commands"))
        cls.common = options_of(section(cls.page, "Common options"))

    def test_the_manual_has_every_command_and_no_other(self):
        self.assertEqual(set(self.blocks), set(self.commands))
        synopsis = re.findall(r"^\.Nm\n\.Cm ([a-z]+)$", section(self.page, "SYNOPSIS"), re.M)
        self.assertEqual(sorted(synopsis), sorted(self.commands))

    def test_the_manual_has_every_option_and_no_other(self):
        for name in self.commands:
            with self.subTest(name):
                documented = options_of(self.blocks[name])
                self.assertEqual(self.help[name] - documented - self.common, set(), "not documented")
        everywhere = set.union(*self.help.values())
        self.assertEqual((options_of(self.page) | self.common) - everywhere, set(), "no such option")

    def test_what_a_command_lists_it_takes(self):
        for name, text in self.blocks.items():
            listed = set(re.findall(r"^\.It Fl (?:\w , Fl )?-([a-z-]+)", text, re.M))
            self.assertEqual(listed - self.help[name], set(), name)

    def test_the_completions_have_every_command_and_option(self):
        for shell in ("bash", "zsh", "fish"):
            text = said_by("wif-agent", "completion", shell)
            for name in self.commands:
                for option in self.help[name]:
                    spelling = f"-l {option} " if shell == "fish" else f"--{option}"
                    self.assertIn(spelling, text, f"{shell} {name}")
                    self.assertIn(name, text)

    def test_the_readme_names_what_there_is(self):
        text = (ROOT / "README.md").read_text()
        everywhere = set.union(*self.help.values())
        for line in re.findall(r"wif-agent ([a-z]+(?: [^`\n#;|&]*)?)", "\n".join(
                re.findall(r"^wif-agent .*$|`[^`\n]*wif-agent [^`\n]*`|\(wif-agent [^)\n]*\)", text, re.M))):
            command, *words = line.split(" -- ")[0].split()
            self.assertIn(command, self.commands, line)
            for option in re.findall(r"--([a-z][a-z-]+)", " ".join(words)):
                self.assertIn(option, self.help[command], line)
        theirs = {"user", "unix-socket", "env-file", "all", "now", "ignore-missing"}
        agents = set(re.findall(r"--([a-z][a-z-]+)", text)) - theirs
        self.assertEqual(agents - everywhere - options_in_help(said_by("wif-emulator", "--help")), set())

    def test_the_exit_codes(self):
        documented = set(re.findall(r"^\.It (\d+)$", section(self.page, "EXIT STATUS"), re.M))
        text = "\n".join(sources("Federation", "Agent", "wif-agent"))
        used = set(re.findall(r"(?:exitCode: |return |\? |case [.\w, ]+: )(6[4-9]|7[0-9])\b", text))
        self.assertEqual(used - documented, set(), "not documented")
        self.assertEqual(documented - used - {"0"}, set(), "never used")


class OtherProgramTests(unittest.TestCase):
    def test_the_emulators_options(self):
        listed = options_in_help(said_by("wif-emulator", "--help")) | {"version"}
        listed.add("version")
        self.assertEqual(listed ^ options_of(page("wif-emulator.1")), set())


class ReferenceTests(unittest.TestCase):
    """What has no table that can be printed is looked for in the sources."""

    def test_every_key_of_an_account_file(self):
        text = "\n".join(sources("Federation"))
        # Those of KeyedValues, whatever the value is called there.
        pattern = rf'\b(?:values|source|entry|hook|object|format|options|self)\??\.(?:{ACCESSORS})\(\s*"(\w+)"'
        keys = set(re.findall(pattern, text)) - ONLY_RECOGNISED
        self.assertGreater(len(keys), 50)
        manual = page("wif-agent.json.5")
        said = {camel(word) for word in macro(manual, "Cm")}
        self.assertEqual(keys - said, set(), "not documented")
        listed = set()
        for title in ("Keys", "Credential sources", "Programs", "AWS", "Outputs"):
            for line in re.findall(r"^\.It Cm ([\w ,]+?)(?: Pq .*)?$", section(manual, title), re.M):
                listed |= set(re.findall(r"\w+", line))
        literals = set(re.findall(r'"(\w+)"', text))
        self.assertGreater(len(listed), 20)
        self.assertEqual(listed - keys - literals, set(), "no such key")

    def test_every_platform(self):
        listed = platforms()
        self.assertGreater(len(listed), 14)
        manual = page("wif-agent.json.5")
        text = section(manual, "Credential sources")
        said = set(re.findall(r'^\.It Cm provider : Qq ([\w-]+)$', text, re.M)) | macro(text, "Cm")
        self.assertEqual(set(listed) - said, set(), "not in Credential sources")
        described = {name for title in ("CI systems", "Kubernetes and others")
                     for name in blocks(section(manual, title))}
        self.assertEqual(described - set(listed), set(), "no such platform")
        elsewhere = {"gcp", "azure", "github", "aws"}
        self.assertEqual(set(listed) - described, elsewhere, "not described")
        order = re.search(r"^After these three come\n(.*?)^but only", text, re.M | re.S)[1]
        self.assertEqual(re.findall(r"[a-z][a-z-]+", re.sub(r"^and$|\.Cm", "", order, flags=re.M)),
                         [name for name in listed if name not in elsewhere | {"spiffe"}])

    def test_every_platform_that_is_played(self):
        played = set(platforms()) - {"spiffe"}
        text = re.search(r"^\.It Fl -platform (.*?)^\.It ", page("wif-emulator.1"), re.M | re.S)[1]
        self.assertEqual(macro(text, "Cm") - {"all", "none", ","}, played)

    def test_every_variable(self):
        rooms = ("Agent", "wif-agent", "Federation", "Kernel", "TokenSources", "Exchanges", "HTTP",
                 "Diagnosis", "Worker", "wif-exchange", "Outputs")
        used = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])"', "\n".join(sources(*rooms))))
        manuals = page("wif-agent.1") + page("wif-agent.json.5") + page("wif-exchange.8")
        said = macro(manuals, "Ev")
        self.assertEqual(used - NO_VARIABLES - said, set(), "not documented")
        literals = "\n".join(sources(*rooms))
        # Those of options are made of their names.
        unknown = {name for name in said if "_" in name and name.strip("_") not in literals
                   and not name.startswith(("WIF_AGENT_", "GOOGLE_EXTERNAL_ACCOUNT_", "_"))}
        self.assertEqual(unknown, set(), "never read")

    def test_every_event_with_its_fields(self):
        text = (ROOT / "Sources/Agent/LogEvent.swift").read_text()
        declarations, table = text.split("package var fields", 1)
        raw = dict(re.findall(r'case (\w+) = "([\w-]+)"', declarations))
        names = set(raw.values()) | {
            name for line in re.findall(r"^ +case ([\w, ]+)$", declarations, re.M)
            for name in line.split(", ")}
        events = {}
        for cases, fields in re.findall(r"case ([.\w,\s]+?):\s*\[([^\]]*)\]", table):
            for case in re.findall(r"\.(\w+)", cases):
                events[raw.get(case, case)] = set(re.findall(r'"(\w+)"', fields))
        self.assertEqual(set(events), names)
        listed = {}
        for item in re.split(r"^\.It ", section(page("wif-agent.1"), "LOG EVENTS"), flags=re.M)[1:]:
            heading, _, body = item.partition("\n")
            for name in re.findall(r"[a-z][a-z-]+", heading):
                listed[name] = body
        self.assertEqual(set(listed), names)
        for name, fields in events.items():
            missing = fields - macro(listed[name], "Cm")
            self.assertEqual(missing, set(), name)

    def test_every_metric(self):
        defined = set(re.findall(r'"(wif_agent_[a-z_]+)"', "\n".join(sources("Agent", "Outputs"))))
        listed = {word for word in macro(section(page("wif-agent.1"), "Metrics"), "Cm")
                  if word.startswith("wif_agent_")}
        self.assertEqual(defined ^ listed, set())
        for path in ("prometheus/wif-agent.rules.yml", "grafana/wif-agent.json"):
            text = (ROOT / "packaging" / path).read_text()
            used = {re.sub(r"_(bucket|sum|count)$", "", name)
                    for name in re.findall(r"\bwif_agent_[a-z_]+", text)}
            self.assertEqual(used - defined, set(), path)
