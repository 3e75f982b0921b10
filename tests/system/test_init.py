# SPDX-License-Identifier: MIT
"""init beside hostile services, and what lines of its configuration give."""
import re
import time

from programs import compile_program, config_for_shell, grants
from test_bad_input import states


def boot(ctx, lines, *programs, rights=(), **machine):
    """With lines of the shell, which are those before the first service, and more services."""
    config = ctx.folder / "init.conf"
    own, service, others = lines.partition("\nservice ")
    config.write_text(config_for_shell(ctx, own.lstrip("\n") + "\n") + service + others)
    entries = [f"etc/init.conf={config}"] + ([grants(ctx, *rights)] if rights else [])
    return ctx.boot(shell=True, entries=entries,
                    add=[compile_program(ctx, program) for program in programs], **machine)


def wait_for_state(ctx, guest, name, wanted, timeout=60):
    """Until `services` says so of that service."""
    deadline = time.monotonic() + timeout
    while (state := states(guest)[name]) != wanted:
        ctx.check(time.monotonic() < deadline, f"{name} is {state}, not {wanted}")
        guest.drain(0.3)


def count_in_log(guest, pattern):
    return len(re.findall(pattern, guest.command("log")))


def test_line_narrows(ctx):
    """What a line says after `with` holds of sessions and of parts of resources, too."""
    guest = boot(ctx, """
service look
    program /bin/world
    start   never
    restart never
    handle out  = session serial with write transfer
    handle part = resource io 0x80 1 with duplicate transfer
    handle all  = resource io with transfer
""")
    guest.send("services start look\r")
    for line in ("out +write transfer", "part +duplicate transfer", "all +transfer"):
        guest.wait_for(rf"{line}\n", 20)


def test_late_ready(ctx):
    """READY for an instance that has ended, from who it left the handle to, is not taken."""
    guest = boot(ctx, """
service hoard
    program /bin/hoard
    arguments serve
    heartbeat 5s
service late
    program /bin/hoard
    arguments leave
    start   never
    restart never
    heartbeat 5s
    handle hoard = service hoard with open call transfer
    handle out = session serial with write transfer
""", "hoard.c", rights=["give /bin/hoard control"])
    guest.send("services start late\r")
    guest.wait_for("lent\n", 20)
    deadline = time.monotonic() + 30
    while "stopped" not in guest.command("services | grep late"):
        ctx.check(time.monotonic() < deadline, "it did not end")
    ctx.equal(guest.command("hoard ready"), "ERR_PEER_CLOSED\n", "READY for it")


def test_nowait(ctx):
    """An open with NOWAIT does not wait for a service that is not there now."""
    guest = boot(ctx, """
    handle dies = service dies
service dies
    program /bin/false
""", "greedy.c")
    guest.wait_for_page("/")
    ctx.equal(guest.command("greedy nowait dies"), "at once: ERR_AGAIN\n", "of one that backs off")
    ctx.equal(guest.command("greedy nowait net"), "at once: OK\n", "of one that runs")


def test_no_device(ctx):
    """A service that says that it has no device is not started again. Who opens its name is told at
    once; who needs a session of it waits until it is started, and the log says so once."""
    guest = boot(ctx, """
    handle absent = service absent
service absent
    program /bin/sh
    arguments -c "exit 69"
service user
    program /bin/true
    handle it = session absent
""", "greedy.c")
    wait_for_state(ctx, guest, "absent", "no-device")
    ctx.equal(guest.command("greedy nowait absent"), "at once: ERR_NOT_FOUND\n", "an open")
    wait_for_state(ctx, guest, "user", "waiting")
    ctx.equal(count_in_log(guest, "absent started"), 1, "starts")
    ctx.equal(count_in_log(guest, "absent: this machine has no device for it"), 1, "lines about it")
    ctx.equal(count_in_log(guest, "user waits for absent"), 1, "lines about its user")
    guest.command("services start absent")
    wait_for_state(ctx, guest, "absent", "no-device")
    ctx.equal(count_in_log(guest, "absent started"), 2, "starts")


def test_given_up(ctx):
    """A service that dies at once ten times is given up, with one line that says how to start it;
    who opens its name is told at once. (The machine's idle time takes no time.)"""
    guest = boot(ctx, """
    handle dies = service dies
service dies
    program /bin/false
""", "greedy.c", icount=True, network=())
    wait_for_state(ctx, guest, "dies", "given-up", 100)
    ctx.equal(count_in_log(guest, "dies started"), 10, "starts")
    ctx.equal(count_in_log(guest, "dies .* is given up: `services start dies` starts it again"), 1, "lines")
    ctx.equal(guest.command("greedy nowait dies"), "at once: ERR_NOT_FOUND\n", "an open")
    guest.command("services start dies")
    wait_for_state(ctx, guest, "dies", "back-off")
