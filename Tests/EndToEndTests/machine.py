"""What the machine offers to the programs under test. Built for this processor they find everything; where an
emulator of another processor runs them, as for packaging/arm64.sh, some calls of the kernel's are missing. Tests
that need one are skipped by what was found missing, and say what: Tests/Faults/probe.c, built like the programs,
looks for it, and MISSING holds what it printed."""

import os
import sys
import unittest

from world import BIN

def processor(program):
    """What a program is for: e_machine in its header, elf(5). `None` for a script."""
    with open(program, "rb") as file:
        header = file.read(20)
    return header[18:20] if header.startswith(b"\x7fELF") else None


# By name the call and its error.
MISSING = dict(line.split(": ", 1) for line in os.environ.get("MISSING", "").splitlines())
NAMES = {"terminals", "peer groups", "Landlock", "threads of its own alone", "filters", "a limit of files"}
assert set(MISSING) <= NAMES, MISSING


def needs(*names):
    """Skips a test, or a class, where the programs do not find one of these on the machine."""
    assert set(names) <= NAMES, names
    found = [f"{name} ({MISSING[name]})" for name in names if name in MISSING]
    return unittest.skipIf(found, f"the programs find no {', no '.join(found)}")


# For what is built here and loaded into the programs, or follows their calls.
same_processor = unittest.skipIf(
    processor(BIN / "wif-agent") not in (None, processor(sys.executable)),
    "a library or a tracer of this machine's processor does not fit the programs, which are built for another one")
