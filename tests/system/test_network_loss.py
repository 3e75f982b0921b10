# SPDX-License-Identifier: MIT
"""How the network stack mends losses, over a network of the tests' own (hub.py): a file comes whole,
without long gaps, and little of it comes twice. `./tessera bench loss` has the rates."""
from hub import GUEST_IP4, IP4, Faults
from hub_tcp import HubConnection
from test_http import HOST
from test_network import Network

SIZE = 1 << 20
SEGMENTS = SIZE // 1460
LONGEST_GAP = 3  # seconds; a time-out is of 0.2 s, a busy host adds to it
WINDOW = 1 << 20
ROUNDS = 3


def serve(ctx, **options):
    """A guest that serves a file, and its bytes."""
    folder = ctx.folder / "www"
    folder.mkdir()
    data = ctx.random.randbytes(SIZE)
    (folder / "large").write_bytes(data)
    (folder / "index.html").write_bytes(b"<p>Tessera</p>")
    network = Network(ctx, www=folder, **options)
    network.wait_for_page()
    return network, data


def fetch(ctx, network, data, **faults):
    """The file over a line with faults; the client, for what it counted."""
    hub = network.hub
    hub.faults = Faults(ctx.random, delay=0.01, spread=0, **faults)
    connection = HubConnection(hub, IP4, GUEST_IP4, 60, window=WINDOW)
    client = connection.socket
    client.watch()
    connection.send(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
    ctx.check(connection.answer()[2] == data, "the file differs")
    connection.close()
    ctx.check(any(hub.faults.counts.values()), "no frames")
    ctx.note(f"{faults}: gap {client.gap:.2f} s, {client.repeated} of {SEGMENTS} twice")
    hub.faults = None
    ctx.check(client.gap <= LONGEST_GAP, f"{faults}: {client.gap:.2f} s without a byte")
    return client


def few_come_twice(ctx, most, network, data, **faults):
    """A host that stands still for a moment is a line that does: one of some rounds is without that.
    (host/netd_recovery has the same with a clock of its own.)"""
    repeated = []
    while len(repeated) < ROUNDS and (not repeated or repeated[-1] > most):
        repeated.append(fetch(ctx, network, data, **faults).repeated)
    ctx.check(repeated[-1] <= most, f"{repeated} segments came twice")


def test_lost(ctx, **options):
    """1 MiB at 20 ms: 1 % and 5 % lost, both ways."""
    network, data = serve(ctx, **options)
    for loss in (0.01, 0.05):
        few_come_twice(ctx, SEGMENTS // 5, network, data, loss=loss)
    network.guest.wait_for_shell()
    network.check_well()


def test_not_lost(ctx):
    """1 MiB at 20 ms: frames that come late, by half a round trip, or twice are not taken for lost."""
    network, data = serve(ctx)
    few_come_twice(ctx, SEGMENTS // 10, network, data, held=0.02, hold=0.01)
    fetch(ctx, network, data, duplicates=0.02)
    network.guest.wait_for_shell()
    network.check_well()
