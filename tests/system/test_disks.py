# SPDX-License-Identifier: MIT
"""Disks that are not ours: each is left alone, named once in the log, and the image's own site is served."""
import re

from test_bad_input import archive_tool, flip, log_until, pack_disk, states
from tessera_cmd import build

SECTOR = 512
DEVICE = "virtio-blk-pci,disable-legacy=on,romfile="


def own_page(ctx):
    """The first page of the image's own site."""
    archive = (build.folder("release") / "archive.img").read_bytes()
    entries = {entry[0].decode(): entry for entry in archive_tool(ctx).read_entries(archive)}
    _, _, _, offset, size = entries["www/index.html"][:5]
    return archive[offset:offset + size]


def attached(file, device=DEVICE, serial="www", name="disk"):
    """QEMU's words for one more disk."""
    return ("-drive", f"if=none,id={name},format=raw,readonly=on,file={file}",
            "-device", f"{device},drive={name},serial={serial}")


def check_own_site(ctx, name, extra, *lines, driver="runs"):
    """Each line is in the log once, and nothing was started again for it."""
    guest = ctx.boot(memory=64, extra=extra, shell=True)
    status, _, body = guest.wait_for_page()
    ctx.equal(status, 200, f"{name}: status")
    ctx.check(body == own_page(ctx), f"{name}: another page: {body[:200]}")
    log = log_until(ctx, guest, *lines)
    for line in lines:
        ctx.equal(len(re.findall(line, log)), 1, f"{name}: times that the log says {line!r}")
    found = states(guest)
    ctx.equal(found["wwwfs"], "runs", f"{name}: state of wwwfs")
    ctx.equal(found.get("virtio-blk:0"), driver, f"{name}: state of the driver")
    for service in ("wwwfs", "virtio-blk:0"):
        ctx.check(len(re.findall(rf"{service} started", log)) <= 1, f"{name}: {service} started again")
    guest.stop()


def spoil(data, at):
    copy = bytearray(data)
    flip(copy, at)
    return copy


def test_strangers(ctx):
    """Blank, empty, of noise, the image itself, an archive that is cut short or spoiled."""
    archive, entries = pack_disk(ctx, {"index.html": b"<p>not served</p>", "file": b"x" * 100000})
    contents = {
        "blank": bytes(1 << 20),
        "empty": b"",
        "one sector": bytes(SECTOR),
        "noise": ctx.random.randbytes(1 << 16),
        "image": build.image("release").read_bytes(),
        "short": archive[:8192],
        "index": spoil(archive, 4096 + 48 + 8),
        "names": spoil(archive, 4096 + len(entries) * 48 + 4),
    }
    for number, (name, data) in enumerate(contents.items()):
        file = ctx.folder / f"disk{number}"
        file.write_bytes(bytes(data) + bytes(-len(data) % SECTOR))
        check_own_site(ctx, name, attached(file), r"wwwfs: virtio-blk:0: no archive can be served from it: ",
                       r"wwwfs: no disk of ours: the image's own site is served")


test_strangers.timeout = 240


def good_disk(ctx):
    data, _ = pack_disk(ctx, {"index.html": b"<p>ours</p>"})
    file = ctx.folder / "good"
    file.write_bytes(bytes(data) + bytes(-len(data) % SECTOR))
    return file


def test_other_serial(ctx):
    """An archive on a disk that has another serial is somebody else's."""
    check_own_site(ctx, "serial", attached(good_disk(ctx), serial="backup"),
                   r"wwwfs: virtio-blk:0: its serial is 'backup', not 'www': it is left alone",
                   r"wwwfs: no disk of ours: the image's own site is served")


def test_none(ctx):
    """Without any disk there is one line, by who looked."""
    check_own_site(ctx, "none", (), r"wwwfs: no disk of ours: the image's own site is served", driver=None)


def test_fails(ctx):
    """A disk that cannot be read."""
    node = (f"driver=blkdebug,node-name=bad,image.driver=file,image.filename={good_disk(ctx)},"
            "inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.errno=5")
    check_own_site(ctx, "failing", ("-blockdev", node, "-device", f"{DEVICE},drive=bad,serial=www"),
                   r"wwwfs: virtio-blk:0: no archive can be served from it: ",
                   r"wwwfs: no disk of ours: the image's own site is served")


def test_legacy(ctx):
    """A disk of a kind that the driver cannot drive: it says so once, and does not die in a loop."""
    check_own_site(ctx, "legacy",
                   attached(good_disk(ctx), device="virtio-blk-pci,disable-modern=on,disable-legacy=off"),
                   r"virtio-blk:0: its device is of another kind, or without interrupts: it is left alone",
                   r"wwwfs: no disk of ours: the image's own site is served", driver="no-device")


def test_second_is_ours(ctx):
    """Of two disks the second is ours; the first one, with the same content, is not even read."""
    other = ctx.folder / "other"
    other.write_bytes(good_disk(ctx).read_bytes())
    guest = ctx.boot(memory=64, shell=True, extra=attached(other, serial="backup", name="other") +
                     attached(good_disk(ctx), name="ours"))
    ctx.equal(guest.wait_for_page()[::2], (200, b"<p>ours</p>"), "page")
    log_until(ctx, guest, r"wwwfs: virtio-blk:0: its serial is 'backup', not 'www': it is left alone",
              r"wwwfs: \d+ files and folders on the disk")
    guest.command("services kill virtio-blk:1")
    ctx.equal(guest.wait_for_page()[::2], (200, b"<p>ours</p>"), "page of the driver's next instance")
