#!/usr/bin/env python3
"""worker-memory.py BIN ACCOUNT: 256 jobs for one worker, 16 at a time, as an agent gives them.

The job's line is the one that `wif-agent get` writes to a worker behind a socket. Prints the worker's resident
megabytes after 16 and after 256 results, and the most it ever had.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

JOBS, AT_ONCE = 256, 16
programs, account = pathlib.Path(sys.argv[1]), sys.argv[2]


def recorded_job():
    with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX) as server:
        path = os.path.join(scratch, "worker.sock")
        server.bind(path)
        server.listen(1)
        asking = subprocess.Popen(
            [programs / "wif-agent", "get", "--fresh", "-c", account, "--worker-socket", path],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines:
            line = lines.readline()
        asking.kill()
        asking.wait()
    return json.loads(line)


def resident(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"the worker has no {key}")


job = recorded_job()
worker = subprocess.Popen([programs / "wif-exchange", "--files"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
begun, failed, early = 0, 0, 0.0


def begin():
    global begun
    begun += 1
    worker.stdin.write(json.dumps(job | {"id": begun}).encode() + b"\n")
    worker.stdin.flush()


for _ in range(AT_ONCE):
    begin()
for ended in range(1, JOBS + 1):
    result = json.loads(worker.stdout.readline())
    failed += "credential" not in result
    if ended == AT_ONCE:
        early = resident(worker.pid, "VmRSS")
    if begun < JOBS:
        begin()
late, most = resident(worker.pid, "VmRSS"), resident(worker.pid, "VmHWM")
worker.stdin.close()
worker.wait()
if failed:
    raise SystemExit(f"{failed} of {JOBS} jobs failed")
print(f"{early:.1f} {late:.1f} {most:.1f}")
