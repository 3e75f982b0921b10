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
SERVERS = ("memfs", "pipes", "netd")
HONEST = 9       # beside the hostile one
ROUNDS = {"memfs": 750, "pipes": 180, "netd": 240, "init": 1400, "serial": 30, "log": 3000,
          "httpd": 700}  # some 15 ms each
LOSS = 2         # times as long
CLOCK = "-rtc", "base=2026-01-01,clock=vm"
# What each server is asked for, of KINDS, and by beside.c.
GREEDY = {"memfs": ("again pages", "flood reads", "flood depth"),
          "pipes": ("again pipes", "flood cancels"), "serial": ("flood prints",)}
GREEDY_LONG = {"memfs": ("again files", "flood writes", "flood half", "flood lists", "flood names",
                         "flood log", "flood nothing"),
               "pipes": ("flood moves", "flood late"),
               "netd": ("flood sends", "flood sockets", "flood listens", "flood questions"),
               "init": ("flood tree", "flood entries", "flood records", "flood maps",
                        "flood named"),
               "log": ("flood log",), "httpd": ("flood logfile",)}
FLOODS = ("reads", "writes", "half", "lists", "depth", "names", "tree", "moves", "cancels", "late",
          "sends", "sockets", "log")
FLOODS_OF_OTHERS = ("entries", "records", "maps", "named", "listens", "questions", "prints", "logfile")


def begin(ctx):
    rights = ctx.folder / "rights"  # signposts: it opens a service by itself
    rights.write_text("keep control manage\ngive /bin/shares control\n")
    programs = [compile_program(ctx, f"{name}.c", name) for name in ("shares", "beside")]
    return ctx.boot(smp=2, memory=256, shell=True, add=programs,
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


def die_amid(ctx, guest, floods):
    """With a ring full of requests, and after the first answers."""
    for kind in floods:
        for step in (0, 40):
            ctx.equal(guest.command(f"beside die {kind} {step}; echo $?"), "0\n", kind)
            guest.command("shares clean")


def check_all_is_back(ctx, guest, before):
    honest = guest.command("shares honest 5")
    ctx.check("honest: OK" in honest, honest)
    ctx.equal((counts(ctx, guest), restarts(guest), handles(guest)), before, "counts")


def test_dies_at_any_moment(ctx):
    """What hostile clients had is there again for the next one."""
    guest = begin(ctx)
    before = counts(ctx, guest), restarts(guest), handles(guest)
    for number, kind in enumerate(KINDS):
        for moment in MOMENTS[:1] + MOMENTS[1 + number % (len(MOMENTS) - 1):][:1]:
            guest.send(f"shares again {kind} > /dev/null &\r")
            guest.drain(moment)
            end(ctx, guest)
    die_amid(ctx, guest, FLOODS)
    check_all_is_back(ctx, guest, before)


def test_dies_amid_floods_of_others(ctx):
    """The same with what init, the network, the terminal and the web server are asked for."""
    programs = [compile_program(ctx, f"{name}.c", name) for name in ("shares", "beside")]
    guest = ctx.boot(smp=2, memory=256, shell=True, add=programs)
    guest.wait_for_page()  # a log to read
    before = counts(ctx, guest), restarts(guest), handles(guest)
    die_amid(ctx, guest, FLOODS_OF_OTHERS)
    check_all_is_back(ctx, guest, before)
    ctx.equal(guest.wait_for_page()[0], 200, "status afterwards")


def greedy(guest, name):
    """Starts one that goes on asking; the nine begin when it has all that it gets."""
    how, _, what = (name or "").partition(" ")
    if name:
        program = "beside flood" if how == "flood" else "shares again"
        guest.send(f"{program} {what} &\r")
        guest.wait_for(rf"{what}: .*(OK|LIMIT)\n", 100)
    if how != "flood":
        guest.send("touch /tmp/go\r")


def crowd(ctx, guest, server, name=None):
    """What passes from the beginning of the first of nine clients of a server to the last one's end,
    all at once, in guest microseconds. Who of the nine is first is nothing to it."""
    for _ in range(HONEST):
        guest.send(f"beside work {server} {ROUNDS[server]} &\r")
        guest.wait_for(f"work {server}: ready", 100)
    greedy(guest, name)
    begins, ends = [], []
    for _ in range(HONEST):
        found = guest.wait_for(rf"work {server}: (\w+) from (\d+) to (\d+)\n", 100)
        ctx.check(found.group(1).endswith("OK"), f"an honest client: {found.group(0)}")
        begins.append(int(found.group(2)))
        ends.append(int(found.group(3)))
    ctx.check(f"{name} ends" not in guest.log, f"{name} is over")
    guest.send(f"kill %{HONEST + 1}\r" if name else "\r")
    guest.command("wait")
    guest.command("shares clean")
    return max(ends) - min(begins)


def nine_beside(ctx, greedy_ones):
    """Of each server: nine clients alone, and beside each one that asks for all it gets. Counted in
    guest instructions, so the host may be busy."""
    programs = [compile_program(ctx, f"{name}.c", name) for name in ("shares", "beside")]
    guest = ctx.boot(smp=1, memory=256, shell=True, add=programs, icount=True, cpu="max,-erms",
                     extra=CLOCK)
    before = restarts(guest)
    slow = {}
    for server, names in greedy_ones.items():
        idle = crowd(ctx, guest, server)
        for name in names:
            times = crowd(ctx, guest, server, name) / idle
            ctx.note(f"{server}, {name}: {times:.2f}")
            if times > LOSS:
                slow[name] = times
    ctx.equal(slow, {}, "times as long beside it")
    ctx.equal(restarts(guest), before, "restarts")


def test_nine_go_on(ctx):
    """Nine clients beside one that takes what it gets and goes on asking."""
    nine_beside(ctx, GREEDY)


def test_nine_go_on_long(ctx):
    """Beside all others."""
    nine_beside(ctx, GREEDY_LONG)


test_hostile_is_refused.timeout = 170
test_dies_at_any_moment.timeout = test_dies_amid_floods_of_others.timeout = 170
test_nine_go_on.timeout = 170
test_nine_go_on_long.timeout = 600
test_nine_go_on_long.long = True
