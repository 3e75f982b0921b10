# SPDX-License-Identifier: MIT
"""What a user, an administrator or a disk can get wrong: a named error, and the rest goes on."""
import importlib.util
import re
import time

import elf
from programs import compile_program
from tessera_cmd import build

STATUS_NOT_RUN = 126


def archive_tool(ctx):
    """tools/mkarchive.py, which knows the archive's format."""
    spec = importlib.util.spec_from_file_location("mkarchive",
                                                  ctx.root / "tools" / "mkarchive.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log_until(ctx, guest, *patterns):
    """Waits until the system's log has lines that fit all patterns; the log."""
    deadline = time.monotonic() + 20
    while True:
        log = guest.command("log | grep -v GET")
        missing = [pattern for pattern in patterns if not re.search(pattern, log)]
        if not missing:
            return log
        ctx.check(time.monotonic() < deadline, f"not in the log: {missing}\n{log[-3000:]}")
        guest.drain(0.3)


def states(guest):
    return {line.split()[0]: line.split()[1]
            for line in guest.command("services").splitlines()[1:]}


# ---- The configuration

BROKEN = """
service no-program-file
    program /srv/nowhere
service no-program-given
    arguments x
service unknown-handle
    program /bin/true
    handle net = service nobody
service unknown-target
    program /bin/true
    handle thing = something
service syntax
    program /bin/true
    frobnicate the service
service right
    program /bin/true
    handle log with fly
service not-a-program
    program /etc/init.conf
    start boot
service not-there
    program /bin/true
    handle file = /nowhere/at/all
service cycle
    program /bin/true
    handle other = service cycle-2
service cycle-2
    program /bin/true
    handle other = service cycle
service open-quote
    program /bin/true
    arguments "without end
mount nowhere = service memfs
nonsense
"""

ERRORS = (
    r"no-program-file: no program /srv/nowhere", r"no-program-file cannot be started.*ERR_NOT_FOUND",
    r"init.conf:\d+: service no-program-given has no program",
    r"init.conf:\d+: unknown service nobody", r"init.conf:\d+: handle thing: unknown target",
    r"init.conf:\d+: unknown statement 'frobnicate'", r"init.conf:\d+: handle log: unknown right",
    r"not-a-program cannot be started.*ERR_EXECUTABLE",
    r"init.conf:\d+: handle file of not-there: ERR_NOT_FOUND",
    r"init.conf:\d+: service cycle-2 uses itself", r"init.conf:\d+: missing closing quote",
    r"init.conf:\d+: expected: mount", r"init.conf:\d+: statement 'nonsense' outside of a service")


def test_configuration(ctx):
    """Each error in init's configuration is told with its line; the other services run."""
    config = ctx.folder / "init.conf"
    config.write_text("statement before any service\n" +
                      ctx.init_conf() + BROKEN)
    guest = ctx.boot(entries=[f"etc/init.conf={config}"], shell=True)
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    log_until(ctx, guest, r"init.conf:1: statement 'statement' outside of a service", *ERRORS)
    found = states(guest)
    for name in re.findall(r"^service (\S+)", BROKEN, re.M):
        if name != "cycle":
            ctx.equal(found[name], "failed", f"state of {name}")
    for name in ("pci", "serial", "virtio-net:0", "memfs", "pipes", "netd", "wwwfs", "httpd", "shell"):
        ctx.equal(found[name], "runs", f"state of {name}")


def test_configuration_breaks_a_server(ctx):
    """A service that others use cannot be started: those that can, run without it."""
    config = ctx.folder / "init.conf"
    text = ctx.init_conf()
    config.write_text(text.replace("program   /drv/virtio-net", "program   /drv/nothing")
                      .replace("program   /srv/memfs", "program   /srv/memfs\n    limit pages lots"))
    guest = ctx.boot(entries=[f"etc/init.conf={config}"], shell=True)
    log_until(ctx, guest, r"virtio-net:0: no program /drv/nothing", r"limit pages lots")
    ctx.equal(guest.command("echo the shell | cat"), "the shell\n", "the shell")
    found = states(guest)
    for name in ("virtio-net:0", "memfs"):
        ctx.equal(found[name], "failed", f"state of {name}")
    for name in ("pipes", "netd", "wwwfs", "httpd"):
        ctx.equal(found[name], "runs", f"state of {name}")
    ctx.check("no such" in guest.command("ls /tmp").lower(), "what is mounted of nobody is not there")


# ---- Archives

def flip(data, at, bits=0x10):
    data[at] ^= bits


def boot_archive(ctx):
    file = build.folder("release") / "archive.img"
    return bytearray(file.read_bytes()), {
        entry[0].decode(): entry for entry in archive_tool(ctx).read_entries(file.read_bytes())}


def offset_of(entry):
    """Of the middle of a file's data."""
    return entry[3] + entry[4] // 2


def test_boot_archive_data(ctx):
    """Damaged files in the boot archive are refused one by one."""
    data, entries = boot_archive(ctx)
    for path in ("srv/sntp", "srv/memfs", "www/style.css", "drv/virtio-blk"):
        flip(data, offset_of(entries[path]))
    archive = ctx.folder / "archive"
    archive.write_bytes(data)
    guest = ctx.boot(archive=archive, shell=True)
    ctx.equal(guest.wait_for_page()[0], 200, "status of what is whole")
    ctx.check(guest.get("/style.css")[0] >= 500, "a damaged page was served")
    output = guest.command("/srv/sntp; echo status $?")
    ctx.check("status 126" in output and "sh: /srv/sntp: " in output,
              f"a damaged program ran: {output!r}")
    log_until(ctx, guest, *(rf"boot archive: /{path} fails its checksum" for path in
                            ("srv/sntp", "srv/memfs", "www/style.css")),
              r"memfs cannot be started.*ERR_CORRUPT")
    ctx.equal(guest.command("cat /etc/init.conf | wc -l; echo $?").split()[-1], "0", "another program")


def check_panic(ctx, name, data, pattern):
    archive = ctx.folder / f"archive-{name}"
    archive.write_bytes(data)
    guest = ctx.boot(archive=archive)
    deadline = time.monotonic() + 60
    while not re.search(pattern, guest.log):
        ctx.check(time.monotonic() < deadline and not guest.ended,
                  f"{name}: the guest does not say {pattern!r}:\n{guest.log[-1500:]}")
        guest.read(0.2)
    guest.stop()


def test_boot_archive_tables(ctx):
    """Without its tables nothing can be started: the kernel says so."""
    data, entries = boot_archive(ctx)
    header = 72
    for name, at in (("magic", 0), ("version", 8), ("header", 40), ("entry", 4096 + 5 * 48 + 8),
                     ("string", 4096 + len(entries) * 48 + 20)):
        spoiled = bytearray(data)
        flip(spoiled, at)
        check_panic(ctx, name, spoiled, r"(?i)panic.*boot archive is")
    for name, length in (("empty", 4096), ("short", header), ("half", len(data) // 2)):
        check_panic(ctx, name, data[:length], r"(?i)panic.*boot archive is")
    flip(data, offset_of(entries["srv/init"]))
    check_panic(ctx, "init", data, r"(?i)panic.*(boot archive is corrupt|srv/init)")


def pack_disk(ctx, files):
    folder = ctx.folder / "tree"
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    disk = ctx.folder / "disk"
    build.pack_disk(folder, disk)
    data = bytearray(disk.read_bytes())
    return data, {entry[0].decode(): entry for entry in archive_tool(ctx).read_entries(bytes(data))}


def boot_with_disk(ctx, name, data):
    disk = ctx.folder / f"disk-{name}"
    disk.write_bytes(bytes(data) + bytes(-len(data) % 512))
    return ctx.boot(disk=disk, shell=True)


def test_disk_data(ctx):
    """A damaged file on the disk is not served whole; the others are."""
    data, entries = pack_disk(ctx, {"index.html": b"<p>good</p>", "bad": b"x" * 5000,
                                    "large": b"y" * 400000, "good": b"z" * 300000})
    flip(data, offset_of(entries["bad"]))
    flip(data, offset_of(entries["large"]))
    guest = boot_with_disk(ctx, "data", data)
    ctx.equal(guest.wait_for_page()[2], b"<p>good</p>", "the index")
    for path in ("/bad", "/large"):
        try:
            ctx.check(guest.get(path)[0] >= 500, f"{path} was served")
        except OSError:
            pass  # the answer ended early: the damage is behind its beginning
        except Exception as error:  # http.client's own
            ctx.check("IncompleteRead" in repr(error), f"{path}: {error!r}")
    ctx.equal(guest.get("/good")[2], b"z" * 300000, "a good file")
    log_until(ctx, guest, r"bad: checksum is wrong", r"large: checksum is wrong")


def test_disk_tables(ctx):
    """A disk whose tables are damaged, or that is cut short, is refused by name. The image's own site
    is served in its place; everything else goes on."""
    data, entries = pack_disk(ctx, {"index.html": b"<p>good</p>", "file": b"x" * 100000})
    spoiled = {"magic": 0, "size": 16, "count": 40, "entry": 4096 + 48 + 8,
               "string": 4096 + len(entries) * 48 + 4}
    for name, at in spoiled.items():
        copy = bytearray(data)
        flip(copy, at)
        check_refused(ctx, name, copy)
    check_refused(ctx, "short", data[:8192])
    check_refused(ctx, "tiny", data[:512])
    check_refused(ctx, "noise", bytes(ctx.random.randrange(256) for _ in range(65536)))


def check_refused(ctx, name, data):
    guest = boot_with_disk(ctx, name, data)
    log_until(ctx, guest, r"wwwfs: virtio-blk:0: no archive can be served from it: ")
    status, _, body = guest.wait_for_page()
    ctx.equal(status, 200, f"{name}: status")
    ctx.check(b"Tessera" in body and b"good" not in body, f"{name}: not the image's own page")
    ctx.check(guest.get("/file")[0] == 404, f"{name}: a file of the disk is served")
    ctx.equal(guest.command("echo here"), "here\n", "the shell")
    guest.stop()


# ---- Programs

def test_spoiled_programs(ctx):
    """Files that are no programs are refused at the shell, which goes on."""
    good = compile_program(ctx, "everyday.c")
    spoiled = elf.spoiled(good.read_bytes())
    files = []
    for name, data in spoiled.items():
        files.append(ctx.folder / f"spoiled-{name}")
        files[-1].write_bytes(data)
        files[-1].chmod(0o755)
    guest = ctx.boot(add=[good, *files], shell=True)
    for name in spoiled:
        output = guest.command(f"spoiled-{name}; echo status $?")
        ctx.check(output.endswith(f"status {STATUS_NOT_RUN}\n") and output.startswith("sh: spoiled-"),
                  f"{name}: {output!r}")
    ctx.check("all is well" in guest.command("everyday"), "the good one does not run any more")


FAULTS = {  # manner: (exception, $?, what stands in the report)
    "write": (14, 139, "address 0x10\n"), "jump": (14, 139, ""), "text": (14, 139, ""),
    "divide": (0, 139, ""), "illegal": (6, 134, ""), "privileged": (13, 139, ""),
    "stack": (14, 139, ""), "abort": (6, 134, "")}


def test_faulty_programs(ctx):
    """A program that faults is ended with a report; the shell goes on."""
    guest = ctx.boot(add=[compile_program(ctx, "faulty.c", None, "-O0")], shell=True)
    for manner, (exception, status, words) in FAULTS.items():
        output = guest.command(f"faulty {manner}; echo status $?")
        report = re.search(r"faulty: fault (\d+) at address \S+\n"
                           r"  instruction \S+ = faulty\+[0-9a-f]+\n"
                           r"((?:  called from \S+ = faulty\+[0-9a-f]+\n)*)", output)
        ctx.check(report, f"{manner}: no report: {output!r}")
        ctx.equal(int(report[1]), exception, f"exception of {manner}")
        ctx.check(words in output, f"{manner}: no {words!r} in {output!r}")
        ctx.check(manner == "jump" or len(report[2].splitlines()) >= 2, f"{manner}: {output!r}")
        ctx.check(f"status {status}\n" in output, f"{manner}: {output!r}")
    log_until(ctx, guest, *(rf"\(faulty\): fault: exception {exception}, " for exception in
                            {fault[0] for fault in FAULTS.values()}))
    ctx.equal(guest.command("faulty; echo $?"), "nothing happened\n0\n", "without a fault")
