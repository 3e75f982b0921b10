# SPDX-License-Identifier: MIT
"""The realtime: after the machine stood still, after an old state was loaded, and when it is set."""
import re
import socket
import struct
import threading
import time

APART = 2        # seconds that it may be off by
PATIENCE = 120
STOP = 10
EPOCH = 2208988800  # of 1970, in seconds since 1900


def read(guest):
    """The guest's realtime and a range of the host's in which it was read."""
    before = time.time()
    said = int(guest.command("date +%s"))
    return said, before, time.time()


def wait_until_right(ctx, guest, ahead=0, late=0):
    """The realtime is the host's and so much more, to two seconds, before long. `late`: what it may
    be ahead besides, as nobody saw from outside when it was set."""
    deadline = time.monotonic() + PATIENCE
    while True:
        said, before, after = read(guest)
        if before + ahead - APART - 1 <= said <= after + ahead + late + APART:
            return
        if time.monotonic() > deadline:
            ctx.check(False, f"the guest's clock is at {said}, the host's at {after:.0f}")
        time.sleep(0.5)


def test_stop(ctx):
    """All counters of a machine that is stopped stand still; the battery's clock tells."""
    guest = ctx.boot(shell=True)
    wait_until_right(ctx, guest)
    guest.qmp("stop")
    time.sleep(STOP)
    guest.qmp("cont")
    wait_until_right(ctx, guest)
    guest.command("log > /tmp/log")
    ctx.equal(len(re.findall(r"the clock was \d+ s slow, and is set",
                             guest.command("grep 'the clock was' /tmp/log"))), 1, "told once")


def test_set(ctx):
    """date -s sets the clock and the battery's: it stays set."""
    guest = ctx.boot(shell=True)
    before = time.time()
    wanted = int(before) + 86400 * 400
    ctx.equal(guest.command(f"date -u -s @{wanted} +ok"), "ok\n", "date -s")
    after = time.time()
    for _ in range(3):
        wait_until_right(ctx, guest, wanted - after, after - before)
        time.sleep(2)
    said = guest.command("date -u -s '2031-02-03 04:05:06' '+%Y-%m-%d %H:%M'")
    ctx.equal(said, "2031-02-03 04:05\n", "a day and a time")
    ctx.equal(guest.command("date -s @99999999999999 || echo refused").splitlines()[-1], "refused",
              "a time that no clock has")
    for day in ("2030-13-05", "2030-00-05", "2030-02-30"):
        said = guest.command(f"date -s '{day} 10:00' || echo refused").splitlines()[-1]
        ctx.equal(said, "refused", day)
    guest.command("date -u -s @500000000")  # the battery's clock has no such time
    time.sleep(4)  # init has looked at it twice
    ctx.equal(guest.command("date -u +%Y"), "1985\n", "the year, a while later")


def test_zone(ctx):
    """TZ is POSIX's: the rule of a zone, and its name."""
    guest = ctx.boot(shell=True)
    guest.command("export TZ=CET-1CEST,M3.5.0,M10.5.0/3")
    ctx.equal(guest.command("date -u -s '2030-07-01 10:00' '+%H %Z'"), "10 UTC\n", "universal")
    ctx.equal(guest.command("date '+%H %Z'"), "12 CEST\n", "in summer")
    ctx.equal(guest.command("date -s '2030-01-01 10:00' '+%H %Z'"), "10 CET\n", "in winter")
    ctx.equal(guest.command("date -u +%H"), "09\n", "universal, in winter")


def job(guest, command, **arguments):
    """Runs a job of QEMU's to its end."""
    guest.qmp(command, **{"job-id": "job", **arguments})
    while (found := guest.qmp("query-jobs")) and found[0]["status"] != "concluded":
        time.sleep(0.05)
    guest.qmp("job-dismiss", id="job")
    if "error" in found[0]:
        raise AssertionError(f"{command}: {found[0]['error']}")


def add_disk(guest, file):
    """A file that can hold the machine's state, made by QEMU itself."""
    size = 256 << 10
    job(guest, "blockdev-create", options={"driver": "file", "filename": str(file), "size": 0})
    guest.qmp("blockdev-add", **{"driver": "file", "node-name": "file", "filename": str(file)})
    job(guest, "blockdev-create", options={"driver": "qcow2", "file": "file", "size": size})
    guest.qmp("blockdev-add", **{"driver": "qcow2", "node-name": "state", "file": "file"})


def test_snapshot(ctx):
    """An old state is loaded by a new emulator: the realtime is the present one all the same. (In
    the old one the counter would go on: QEMU's never goes back.)"""
    disk = ctx.folder / "state.qcow2"
    guest = ctx.boot(shell=True, memory=64)
    add_disk(guest, disk)
    job(guest, "snapshot-save", tag="then", vmstate="state", devices=["state"])
    guest.stop()
    time.sleep(STOP)
    later = ctx.boot(memory=64, extra=("-drive", f"if=none,id=state,format=qcow2,file={disk}",
                                       "-loadvm", "then"))
    wait_until_right(ctx, later)


class TimeServer(threading.Thread):
    """Says a time that is ahead; before each answer comes one that was not asked for."""

    def __init__(self, ahead):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ahead, self.questions = ahead, []

    def answer(self, origin, ahead):
        now = int((time.time() + ahead + EPOCH) * 2 ** 32) & (2 ** 64 - 1)
        return struct.pack("!BBBbIII8s8sQQ", 4 << 3 | 4, 2, 6, -20, 0, 0, 0, bytes(8), origin,
                           now, now)

    def run(self):
        while True:
            question, client = self.socket.recvfrom(512)
            origin = question[40:48]
            self.questions.append(origin)
            self.socket.sendto(self.answer(bytes(8), 2 * self.ahead), client)
            self.socket.sendto(self.answer(origin, self.ahead), client)


def test_sntp(ctx):
    """One line of configuration: the clock is the server's, and not that of who guesses."""
    server = TimeServer(300)
    server.start()
    conf = ctx.folder / "init.conf"
    text, off = ctx.init_conf(), "    start     never\n    arguments pool.ntp.org\n"
    ctx.equal(text.count(off), 1, "it is off")
    conf.write_text(text.replace(off, f"    arguments 10.0.2.2:{server.port}\n"))
    guest = ctx.boot(shell=True, entries=[f"etc/init.conf={conf}"])
    wait_until_right(ctx, guest, 300)
    time.sleep(4)  # the battery's clock does not pull it back
    wait_until_right(ctx, guest, 300)
    ctx.check(server.questions and all(q != bytes(8) for q in server.questions), "random numbers")
