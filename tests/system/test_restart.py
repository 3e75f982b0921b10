# SPDX-License-Identifier: MIT
"""Services that die under load: by a kill, a write to where nothing is, or an endless loop.

What must hold: the first new answer comes within a second; no client ever gets a wrong byte, or
waits for a connection that is dead; the network driver's death ends no connection; those of a dead
netd end with a reset.
"""
import contextlib
import re
import time

import capture
from load import Load, first_answer
from programs import compile_program, grants
from test_http import HOST, Connection
from test_www import make_tree

ANSWER_LIMIT = 1   # seconds from a death to a new answer
DEAF = {"e1000": 1}  # QEMU's model receives nothing for a second after its receiver was switched on
PATIENCE = 20      # until a new answer is given up
HEALTHY = 10.5     # seconds between deaths of one service which keep init from backing off
CLIENTS = 4
CONNECTIONS_STAY = {"virtio-net:0", "e1000:0", "virtio-blk:0", "wwwfs"}
REASONS = {"stop": r"{} was killed", "kill": r"{} was killed", "write": r"{} died after .*exception 14.* address eadbeef",
           "loop": r"{} does not answer"}
# With two CPUs a service may run on where its text is just being replaced: it fetches from no page.
GAP = r"{} died after .*exception 14, code 14, at address (\w+)\n.*rip 0*\1 "
ROUNDS = 3         # of which one must have been in time: the host has other things to do as well


class Restarts:
    """A guest under load, and deaths in it."""

    def __init__(self, ctx, **options):
        self.ctx = ctx
        self.limit = ANSWER_LIMIT
        self.cpus = options.get("smp", 1)
        folder = ctx.folder / "www"
        folder.mkdir()
        digests = {path.as_posix().replace(" ", "%20"): digest
                   for path, digest in make_tree(folder, 30, 1 << 20).items()}
        self.guest = ctx.boot(www=folder, memory=64, add=[compile_program(ctx, "harm.c")],
                              entries=[grants(ctx, "give /bin/harm system")], **options)
        self.guest.wait_for_page(f"/{self.small(digests)}")
        self.guest.wait_for_shell()
        self.load = Load(self.guest, digests, CLIENTS, ctx.seed)
        self.probe = self.small(digests)
        self.last = {}    # death of each service
        self.seconds = {}  # (manner, service) -> of each round
        self.starts = {}

    @staticmethod
    def small(digests):
        return next(path for path in digests if path.endswith(".bin"))

    def restarts(self):
        """How often each service was started again."""
        return {line.split()[0]: int(line.split()[5])
                for line in self.guest.command("services").splitlines()[1:]}

    def log(self):
        """What init has said."""
        return self.guest.command("log | grep init:").splitlines()

    def wait_until_healthy(self, service):
        self.guest.drain(max(0.5, self.last.get(service, 0) + HEALTHY - time.monotonic()))

    def idle_connections(self):
        """Connections that have had an answer and now wait."""
        connections = [Connection(self.guest) for _ in range(3)]
        for connection in connections:
            connection.send(b"GET /" + self.probe.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            self.ctx.equal(connection.answer()[0], 200, "status before the death")
        return connections

    def die(self, manner, service):
        """Seconds until the first new answer, and what init said."""
        self.wait_until_healthy(service)
        before, log_before, ended = self.restarts(), self.log(), self.load.ended
        idle = self.idle_connections()
        dump = self.ctx.folder / "frames.pcap"
        with capture.captured(self.guest, dump):
            seconds = self.harm_and_wait(manner, service)
            log = [line for line in self.log() if line not in log_before]
            self.check_clients(service)
            self.check_connections(service, idle, self.load.ended - ended)
        if service == "netd":
            self.check_resets(dump, len(idle) + CLIENTS)
        after = self.restarts()
        self.ctx.equal({name for name in after if after[name] != before[name]}, {service},
                       f"{service} {manner}: services that were started again")
        return seconds, "\n".join(log)

    def harm_and_wait(self, manner, service):
        start = self.harm(manner, service)
        found = first_answer(self.guest, self.probe, PATIENCE)
        self.last[service] = time.monotonic()
        self.ctx.check(found, f"{service} {manner}: no new answer within {PATIENCE} s")
        return self.last[service] - start  # since a little before the death

    def check_clients(self, service):
        """All of them go on, and none has seen what should not be."""
        self.ctx.check(self.load.wait_for_answers(PATIENCE), f"{service}: not every client goes on")
        self.ctx.equal(self.load.wrong, [], f"{service}: what clients saw")

    def check_resets(self, dump, count):
        """So many connections were reset by the guest."""
        resets = {segment.destination for segment in capture.segments(dump)
                  if segment.source == 80 and segment.flags & capture.RESET}
        self.ctx.check(len(resets) >= count, f"{len(resets)} connections of {count} were reset")

    def harm(self, manner, service):
        """Returns a moment just before the death, when that has come."""
        if manner == "stop":
            start = time.monotonic()
            self.guest.command(f"services kill {service}", PATIENCE)
            return start
        # A service that is at work while its text is exchanged would fault instead of looping.
        with self.load.paused() if manner == "loop" else contextlib.nullcontext():
            self.guest.send(f"harm {manner} {service}\r")
            self.guest.wait_for("\nfound\n", PATIENCE)
            start = time.monotonic()
            self.guest.drain(0.1)
        self.guest.wait_for_shell(PATIENCE)
        return start

    def check_connections(self, service, idle, ended):
        """What became of the connections that were there."""
        ctx = self.ctx
        for connection in idle:
            if service in CONNECTIONS_STAY:
                connection.send(b"GET /" + self.probe.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                ctx.equal(connection.answer()[0], 200, f"status after the death of {service}")
            else:
                self.use_dead(connection)
            connection.close()
        if service in CONNECTIONS_STAY:
            ctx.equal(ended, 0, f"connections that ended with {service}")
        else:
            ctx.check(ended >= CLIENTS, f"{service}: {ended} connections of {CLIENTS} ended")

    def use_dead(self, connection):
        """The client of a connection whose server is gone learns it when it asks."""
        try:
            connection.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        except OSError:
            return
        self.ctx.check(connection.closed(PATIENCE), "a dead connection is silent")

    def round(self, manner, service):
        """One death, of that manner: a loop may meet the service where it faults instead."""
        taken = []
        for _ in range(ROUNDS):
            seconds, log = self.die(manner, service)
            if self.is_told(manner, service, log):
                taken.append(seconds)
                self.seconds.setdefault((manner, service), []).append(seconds)
            if taken and taken[-1] <= self.limit:
                return
        self.ctx.check(taken, f"{service}: the log does not say {REASONS[manner]}:\n{log[-1500:]}")
        raise AssertionError(f"{service} {manner}: first new answers after {taken} s, not {self.limit}")

    def is_told(self, manner, service, log):
        """Whether init says that the service died of what was done to it."""
        if re.search(REASONS[manner].format(service), log):
            return True
        replaced = manner in ("write", "loop") and self.cpus > 1
        return replaced and re.search(GAP.format(service), log) is not None

    def tell(self):
        for (manner, service), seconds in sorted(self.seconds.items()):
            self.ctx.note(f"{service} {manner}: {len(seconds)} times, first new answer after "
                          f"{max(seconds):.2f} s at most")


SERVICES = ("httpd", "netd", "virtio-net:0")
DISK = ("wwwfs", "virtio-blk:0")


def check_each(ctx, **options):
    restarts = Restarts(ctx, **options)
    with restarts.load:
        for service in DISK:
            restarts.round("stop", service)
        for manner in ("kill", "write", "loop"):
            for service in SERVICES:
                restarts.round(manner, service)
    restarts.tell()


def check_driver(ctx, nic, manners=("stop", "kill", "write", "loop")):
    """The driver of a card of Intel's, in these manners."""
    restarts = Restarts(ctx, nic=nic)
    restarts.limit += DEAF.get(nic, 0)
    with restarts.load:
        for manner in manners:
            restarts.round(manner, "e1000:0")
    restarts.tell()


def test_each(ctx):
    """httpd, netd and the network driver in each manner; the disk's servers."""
    check_each(ctx)


def test_each_cpus_2(ctx):
    """The same on two CPUs."""
    check_each(ctx, smp=2)


def test_at_random(ctx):
    """All of them in random order, for as long as asked for."""
    restarts = Restarts(ctx, smp=ctx.random.choice((1, 2)))
    end = time.monotonic() + ctx.minutes * 60
    with restarts.load:
        while time.monotonic() < end:
            manner = ctx.random.choice(list(REASONS))
            restarts.round(manner, ctx.random.choice(SERVICES + DISK))
    restarts.tell()


test_each.timeout = test_each_cpus_2.timeout = 300
test_each.alone = test_each_cpus_2.alone = True
test_at_random.long = True
