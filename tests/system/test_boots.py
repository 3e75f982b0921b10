# SPDX-License-Identifier: MIT
"""Boots that are repeated: what hangs once in hundreds."""
from tessera_cmd import build
from tessera_cmd.machine import free_port

BOOTS = 300
PATIENCE = 120  # seconds for a boot that takes four on a quiet host
CPUS = (1, 2, 4)


def test_in_a_row(ctx):
    """300 boots, each until the page is served, the shell answers and the machine is off."""
    image = build.image("release")
    for number in range(BOOTS):
        port, cpus = free_port(), CPUS[number % len(CPUS)]
        guest = ctx.boot(bare=True, reboot=True, port=port, extra=(
            "-cdrom", str(image), "-smp", str(cpus), "-nic", f"user,hostfwd=tcp:127.0.0.1:{port}-:80"))
        ctx.equal(guest.wait_for_page(timeout=PATIENCE)[0], 200, f"status of boot {number}")
        guest.wait_for_shell(PATIENCE)
        ctx.equal(guest.command("echo hello", PATIENCE), "hello\n", f"echo in boot {number}")
        guest.send("poweroff\r")
        ctx.equal(guest.wait_exit(PATIENCE), 0, f"status of boot {number}")
        guest.stop()
        ctx.guests.remove(guest)  # the log of one that fails is enough
    ctx.note(f"{BOOTS} boots")

test_in_a_row.long = True
test_in_a_row.timeout = 3 * 3600
