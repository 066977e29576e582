#!/usr/bin/env python3
"""Draws the pictures of man/pictures, each for a light and a dark page: diagrams from the text beside them, the
dashboard from its definition and recorded metrics (dashboard.py), and terminals from what the programs print.

    pictures.py draw                # the diagrams, NAME.txt -> NAME-light.svg and NAME-dark.svg, and the dashboard
    pictures.py terminals PROGRAMS  # runs the programs of that folder against wif-emulator
    pictures.py check PROGRAMS      # fails where a picture is not what drawing it again would give
"""

import html
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import dashboard  # noqa: E402

PLACE = pathlib.Path(__file__).resolve().parent.parent / "man" / "pictures"
THEMES = {
    "light": {"page": "#ffffff", "box": "#f3f6fa", "edge": "#8a97a8", "text": "#1b2430",
              "quiet": "#5a6778", "strong": "#0b5cad", "good": "#1a7f37", "warn": "#9a6700", "bad": "#c9252d"},
    "dark": {"page": "#0d1117", "box": "#161d27", "edge": "#5d6b7e", "text": "#e6edf3",
             "quiet": "#9aa7b6", "strong": "#6cb2ff", "good": "#3fb950", "warn": "#d29922", "bad": "#ff7b72"},
}
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
WIDTH, HEIGHT, ACROSS, DOWN, EDGE = 240, 92, 172, 80, 20


def text(x, y, words, colour, size=14, more="", family=SANS):
    return (f'<text x="{x}" y="{y}" fill="{colour}" font-family="{family}" font-size="{size}" {more}>'
            f"{html.escape(words, quote=False)}</text>")


def frame(width, height, title, body, theme):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{html.escape(title)}">\n<title>{html.escape(title)}</title>\n'
            f'<rect width="{width}" height="{height}" rx="8" fill="{theme["page"]}"/>\n' + "\n".join(body) + "\n</svg>\n")


def diagram(source, theme):
    title, boxes, arrows = "", {}, []
    for line in source.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "title":
            title = rest
        elif kind == "box":
            name, column, row, words = rest.split(" ", 3)
            place = EDGE + int(column) * (WIDTH + ACROSS), EDGE + int(row) * (HEIGHT + DOWN)
            boxes[name] = (*place, [part.strip() for part in words.split("|")])
        elif kind == "arrow":
            start, end, words = rest.split(" ", 2)
            arrows.append((start, end, [part.strip() for part in words.split("|")]))
    body = [f'<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{theme["edge"]}"/></marker></defs>']
    for x, y, words in boxes.values():
        body.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{theme["box"]}" '
                    f'stroke="{theme["edge"]}"/>')
        body.append(text(x + WIDTH / 2, y + 30, words[0], theme["strong"], 16, 'text-anchor="middle" font-weight="600"'))
        for index, line in enumerate(words[1:]):
            body.append(text(x + WIDTH / 2, y + 54 + 20 * index, line, theme["text"], 14, 'text-anchor="middle"'))
    for start, end, words in arrows:
        (x1, y1, _), (x2, y2, _) = boxes[start], boxes[end]
        if y1 == y2:
            ends = (x1 + WIDTH + 6, y1 + HEIGHT / 2, x2 - 6, y2 + HEIGHT / 2)
            middle, anchor = ((ends[0] + ends[2]) / 2, ends[1] - 10 - 18 * (len(words) - 1)), "middle"
        else:
            ends = (x1 + WIDTH / 2, y1 + HEIGHT + 6, x2 + WIDTH / 2, y2 - 6)
            middle, anchor = (ends[0] + 10, (ends[1] + ends[3]) / 2 + 5), "start"
        body.append('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="1.5" '
                    'marker-end="url(#tip)"/>'.format(*ends, theme["edge"]))
        for index, line in enumerate(words):
            body.append(text(middle[0], middle[1] + 18 * index, line, theme["quiet"], 13, f'text-anchor="{anchor}"'))
    width = max(x for x, _, _ in boxes.values()) + WIDTH + EDGE
    height = max(y for _, y, _ in boxes.values()) + HEIGHT + EDGE
    return frame(width, height, title, body, theme)


MARKS = {"✓": "good", "!": "warn", "✗": "bad", "●": "good", "$": "strong"}


def terminal(title, lines, theme):
    columns = max(map(len, lines))
    width, height = round(columns * 7.9) + 32, 20 * len(lines) + 52
    body = [f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="{theme["box"]}" '
            f'stroke="{theme["edge"]}"/>']
    body += [f'<circle cx="{20 + 16 * index}" cy="18" r="5" fill="{theme[colour]}"/>'
             for index, colour in enumerate(["bad", "warn", "good"])]
    for index, line in enumerate(lines):
        mark = line.strip()[:1]
        colour = theme["strong"] if line.startswith("$ ") else theme["text"]
        y = 52 + 20 * index
        if mark in MARKS and not line.startswith("$ "):
            before, _, after = line.partition(mark)
            spans = (f'{html.escape(before)}<tspan fill="{theme[MARKS[mark]]}">{mark}</tspan>{html.escape(after, quote=False)}')
        else:
            spans = html.escape(line, quote=False)
        body.append(f'<text x="16" y="{y}" fill="{colour}" font-family="{MONO}" font-size="13" '
                    f'xml:space="preserve">{spans}</text>')
    return frame(width, height, title, body, theme)


# What differs from run to run, and what stands for it.
VARYING = [
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8443"), (r"127\.0\.0\.1 port \d+", "127.0.0.1 port 8443"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8443"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "2026-12-01T12:00:00Z"),
    (r"\bin \d+ (s|min|h)\b", "in 60 min"), (r"refresh in 60 min", "refresh in 27 min"),
    (r"refresh 2026-12-01T12:00:00Z \(in 60 min\)", "refresh 2026-12-01T12:27:00Z (in 27 min)"),
    (r"expires( +)2026-12-01T12:", r"expires\g<1>2026-12-01T13:"), (r"\b\d+ (s|min|h) ago\b", "1 s ago"),
    (r"\b\d+(\.\d+)? ms\b", "3 ms"), (r"\bafter \d+ s\b", "after 1 s"), (r"\b3(600|59\d) s\b", "3600 s"),
    (r"within \d+ s of", "within 1 s of"), (r"a lifetime of \d+ min", "a lifetime of 60 min"), (r"\bat \d\d % of", "at 45 % of"),
    (r"[^ ]+/wif-exchange", "/usr/libexec/wif-agent/wif-exchange"), (r"in /[^ ;]+/wif-pictures-\w+", "in ~"),
]
COLUMNS = 104
# Where a runtime directory is on a machine that has booted.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def plain(output, scratch):
    output = output.replace(str(scratch) + "/", "")
    for pattern, stands in VARYING:
        output = re.sub(pattern, stands, output)
    lines = output.rstrip("\n").split("\n")
    return [line if len(line) <= COLUMNS else line[:COLUMNS - 1] + "…" for line in lines]


def shown(command, programs, scratch, environment):
    done = subprocess.run(command, cwd=scratch, env={"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                          "NO_COLOR": "1", **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ["$ " + " ".join(command)] + plain(done.stdout, scratch)


def scenes(programs):
    """The title and the lines of each terminal."""
    programs = pathlib.Path(programs).resolve()
    with tempfile.TemporaryDirectory(prefix="wif-pictures-", dir=MEMORY) as folder:
        scratch = pathlib.Path(folder)
        world = subprocess.Popen(
            [programs / "wif-emulator", "--platform", "gcp", "--directory", scratch / "world"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running = [world]
        try:
            wait_for(scratch / "world" / "ready")
            environment = dict(re.findall(r"^export (\w+)='([^']*)'$", (scratch / "world" / "environment").read_text(), re.M))
            environment["WIF_AGENT_RUNTIME_DIR"] = str(scratch / "run")
            account = json.loads((scratch / "world" / "accounts" / "mondoo-gcp.json").read_text())
            account["credentialSource"] = {"provider": "gcp"}
            (scratch / "mondoo.json").write_text(json.dumps(account))
            ask = lambda *command: shown(command, programs, scratch, environment)
            doctor = ask("wif-agent", "doctor", "-c", "mondoo.json")
            (scratch / "run").mkdir(mode=0o700)
            running.append(subprocess.Popen(
                [programs / "wif-agent", "run", "-c", scratch / "mondoo.json", "--output", f"json:{scratch}/credential.json"],
                env={"PATH": "/usr/bin:/bin", **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            ask("wif-agent", "wait", "--timeout", "30")
            status = ask("wif-agent", "status")
            return {"doctor": ("wif-agent doctor", doctor), "status": ("wif-agent status", status)}
        finally:
            for process in reversed(running):
                process.send_signal(signal.SIGTERM)
                process.wait(10)


def wait_for(path):
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    sys.exit(f"{path} does not appear")


def diagrams():
    for source in sorted(PLACE.glob("*.txt")):
        for name, theme in THEMES.items():
            yield PLACE / f"{source.stem}-{name}.svg", diagram(source.read_text(), theme)
    for name, theme in THEMES.items():
        yield PLACE / f"dashboard-{name}.svg", dashboard.draw(theme, text, frame)


def terminals(programs):
    for stem, (title, lines) in scenes(programs).items():
        for name, theme in THEMES.items():
            yield PLACE / f"{stem}-{name}.svg", terminal(title, lines, theme)


def main():
    match sys.argv[1:]:
        case ["draw"]:
            made = diagrams()
        case ["terminals", programs]:
            made = terminals(programs)
        case ["check", programs]:
            stale = [path.name for path, drawing in [*diagrams(), *terminals(programs)]
                     if not path.exists() or path.read_text() != drawing]
            sys.exit(f"man/pictures is stale: {' '.join(stale)}: packaging/pictures.py draw, terminals" if stale else 0)
        case _:
            sys.exit(__doc__)
    for path, drawing in made:
        path.write_text(drawing)
        print(path)


main()
