# SPDX-License-Identifier: MIT
"""The shell in the guest: words, pipes, redirections, jobs, Ctrl-C; and every program of /bin."""
import re
import time

# (what is typed, what it prints). Files stay from one line to the next.
WORDS = (
    ("echo one  two", "one two\n"), ("echo 'one  two'", "one  two\n"),
    ('echo "one  two"', "one  two\n"), (r"echo one\ \ two", "one  two\n"),
    ("echo 'a \"b\" $HOME'", "a \"b\" $HOME\n"), ('echo "it\'s $HOME"', "it's /tmp\n"),
    ("echo ''", "\n"), ("echo a''b", "ab\n"), ("echo # a comment", "\n"),
    ("X=word; echo $X ${X}s '$X'", "word words $X\n"), ("X='two  words'; echo $X", "two words\n"),
    ('X="two  words"; echo "$X"', "two  words\n"), ("echo $NOTHING.", ".\n"),
    ("true; echo $?; false; echo $?", "0\n1\n"), ("export Y=outside; sh -c 'echo $Y'", "outside\n"),
    ("sh -c 'echo $0 $1 $#' name first second", "name first 2\n"),
    ("unset Y; sh -c 'echo [$Y]'", "[]\n"), ("echo a;echo b", "a\nb\n"))

LISTS = (
    ("true && echo yes || echo no", "yes\n"), ("false && echo yes || echo no", "no\n"),
    ("echo a | cat | cat", "a\n"), ("false | true; echo $?", "0\n"),
    ("true | false; echo $?", "1\n"), ("nowhere; echo $?", "sh: nowhere: command not found\n127\n"),
    ("sh -c 'exit 7'; echo $?", "7\n"), ("echo a | sh -c 'cat; echo b'", "a\nb\n"),
    ("cd /etc && pwd; cd /", "/etc\n"), ("cd /nowhere; echo $?", "cd: /nowhere: No such file or "
                                        "directory\n1\n"))

FILES = (
    ("echo one > /tmp/f; cat /tmp/f", "one\n"), ("echo two >> /tmp/f; cat < /tmp/f", "one\ntwo\n"),
    ("echo three > /tmp/f; cat /tmp/f", "three\n"),
    ("cat /nowhere 2> /tmp/e; echo $?; cat /tmp/e", "1\ncat: /nowhere: No such file or directory\n"),
    ("sh -c 'echo out; echo error 1>&2' > /tmp/both 2>&1; cat /tmp/both", "out\nerror\n"),
    ("sh -c 'echo out; echo error 1>&2' 2>&1 | wc -l", "2\n"),
    ("echo x > /nowhere/f; echo $?", "sh: /nowhere/f: No such file or directory\n1\n"),
    ("echo x > /etc/f; echo $?", "sh: /etc/f: Read-only file system\n1\n"),
    ("cat < /nowhere; echo $?", "sh: /nowhere: No such file or directory\n1\n"),
    ("echo 'echo from a script $1' > /tmp/s; sh /tmp/s x", "from a script x\n"),
    (". /tmp/s", "from a script\n"), ("rm /tmp/f /tmp/e /tmp/both /tmp/s; ls /tmp", ""))

WRONG = (
    ("echo 'open", "missing closing '"), ('echo "open', 'missing closing "'),
    ("| cat", "missing command"), ("echo a |", "missing command"), ("&& true", "missing command"),
    ("echo >", "missing file name after >"), ("echo < ; ;", "missing file name after <"),
    ("echo a | | cat", "missing command"))


def check_lines(ctx, guest, lines):
    for line, expected in lines:
        ctx.equal(guest.command(line), expected, f"output of {line!r}")


def test_words(ctx):
    """Quotes, variables, comments."""
    check_lines(ctx, ctx.boot(shell=True), WORDS)


def test_lists(ctx):
    """Pipes, && and ||, statuses."""
    check_lines(ctx, ctx.boot(shell=True), LISTS)


def test_redirection(ctx):
    """Files in place of input, output and errors."""
    check_lines(ctx, ctx.boot(shell=True), FILES)


def test_wrong_lines(ctx):
    """What is no command line is said to be none, and the shell goes on."""
    guest = ctx.boot(shell=True)
    for line, message in WRONG:
        ctx.equal(guest.command(line), f"sh: {message}\n", f"output of {line!r}")
        ctx.equal(guest.command("echo $?"), "2\n", f"status of {line!r}")
    ctx.equal(guest.command("echo " + "x" * 900), "x" * 900 + "\n", "a long line")


def test_many_bytes(ctx):
    """A pipe passes on more than it holds, whatever the size of the pieces."""
    guest = ctx.boot(shell=True)
    size = int(guest.command("wc -c /bin/sh").split()[0])
    ctx.check(size > 50000, f"/bin/sh has {size} bytes")
    ctx.equal(guest.command("cat /bin/sh | cat | cat | wc -c"), f"{size}\n", "through pipes")
    ctx.equal(guest.command("cat /bin/sh > /tmp/copy; cat /tmp/copy | wc -c"), f"{size}\n", "a copy")
    ctx.equal(guest.command("cat /bin/sh | head -n 1 > /tmp/first; echo $?"), "0\n",
              "a reader that has enough")


ANSWER_LIMIT = 4  # seconds for a command beside a job's output
ROUNDS = 3        # of which one must be in time: the host has other things to do as well


def test_jobs(ctx):
    """Background jobs run beside the shell, are listed, waited for and ended."""
    guest = ctx.boot(shell=True)
    output = guest.command("sleep 1000 &")
    number = re.fullmatch(r"\[1\] (\d+)\n", output)
    ctx.check(number, f"output of a job's start: {output!r}")
    ctx.check(f" {number[1]} runs" in guest.command("ps"), "it does not run")
    ctx.equal(guest.command("jobs"), f"[1] {number[1]} sleep 1000\n", "jobs")
    ctx.equal(guest.command("echo $!"), f"{number[1]}\n", "$!")
    told, deadline = guest.command("kill %1"), time.monotonic() + 20  # told before a later prompt
    while "[1] ended with 137: sleep 1000" not in told:
        ctx.check(time.monotonic() < deadline, f"its end is not told: {told!r}")
        told += guest.command("jobs")
    ctx.check(f" {number[1]} runs" not in guest.command("ps"), "it runs on")
    for _ in range(ROUNDS):
        begin = time.monotonic()
        output = guest.command("sleep 1 & sleep 1 & wait; echo waited")
        waited = time.monotonic() - begin
        ctx.check("waited\n" in output and 0.9 < waited, f"wait: {output!r}")
        if waited < 10:
            break
    ctx.check(waited < 10, f"{waited:.1f} s for two times one at once")
    guest.command("sh -c 'sleep 1; echo late > /tmp/late' &")
    ctx.equal(guest.command("echo at once"), "at once\n", "the shell meanwhile")
    deadline = time.monotonic() + 30
    while not guest.command("cat /tmp/late").startswith("late\n"):
        ctx.check(time.monotonic() < deadline, "the job did nothing")
        guest.drain(0.5)


def slowest_answer(guest, job):
    """Seconds for the slower one of two commands beside a job."""
    guest.send(job + " &\r")
    guest.drain(0.6)
    slowest = 0
    for number in range(2):
        before = time.monotonic()
        guest.send(f"echo $HOME mark{number}\r")
        guest.wait_for(f"/tmp mark{number}", 60)
        slowest = max(slowest, time.monotonic() - before)
    guest.send("kill %1\r")
    guest.drain(0.3)
    guest.send("\r")
    guest.wait_for_shell(30)
    return slowest


def test_beside_output(ctx):
    """What a background job prints keeps nobody's input: neither now and then, nor all the time."""
    guest = ctx.boot(shell=True)
    guest.command("cat" + " /etc/init.conf" * 20 + " > /tmp/much")
    tick = "sh -c '" + "sleep 0.5; echo tick; " * 16 + "'"
    flood = "sh -c '" + "cat /tmp/much; " * 16 + "'"
    for job in (tick, flood):
        slow = []
        while not slow or slow[-1] >= ANSWER_LIMIT:
            ctx.check(len(slow) < ROUNDS, f"answers after {slow} s")
            slow.append(slowest_answer(guest, job))
        ctx.note(f"{job[7:16]}: {slow[-1]:.2f} s")


def test_interrupt(ctx):
    """Ctrl-C ends the foreground job, with all its processes, and nothing else."""
    guest = ctx.boot(shell=True)
    guest.command("sleep 500 &")
    for line in ("sleep 1000", "cat | cat", "sh -c 'sleep 1000; echo never'"):
        guest.send(line + "\r")
        guest.wait_for(re.escape(line) + r"\n")
        guest.drain(0.3)
        guest.interrupt()
        ctx.equal(guest.command("echo $?"), "130\n", f"status of {line!r}")
    running = guest.command("ps")
    ctx.equal([line.split()[-1] for line in running.splitlines()].count("sleep"), 1,
              f"sleeps that are left:\n{running}")
    guest.send("typed and not sent\x03")
    guest.wait_for_shell(30)
    ctx.equal(guest.command("echo on"), "on\n", "the shell after Ctrl-C at its prompt")


# Programs: (what is typed, a pattern that all of the output fits).
PROGRAMS = {
    "cat": ("cat /etc/init.conf | head -n 1", r"# SPDX-License-Identifier: MIT\n"),
    "cp": ("echo x > /tmp/a; cp /tmp/a /tmp/b; mkdir /tmp/d; cp /tmp/a /tmp/d; cp -r /tmp/d /tmp/e; "
           "cat /tmp/b /tmp/d/a /tmp/e/a", r"x\nx\nx\n"),
    "date": ("date +%Y-%m-%d", r"20\d\d-\d\d-\d\d\n"),
    "echo": ("echo -n a; echo b", r"ab\n"),
    "env": ("MOOD=good; export MOOD; env | grep MOOD", r"MOOD=good\n"),
    "false": ("false; echo $?", r"1\n"),
    "free": ("free", r"total +\d+ KiB +\d+ pages\nfree +\d+ KiB(.*\n)+"),
    "grep": ("grep -n -i SERVICE /etc/init.conf | head -n 1", r"\d+:.*service.*\n"),
    "head": ("head -n 2 /etc/init.conf | wc -l", r"2\n"),
    "kill": ("sleep 100 & kill $!; wait; ps | grep -c sleep", r"\[1\] \d+\n(.*\n)*0\n(.*\n)*"),
    "log": ("log what happened; log | grep -c 'what happened'", r"1\n"),
    "ls": ("ls -l /etc", r"(.*\n)*-rw-r--r-- +\d+ .* init\.conf\n(.*\n)*"),
    "mkdir": ("mkdir -p /tmp/m/n/o; mkdir /tmp/m; ls /tmp/m/n", r"mkdir: /tmp/m: File exists\no/\n"),
    "mv": ("echo y > /tmp/y; mv /tmp/y /tmp/z; cat /tmp/z /tmp/y", r"y\ncat: /tmp/y: No such.*\n"),
    "netstat": ("netstat; netstat -s", r"TYPE .*\n(.*\n)*tcp +\[::\]:80 .* LISTEN .*\n(.*\n)* +"
                r"[1-9]\d* accepted since the start\n(.*\n)*"),
    "ps": ("ps", r" +ID STATE .*\n +1 runs .* init\n(.*\n)*"),
    "pwd": ("cd /tmp; pwd; cd /", r"/tmp\n"),
    "rm": ("mkdir /tmp/r; touch /tmp/r/x; rm /tmp/r; rm -r /tmp/r; rm -f /tmp/r; ls /tmp/r",
           r"rm: /tmp/r: .*\nls: /tmp/r: No such.*\n"),
    "services": ("services", r"SERVICE .*\n(.*\n)*httpd +runs .*\n(.*\n)*"),
    "sh": ("sh -c 'echo $1' x y", r"y\n"),
    "sleep": ("sleep 0.1; echo $?", r"0\n"),
    "touch": ("touch /tmp/t; ls /tmp/t; wc -c /tmp/t", r"/tmp/t\n0 /tmp/t\n"),
    "true": ("true; echo $?", r"0\n"),
    "uptime": ("uptime", r"up 0 d 00:0\d:\d\d, 1 processors, \d+ % idle\n.*requests.*\n"),
    "world": ("world | grep -c manage", r"[1-9]\n"),
    "wc": ("echo one two | wc", r" +1 +2 +8\n"),
    "xxd": ("echo hello | xxd", r"00000000: 6865 6c6c 6f0a .*hello\.\n"),
    "poweroff": None, "reboot": None,  # see below
}
TAKES_ALL = {"echo", "true", "false"}  # what POSIX says of their arguments


def test_programs(ctx):
    """Each program of /bin explains itself, refuses a wrong option, and does what it is for."""
    guest = ctx.boot(shell=True)
    guest.wait_for_page()
    found = {name.rstrip("*") for name in guest.command("ls /bin").split()}
    ctx.equal(found, set(PROGRAMS), "programs")
    for name, use in PROGRAMS.items():
        output = guest.command(f"{name} --help; echo status $?")
        ctx.check(output.startswith(f"usage: {name}") and output.endswith("status 0\n"),
                  f"{name} --help: {output!r}")
        if name not in TAKES_ALL:
            output = guest.command(f"{name} -Z; echo status $?")
            ctx.check("usage: " in output and output.endswith("status 2\n"), f"{name} -Z: {output!r}")
        if use:
            output = guest.command(use[0])
            ctx.check(re.fullmatch(use[1], output), f"{use[0]}: {output!r}")


def test_errors_are_named(ctx):
    """Programs say which file is wrong and how, and end with 1."""
    guest = ctx.boot(shell=True)
    for line in ("cat {}", "cp {} /tmp/x", "grep x {}", "head {}", "ls {}", "mv {} /tmp/x", "rm {}",
                 "wc {}", "xxd {}"):
        line = line.format("/tmp/nowhere")
        output = guest.command(f"{line}; echo status $?")
        name = line.split()[0]
        ctx.check(re.fullmatch(rf"{name}: /tmp/nowhere: No such file or directory\n(.*\n)*status [12]\n",
                               output), f"{line}: {output!r}")
    for line in ("touch /etc/x", "mkdir /etc/x", "rm /etc/init.conf", "cp /etc/init.conf /etc/x",
                 "mv /tmp /etc/x", "echo x > /etc/init.conf"):
        output = guest.command(f"{line}; echo status $?")
        ctx.check("status 1\n" in output and output.count("\n") == 2, f"{line}: {output!r}")
    for line in ("kill 999999", "services stop nobody", "services start httpd", "fg %9"):
        output = guest.command(f"{line}; echo status $?")
        ctx.check("status 1\n" in output and output.count("\n") == 2, f"{line}: {output!r}")


def test_services(ctx):
    """Services are stopped, started and restarted from the shell."""
    guest = ctx.boot(shell=True)
    guest.wait_for_page()

    def state(name):
        return next(line.split()[1] for line in guest.command("services").splitlines()
                    if line.startswith(name + " "))

    guest.command("services stop httpd")
    ctx.equal(state("httpd"), "stopped", "state after stop")
    guest.command("services start httpd")
    ctx.equal(guest.wait_for_page(timeout=20)[0], 200, "status after start")
    guest.command("services restart netd")
    ctx.equal(guest.wait_for_page(timeout=20)[0], 200, "status after a restart of netd")
    guest.command("services stop virtio-blk")
    ctx.equal(state("memfs"), "runs", "another service")


def test_poweroff_with_status(ctx):
    """The status of a power-off is the emulator's, and the command's."""
    guest = ctx.boot(shell=True)
    guest.send("poweroff 5\r")
    ctx.equal(guest.wait_exit(), 5, "status")


def test_reboot(ctx):
    """A reboot ends the services and starts anew."""
    guest = ctx.boot(shell=True, reboot=True)
    guest.command("echo x > /tmp/kept")
    guest.send("reboot\r")
    guest.wait_for("Tessera on", 60)
    guest.wait_for_shell()
    ctx.equal(guest.command("ls /tmp"), "", "the memory file system after a reboot")
