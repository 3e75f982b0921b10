# SPDX-License-Identifier: MIT
"""The network from outside, over a network of the tests' own (hub.py): both versions of IP, a bad
line, bad frames, bad servers."""
import time

import frames
import hub_dhcp
from hub import GUEST_IP4, IP4, IP6, IP6_LOCAL, PREFIX, Faults, Hub
from hub_tcp import HubConnection
from test_http import HOST

PAGE_SIZE = 257 << 10
OTHER_IP4 = frames.address("10.0.2.77")


class Network:
    """A guest on a hub, and what is asked of it."""

    def __init__(self, ctx, answers=hub_dhcp.good, **options):
        self.ctx = ctx
        self.hub = Hub(ctx)
        self.hub.dhcp.answers = answers
        self.guest = ctx.boot(network=self.hub.words, **options)

    def wait_for_page(self, timeout=60):
        """Until the address is there and httpd listens."""
        self.ctx.check(self.hub.wait(lambda: self.hub.guest_ip4, timeout), "no address is taken")
        deadline = time.monotonic() + timeout
        patience = 3
        while True:
            try:
                return self.page(timeout=patience)
            except (ConnectionError, TimeoutError):
                self.ctx.check(time.monotonic() < deadline, f"no page within {timeout} s")
                time.sleep(0.2)
                patience *= 1.5

    def page(self, source=IP4, destination=None, path=b"/", timeout=20):
        """A page over a connection of its own."""
        connection = HubConnection(self.hub, source, destination or self.hub.guest_ip4, timeout)
        try:
            connection.send(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            status, _, body = connection.answer()
        finally:
            connection.close()
        self.ctx.equal(status, 200, "status")
        return body

    def wait_for_address6(self, source, target):
        """Until the guest has claimed an address and answers there: it is tentative for a second of
        the guest's."""
        name = str(frames.ipaddress.ip_address(target))
        self.ctx.check(self.hub.wait(lambda: target in self.hub.claimed, 20),
                       f"{name} was not asked about")
        deadline = time.monotonic() + 20
        while not self.hub.ping(source, target, 0, timeout=0.5):
            self.ctx.check(time.monotonic() < deadline, f"{name} does not answer")

    def addresses6(self):
        """The guest's link-local address and the one of the advertised prefix."""
        mac = self.hub.guest_mac
        return frames.link_local(mac), PREFIX[:8] + frames.interface_identifier(mac)

    def restarts(self):
        return {line.split()[0]: int(line.split()[5])
                for line in self.guest.command("services").splitlines()[1:]}

    def check_well(self):
        """Nothing ended, and what the guest sent is what hosts send."""
        self.ctx.equal({name: count for name, count in self.restarts().items() if count}, {},
                       "services that were started again")
        self.ctx.equal(self.hub.wrong[:3], [], "what the guest sent")


def test_ip4(ctx, **options):
    """An address by DHCP, ARP, echo of many sizes, a page."""
    network = Network(ctx, **options)
    body, hub = network.wait_for_page(), network.hub
    ctx.check(b"Tessera" in body, "the page is another one")
    kinds = [message.kind for message in hub.dhcp.seen]
    ctx.equal(kinds[:2], [hub_dhcp.DISCOVER, hub_dhcp.REQUEST], "DHCP messages")
    ctx.equal(hub.dhcp.seen[1].requested, GUEST_IP4, "the address that was asked for")
    hub.ask_arp(GUEST_IP4)
    ctx.check(hub.wait(lambda: (hub.guest_mac, GUEST_IP4) in hub.arp_replies, 20), "no ARP reply")
    del hub.arp_replies[:]
    hub.ask_arp(OTHER_IP4)
    for size in (0, 1, 17, 18, 56, 470, 600, 1472):
        ctx.check(hub.ping(IP4, GUEST_IP4, size, ctx.random.randbytes(size)), f"echo of {size} bytes")
    ctx.equal(hub.arp_replies, [], "ARP for another's address")
    ctx.check(not hub.ping(IP4, OTHER_IP4, 1, timeout=0.3), "echo of another's address")
    network.guest.wait_for_shell()
    network.check_well()


def test_ip6(ctx, **options):
    """Link-local and advertised address, neighbour discovery, echo, a page over each."""
    network = Network(ctx, **options)
    network.wait_for_page()
    hub = network.hub
    for source, target in zip((IP6_LOCAL, IP6), network.addresses6()):
        name = str(frames.ipaddress.ip_address(target))
        network.wait_for_address6(source, target)
        ctx.check(hub.ask_neighbour(target), f"no advertisement of {name}")
        for size in (1, 500, 1452):
            ctx.check(hub.ping(source, target, size, bytes(size)), f"{name}: echo of {size} bytes")
        ctx.check(b"Tessera" in network.page(source, target), f"{name}: the page")
    network.guest.wait_for_shell()
    network.check_well()


def test_bad_line(ctx, **options):
    """257 KiB and 40 requests in a row, over both versions, with loss, delay, other orders and doubles."""
    folder = ctx.folder / "www"
    folder.mkdir()
    large = ctx.random.randbytes(PAGE_SIZE)
    (folder / "large").write_bytes(large)
    pieces = [ctx.random.randbytes(ctx.random.randrange(3000)) for _ in range(40)]
    for number, piece in enumerate(pieces):
        (folder / f"piece{number}").write_bytes(piece)
    (folder / "index.html").write_bytes(b"<p>Tessera</p>")
    network = Network(ctx, www=folder, **options)
    network.wait_for_page()
    hub, (_, global6) = network.hub, network.addresses6()
    network.wait_for_address6(IP6, global6)
    faults = hub.faults = Faults(ctx.random, loss=0.05, duplicates=0.05, held=0.1, delay=0.004)
    begin = time.monotonic()
    ends = (IP4, GUEST_IP4), (IP6, global6)
    long = [HubConnection(hub, *end) for end in ends]
    many = [HubConnection(hub, *end) for end in ends]
    for connection in long:
        connection.send(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
    for connection in many:
        for number in range(len(pieces)):  # 40 KB towards the guest
            connection.send(b"GET /piece%d HTTP/1.1\r\nX: %s\r\n%s\r\n"
                            % (number, b"x" * 1000, HOST))
    for connection in long:
        ctx.check(connection.answer()[2] == large, "the large file differs")
    for connection in many:
        for number, piece in enumerate(pieces):
            ctx.check(connection.answer()[2] == piece, f"piece {number} differs")
    connections = long + many
    hub.faults = None
    resent = [connection.socket.resent for connection in connections]
    for connection in connections:
        connection.close()
    ctx.check(all(faults.counts.values()), f"no faults: {faults.counts}")
    ctx.note(f"{time.monotonic() - begin:.1f} s, {faults.counts}, the client sent {resent} again")
    network.guest.wait_for_shell()
    network.check_well()
