# SPDX-License-Identifier: MIT
"""What a program that is started at the shell can touch, compared with a list."""
from programs import compile_program, grants

ALL = "read write execute open map call wait share duplicate transfer manage".split()
PLAIN = [right for right in ALL if right not in ("share", "manage")]

# A program's world, but for its process, first thread and clock. What is added here is authority.
WORLD = {
    "in": ALL, "out": ALL, "err": ALL,  # the shell's terminal
    "log": "write wait duplicate transfer".split(),
    "random": "read write duplicate transfer".split(),
    "job": "read write open call wait duplicate transfer".split(),
    "system": "read open call wait duplicate transfer".split(),  # for ps
    "file": ALL,
    "net": PLAIN,
    "pipe": PLAIN,
    "control": "read open call wait duplicate transfer".split(),
}
OWN = {"process", "thread", "clock"}

ENDED = "[1] ended with 137: sleep 1000\n"  # as the shell says, before this prompt or the next

SPY = """start: ERR_RIGHTS
stop: ERR_RIGHTS
kill: ERR_RIGHTS
restart: ERR_RIGHTS
reboot: ERR_RIGHTS
set the clock: ERR_RIGHTS
open pci: ERR_RIGHTS
open serial: ERR_RIGHTS
open ps2: ERR_RIGHTS
open virtio-net:0: ERR_RIGHTS
open netd: ERR_RIGHTS
process 1: OK
its memory: ERR_RIGHTS
its end: ERR_RIGHTS
all processes' end: ERR_RIGHTS
all processes' limits: ERR_RIGHTS
configure: ERR_RIGHTS
read the log: ERR_RIGHTS
write to the log: OK
reload httpd: ERR_RIGHTS
bind 80: Permission denied
bind 67 (udp): Permission denied
bind 8080: OK
"""


def test_world(ctx):
    """`world` prints what is in the list and nothing else."""
    guest = ctx.boot(shell=True)
    world = {line.split()[0]: line.split()[1:] for line in guest.command("world").splitlines()}
    ctx.equal({name: rights for name, rights in world.items() if name not in OWN}, WORLD, "world")


def test_spy(ctx):
    """A spy is refused all that the list refuses; a script may what its user may."""
    guest = ctx.boot(shell=True, add=[compile_program(ctx, "spy.c")])
    guest.wait_for_page("/")
    ctx.equal(guest.command("spy"), SPY, "what came of it")
    ctx.equal(guest.command("sh -c spy"), SPY, "from a script")
    ctx.equal(guest.command("sh -c 'services stop httpd'"), "", "a script steers")
    guest.command("sleep 1000 &")
    ctx.equal(guest.command("sh -c \"kill $!\"").replace(ENDED, ""), "", "a script kills")
    ctx.check("spy: from outside" in guest.command("log") and
              "spy: from outside" in guest.command("sh -c log"), "the log does not say what a spy did")
    guest.command("services start httpd")
    guest.wait_for_page("/")


def test_terminal_is_handed_on(ctx):
    """A holder of the shell's session of the terminal does not keep it from the next shell."""
    config = ctx.folder / "init.conf"
    config.write_text(ctx.init_conf() +
                      "\nservice hoard\n    program /bin/hoard\n    arguments serve\n    handle log\n"
                      "    limit pages 1024 handles 64 threads 2\n    heartbeat 5s\n")
    guest = ctx.boot(shell=True, add=[compile_program(ctx, "hoard.c")],
                     entries=[f"etc/init.conf={config}", grants(ctx, "give /bin/hoard control")])
    ctx.equal(guest.command("hoard lend"), "lent\n", "the session")
    guest.send("services kill shell\r")
    guest.wait_for_shell()
    ctx.equal(guest.command("echo heard"), "heard\n", "the next shell")


def test_terminal(ctx):
    """A program that opens the terminal beside the shell reads and sets nothing, and locks none out."""
    rights = ctx.folder / "rights"
    rights.write_text("keep control manage\ngive /bin/eavesdrop control\n")
    guest = ctx.boot(shell=True, add=[compile_program(ctx, "eavesdrop.c")],
                     entries=[f"etc/rights={rights}"])
    guest.send("eavesdrop &\r")
    guest.wait_for(r"mode: ERR_(RIGHTS|BUSY)")
    ctx.equal(guest.command("echo still here"), "still here\n", "the shell")
    guest.send("sleep 100\r")
    guest.wait_for("sleep 100\n")
    guest.drain(0.5)
    seen = guest.seen
    guest.interrupt()
    guest.seen = seen  # it may have said it before
    guest.wait_for(r"heard 0 bytes: ERR_")
    guest.wait_for(r"events 0: OK")
    guest.command("true")  # which tells that the job has ended
    ctx.equal(guest.command("echo still here"), "still here\n", "the shell")
