#!/usr/bin/env python3
"""Writes random CEL expressions with what other runtimes make of them, for ComparisonTests.swift.

usage: generate.py COUNT SEED > cases.json

Exit code 77 says that neither runtime is installed (pip install cel-python common-expression-language).
"""
import json
import logging
import random
import sys

CLAIMS = {
    "sub": "repo:acme/web:ref:refs/heads/main",
    "aud": ["a", "b"],
    "run": 7,
    "zero": 0,
    "score": 0.5,
    "flag": True,
    "nothing": None,
    "nested": {"id": 1001, "name": "x"},
    "groups": ["dev", "ops", "dev"],
    "numbers": [1, 2, 3],
}


class Generator:
    """Expressions of a wanted type, now and then of a wrong one.

    ASCII alone: one of the runtimes counts bytes where size() is to count code points.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.scope = []

    def pick(self, *choices):
        return self.random.choice(choices)

    def any(self, depth):
        return self.pick(self.bool, self.int, self.string, self.double, self.uint, self.list, self.null)(depth)

    def wrong(self, kind, depth):
        return self.any(depth) if self.random.random() < 0.04 else getattr(self, kind)(depth)

    def null(self, depth):
        return self.pick("null", "claims.nothing")

    def bool(self, depth):
        if depth <= 0:
            return self.pick("true", "false", "claims.flag", "claims.absent", "has(claims.sub)", "has(claims.nope)")
        d = depth - 1
        form = self.random.randrange(14)
        if form < 4:
            op = self.pick("&&", "||")
            return f"({self.wrong('bool', d)} {op} {self.wrong('bool', d)})"
        if form == 4:
            return f"!({self.wrong('bool', d)})"
        if form < 7:
            kind = self.pick("int", "double", "string", "uint")
            op = self.pick("<", "<=", ">", ">=")
            return f"({self.wrong(kind, d)} {op} {self.wrong(kind, d)})"
        if form < 9:
            kind = self.pick("int", "string", "list", "bool", "double")
            return f"({self.wrong(kind, d)} {self.pick('==', '!=')} {self.wrong(kind, d)})"
        if form == 9:
            return f"({self.wrong('int', d)} in {self.wrong('list', d)})"
        if form == 10:
            method = self.pick("contains", "startsWith", "endsWith")
            return f"{self.wrong('string', d)}.{method}({self.wrong('string', d)})"
        if form == 11:
            pattern = self.pick("'^re'", "'a+b?'", "'[a-c]{2}'", "'(dev|ops)$'", "'.*:ref:'", r"r'\d'", r"r'^\w+$'")
            return f"{self.string(d)}.matches({pattern})"
        if form == 12:
            return self.loop(self.pick("all", "exists", "exists_one"), "bool", d)
        return f"({self.wrong('bool', d)} ? {self.wrong('bool', d)} : {self.wrong('bool', d)})"

    def loop(self, macro, kind, d):
        over = self.list(d)
        name = self.pick("x", "y")
        self.scope.append(name)
        body = f"({name} {self.pick('>', '==', '<', '!=')} {self.int(0)})" if kind == "bool" else f"({name} {self.pick('+', '*', '-')} {self.int(0)})"
        if self.random.random() < 0.3:
            body = self.wrong(kind, d)
        self.scope.pop()
        return f"{over}.{macro}({name}, {body})"

    def int(self, depth):
        if depth <= 0:
            names = ["claims.run", "claims.zero", "claims.nested.id", "claims.numbers[1]"] + self.scope
            return self.pick(*names, "0", "1", "2", "-3", "9223372036854775807", "-9223372036854775808", "0x10")
        d = depth - 1
        form = self.random.randrange(6)
        if form < 3:
            return f"({self.wrong('int', d)} {self.pick('+', '-', '*', '/', '%')} {self.wrong('int', d)})"
        if form == 3:
            return f"size({self.wrong(self.pick('string', 'list'), d)})"
        if form == 4:
            return f"(-({self.int(d)}))"
        return f"int({self.pick(self.uint, self.int)(d)})"

    def uint(self, depth):
        if depth <= 0:
            return self.pick("0u", "1u", "7u", "18446744073709551615u")
        return f"({self.uint(depth - 1)} {self.pick('+', '-', '*', '/', '%')} {self.uint(depth - 1)})"

    def double(self, depth):
        if depth <= 0:
            return self.pick("0.0", "1.0", "0.5", "-2.25", "claims.score", "1e3")
        return f"({self.wrong('double', depth - 1)} {self.pick('+', '-', '*')} {self.wrong('double', depth - 1)})"

    def string(self, depth):
        if depth <= 0:
            return self.pick("claims.sub", "''", "'a'", "'dev'", "'repo:'", r"'\x41\u0062\n'", "claims.nested.name", "claims.groups[0]", r"r'\d'", "'''q'q'''")
        d = depth - 1
        return self.pick(lambda: f"({self.wrong('string', d)} + {self.wrong('string', d)})", lambda: f"string({self.int(d)})", lambda: self.string(0))()

    def list(self, depth):
        if depth <= 0:
            return self.pick("[]", "[1, 2, 3]", "claims.numbers", "claims.groups", "claims.aud", "[0, 7]")
        d = depth - 1
        return self.pick(
            lambda: f"[{self.wrong('int', d)}, {self.wrong('int', d)}]",
            lambda: f"({self.list(d)} + {self.list(d)})",
            lambda: self.loop("filter", "bool", d),
            lambda: self.loop("map", "int", d),
        )()


class Patterns:
    """Random regular expressions, many of them wrong, and texts to look in."""

    ATOMS = ["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\W", r"\s", r"\b", r"\B", "^", "$", r"\A", r"\z", "[[:alpha:]]",
             r"\.", r"\x41", r"\1", r"\Z", "(?i)", "(?=a)", "[b-a]", "[", "]", ")", "{", "{2}", "-", "(?s:.)", "(?m)", r"\pL", "[]a]",
             r"\Qa.\E", "(?P<n>a)", "[[:x:]]", r"[\d-]", "A", r"\n", r"\101", "(?-i)", "(?i-)", "(?U)"]
    REPEATS = ["*", "+", "?", "*?", "{1,2}", "{2}", "{0,}", "{,2}", "{3,1}", "**"]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pattern(self, depth=2):
        pieces = []
        for _ in range(self.random.randrange(1, 4)):
            piece = self.random.choice(self.ATOMS if self.random.random() < 0.5 else self.ATOMS[:8])
            if depth and self.random.random() < 0.3:
                piece = self.random.choice(["(", "(?:", "(?i:"]) + self.pattern(depth - 1) + ")"
            if self.random.random() < 0.35:
                piece += self.random.choice(self.REPEATS if self.random.random() < 0.3 else self.REPEATS[:6])
            pieces.append(piece)
        return self.random.choice(["", "|"]).join(pieces)

    def text(self):
        return "".join(self.random.choice("aabbcA1. \n") for _ in range(self.random.randrange(6)))


def pattern_cases(count, seed):
    """Nothing where RE2 itself is not installed."""
    try:
        import re2
    except ImportError:
        print("skipped google-re2: not installed", file=sys.stderr)
        return []
    options = re2.Options()
    options.log_errors = False
    generator = Patterns(seed)
    cases = []
    for _ in range(count):
        pattern, text = generator.pattern(), generator.text()
        try:
            result = "true" if re2.compile(pattern, options=options).search(text) else "false"
        except re2.error:
            result = "error"
        source = f"{quoted(text)}.matches({quoted(pattern)})"
        cases.append({"source": source, "results": {"google-re2": result}})
    return cases


def quoted(text):
    result = '"'
    for character in text:
        code = ord(character)
        if character in '"\\':
            result += "\\" + character
        elif character in "\n\r\t":
            result += {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
        elif code < 32:
            result += f"\\u{code:04x}"
        else:
            result += character
    return result + '"'


def rendered(value):
    kind = type(value).__name__
    if value is None or kind == "NullType":
        return "null"
    if kind in ("bool", "BoolType"):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, str):
        return quoted(str(value))
    if isinstance(value, (bytes, bytearray)):
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(rendered(element) for element in value) + "]"
    return f"unknown {kind}"


def celpy_runtime():
    import celpy

    logging.disable(logging.CRITICAL)
    environment = celpy.Environment()
    activation = {"claims": celpy.json_to_cel(CLAIMS)}

    def run(source):
        return environment.program(environment.compile(source)).evaluate(activation)

    return run


def rust_runtime():
    import cel

    return lambda source: cel.evaluate(source, {"claims": CLAIMS})


def main():
    runtimes = {}
    for name, load in (("cel-python", celpy_runtime), ("common-expression-language", rust_runtime)):
        try:
            runtimes[name] = load()
        except ImportError:
            print(f"skipped {name}: not installed", file=sys.stderr)
    if not runtimes:
        sys.exit(77)
    generator = Generator(int(sys.argv[2]))
    cases = []
    while len(cases) < int(sys.argv[1]):
        source = generator.bool(4) if generator.random.random() < 0.7 else generator.any(3)
        if len(source.encode()) > 400:
            continue
        results = {}
        for name, run in runtimes.items():
            try:
                results[name] = rendered(run(source))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                results[name] = "error"
        cases.append({"source": source, "results": results})
    cases += pattern_cases(int(sys.argv[1]), int(sys.argv[2]))
    json.dump({"claims": CLAIMS, "cases": cases}, sys.stdout)


main()
