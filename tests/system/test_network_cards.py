# SPDX-License-Identifier: MIT
"""Network cards other than virtio: what test_network.py, test_network_bad.py, test_network_loss.py
and test_restart.py ask of that one, and a cable that is pulled."""
import time

import test_network
import test_network_bad
import test_network_loss
import test_restart
from tessera_cmd.machine import free_port
from test_cards import second_card, wait_for_status
from test_iommu import check_restart


def check_page(ctx, **machine):
    """The page, and no wrong byte of a file of 1 MiB, twice over."""
    folder = ctx.folder / "www"
    folder.mkdir()
    data = ctx.random.randbytes(1 << 20)
    (folder / "large").write_bytes(data)
    (folder / "index.html").write_bytes(b"<p>Tessera</p>")
    guest = ctx.boot(www=folder, **machine)
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    for _ in range(2):
        ctx.check(guest.get("/large", timeout=60)[2] == data, "the file differs")
    guest.wait_for_shell()
    return guest


def check_cable(ctx, nic):
    """Pulled, the log says so; plugged in again, the page is served."""
    guest = check_page(ctx, nic=nic)
    for up, word in ((False, "down"), (True, "up")):
        guest.machine.qmp("set_link", name="net", up=up)
        deadline = time.monotonic() + 20  # a second, and the host's business
        while f"link {word}" not in guest.command("log"):
            ctx.check(time.monotonic() < deadline, f"the log does not say that the link is {word}")
    ctx.equal(guest.wait_for_page()[0], 200, "status with the cable back")


def test_e1000_i440fx(ctx):
    """QEMU's default machine and card: an interrupt line."""
    check_page(ctx, nic="e1000", board="pc")


def test_e1000_iommu(ctx):
    check_page(ctx, nic="e1000", iommu="intel", smp=2)


def test_e1000e_iommu(ctx):
    check_page(ctx, nic="e1000e", iommu="intel", smp=2)


def test_two_kinds(ctx):
    """A virtio card and one of Intel's serve at once."""
    port = free_port()
    guest = ctx.boot(extra=second_card(port, "e1000,netdev=net2,romfile="))
    guest.wait_for_page("/")
    wait_for_status(ctx, port, "by the second card")
    guest.wait_for_shell()
    running = [line.split()[0] for line in guest.command("services").splitlines() if " runs " in line]
    ctx.check({"virtio-net:0", "e1000:0"} <= set(running), f"services that run: {running}")


def test_e1000_cable(ctx):
    check_cable(ctx, "e1000")


def test_e1000e_cable(ctx):
    check_cable(ctx, "e1000e")


def test_e1000_ip4(ctx):
    test_network.test_ip4(ctx, nic="e1000")


def test_e1000e_ip4(ctx):
    test_network.test_ip4(ctx, nic="e1000e")


def test_e1000e_bad_line(ctx):
    test_network.test_bad_line(ctx, nic="e1000e")


def test_e1000_wrong_packets(ctx):
    test_network_bad.test_wrong_packets(ctx, nic="e1000")


def test_e1000_driver_dies_held(ctx):
    """Where an IOMMU holds it: the next driver has the chip quiet before that may reach memory."""
    check_restart(ctx, "intel", "e1000")


def test_e1000_driver_killed(ctx):
    """Under load; e1000_driver_dies has the other deaths."""
    test_restart.check_driver(ctx, "e1000", ("kill",))


# ---- The rest of the network's tests: --long


def test_e1000_ip6(ctx):
    test_network.test_ip6(ctx, nic="e1000")


def test_e1000e_ip6(ctx):
    test_network.test_ip6(ctx, nic="e1000e")


def test_e1000_bad_line(ctx):
    test_network.test_bad_line(ctx, nic="e1000")


def test_e1000_lost(ctx):
    test_network_loss.test_lost(ctx, nic="e1000")


def test_e1000e_lost(ctx):
    test_network_loss.test_lost(ctx, nic="e1000e")


def test_e1000e_wrong_packets(ctx):
    test_network_bad.test_wrong_packets(ctx, nic="e1000e")


def test_e1000_spoiled_frames(ctx):
    test_network_bad.test_spoiled_frames(ctx, nic="e1000")


def test_e1000e_spoiled_frames(ctx):
    test_network_bad.test_spoiled_frames(ctx, nic="e1000e")


def test_e1000_floods(ctx):
    test_network_bad.test_floods(ctx, nic="e1000")


def test_e1000e_floods(ctx):
    test_network_bad.test_floods(ctx, nic="e1000e")


def test_e1000_driver_dies(ctx):
    """Killed, and with a write to where nothing is, under load."""
    test_restart.check_driver(ctx, "e1000")


def test_e1000e_driver_dies(ctx):
    test_restart.check_driver(ctx, "e1000e")


def test_e1000e_driver_dies_held(ctx):
    check_restart(ctx, "intel", "e1000e")


LONG = (test_e1000e_cable, test_e1000_ip6, test_e1000e_ip6, test_e1000_bad_line, test_e1000_lost, test_e1000e_lost,
        test_e1000e_wrong_packets, test_e1000_spoiled_frames, test_e1000e_spoiled_frames,
        test_e1000_floods, test_e1000e_floods, test_e1000_driver_dies, test_e1000e_driver_dies,
        test_e1000e_driver_dies_held)
for one in LONG:
    one.long = True
test_e1000_floods.alone = test_e1000e_floods.alone = True
test_e1000_driver_killed.alone = test_e1000_driver_dies.alone = test_e1000e_driver_dies.alone = True
