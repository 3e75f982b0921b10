# SPDX-License-Identifier: MIT
"""init beside hostile services, and what lines of its configuration give."""
from programs import compile_program, grants


def boot(ctx, lines, *programs, rights=()):
    """With lines behind the last service's, which is the shell."""
    config = ctx.folder / "init.conf"
    config.write_text(ctx.init_conf() + lines)
    entries = [f"etc/init.conf={config}"] + ([grants(ctx, *rights)] if rights else [])
    return ctx.boot(shell=True, entries=entries,
                    add=[compile_program(ctx, program) for program in programs])


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
    guest.command("true")
    ctx.check("stopped" in guest.command("services | grep late"), "it did not end")
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
