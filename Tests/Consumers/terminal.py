"""Job control on a real terminal: usage: terminal.py WIF-AGENT ACCOUNT-FILE; status 0 if all held.

An interactive bash on a pty runs `wif-agent exec`; keys are typed, what is shown is looked at.
"""
import os, pty, re, select, signal, sys, time

agent, account = sys.argv[1:3]
shown = everything = b""


def read(limit):
    """Takes what the terminal shows within `limit` seconds; False when it is closed."""
    global shown, everything
    if not select.select([master], [], [], limit)[0]:
        return True
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    shown += data
    everything += data
    return bool(data)


def expect(pattern, limit=20):
    global shown
    deadline = time.monotonic() + limit
    while not (found := re.search(pattern, shown)):
        left = deadline - time.monotonic()
        if left <= 0 or not read(left):
            before = everything[: len(everything) - len(shown)][-600:]
            sys.exit("expected %r, the terminal showed:\n%s\n---- and before:\n%s" % (
                pattern, shown.decode(errors="replace"), before.decode(errors="replace")))
    shown = shown[found.end():]
    return found


def until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("waited for " + what)
        time.sleep(0.02)


def about(pid):
    """A process's name and state."""
    try:
        text = open("/proc/%d/stat" % pid).read()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    return text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2]


def sleeps_in_front():
    """Whether the terminal's foreground group has a `sleep` that is at it."""
    group = os.tcgetpgrp(master)
    members = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    for pid in members:
        try:
            if os.getpgid(pid) == group and about(pid) == ("sleep", "S"):
                return True
        except ProcessLookupError:
            pass
    return False


def type_in(text):
    os.write(master, text)


def run(command):
    type_in(command.encode() + b"\n")


pid, master = pty.fork()
if pid == 0:
    os.environ.update(PS1="$ ", TERM="dumb", HISTFILE="")
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])

run("PS1='READY'\"$ \"; agent='%s exec -c %s --'" % (agent, account))
expect(rb"READY\$ ")

# The command has the terminal: it reads a line, and sees a terminal on all three.
run("$agent sh -c 'test -t 0 && test -t 1 && test -t 2 && echo tty=yes; read a; echo \"<$a>\"'")
expect(rb"tty=yes")
type_in(b"a line\n")
expect(rb"<a line>")
expect(rb"READY\$ ")

# Interrupted once: the command's handler runs once, its code comes back.
run("$agent bash -c 'n=0; trap \"n=\\$((n+1))\" INT; echo go; sleep 2; echo n=$n; exit 5'; echo code=$?")
expect(rb"\ngo")
type_in(b"\x03")
expect(rb"\bn=1\r|Cn=1\r")
expect(rb"code=5")

# A command that an interrupt ends: 130, and the shell is back.
run("$agent sleep 100; echo code=$?")
until(sleeps_in_front, "the command to have the terminal")
type_in(b"\x03")
expect(rb"code=130")
expect(rb"READY\$ ")

# Stopped by its key, listed, continued in the background, brought to the foreground, interrupted.
run("$agent sh -c 'echo begun; sleep 100'")
expect(rb"\nbegun")
# A shell stopped between its vfork and exec would hang.
until(sleeps_in_front, "the command's own command")
type_in(b"\x1a")
expect(rb"Stopped")
expect(rb"READY\$ ")
run("jobs")
expect(rb"\[1\]\+\s+Stopped")
run("bg; jobs")
expect(rb"Running")
run("fg")
expect(rb"\$agent sh")
until(sleeps_in_front, "the job in the foreground")
type_in(b"\x03")
expect(rb"READY\$ ")

# A command that stops itself stops the job, as a pager or an editor does.
run("$agent bash -c 'kill -STOP $$; echo again'")
expect(rb"Stopped")
run("fg")
expect(rb"\nagain")
expect(rb"READY\$ ")

# An interactive shell gets the terminal and has job control of its own.
run("$agent bash --norc --noprofile -i")
run("PS1='INNER'\"> \"")
expect(rb"INNER> ")
run("sleep 100")
until(sleeps_in_front, "the inner shell's command")
type_in(b"\x1a")
expect(rb"Stopped")
run("fg")
expect(rb"\nsleep 100")
until(sleeps_in_front, "the inner shell's job in the foreground")
type_in(b"\x03")
expect(rb"INNER> ")
run("exit 4")
expect(rb"READY\$ ")
run("echo last=$?")
expect(rb"last=4")

# In a pipeline the pager beside it keeps the terminal.
run("$agent echo piped | (read a; echo \"got $a\"; read b </dev/tty; echo \"<$a $b>\")")
expect(rb"\ngot piped")
type_in(b"typed\n")
expect(rb"<piped typed>")

# Hung up: nothing of it stays.
run("$agent sh -c 'echo pid=$$; sleep 100'")
child = int(expect(rb"pid=(\d+)").group(1))
os.close(master)
until(lambda: not os.path.exists("/proc/%d" % child), "the command's end with its terminal")
os.waitpid(pid, 0)
print("the terminal is handled well")
