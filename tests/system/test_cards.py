# SPDX-License-Identifier: MIT
"""Machines with several network cards: init's classes and instances, netd's interfaces."""
import http.client
import re
import time

from tessera_cmd.machine import free_port
from test_init import boot as boot_with_lines

SECOND = ("virtio-net-pci,netdev=net2,disable-legacy=on,romfile=",)


def second_card(port, device=SECOND[0], net="10.0.3.0/24"):
    """QEMU's words for one more card, on a network of its own with a way to port 80."""
    return ("-netdev", f"user,id=net2,net={net},ipv6-net=fec1::/64,"
                       f"hostfwd=tcp:127.0.0.1:{port}-:80", "-device", device)


def status_at(port, timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError as error:
        return str(error)
    finally:
        connection.close()


def wait_for_status(ctx, port, what, seconds=20):
    deadline = time.monotonic() + seconds
    while (status := status_at(port)) != 200:
        ctx.check(time.monotonic() < deadline, f"{what}: {status}")
        time.sleep(0.2)


def states(guest):
    """The state of each service."""
    return {line.split()[0]: line.split()[1]
            for line in guest.command("services").splitlines()[1:]}


def test_two_cards(ctx):
    """Both serve the page; each driver is steered by its own name, and the other goes on."""
    port = free_port()
    guest = ctx.boot(shell=True, extra=second_card(port))
    guest.wait_for_page("/")
    wait_for_status(ctx, port, "by the second card")
    found = states(guest)
    for name in ("virtio-net:0", "virtio-net:1"):
        ctx.equal(found.get(name), "runs", f"state of {name}")
    ctx.check("virtio-net" not in found, "a kind is among the services")
    interfaces = guest.command("netstat -i")
    for name in ("en0", "en1"):
        ctx.check(re.search(rf"\d {name}: up, link", interfaces), f"no {name}:\n{interfaces}")
    guest.command("services stop virtio-net:1")
    ctx.equal(states(guest)["virtio-net:1"], "stopped", "after stop")
    guest.wait_for_page("/")
    guest.command("services start virtio-net:1")
    wait_for_status(ctx, port, "by the second card, after its driver's stop")
    guest.command("services kill virtio-net:0")
    guest.wait_for_page("/")
    wait_for_status(ctx, port, "by the second card, after the death of the first one's driver")


def test_no_card(ctx):
    """A machine without a card has a prompt, and no driver that looks for one."""
    guest = ctx.boot(shell=True, network=())
    found = states(guest)
    ctx.check(not any(name.startswith("virtio-net") for name in found), f"drivers: {found}")
    ctx.equal(found["netd"], "runs", "state of netd")


def test_class_is_looked_at_again(ctx):
    """The bus dies: the cards stay, and no second instance comes; a kind's start looks again."""
    guest = ctx.boot(shell=True)
    guest.wait_for_page("/")
    guest.command("services kill pci")
    guest.command("services start virtio-net")
    guest.wait_for_page("/")
    found = [name for name in states(guest) if name.startswith("virtio-net")]
    ctx.equal(found, ["virtio-net:0"], "instances")


def test_class_spy(ctx):
    """A holder of a class reaches its members, and nothing else."""
    guest = boot_with_lines(ctx, "\n    handle nics = class net", "members.c")
    guest.wait_for_page("/")
    ctx.equal(guest.command("members"), MEMBERS, "what came of it")


MEMBERS = """listed: virtio-net:0
changed: no
open virtio-net:0: OK
its manage: no
attach beside netd: ERR_BUSY
open virtio-net: ERR_NOT_FOUND
open virtio-net:1: ERR_NOT_FOUND
open virtio-net:0/x: ERR_NOT_FOUND
open ../virtio-net:0: ERR_NOT_FOUND
open pci: ERR_NOT_FOUND
open netd: ERR_NOT_FOUND
open (300 bytes): ERR_NAME_TOO_LONG
list from the end: OK 0
"""
