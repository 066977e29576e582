#!/usr/bin/env python3
"""The end-to-end tests, some classes at a time: most of what they do is to wait.

usage: run.py [-j N] [NAME...]    NAME: a part of module.Class; without any, all
WIF_BIN names the directory of the programs (default .build/debug).
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# What takes longest comes first, so that nothing long is left for the end.
LONGEST = [
    "test_strictness.Strictness", "test_doctor.Doctor", "test_provider.Provider",
    "test_faults.Matrix", "test_edits.AccountFiles", "test_aws.AWS",
    "test_cluster_secret.ClusterSecrets", "test_addresses.Addresses", "test_delivery.Delivery",
    "test_sources.Sources", "test_waiting.Waiting", "test_chain.Chain", "test_replies.Replies",
    "test_doctor_blind.FifthBlind", "test_doctor_blind.SecondBlind", "test_claims.Claims",
]


def classes():
    found = set()
    suites = [unittest.TestLoader().discover(str(HERE))]
    while suites:
        for item in suites.pop():
            if isinstance(item, unittest.TestSuite):
                suites.append(item)
            else:
                found.add(f"{type(item).__module__}.{type(item).__qualname__}")
    place = {name: index for index, name in enumerate(LONGEST)}
    return sorted(found, key=lambda name: (place.get(name, len(place)), name))


def run(name):
    """The name, the exit code, the output, the seconds."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "unittest", "-v", name], cwd=HERE,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="backslashreplace")
    return name, done.returncode, done.stdout, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-j", type=int, default=4)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    if "WIF_BIN" in os.environ:
        os.environ["WIF_BIN"] = str(pathlib.Path(os.environ["WIF_BIN"]).resolve())
    chosen = [name for name in classes()
              if not asked.names or any(part in name for part in asked.names)]
    began, count, failed, skipped, times = time.monotonic(), 0, [], {}, []
    with concurrent.futures.ThreadPoolExecutor(asked.j) as pool:
        for job in concurrent.futures.as_completed([pool.submit(run, name) for name in chosen]):
            name, code, output, spent = job.result()
            times.append((spent, name))
            count += sum(map(int, re.findall(r"^Ran (\d+) test", output, re.M)))
            for reason in re.findall(r"\.\.\. skipped ['\"](.*)['\"]$", output, re.M):
                skipped[reason] = skipped.get(reason, 0) + 1
            # The exit code 5 of newer versions: all were skipped.
            if code not in (0, 5):
                failed.append(name)
                print(output, flush=True)
    for reason, number in sorted(skipped.items()):
        print(f"skipped {number}: {reason}")
    slowest = ", ".join(f"{name} {spent:.0f} s" for spent, name in sorted(times, reverse=True)[:5])
    print(f"slowest: {slowest}")
    print(f"{count} tests of {len(chosen)} classes in {time.monotonic() - began:.0f} s: "
          + (f"FAILED: {' '.join(failed)}" if failed else "passed"))
    if not count:
        print("no test has such a name")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
