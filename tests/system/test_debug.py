# SPDX-License-Identifier: MIT
"""Debug aids: tools/gdb/tessera.py on a running machine."""
import os
import re
import subprocess
import time

from programs import compile_program, grants
from tessera_cmd import build
from tessera_cmd.machine import free_port


def gdb(ctx, port, *commands):
    """What gdb prints when it is attached by our script and given these commands."""
    words = ["gdb", "-nx", "-batch", "-x", ctx.root / "tools" / "gdb" / "tessera.py"]
    for command in commands:
        words += ["-ex", command]
    environment = dict(os.environ, TESSERA_BUILD=str(build.folder("debug")),
                       TESSERA_GDB=f"127.0.0.1:{port}", HOME=str(ctx.folder))
    result = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, timeout=60,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ctx.equal(result.returncode, 0, "gdb's status, with " + result.stdout)
    return result.stdout


def test_gdb(ctx):
    """The script names processes and threads, reads the log, and finds a program's functions."""
    port = free_port()
    guest = ctx.boot(debug=True, shell=True, extra=("-gdb", f"tcp:127.0.0.1:{port}"))
    waits = r"^netd +blocked +\d+ +\d+ +0x[0-9a-f]+ ring_wait_continue$"
    for _ in range(5):  # it may be at work at any one moment
        output = gdb(ctx, port, "tessera processes", "tessera threads netd", "tessera log 200",
                     "tessera process netd", "info symbol ts_loop_run",
                     "info address syscall_entry", "list nic_start", "list kernel_main")
        if re.search(waits, output, re.M):
            break
    for service in ("init", "netd", "httpd", "shell", "virtio-net:0"):
        ctx.check(re.search(rf"^ *\d+ runs +\d+ +\d+ {service}$", output, re.M),
                  f"no {service} among the processes:\n{output}")
    ctx.check(re.search(waits, output, re.M), f"netd's thread does not wait in its ring:\n{output}")
    ctx.check("init: netd is ready" in output, f"the log:\n{output}")
    match = re.search(r"^netd \(\d+\): netd.debug at 0x([0-9a-f]+)$", output, re.M)
    ctx.check(match and int(match.group(1), 16) != 0, f"no base of netd:\n{output}")
    ctx.check("ts_loop_run in section .text of" in output, f"no symbols of netd:\n{output}")
    ctx.check('"syscall_entry" is' in output, f"no symbols of the kernel:\n{output}")
    for line in ("ts_status_t nic_start(", "_Noreturn void kernel_main(void)"):
        ctx.check(line in output, f"no source with {line}:\n{output}")
    ctx.check("netd" in guest.command("services"), "the guest does not go on")


def symbolise(ctx, text, *words):
    result = subprocess.run([ctx.root / "tools" / "symbolise", *words], input=text,
                            stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout


def test_crash_report(ctx):
    """A program's fault is told by the shell, with its callers; tools/symbolise names them."""
    program = compile_program(ctx, "crash.c", None, "-g", "-fno-omit-frame-pointer")
    guest = ctx.boot(shell=True, add=(program,))
    output = guest.command("crash")
    ctx.check("crash: fault 14 at address 0x10" in output, f"the report:\n{output}")
    ctx.equal(guest.command("echo $?").strip(), "139", "the status")
    output = symbolise(ctx, output, "--program", program)
    ctx.check(re.search(r"instruction .*\n +lowest at \S*crash\.c:\d+", output) and
              re.search(r"called from .*\n +middle at \S*crash\.c:\d+", output) and
              re.search(r"called from .*\n +main at \S*crash\.c:\d+", output),
              f"symbolised:\n{output}")


def test_smashed_stack(ctx):
    """A function that wrote over the end of its frame does not return; the report names the check."""
    program = compile_program(ctx, "smash.c", None, "-g", "-fno-omit-frame-pointer")
    guest = ctx.boot(shell=True, add=(program,))
    for words in ("smash", "smash thread"):
        output = guest.command(words)
        ctx.check("smash: fault 6 " in output, f"the report of {words}:\n{output}")
        output = symbolise(ctx, output, "--program", program)
        ctx.check(re.search(r"instruction .*\n? +__stack_chk_fail at ", output),
                  f"symbolised:\n{output}")
    canaries = [int(word, 16) for _ in range(2)
                for word in guest.command("smash show").split()[1:]]
    ctx.equal(len(set(canaries)), 6, f"different canaries of {canaries}")
    ctx.check(all(canary >> 40 and not canary & 0xff for canary in canaries),
              f"no canaries: {canaries}")


def test_service_report(ctx):
    """init's report of a service that faulted has registers; tools/symbolise names its callers."""
    guest = ctx.boot(shell=True, add=(compile_program(ctx, "harm.c"),),
                     entries=[grants(ctx, "give /bin/harm system")])
    ctx.check("found" in guest.command("harm write memfs"), "harm finds no memfs")
    guest.command("ls /tmp")  # which may be what it dies of
    ctx.check(guest.command("ls /tmp; echo $?").strip().endswith("0"), "memfs is not started again")
    log = guest.command("log")
    ctx.check(re.search(r"memfs died after \d+ s: exception 14, code \w+, at address eadbeef", log),
              f"the log:\n{log[-3000:]}")
    output = symbolise(ctx, log)
    ctx.check(re.search(r"called from \w+ = memfs\+.*\n.* main at \S*srv/memfs/main\.c:\d+", output),
              f"no callers:\n{output[-3000:]}")
    ctx.check(re.search(r"\br15 [0-9a-f]{16}\b", log), f"no registers:\n{log[-3000:]}")


def test_kernel_panic(ctx):
    """A panic names the functions that led to it; tools/symbolise adds files and lines."""
    archive = ctx.folder / "archive"
    archive.write_bytes(b"not an archive\n" * 300)
    guest = ctx.boot(debug=True, archive=archive)
    deadline = time.monotonic() + 60
    while "panic: end" not in guest.log:
        ctx.check(time.monotonic() < deadline and not guest.ended, f"no panic:\n{guest.log[-1500:]}")
        guest.read(0.2)
    lines = re.findall(r"^  ffffffff8[0-9a-f]{7} ([\w.?]+)\+0x[0-9a-f]+\r?$", guest.log, re.M)
    ctx.check(len(lines) >= 3 and "panic" in lines and "?" not in lines,
              f"the backtrace:\n{guest.log[-2000:]}")
    output = symbolise(ctx, guest.log, "--build", build.folder("debug"))
    ctx.check(re.search(r" at \S*kernel/init/\w+\.c:\d+", output), f"symbolised:\n{output[-2000:]}")


# Programs that take most of the kernel's locks; the order is learned from the start of the kernel on.
LOCKERS = ("rules_ports", "rules_rings", "rules_memory", "rules_signals")


def learned_order(ctx, port):
    """{lock: the locks that were taken while it was held}, as the debug kernel's checker has it."""
    output = gdb(ctx, port, "set print elements 0", "p class_count", "p class_names", "p/x after")
    names = [None, *re.findall(r'"([^"]*)"', output.split("$2 = ")[1].split("$3 = ")[0])]
    masks = []
    for word, _, repeats in re.findall(r"(0x[0-9a-f]+)( <repeats (\d+) times>)?",
                                       output.split("$3 = ")[1]):
        masks += [int(word, 16)] * int(repeats or 1)
    ctx.equal(int(re.search(r"\$1 = (\d+)", output)[1]), len(names), "locks by name")
    return {name: {other for bit, other in enumerate(names) if mask >> bit & 1}
            for name, mask in zip(names, masks) if name}


def documented_order(ctx):
    """The same, as docs/locks.md says it."""
    text = (ctx.root / "docs" / "locks.md").read_text().split("## Order")[1]
    return {name: set(re.findall(r"`([^`]+)`", others))
            for name, others in re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", text, re.M)}


def test_lock_order(ctx):
    """No lock is taken under another one unless docs/locks.md says that it may be."""
    port = free_port()
    guest = ctx.boot(debug=True, test=True, shell=True, smp=2, iommu="intel",
                     extra=("-gdb", f"tcp:127.0.0.1:{port}"))
    for program in LOCKERS:
        guest.command(f"/test/{program} > /tmp/out", timeout=120)
    learned, allowed = learned_order(ctx, port), documented_order(ctx)
    missing = {held: sorted(taken - allowed.get(held, set())) for held, taken in learned.items()
               if taken - allowed.get(held, set())}
    ctx.check(not missing, f"docs/locks.md does not say that these come under others: {missing}")
    pairs = sum(map(len, learned.values()))
    ctx.check(pairs > 30, f"only {pairs} pairs were learned")
    ctx.note(f"{pairs} pairs")


test_lock_order.timeout = 300
