# SPDX-License-Identifier: MIT
"""Programs that take all that servers give them: others are served as before, and no server dies."""
from programs import compile_program

GREEDY = 3  # at once, each a client of its own: together they take 7/8 of what there is


def boot(ctx):
    guest = ctx.boot(shell=True, memory=256, add=[compile_program(ctx, "greedy.c")])
    guest.wait_for_page("/")
    return guest


def restarts(guest):
    return {line.split()[0]: line.split()[5] for line in guest.command("services").splitlines()[1:]}


def be_greedy(guest, how, name):
    for number in range(GREEDY):
        guest.send(f"greedy {how} {name} &\n")
        guest.wait_for(r"full \d+: .*\n")
    guest.command("true")


def check_others(ctx, guest, before):
    """Programs start, names open, a service can be started anew and gets what it needs."""
    ctx.equal(guest.command("echo here | cat"), "here\n", "a pipeline")
    ctx.check("LISTEN" in guest.command("netstat").upper(), "netstat sees the web server")
    guest.wait_for_page("/")
    ctx.equal(restarts(guest), before, "restarts")
    guest.command("services restart httpd")
    guest.wait_for_page("/")
    guest.command("services restart netd")
    guest.wait_for_page("/")


def test_sessions(ctx):
    """Sessions of the network count for their openers, not for init."""
    guest = boot(ctx)
    before = restarts(guest)
    be_greedy(guest, "open", "net")
    check_others(ctx, guest, before)


def test_tree(ctx):
    """Objects of init's file tree."""
    guest = boot(ctx)
    before = restarts(guest)
    be_greedy(guest, "open", "file")
    check_others(ctx, guest, before)


def test_paths(ctx):
    """Paths below a service's name: init keeps one session for them, however often they are asked."""
    guest = boot(ctx)
    before = restarts(guest)
    be_greedy(guest, "path", "net")
    check_others(ctx, guest, before)
