# SPDX-License-Identifier: MIT
"""Network cards of earlier years: their drivers copy frames, or use ports, or both."""
import test_network
import test_network_bad
from load import Load
from test_network_cards import check_page
from test_www import make_tree

CLIENTS = 2
PATIENCE = 60  # seconds: a machine may stand still


def check_dies(ctx, driver, **machine):
    """A driver that is killed under load: no client sees a wrong byte or a connection's end."""
    folder = ctx.folder / "www"
    folder.mkdir()
    digests = {path.as_posix().replace(" ", "%20"): digest
               for path, digest in make_tree(folder, 20, 1 << 20).items()}
    guest = ctx.boot(www=folder, **machine)
    guest.wait_for_page(f"/{next(iter(digests))}")
    guest.wait_for_shell()
    with Load(guest, digests, CLIENTS, ctx.seed) as load:
        for _ in range(2):
            ctx.check(load.wait_for_answers(PATIENCE), "not every client has answers")
            guest.command(f"services kill {driver}", PATIENCE)
        ctx.check(load.wait_for_answers(PATIENCE), "not every client goes on")
        ctx.equal(load.wrong, [], "what clients saw")
        ctx.equal(load.ended, 0, "connections that ended")
    ctx.check(f"{driver} was killed" in guest.command("log | grep init:"), "the log does not say so")


def test_rtl8139_i440fx(ctx):
    check_page(ctx, nic="rtl8139", board="pc")


def test_rtl8139_iommu(ctx):
    """The card reaches nothing but its driver's memory."""
    check_page(ctx, nic="rtl8139", iommu="intel", smp=2)


def test_rtl8139_ip4(ctx):
    test_network.test_ip4(ctx, nic="rtl8139")


def test_rtl8139_ip6(ctx):
    """Neighbours are found by groups."""
    test_network.test_ip6(ctx, nic="rtl8139")


def test_rtl8139_abuse(ctx):
    test_network_bad.test_spoiled_frames(ctx, nic="rtl8139")


def test_rtl8139_driver_dies(ctx):
    check_dies(ctx, "rtl8139:0", nic="rtl8139", smp=2)


def test_ne2k_i440fx(ctx):
    """Through a port, 16 bits at a time; the card reaches no memory."""
    check_page(ctx, nic="ne2k", board="pc")


def test_ne2k_ip4(ctx):
    test_network.test_ip4(ctx, nic="ne2k")


def test_ne2k_ip6(ctx):
    test_network.test_ip6(ctx, nic="ne2k")


def test_ne2k_abuse(ctx):
    test_network_bad.test_wrong_packets(ctx, nic="ne2k")


def test_ne2k_spoiled(ctx):
    """30,000 frames through a port."""
    test_network_bad.test_spoiled_frames(ctx, nic="ne2k")


def test_ne2k_driver_dies(ctx):
    check_dies(ctx, "ne2k:0", nic="ne2k", smp=2)


def test_legacy_i440fx(ctx):
    """virtio-net as it was before version 1."""
    check_page(ctx, nic="virtio-legacy", board="pc")


def test_legacy_ip6(ctx):
    test_network.test_ip6(ctx, nic="virtio-legacy")


def test_legacy_driver_dies(ctx):
    check_dies(ctx, "virtio-net:0", nic="virtio-legacy", smp=2)


test_ne2k_spoiled.long = True
