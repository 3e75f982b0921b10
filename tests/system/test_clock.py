# SPDX-License-Identifier: MIT
"""The realtime: after the machine stood still, after an old state was loaded, and when it is set."""
import re
import time

APART = 2        # seconds that it may be off by
PATIENCE = 120
STOP = 10


def read(guest):
    """The guest's realtime and a range of the host's in which it was read."""
    before = time.time()
    said = int(guest.command("date +%s"))
    return said, before, time.time()


def wait_until_right(ctx, guest, ahead=0):
    """The realtime is the host's and so much more, to two seconds, before long."""
    deadline = time.monotonic() + PATIENCE
    while True:
        said, before, after = read(guest)
        if before + ahead - APART - 1 <= said <= after + ahead + APART:
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
    wanted = int(time.time()) + 86400 * 400
    ctx.equal(guest.command(f"date -u -s @{wanted} +ok"), "ok\n", "date -s")
    ahead = wanted - time.time()
    for _ in range(3):
        wait_until_right(ctx, guest, ahead)
        time.sleep(2)
    said = guest.command("date -u -s '2031-02-03 04:05:06' '+%Y-%m-%d %H:%M'")
    ctx.equal(said, "2031-02-03 04:05\n", "a day and a time")
    ctx.equal(guest.command("date -s @99999999999999 || echo refused").splitlines()[-1], "refused",
              "a time that no clock has")


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
    """An old state is loaded: the realtime is the present one all the same."""
    guest = ctx.boot(shell=True, memory=64)
    wait_until_right(ctx, guest)
    add_disk(guest, ctx.folder / "state.qcow2")
    state = {"tag": "then", "vmstate": "state", "devices": ["state"]}
    job(guest, "snapshot-save", **state)
    then = int(guest.command("date +%s"))
    time.sleep(STOP)
    job(guest, "snapshot-load", **state)
    wait_until_right(ctx, guest)
    ctx.check(int(guest.command("date +%s")) >= then + STOP - APART, "time has passed")
