# SPDX-License-Identifier: MIT
"""Servers' clients share what there is: a hostile one is refused, the others go on.

Each pipeline of the shell is a client of its own (docs/decisions/011-who-asks-pays.md).
"""
from programs import compile_program

LIMIT, ENOUGH = "LIMIT", "AGAIN"  # what ends it: its share, or the program itself
KINDS = {"pages": LIMIT, "sparse": ENOUGH, "files": LIMIT, "names": LIMIT, "depth": LIMIT,
         "opened": LIMIT, "refused": LIMIT, "lists": ENOUGH, "session": ENOUGH, "pipes": LIMIT,
         "reads": LIMIT, "writes": LIMIT, "signposts": ENOUGH}
COUNTED = "pages", "files", "opened", "pipes"  # of which each gets as many as the one before
MOMENTS = 0.02, 0.2, 0.6  # seconds of a life
SERVERS = ("memfs", "pipes")
HONEST = 9       # beside the hostile one
ROUNDS = 30
LOSS = 2, 3      # times as long, and seconds for a host that is busy


def begin(ctx):
    rights = ctx.folder / "rights"  # signposts: it opens a service by itself
    rights.write_text("keep control manage\ngive /bin/shares control\n")
    return ctx.boot(smp=2, memory=256, shell=True, add=[compile_program(ctx, "shares.c", "shares")],
                    entries=[f"etc/rights={rights}"])


def restarts(guest):
    """How often each service was started again."""
    return {line.split()[0]: int(line.split()[5])
            for line in guest.command("services").splitlines()[1:]}


def handles(guest):
    """What the servers have."""
    return {line.split()[-1]: int(line.split()[3]) for line in guest.command("ps").splitlines()[1:]
            if line.split()[-1] in SERVERS}


def end(ctx, guest):
    """Of the hostile client, and of what it has left."""
    guest.command("kill %1")
    guest.command("wait")
    ctx.equal(guest.command("shares clean"), "", "what cannot be removed")


def start(guest, how, kind):
    """A hostile client in the background; the status it was refused with."""
    guest.send(f"shares {how} {kind} &\r")
    found = guest.wait_for(rf"hostile {kind}: (\d+), then (\w+)\n", 100)
    guest.command("true")
    return found.group(2), int(found.group(1))


def attack(ctx, guest, kind, wanted):
    """What went wrong; nothing, that is."""
    wrong = []
    before = restarts(guest), handles(guest)
    status, count = start(guest, "take", kind)
    ctx.note(f"{kind}: {count}, then {status}")
    if wanted not in status:
        wrong.append(f"it was refused with {status}")
    honest = guest.command("shares honest 5")
    if "honest: OK" not in honest:
        wrong.append(f"another client: {honest}")
    end(ctx, guest)
    after = restarts(guest), handles(guest)
    if after != before:
        wrong.append(f"restarts and handles {after}, before {before}")
    return wrong


def test_hostile_is_refused(ctx):
    """One after the other takes all that it gets of one kind, and dies with it."""
    guest = begin(ctx)
    guest.command("shares honest 1")
    wrong = {}
    for kind, wanted in KINDS.items():
        faults = attack(ctx, guest, kind, wanted)
        if faults:
            wrong[kind] = faults
    ctx.equal(wrong, {}, "hostile clients and what was wrong")


def counts(ctx, guest):
    """How many of each kind a client gets when it is alone."""
    found = {}
    for kind in COUNTED:
        status, found[kind] = start(guest, "take", kind)
        ctx.check(LIMIT in status, f"{kind}: {status}")
        end(ctx, guest)
    return found


def test_dies_at_any_moment(ctx):
    """What hostile clients had is there again for the next one."""
    guest = begin(ctx)
    before = counts(ctx, guest), restarts(guest), handles(guest)
    for number, kind in enumerate(KINDS):
        for moment in MOMENTS[:1] + MOMENTS[1 + number % (len(MOMENTS) - 1):][:1]:
            guest.send(f"shares again {kind} > /dev/null &\r")
            guest.drain(moment)
            end(ctx, guest)
    honest = guest.command("shares honest 5")
    ctx.check("honest: OK" in honest, honest)
    ctx.equal((counts(ctx, guest), restarts(guest), handles(guest)), before, "counts")


def crowd(ctx, guest):
    """Seconds that the slowest of some honest clients took, all at once."""
    guest.command("true")
    for _ in range(HONEST):
        guest.send(f"shares honest {ROUNDS} &\r")
    slowest = 0
    for _ in range(HONEST):
        found = guest.wait_for(r"honest: (\w+) in (\d+) ms", 100)
        ctx.check(found.group(1).endswith("OK"), f"an honest client: {found.group(0)}")
        slowest = max(slowest, int(found.group(2)))
    guest.command("true")
    return slowest / 1000


def test_nine_go_on(ctx):
    """Nine clients beside one that takes what it gets and goes on asking."""
    guest = begin(ctx)
    before = restarts(guest)
    for kind in ("pages", "files", "pipes"):
        status, _ = start(guest, "again", kind)
        ctx.check(LIMIT in status, f"{kind}: {status}")
        beside = crowd(ctx, guest)
        end(ctx, guest)
        idle = crowd(ctx, guest)
        ctx.note(f"{kind}: {beside:.2f} s, {idle:.2f} s idle")
        ctx.check(beside <= LOSS[0] * idle + LOSS[1], f"{kind}: {beside} s, {idle} s idle")
    ctx.equal(restarts(guest), before, "restarts")


test_hostile_is_refused.timeout = 170
test_dies_at_any_moment.timeout = 170
test_nine_go_on.timeout = 170
test_nine_go_on.alone = True
