#!/usr/bin/env python3
"""Changes the code in many small ways and looks whether a test notices.

    nice Tests/Mutation/run.py [GROUP]... [--list] [--test GROUP,GROUP] [--sample N --seed S] [--only ID,ID] [--scratch DIR] [--jobs N]

All changes (mutants) of a group are compiled into one copy of the tests, each behind a switch: operators are
replaced by operators of their own, numbers, conditions and statements by calls, and the variable WIF_MUTANT
names the one that is in force. One build therefore tests hundreds. What does not compile is left out.
The tests are first run once by file without a mutant, which shows the mutants that each file reaches: a mutant
meets these files alone, the quickest first. It is killed when a file's tests fail, crash or take ten times as
long as without it.

Survivors that are known stand in `explained.txt` beside this file, each with its reason. Prints a table; ends
with 1 if a survivor is not explained. The working tree is only read: the copy is in --scratch (under $TMPDIR).
"""

import argparse
import collections
import concurrent.futures
import json
import math
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

Group = collections.namedtuple("Group", "files targets suites")
# By group: the files that are changed, the tests to build, and the suites that matter (the names of their files),
# the quickest first.
GROUPS = {
    "life": Group(
        ["Sources/Agent/Life/*.swift", "Sources/Agent/AccountSet.swift",
         "Sources/Agent/RevocationQueue.swift"],
        ["AgentTests", "SimulationTests"],
        ["AccountLife\\w*Tests|AttemptPaceTests|RevocationQueueTests|AccountSetTests|KeeperTests",
         "LoopRevocationTests|LoopTimeTests|RosterTests", "SimulationTests"]),
    "schedule": Group(
        ["Sources/Federation/RefreshSchedule.swift"], ["FederationTests"], ["ScheduleTests|FleetTests"]),
    "keeper": Group(["Sources/Agent/CredentialKeeper.swift"], ["AgentTests"], ["KeeperTests|AccountLifeTests"]),
    "outputs": Group(["Sources/Outputs/**/*.swift"], ["OutputsTests"], ["OutputsTests"]),
    "identity": Group(
        ["Sources/Federation/AccountIdentity.swift"], ["FederationTests", "AgentTests"],
        ["AccountIdentityTests|KubernetesSecretTests", "KeeperTests"]),
    "redaction": Group(
        ["Sources/Kernel/Secret.swift", "Sources/Text/SecretSearch.swift", "Sources/Text/ForeignText.swift",
         "Sources/Federation/Secrets/*.swift"],
        ["FederationTests", "ExchangesTests"], ["SecretSearchTests|KnownSecretsTests|SecretTests|TextTests|SecretsInResults"]),
    "peers": Group(
        ["Sources/Outputs/SocketGuard.swift", "Sources/Kernel/Sockets/Peer.swift"], ["OutputsTests"],
        ["SocketAccessTests|CredentialSocketTests"]),
    "policy": Group(["Sources/Policy/**/*.swift"], ["PolicyTests"], ["^PolicyTests/(?!Fuzz|Comparison)"]),
}

# The rooms that have mutants, the lowest first.
ROOMS = ["Kernel", "Text", "Federation", "Policy", "Outputs", "Agent"]

# Appended to the copy's manifest: nothing is built but what the groups need.
MANIFEST = """
var needed: Set<String> = [%s]
func dependencies(of target: Target) -> [String] {
    target.dependencies.compactMap { if case .byNameItem(let name, _) = $0 { name } else { nil } }
}
for _ in package.targets {
    for target in package.targets where needed.contains(target.name) {
        needed.formUnion(dependencies(of: target))
    }
}
package.targets.removeAll { !needed.contains($0.name) }
package.products = []
"""

SWITCHES = """
#if canImport(Glibc)
import Glibc
#endif

let activeMutant: Int = {
    guard let text = getenv("WIF_MUTANT") else { return 0 }
    return Int(String(cString: text)) ?? 0
}()
// Where a byte is set for each mutant that is reached.
nonisolated(unsafe) let reachedMutants: UnsafeMutablePointer<UInt8>? = {
    guard let path = getenv("WIF_MUTANT_TRACE") else { return nil }
    let file = open(path, O_RDWR)
    let memory = mmap(nil, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    close(file)
    return memory == MAP_FAILED ? nil : memory?.assumingMemoryBound(to: UInt8.self)
}()
@inline(never) func mutant(_ id: Int) -> Bool {
    reachedMutants?[id] = 1
    return activeMutant == id
}
func flip(_ id: Int, _ condition: Bool) -> Bool { mutant(id) != condition }
func number<T: Numeric>(_ id: Int, _ value: T) -> T { mutant(id) ? value + 1 : value }
func least<T: Comparable>(_ id: Int, _ a: T, _ b: T) -> T { mutant(id) ? Swift.max(a, b) : Swift.min(a, b) }
func most<T: Comparable>(_ id: Int, _ a: T, _ b: T) -> T { mutant(id) ? Swift.min(a, b) : Swift.max(a, b) }
"""

OPERATORS = {
    # operator: (precedence, generic signature, [each mutant's expression])
    "<": ("ComparisonPrecedence", "<T: Comparable>(l: T, r: T) -> Bool", ["l <= r", "l >= r"]),
    "<=": ("ComparisonPrecedence", "<T: Comparable>(l: T, r: T) -> Bool", ["l < r", "l > r"]),
    ">": ("ComparisonPrecedence", "<T: Comparable>(l: T, r: T) -> Bool", ["l >= r", "l <= r"]),
    ">=": ("ComparisonPrecedence", "<T: Comparable>(l: T, r: T) -> Bool", ["l > r", "l < r"]),
    "==": ("ComparisonPrecedence", "<T: Equatable>(l: T, r: T) -> Bool", ["l != r"]),
    "!=": ("ComparisonPrecedence", "<T: Equatable>(l: T, r: T) -> Bool", ["l == r"]),
    "&&": ("LogicalConjunctionPrecedence",
           "(l: Bool, r: @autoclosure () throws -> Bool) rethrows -> Bool", ["try l || r()"]),
    "||": ("LogicalDisjunctionPrecedence",
           "(l: Bool, r: @autoclosure () throws -> Bool) rethrows -> Bool", ["try l && r()"]),
    "+": ("AdditionPrecedence", "<T: AdditiveArithmetic>(l: T, r: T) -> T", ["l - r"]),
    "-": ("AdditionPrecedence", "<T: AdditiveArithmetic>(l: T, r: T) -> T", ["l + r"]),
    "*": ("MultiplicationPrecedence", "<T: Numeric>(l: T, r: T) -> T", ["l + r"]),
}
PLAIN = {"&&": "try l && r()", "||": "try l || r()"}
DIGITS = "∀∁∂∃∄∅∆∇∈∉"


class Mutant:
    def __init__(self, id, path, line, text, change):
        self.id, self.path, self.line, self.text, self.change = id, path, line, text, change
        self.fate = None

    @property
    def key(self):
        return f"{self.path}: {self.change}: {self.text}"


class Writer:
    """Instruments files; numbers the mutants from 1."""

    def __init__(self):
        self.mutants = []
        self.operators = {}  # by module: [declaration]
        self.skipped = set()  # (path, line, kind): what did not compile
        self.originals = {}  # by path: the lines as they were at the start

    def new(self, path, line, text, change):
        mutant = Mutant(len(self.mutants) + 1, path, line, text.strip(), change)
        self.mutants.append(mutant)
        return mutant.id

    def operator(self, module, path, number, line, symbol):
        precedence, signature, changes = OPERATORS[symbol]
        ids = [self.new(path, number, line, f"{symbol} is {change}") for change in changes]
        name = symbol + "".join(DIGITS[int(digit)] for digit in str(ids[0]))
        plain = PLAIN.get(symbol, f"l {symbol} r")
        body = "".join(f"if mutant({i}) {{ return {c} }}; " for i, c in zip(ids, changes))
        out = self.operators.setdefault(module, [])
        out.append(f"infix operator {name}: {precedence}")
        out.append(f"func {name} {signature} {{ {body}return {plain} }}")
        if symbol == "+":
            out.append(f"func {name} <C: RangeReplaceableCollection, O: Sequence>(l: C, r: O) -> C "
                       f"where O.Element == C.Element {{ mutant({ids[0]}) ? l : l + r }}")
        if symbol in ("==", "!="):
            other = "!=" if symbol == "==" else "=="
            out.append(f"func {name} <T>(l: T?, r: _OptionalNilComparisonType) -> Bool "
                       f"{{ if mutant({ids[0]}) {{ return l {other} r }}; return l {symbol} r }}")
        return name

    def line(self, module, path, number, line, context):
        """The instrumented line."""
        def allowed(kind):
            return (path, number, kind) not in self.skipped
        code = mask(line)
        stripped = code.strip()
        if context.is_inert(stripped):
            return line
        edits = []  # (start, end, text)
        if allowed("operator") and "func " not in code:
            for found in re.finditer(r"(?<=[\w)\]\"?!}]) (<=|>=|==|!=|&&|\|\||<|>|\+|-|\*) (?=[\w(\[.\"!$-])", code):
                symbol = found.group(1)
                if symbol == "+" and '"' in line:
                    continue
                name = self.operator(module, path, number, line, symbol)
                edits.append((found.start(1), found.end(1), name))
            # A line that begins with a logical operator.
            found = re.match(r"\s*(&&|\|\|) ", code)
            if found:
                edits.append((found.start(1), found.end(1),
                              self.operator(module, path, number, line, found.group(1))))
        if allowed("number") and not re.match(r"case |@|import ", stripped):
            for found in re.finditer(r"(?<![\w.$#])(?<!\[)\d[\d_]*(?:\.\d+)?(?![\w.xX\]])", code):
                if re.search(r"case [^:]*$", code[:found.start()]):
                    continue
                id = self.new(path, number, line, f"{found.group()} is one more")
                edits.append((found.start(), found.end(), f"number({id}, {found.group()})"))
        if allowed("boolean") and not re.match(r"case ", stripped):
            for found in re.finditer(r"(?<![\w.])(true|false)\b", code):
                # What follows an endless loop is known not to be reached.
                if re.search(r"case [^:]*$|catch [^{]*$|while $", code[:found.start()]):
                    continue
                id = self.new(path, number, line, f"{found.group()} is negated")
                edits.append((found.start(), found.end(), f"flip({id}, {found.group()})"))
        if allowed("extreme"):
            for found in re.finditer(r"(?<![\w.])(min|max)\((?=[^()]*(?:\([^()]*\)[^()]*)*,)", code):
                id = self.new(path, number, line, f"{found.group(1)} is the other")
                name = "least" if found.group(1) == "min" else "most"
                edits.append((found.start(), found.end(), f"{name}({id}, "))
        if allowed("condition"):
            edits += self.conditions(path, number, line, code)
        for start, end, text in sorted(edits, reverse=True):
            line = line[:start] + text + line[end:]
        if allowed("statement") and context.is_statement(code):
            id = self.new(path, number, mask_text(code), "is left out")
            indent = line[:len(line) - len(line.lstrip())]
            line = f"{indent}if !mutant({id}) {{ {line.strip()} }}"
        return line

    def conditions(self, path, number, line, code):
        """Each simple condition of an `if`, `guard` or `while` on one line, negated."""
        found = re.match(r"\s*(?:\} else )?(?:if|while) (.+) \{$|\s*guard (.+) else \{", code)
        if not found:
            return []
        group = 1 if found.group(1) else 2
        text, start = found.group(group), found.start(group)
        edits, depth, first = [], 0, 0
        parts = []
        for index, char in enumerate(text + ","):
            if char in "([{":
                depth += 1
            elif char in ")]}":
                depth -= 1
            elif char == "," and depth == 0:
                parts.append((first, index))
                first = index + 2
        for low, high in parts:
            part = text[low:high]
            # Comparisons have mutants of their own.
            if re.match(r"(let|var|case|_ =|#)", part) or re.search(r" (<|>|<=|>=|==|!=|is) ", part):
                continue
            if not part or "{" in part or part == "true":
                continue
            id = self.new(path, number, line, f"{part} is negated")
            edits.append((start + low, start + low, f"flip({id}, "))
            edits.append((start + high, start + high, ")"))
        return edits


def mask(line):
    """The line with strings and comments blanked, as long as before."""
    out, index, inside = [], 0, False
    while index < len(line):
        char = line[index]
        if not inside and line.startswith("//", index):
            out.append(" " * (len(line) - index))
            break
        if char == '"':
            inside = not inside
            out.append('"')
        elif inside and line.startswith("\\(", index):
            # An interpolation, with the strings in it.
            depth, start = 0, index
            while index < len(line) and (depth > 0 or index <= start + 1):
                depth += {"(": 1, ")": -1}.get(line[index], 0)
                index += 1
            out.append(" " * (index - start))
            continue
        elif inside and char == "\\":
            out.append("  "[:len(line[index:index + 2])])
            index += 1
        else:
            out.append(" " if inside else char)
        index += 1
    return "".join(out).rstrip() if not inside else " " * len(line)


def mask_text(code):
    return code.strip()


class Context:
    """What the lines before and after say of a line."""

    def __init__(self, lines):
        self.lines = [mask(line) for line in lines]
        self.text = lines
        self.index = 0
        self.in_text = False

    def is_inert(self, stripped):
        raw = self.text[self.index]
        if raw.count('"""') % 2:
            self.in_text = not self.in_text
            return True
        return self.in_text or not stripped or stripped.startswith(
            ("import ", "package import", "internal import", "@", "#", "infix ", "precedencegroup"))

    def neighbour(self, step):
        index = self.index + step
        while 0 <= index < len(self.lines) and not self.lines[index].strip():
            index += step
        return self.lines[index] if 0 <= index < len(self.lines) else ""

    def is_in_initializer(self, indent):
        """Whether what encloses the line is an initializer, which must set everything."""
        is_end = False
        for index in range(self.index - 1, -1, -1):
            line = self.lines[index]
            own = len(line) - len(line.lstrip())
            # The parameters of a long signature stand between its beginning and its end.
            if line.strip() and (own < indent or own == indent and is_end):
                indent, is_end = own, line.lstrip().startswith(")")
                if re.search(r"\b(func|init)\b", line):
                    return bool(re.search(r"\binit\b", line))
        return False

    def is_statement(self, code):
        stripped = code.strip()
        if not re.match(r"(self\.)?[a-z_]\w*[\w.?!\[\]]*( (=|\+=|-=) .+|\(.*\))$", stripped):
            return False
        if re.match(r"(let|var|return|case|guard|if|for|while|throw|func|init|super|default|do|defer"
                    r"|try|await|unsafe|switch|else|self\.init)\b", stripped):
            return False
        if any(stripped.count(a) != stripped.count(b) for a, b in ("()", "[]", "{}")):
            return False
        indent = len(code) - len(code.lstrip())
        if re.match(r"(self\.)?\w+ = ", stripped) and self.is_in_initializer(indent):
            return False
        before, after = self.neighbour(-1), self.neighbour(1)
        if not re.search(r"[{}:]$|\bin$", before.rstrip()) and \
                (len(before) - len(before.lstrip()) != indent or re.search(r"[,(\[=&|+]$", before.rstrip())):
            return False
        return len(after) - len(after.lstrip()) <= indent and not after.strip().startswith(
            (".", "?", ":", "&&", "||", "+", "-", ")", "]"))


def instrument(scratch, groups, writer):
    """Writes the changed files of these groups into the copy."""
    writer.mutants, writer.operators = [], {}
    for path in files(groups):
        module = path.split("/")[1]
        lines = writer.originals[path]
        context = Context(lines)
        out = []
        for index, line in enumerate(lines):
            context.index = index
            out.append(writer.line(module, path, index + 1, line, context))
        write(scratch / path, "\n".join(out) + "\n")
    for module, declarations in writer.operators.items():
        write(scratch / f"Sources/{module}/MutantSwitches.swift", SWITCHES + "\n".join(declarations) + "\n")


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def files(groups):
    seen = []
    for group in groups:
        for pattern in GROUPS[group].files:
            for path in sorted(ROOT.glob(pattern)):
                name = str(path.relative_to(ROOT))
                if name not in seen:
                    seen.append(name)
    return seen


def copy(scratch, groups):
    """The working tree, as Git knows it, with settings that let the changed code compile."""
    scratch.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "Sources", "Tests", "Package.swift"],
                           cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = set(names)
    for name in names:
        source, target = ROOT / name, scratch / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for top in ("Sources", "Tests"):
        for path in (scratch / top).rglob("*"):
            if path.is_file() and str(path.relative_to(scratch)) not in wanted:
                path.unlink()
    package = (ROOT / "Package.swift").read_text()
    package = re.sub(r"\.treatAllWarnings\([^)]*\),?", "", package)
    package = re.sub(r"\.strictMemorySafety\(\),?", "", package)
    targets = sorted({target for group in groups for target in GROUPS[group].targets})
    package += MANIFEST % ", ".join(f'"{target}"' for target in targets)
    write(scratch / "Package.swift", package)


def remember(scratch, writer):
    """Writes down what did not compile, with the lines, for the next build."""
    lines = [(path, line, kind, text_at(writer, path, line)) for path, line, kind in sorted(writer.skipped)]
    (scratch / "skipped.json").write_text(json.dumps(lines))


def recall(scratch, groups, writer):
    """What did not compile before, of lines that are as they were."""
    for path in files(groups):
        writer.originals[path] = (ROOT / path).read_text().splitlines()
    place = scratch / "skipped.json"
    for path, line, kind, text in json.loads(place.read_text()) if place.exists() else []:
        if text_at(writer, path, line) == text:
            writer.skipped.add((path, line, kind))


def text_at(writer, path, line):
    lines = writer.originals.get(path, [])
    return lines[line - 1] if 0 < line <= len(lines) else ""


def build(scratch, groups, writer):
    """Builds the tests, leaving out what does not compile. Room by room, so that an error costs one room's
    build and no more."""
    rooms = [room for room in ROOMS if any(path.startswith(f"Sources/{room}/") for path in files(groups))]
    for what in [["--target", room] for room in rooms] + [["--build-tests"]]:
        build_part(scratch, groups, writer, what)


def build_part(scratch, groups, writer, what):
    for attempt in range(1, 25):
        instrument(scratch, groups, writer)
        print(f"build {what[-1]} {attempt}: {len(writer.mutants)} mutants", flush=True)
        command = ["swift", "build", *what, "-Xswiftc", "-suppress-warnings"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
        if done.returncode == 0:
            remember(scratch, writer)
            return
        found = set(re.findall(rf"^{re.escape(str(scratch))}/(Sources/\S+?):(\d+):(\d+): error: (.*)$",
                               done.stdout + done.stderr, re.M))
        if not found:
            sys.exit(f"the copy does not build:\n{(done.stdout + done.stderr)[-4000:]}")
        for path, line, column, message in found:
            leave_out(scratch, writer, path, int(line), int(column), message)
        remember(scratch, writer)
    sys.exit("the copy does not build after 24 rounds")


KINDS = ["operator", "number", "boolean", "extreme", "condition", "statement"]


def dropped_before(lines, line, message):
    """The statements that can be left out, of the function that ends at the line or assigns what is named."""
    name = re.search(r"'(\w+)' (?:used before|captured by a closure before)", message)
    if not name and "missing return" not in message:
        return []
    out = []
    for n in range(line, 0, -1):
        text = lines[n - 1].strip()
        if text.startswith("if !mutant(") and (not name or f"{{ {name.group(1)} = " in text):
            out.append(n)
        if re.search(r"\b(func|init)\b", text):
            break
    return out


def leave_out(scratch, writer, path, line, column, message):
    """The kind of change at the error, or all of the line's."""
    text = (scratch / path).read_text().splitlines()[line - 1]
    present = [kind for kind in KINDS if (path, line, kind) not in writer.skipped]
    signs = {
        "operator": any(digit in text for digit in DIGITS), "number": "number(" in text,
        "boolean": "flip(" in text, "extreme": "least(" in text or "most(" in text,
        "condition": "flip(" in text, "statement": text.strip().startswith("if !mutant("),
    }
    present = [kind for kind in present if signs[kind]]
    if not present:
        # The error shows on another line than its cause: an assignment further up, or a line of the function.
        lines = (scratch / path).read_text().splitlines()
        near = range(line - 6, min(line + 6, len(lines)) + 1)
        dropped = dropped_before(lines, line, message) or [
            n for n in near if n > 0 and lines[n - 1].strip().startswith("if !mutant(")]
        if dropped:
            writer.skipped.update((path, n, "statement") for n in dropped)
        else:
            writer.skipped.update((path, n, kind) for n in near for kind in KINDS)
        print(f"  {path}:{line}: {message}", flush=True)
        return
    if "statement" in present and len(present) > 1 and "initializ" not in message:
        present.remove("statement")
    writer.skipped.update((path, line, kind) for kind in present)


Suite = collections.namedtuple("Suite", "pattern cpu limit reached")
LAUNCH = ["--testing-library", "swift-testing", "--filter"]


def run(binary, pattern, mutant, scratch, cpu, limit, trace=None):
    """`None` where all tests of the pattern pass, else what happened. Processor time is limited beside time,
    since a loop without end shows in it however much else the machine does."""
    environment = {**os.environ, "WIF_MUTANT": str(mutant), "WIF_AGENT_SEEDS": "25", "SWIFT_BACKTRACE": "enable=no"}
    if trace:
        environment["WIF_MUTANT_TRACE"] = str(trace)
    child = subprocess.Popen([str(binary), *LAUNCH, pattern], cwd=scratch, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (cpu, cpu))
        resource.prlimit(child.pid, resource.RLIMIT_AS, (8 << 30, 8 << 30))
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return "too long"
    if code == -signal.SIGXCPU:
        return "too long"
    return None if code in (0, NO_TESTS) else "crash" if code < 0 else "failed"


NO_TESTS = 69


def suites(scratch, binary, group):
    """The files of tests that matter for the group, those that take least time first: what each takes without a
    mutant, and which mutants it reaches."""
    out = []
    trace, cache = scratch / "reached", scratch / f"suites.{group}.json"
    if cache.exists() and cache.stat().st_mtime > binary.stat().st_mtime:
        return [Suite(*fields, set(reached)) for *fields, reached in json.loads(cache.read_text())]
    for target in GROUPS[group].targets:
        for path in sorted((scratch / "Tests" / target).rglob("*.swift")):
            if "@Test" not in path.read_text() or not any(
                    re.search(pattern, f"{target}/{path.stem}") for pattern in GROUPS[group].suites):
                continue
            pattern = rf"^{target}\..*/{re.escape(path.name)}:"
            trace.write_bytes(bytes(16384))
            start, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            if fate := run(binary, pattern, 0, scratch, 600, 600, trace):
                sys.exit(f"{group}: {path.name} fails without a mutant: {fate}")
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            reached = {id for id, byte in enumerate(trace.read_bytes()) if byte}
            print(f"  {path.name}: {time.monotonic() - start:.1f} s, {len(reached)} mutants reached", flush=True)
            out.append(Suite(pattern, cpu, max(20, 10 * (time.monotonic() - start)), reached))
    out.sort(key=lambda suite: suite.limit + suite.cpu)
    cache.write_text(json.dumps([[*suite[:3], sorted(suite.reached)] for suite in out]))
    return out


def fate(scratch, binary, suites, mutant):
    """What the first tests that notice do; `None` if none does. The quick files are run together."""
    own = [suite for suite in suites if mutant.id in suite.reached]
    quick = [suite for suite in own if suite.cpu < 0.3]
    for batch in [quick] * bool(quick) + [[suite] for suite in own if suite not in quick]:
        cpu = max(2, math.ceil(10 * sum(suite.cpu for suite in batch)))
        pattern, limit = "|".join(suite.pattern for suite in batch), sum(suite.limit for suite in batch)
        if found := run(binary, pattern, mutant.id, scratch, cpu, limit):
            return found
    return None


def explanations():
    """By key: why a mutant may survive."""
    out = {}
    path = HERE / "explained.txt"
    for line in path.read_text().splitlines() if path.exists() else []:
        if line and not line.startswith("#"):
            key, _, reason = line.rpartition(" -- ")
            out[key] = reason
    return out


def test(scratch, group, mutants, jobs, quick):
    binary = next((scratch / ".build/debug").glob("*PackageTests.xctest"))
    print(f"{group}: {len(mutants)} mutants", flush=True)
    ordered = suites(scratch, binary, group)
    if quick:
        ordered = [suite for suite in ordered if suite.cpu < 1]
    reached = set().union(*(suite.reached for suite in ordered))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        fates = pool.map(lambda mutant: fate(scratch, binary, ordered, mutant), mutants)
        for count, (mutant, found) in enumerate(zip(mutants, fates), 1):
            mutant.fate = found
            if found is None:
                how = "survived" if mutant.id in reached else "not reached"
                print(f"  {how}: {mutant.id} {mutant.path}:{mutant.line}: {mutant.change}: {mutant.text}", flush=True)
            if count % 50 == 0:
                print(f"  {count} of {len(mutants)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--reuse", action="store_true", help="the copy as it was built for the same groups before")
    parser.add_argument("--list", action="store_true", help="the mutants, without building them")
    parser.add_argument("--test", help="of the groups that are built, these only: groups with commas between")
    parser.add_argument("--sample", type=int, help="of each group so many mutants, drawn with --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="the mutants with these numbers")
    parser.add_argument("--quick", action="store_true", help="without the files of tests that take over a second")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--scratch", type=pathlib.Path,
                        default=pathlib.Path(tempfile.gettempdir()) / "wif-agent-mutation")
    options = parser.parse_args()
    groups = options.groups or list(GROUPS)
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"there is no group {', '.join(unknown)}")
    writer = Writer()
    if not options.reuse:
        copy(options.scratch, groups)
    recall(options.scratch, groups, writer)
    if options.list:
        instrument(options.scratch, groups, writer)
        for mutant in writer.mutants:
            print(f"{mutant.id}\t{mutant.path}:{mutant.line}\t{mutant.change}\t{mutant.text}")
        return
    if options.reuse:
        instrument(options.scratch, groups, writer)
    else:
        build(options.scratch, groups, writer)
    known = explanations()
    used, rows = set(), []
    for group in groups:
        own = set(files([group])) - used
        used |= own
        mutants = [mutant for mutant in writer.mutants if mutant.path in own]
        if options.test and group not in options.test.split(","):
            continue
        if options.sample and options.sample < len(mutants):
            drawn = random.Random(options.seed).sample(mutants, options.sample)
            mutants = sorted(drawn, key=lambda mutant: mutant.id)
        if options.only:
            wanted = {int(id) for id in options.only.split(",")}
            mutants = [mutant for mutant in mutants if mutant.id in wanted]
        test(options.scratch, group, mutants, options.jobs, options.quick)
        survived = [mutant for mutant in mutants if mutant.fate is None]
        explained = [mutant for mutant in survived if mutant.key in known]
        rows.append((group, len(mutants), len(mutants) - len(survived), len(explained),
                     len(survived) - len(explained)))
    print(f"\n{'group':12}{'mutants':>9}{'killed':>9}{'explained':>11}{'left':>6}{'killed or explained':>21}")
    for group, all, killed, explained, left in rows:
        share = 100 * (killed + explained) / max(all, 1)
        print(f"{group:12}{all:9}{killed:9}{explained:11}{left:6}{share:20.1f}%")
    sys.exit(1 if any(row[4] for row in rows) else 0)


if __name__ == "__main__":
    main()
