# SPDX-License-Identifier: MIT
"""Network cards other than virtio, on the machines that have them."""
import test_network
from tessera_cmd.machine import free_port
from test_cards import second_card, wait_for_status


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


def test_e1000_ip4(ctx):
    test_network.test_ip4(ctx, nic="e1000")


def test_e1000e_ip4(ctx):
    test_network.test_ip4(ctx, nic="e1000e")
