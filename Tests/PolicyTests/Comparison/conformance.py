#!/usr/bin/env python3
"""Writes CEL's public conformance cases, as far as the services' languages reach, for ComparisonTests.swift.

usage: conformance.py FOLDER > cases.json

FOLDER holds the .textproto files: tests/simple/testdata of CEL's specification, also features/ of
cel-python's source distribution. What is left out is counted on stderr, by its reason.
"""
import collections
import json
import pathlib
import re
import sys

FILES = [
    "basic", "comparisons", "conversions", "fields", "fp_math", "integer_math", "lists", "logic",
    "macros", "parse", "plumbing", "string", "timestamps",
]
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<mark>[{}\[\]:;,<>])"""
    r"""|(?P<word>[^\s{}\[\]:;,<>"'#]+)""",
    re.S,
)
ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.S)
PLAIN = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}


class Out(Exception):
    """Why a case is outside what the services document."""


def unquoted(literal):
    parts, last, text = [], 0, literal[1:-1]
    for match in ESCAPE.finditer(text):
        parts.append(text[last:match.start()].encode())
        octal, hexadecimal, short, long, letter = match.groups()
        if octal or hexadecimal:
            parts.append(bytes([int(octal, 8) if octal else int(hexadecimal, 16)]))
        elif short or long:
            parts.append(chr(int(short or long, 16)).encode())
        else:
            parts.append(PLAIN.get(letter, letter.encode()))
        last = match.end()
    return b"".join(parts) + text[last:].encode()


def tokens(text):
    return [m.group() for m in TOKEN.finditer(text) if m.lastgroup]


def message(stream, end):
    """Fields with all their values, until the closing mark."""
    fields = collections.defaultdict(list)
    while stream and stream[0] != end:
        name = stream.pop(0)
        if name in ",;":
            continue
        if name == "[":
            while (part := stream.pop(0)) != "]":
                name += part
        if stream[0] == ":":
            stream.pop(0)
        if stream[0] == "[":
            stream.pop(0)
            while stream[0] != "]":
                if stream[0] == ",":
                    stream.pop(0)
                else:
                    fields[name].append(value(stream))
            stream.pop(0)
        else:
            fields[name].append(value(stream))
    if stream:
        stream.pop(0)
    return fields


def value(stream):
    first = stream.pop(0)
    if first in "{<":
        return message(stream, "}" if first == "{" else ">")
    if first[0] in "\"'":
        whole = unquoted(first)
        while stream and stream[0][0] in "\"'":
            whole += unquoted(stream.pop(0))
        return whole
    return first


def quoted(text):
    result = ""
    for character in text:
        if character in '"\\':
            result += "\\" + character
        elif character in "\n\r\t":
            result += {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
        elif not character.isprintable() and character != "\u3000":
            code = ord(character)
            result += f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
        else:
            result += character
    return f'"{result}"'


def rendered(fields):
    """A value as ComparisonTests.swift has it."""
    (kind, (found, *_)), = fields.items()
    if kind in ("int64_value", "uint64_value"):
        return str(int(found, 0))
    if kind == "double_value":
        number = float(found)
        text = repr(number)
        return re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", text) if abs(number) < 1 else text
    if kind == "string_value":
        return quoted(found.decode())
    if kind == "bytes_value":
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in found) + '"'
    if kind in ("bool_value", "type_value"):
        return found if kind == "bool_value" else found.decode()
    if kind == "null_value":
        return "null"
    if kind == "list_value":
        return "[" + ", ".join(map(rendered, found.get("values", []))) + "]"
    if kind == "map_value":
        entries = found.get("entries", [])
        return "{" + ", ".join(f"{rendered(e['key'][0])}: {rendered(e['value'][0])}" for e in entries) + "}"
    raise Out("a message as the result")


# A map's order is nobody's promise.
def expectation(source, fields):
    if len(fields.get("map_value", [{}])[0].get("entries", [])) > 1:
        return f"({source}) == {rendered(fields)}", "true"
    return source, rendered(fields)


MESSAGES = re.compile(r"google\.|TestAll|cel\.|proto[23]\.|\bAny\b|optional\.|\?|`")

UNDECLARED = re.compile(r"^x\b|^f_unknown\b")
ZONE = re.compile(r"\('[A-Z]\w+/\w+'\)")


def case(test):
    source = test["expr"][0].decode()
    for key, reason in (("type_env", "declared variables"), ("bindings", "declared variables"),
                        ("container", "a container"), ("disable_macros", "macros turned off")):
        if test.get(key):
            raise Out(reason)
    if MESSAGES.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", source)):
        raise Out("messages, optionals or extensions")
    # Both services declare what there is, and refuse the rest before any evaluation.
    if UNDECLARED.search(source):
        raise Out("names that are not declared")
    # An offset is understood; a name would need the zones' data.
    if ZONE.search(source):
        raise Out("time zones by name")
    if any(key in test for key in ("unknown", "any_eval_errors", "any_unknowns", "typed_result")):
        raise Out("another kind of result")
    if "eval_error" in test:
        return source, "error"
    return expectation(source, test["value"][0]) if "value" in test else (source, "true")


def main():
    folder, cases, left = pathlib.Path(sys.argv[1]), [], collections.Counter()
    for name in FILES:
        document = message(tokens((folder / f"{name}.textproto").read_text()), None)
        for section in document["section"]:
            for test in section["test"]:
                try:
                    source, result = case(test)
                    cases.append({"source": source, "results": {f"{name}/{section['name'][0].decode()}": result}})
                except Out as reason:
                    left[str(reason)] += 1
    print(f"{len(cases)} cases; left out: {dict(left)}", file=sys.stderr)
    json.dump({"claims": {}, "cases": cases}, sys.stdout, indent=1)


main()
