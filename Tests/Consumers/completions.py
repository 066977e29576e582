"""Completions in the real shells: usage: completions.py WIF-AGENT; status 0 if all held."""
import os, pty, re, select, subprocess, sys, tempfile, time

agent = sys.argv[1]
cases = [
    # line, candidates that must be among those offered, one that must not
    ("wif-agent ", ["run", "get", "exec", "status", "completion"], "raw"),
    ("wif-agent get --f", ["--format", "--fresh"], "--timeout"),
    ("wif-agent get --format ", ["raw", "json", "env", "github"], "text"),
    ("wif-agent get --log-format ", ["text", "json"], "raw"),
    ("wif-agent get -c ./a", ["./account.json"], "./other"),
    ("wif-agent completion ", ["bash", "zsh", "fish"], "raw"),
    ("wif-agent exec --refresh-signal U", ["USR1", "USR2"], "HUP"),
    ("wif-agent exec -- wif-te", ["wif-test-command"], "--format"),
]


def bash(line):
    words = line.split(" ")
    script = (
        '. <("$1" completion bash); COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));'
        '_wif_agent; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return output(["bash", "--norc", "-c", script, "bash", agent] + words).split("\n")


def fish(line):
    text = output(["fish", "-N", "-c", '"$argv[1]" completion fish | source; complete -C "$argv[2]"', agent, line])
    return [row.split("\t")[0] for row in text.split("\n")]


def zsh(line):
    """Types the line into an interactive zsh and has it list what it would offer."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="READY> ", ZDOTDIR="/nonexistent", LISTMAX="10000")
        os.execvp("zsh", ["zsh", "-f", "-i"])
    until(master, b"READY> ")
    setup = "autoload -Uz compinit; compinit -u -D; . <(%s completion zsh); zstyle ':completion:*' list-prompt ''" % agent
    os.write(master, (setup + "; setopt list_rows_first no_auto_menu; bindkey '^D' list-choices; stty cols 60; PS1='SET''> '\n").encode())
    until(master, b"SET> ")
    # An unambiguous word is completed in the line itself; anything else is listed.
    # The editor takes the keys in order: what comes last tells that the rest is done.
    os.write(master, line.encode() + b"\x04\t\x15" + b"echo DO''NE\n")
    shown = until(master, b"DONE")
    os.close(master)
    os.waitpid(pid, 0)
    return re.split(r"\s+", shown.decode(errors="replace").replace("\x07", " "))


def until(master, mark):
    shown, deadline = b"", time.monotonic() + 20
    while mark not in shown:
        if time.monotonic() > deadline:
            sys.exit("zsh did not get so far: %r" % shown)
        if select.select([master], [], [], 0.1)[0]:
            shown += os.read(master, 65536)
    return shown


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode or done.stderr:
        sys.exit("%s: %d %s" % (command[0], done.returncode, done.stderr))
    return done.stdout


with tempfile.TemporaryDirectory() as scratch:
    for name in ["account.json", "other", "wif-test-command"]:
        open(os.path.join(scratch, name), "w").close()
    os.chmod(os.path.join(scratch, "wif-test-command"), 0o755)
    os.environ["PATH"] = scratch + ":" + os.environ["PATH"]
    os.environ["HOME"] = scratch
    os.chdir(scratch)
    failures = 0
    for shell in [bash, fish, zsh]:
        for line, wanted, unwanted in cases:
            offered = shell(line)
            missing = [word for word in wanted if word not in offered]
            if missing or unwanted in offered:
                failures += 1
                print("%s: %r: missing %s, offered %s" % (shell.__name__, line, missing, offered))
        print("%s: %d lines completed" % (shell.__name__, len(cases)))
    sys.exit(1 if failures else 0)
