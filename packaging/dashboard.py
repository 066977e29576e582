#!/usr/bin/env python3
"""Draws packaging/grafana/wif-agent.json without Grafana: its panels, titles, units and queries, with what
Prometheus answered to these queries in a run.

    dashboard.py record PROGRAMS [SECONDS]   # plays a run with those programs; makes man/pictures/dashboard.json

The run: three accounts whose credentials live for 90 s, a reader of a socket, and an outage of one service.
pictures.py draws what was recorded. Recording needs prometheus in PATH.
"""

import json
import math
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDED = ROOT / "man/pictures/dashboard.json"
POINTS = 120


def panels():
    return json.loads((ROOT / "packaging/grafana/wif-agent.json").read_text())["panels"]


def query(expression):
    """As Grafana would ask, for everything there is."""
    return (expression.replace("$__rate_interval", "60s").replace('{job=~"$job",instance=~"$instance",', "{")
            .replace('{job=~"$job",instance=~"$instance"}', ""))


# MARK: Drawing

def number(value, unit):
    if unit == "percentunit":
        return f"{value * 100:.0f} %"
    if unit == "s":
        if abs(value) >= 10 or value == 0:
            return f"{value:.0f} s"
        return f"{value * 1000:.0f} ms" if abs(value) >= 0.01 else f"{value * 1000:.2g} ms"
    suffix = "/s" if unit == "ops" else ""
    return (f"{value:.0f}" if value == round(value) else f"{value:.2g}") + suffix


def named(pattern, labels):
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), pattern).strip()


def series(panel, recorded):
    """Names and values of a panel's lines; an undefined value is None."""
    for target in panel["targets"]:
        for one in recorded["series"].get(target["expr"], []):
            yield named(target["legendFormat"], one["labels"]), one["values"]


def draw(theme, text, frame):
    recorded = json.loads(RECORDED.read_text())
    missing = [target["expr"] for panel in panels() for target in panel["targets"]
               if target["expr"] not in recorded["series"]]
    if missing:
        sys.exit(f"{RECORDED} has no answer to {missing[0]}: packaging/dashboard.py record")
    column, row, gap, top = 46, 30, 6, 54
    colours = [theme[name] for name in ("strong", "good", "warn", "bad", "quiet")]
    minutes = round(recorded["seconds"] / 60)
    body = [text(12, 24, "wif-agent", theme["strong"], 16, 'font-weight="600"'),
            text(12, 43, f"drawn from the dashboard's definition and {minutes} minutes of real metrics of a run;"
                         " not a picture of Grafana", theme["quiet"], 12)]
    for panel in panels():
        place = panel["gridPos"]
        x, y = 8 + place["x"] * column, top + place["y"] * row
        width, height = place["w"] * column - gap, place["h"] * row - gap
        unit = panel["fieldConfig"]["defaults"]["unit"]
        body.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{theme["box"]}" '
                    f'stroke="{theme["edge"]}" stroke-width="0.5"/>')
        body.append(text(x + 10, y + 20, panel["title"], theme["text"], 13, 'font-weight="600"'))
        lines = list(series(panel, recorded))
        if panel["type"] == "stat":
            shown = [name if "version" in panel["targets"][0]["legendFormat"] else number(values[-1], unit)
                     for name, values in lines if values[-1] is not None]
            body.append(text(x + width / 2, y + 80, ", ".join(shown) or "no data", theme["strong"], 34,
                             'text-anchor="middle"'))
            continue
        body += plot(lines, unit, (x + 56, y + 32, width - 70, height - 84), theme, colours, text, minutes)
        body += legend([name for name, _ in lines], (x + 12, y + height - 12, width), theme, colours, text)
    last = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels())
    return frame(24 * column + 10, top + last * row + 8, "The dashboard of wif-agent, drawn from real metrics",
                 body, theme)


def plot(lines, unit, place, theme, colours, text, minutes):
    x, y, width, height = place
    values = [value for _, line in lines for value in line if value is not None]
    if not values:
        return [text(x + width / 2, y + height / 2, "no data", theme["quiet"], 12, 'text-anchor="middle"')]
    high, low = max(values + [0]), min(values + [0])
    if high == low:
        high = low + 1
    body = []
    for part in range(5):
        value = low + (high - low) * part / 4
        level = y + height - height * part / 4
        body.append(f'<line x1="{x}" y1="{level:.1f}" x2="{x + width}" y2="{level:.1f}" stroke="{theme["edge"]}" '
                    'stroke-width="0.3"/>')
        body.append(text(x - 6, round(level + 4, 1), number(value, unit), theme["quiet"], 10, 'text-anchor="end"'))
    for part, anchor in enumerate(("start", "middle", "end")):
        body.append(text(round(x + width * part / 2), y + height + 15, f"{minutes * part // 2} min", theme["quiet"], 10,
                         f'text-anchor="{anchor}"'))
    for index, (_, line) in enumerate(lines):
        path, pen = [], "M"
        for step, value in enumerate(line):
            if value is None:
                pen = "M"
                continue
            path.append(f"{pen}{x + width * step / (len(line) - 1):.1f} "
                        f"{y + height * (1 - (value - low) / (high - low)):.1f}")
            pen = "L"
        body.append(f'<path d="{"".join(path)}" fill="none" stroke="{colours[index % len(colours)]}" '
                    'stroke-width="1.5"/>')
    return body


def legend(names, place, theme, colours, text):
    x, y, width = place
    body, at = [], x
    for index, name in enumerate(names):
        length = 24 + 6.2 * len(name)
        if at + length > x + width - 12 and at > x:
            body.append(text(at, y, "…", theme["quiet"], 11))
            break
        body.append(f'<rect x="{at:.0f}" y="{y - 6}" width="10" height="3" fill="{colours[index % len(colours)]}"/>')
        body.append(text(round(at + 14), y, name, theme["quiet"], 11))
        at += length
    return body


# MARK: Recording

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(condition, what):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"waited for {what}")


def ask(url, data=None, method="GET"):
    request = urllib.request.Request(url, data=data and json.dumps(data).encode(), method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        body = reply.read()
    return json.loads(body) if body.strip() else None


def is_up(url):
    try:
        urllib.request.urlopen(url, timeout=5).close()
        return True
    except OSError:
        return False


def record(programs, seconds):
    programs = pathlib.Path(programs).resolve()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="wif-dashboard-", dir=memory) as folder:
        running = []
        try:
            answers = play(programs, pathlib.Path(folder), seconds, running)
        finally:
            for process in reversed(running):
                process.send_signal(signal.SIGTERM)
                process.wait(20)
    RECORDED.write_text(json.dumps({"seconds": seconds, "series": answers}, indent=0) + "\n")
    print(RECORDED)


def play(programs, scratch, seconds, running):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running.append(subprocess.Popen([programs / "wif-emulator", "--platform", "gcp", "--directory", scratch / "world",
                                     "--credential-lifetime", "90"], **quiet))
    wait_for((scratch / "world/ready").exists, "the emulator")
    variables = dict(re.findall(r"^export (\w+)='([^']*)'$", (scratch / "world/environment").read_text(), re.M))
    accounts = scratch / "accounts"
    accounts.mkdir(mode=0o755)
    (scratch / "run").mkdir(mode=0o755)
    for name in ("mondoo", "conductorone", "bright"):
        account = json.loads((scratch / f"world/accounts/{name}-gcp.json").read_text())
        account |= {"credentialSource": {"provider": "gcp"}, "lifetime": 90}
        (accounts / f"{name}.json").write_text(json.dumps(account))
    agent, prometheus = free_port(), free_port()
    running.append(subprocess.Popen(
        [programs / "wif-agent", "run", "--config-dir", accounts, "--runtime-dir", scratch / "run", "--listen",
         f"127.0.0.1:{agent}"], env={"PATH": "/usr/bin:/bin", **variables}, **quiet))
    wait_for(lambda: is_up(f"http://127.0.0.1:{agent}/livez"), "the agent")
    (scratch / "prometheus.yml").write_text(
        "global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: wif-agent\n  static_configs:\n"
        f"  - targets: ['127.0.0.1:{agent}']\n")
    running.append(subprocess.Popen(
        ["prometheus", f"--config.file={scratch}/prometheus.yml", f"--storage.tsdb.path={scratch}/data",
         f"--web.listen-address=127.0.0.1:{prometheus}"], **quiet))
    wait_for(lambda: is_up(f"http://127.0.0.1:{prometheus}/-/ready"), "Prometheus")
    start, faults = time.time(), variables["WIF_EMULATOR_URL"] + "/_emulator/faults"
    steps = [(seconds * 0.45, lambda: ask(faults, {"match": {"path": "/SecureTokenService/"}, "status": 503}, "POST")),
             (seconds * 0.70, lambda: ask(faults, method="DELETE"))]
    while time.time() < start + seconds:
        if steps and time.time() > start + steps[0][0]:
            steps.pop(0)[1]()
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(1)
            reader.connect(str(scratch / "run/bright.sock"))
            while reader.recv(65536):
                pass
        time.sleep(3)
    answers = {}
    for panel in panels():
        for target in panel["targets"]:
            answers[target["expr"]] = values(f"http://127.0.0.1:{prometheus}", query(target["expr"]), start, seconds)
    return answers


def values(url, expression, start, seconds):
    step = seconds / POINTS
    parameters = urllib.parse.urlencode({"query": expression, "start": start, "end": start + seconds, "step": step})
    found = ask(f"{url}/api/v1/query_range?{parameters}")["data"]["result"]
    lines = []
    for one in found:
        line = [None] * (POINTS + 1)
        for moment, value in one["values"]:
            index = round((moment - start) / step)
            if 0 <= index <= POINTS and math.isfinite(float(value)):
                line[index] = float(f"{float(value):.4g}")
        # Where this machine has it, and where a machine does.
        labels = {name: re.sub(r"^/.*/wif-dashboard-\w+/run", "/run/wif-agent", re.sub(r"^127\.0\.0\.1:\d+$", "vm-1", text))
                  for name, text in one["metric"].items()}
        lines.append({"labels": {name: text for name, text in labels.items() if name != "__name__"}, "values": line})
    return sorted(lines, key=lambda one: json.dumps(one["labels"], sort_keys=True))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", programs]:
            record(programs, 600)
        case ["record", programs, seconds]:
            record(programs, float(seconds))
        case _:
            sys.exit(__doc__)
