# SPDX-License-Identifier: MIT
"""The ./tessera command itself: options, the terminal, ends."""
import contextlib
import http.client
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import termios
import time
import unittest.mock
import urllib.error
import urllib.request

from tessera_cmd.machine import free_port
from tessera_cmd.testing.guest import GuestError

END_LIMIT = 2  # seconds from a signal to the end of the emulator


def tessera(ctx, *words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen([ctx.root / "tessera", *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, **options)
    ctx.on_end(process.kill)
    return process


def emulators_of(process):
    """Processes whose parent is the command."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process.pid:
            found.append(int(status.parent.name))
    return found


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def test_every_command_has_help(ctx):
    """Each command explains itself and ends with 0; an unknown one does not."""
    for words in (["help"], ["--help"], *([name, "--help"] for name in (
            "run", "test", "build", "iso", "bench", "clean"))):
        process = tessera(ctx, *words)
        out, _ = process.communicate(timeout=60)
        ctx.equal(process.returncode, 0, f"status of {words}")
        ctx.check(b"usage:" in out, f"{words} shows no usage")
    process = tessera(ctx, "nonsense")
    process.communicate(timeout=60)
    ctx.equal(process.returncode, 2, "status of an unknown command")


def test_bad_options_are_named(ctx):
    """A wrong value ends the command with a message that names it."""
    for words, named in ((["--port", "0"], b"--port"), (["--memory", "1K"], b"--memory"),
                         (["--smp", "many"], b"--smp"), (["--www", "/nowhere"], b"/nowhere"),
                         (["--add", "/nowhere"], b"/nowhere"),
                         (["--httpd-conf", "/nowhere"], b"/nowhere: no such file")):
        if "--port" not in words:
            words += ["--port", free_port()]
        process = tessera(ctx, "run", "--headless", *words)
        _, err = process.communicate(timeout=60)
        ctx.check(process.returncode not in (0, None), f"{words} was taken")
        ctx.check(named in err, f"{words}: the message does not name {named}: {err}")


def test_port_in_use(ctx):
    """A port that is taken is a message with the port and the option, before anything is built."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = tessera(ctx, "run", "--headless", "--port", port)
        _, err = process.communicate(timeout=60)
    ctx.equal(process.returncode, 1, "status")
    ctx.check(str(port).encode() in err and b"--port" in err, f"message: {err}")


def check_signal(ctx, number):
    process = tessera(ctx, "run", "--headless", "--port", free_port())
    wait_until(lambda: emulators_of(process) and process.stdout.read1(1), 60, "the guest speaks")
    emulators = emulators_of(process)
    start = time.monotonic()
    process.send_signal(number)
    process.wait(60)
    ctx.check(time.monotonic() - start < END_LIMIT, f"{time.monotonic() - start:.1f} s to end")
    ctx.equal(process.returncode, 128 + number, "status")
    ctx.check(not any(map(is_alive, emulators)), "the emulator lives on")


def test_sigint_ends_the_emulator(ctx):
    check_signal(ctx, signal.SIGINT)


def test_sigterm_ends_the_emulator(ctx):
    check_signal(ctx, signal.SIGTERM)


test_sigint_ends_the_emulator.alone = test_sigterm_ends_the_emulator.alone = True


def test_killed_command_takes_the_emulator_along(ctx):
    """Even SIGKILL, which nothing can act on, leaves no emulator behind."""
    process = tessera(ctx, "run", "--headless", "--port", free_port())
    wait_until(lambda: emulators_of(process) and process.stdout.read1(1), 60, "the guest speaks")
    emulators = emulators_of(process)
    process.kill()
    process.wait(60)
    wait_until(lambda: not any(map(is_alive, emulators)), END_LIMIT, "the emulator ends")


test_killed_command_takes_the_emulator_along.alone = True


class Terminal:
    """`./tessera run` on a terminal of its own."""

    def __init__(self, ctx, *words):
        self.ctx = ctx
        self.user, self.guest = pty.openpty()
        ctx.on_end(os.close, self.user)
        self.before = termios.tcgetattr(self.guest)
        # What the command says itself goes to stderr; the terminal has the guest's console alone.
        self.process = subprocess.Popen(
            [ctx.root / "tessera", "run", "--port", str(free_port()), *words], stdin=self.guest,
            stdout=self.guest, stderr=subprocess.PIPE)
        ctx.on_end(self.process.kill)
        self.seen = ""

    def wait_for(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            self.ctx.check(left > 0, f"not on the terminal within {seconds} s: {pattern!r}\n"
                           f"{self.seen[-1500:]}")
            if select.select([self.user], [], [], min(left, 0.5))[0]:
                self.seen += os.read(self.user, 65536).decode(errors="replace")
        self.seen = self.seen[match.end():]
        return match

    def type(self, text):
        os.write(self.user, text.encode())

    def interrupt(self):
        """See Guest.interrupt."""
        for _ in range(10):
            self.type("\x03")
            with contextlib.suppress(AssertionError):
                return self.wait_for(r"\$ ", 5)
        raise AssertionError("Ctrl-C ends nothing")

    def quit(self):
        self.type("\x1d")
        self.process.wait(60)
        self.ctx.equal(self.process.returncode, 0, "status")
        self.ctx.equal(termios.tcgetattr(self.guest), self.before, "terminal modes")
        os.close(self.guest)


def test_escape_quits(ctx):
    """Ctrl-] ends the emulator at any time, and the terminal is as it was."""
    terminal = Terminal(ctx)
    terminal.wait_for("Tessera on")
    ctx.check(not termios.tcgetattr(terminal.guest)[3] & termios.ISIG,
              "the terminal is not in raw mode")
    emulators = emulators_of(terminal.process)
    terminal.quit()
    ctx.check(emulators and not any(map(is_alive, emulators)), "the emulator lives on")


def test_terminal(ctx):
    """What is typed reaches the shell and its programs; Ctrl-C ends a program, not the emulator."""
    terminal = Terminal(ctx)
    terminal.wait_for(r"\$ ")
    terminal.type("echo one two\r")
    terminal.wait_for(r"\none two\r\n.*\$ ")
    terminal.type("sleep 1000\r")
    terminal.wait_for(r"sleep 1000\r\n")
    time.sleep(0.5)
    terminal.interrupt()
    terminal.type("echo $?\r")
    terminal.wait_for(r"\n130\r\n")
    terminal.type("cat\rahead\r")  # the second line before there is who reads it
    terminal.wait_for(r"\nahead\r\n")
    terminal.type("later\r")
    terminal.wait_for(r"later\r\nlater\r\n")
    terminal.type("\x04")
    terminal.wait_for(r"\$ ")
    terminal.quit()


def test_commands_from_a_pipe(ctx):
    """`printf 'ls /\\nservices\\npoweroff\\n' | ./tessera run` within 30 s."""
    process = tessera(ctx, "run", "--port", free_port(), stdin=subprocess.PIPE)
    start = time.monotonic()
    out, err = process.communicate(b"ls /\nservices\npoweroff\n", timeout=60)
    ctx.equal(process.returncode, 0, f"status ({err.decode()[-300:]})")
    ctx.check(time.monotonic() - start < 30, f"{time.monotonic() - start:.0f} s")
    text = out.decode(errors="replace")
    for word in ("etc", "httpd", "netd"):
        ctx.check(word in text, f"no {word} in the output:\n{text[-1500:]}")


test_commands_from_a_pipe.alone = True


def test_commands_that_come_late(ctx):
    """What feeds the shell may take its time: the console is shown whole, and nothing is lost."""
    process = tessera(ctx, "run", "--port", free_port(), stdin=subprocess.PIPE)
    time.sleep(3)
    process.stdin.write(b"echo fir")
    process.stdin.flush()
    time.sleep(0.5)
    out, err = process.communicate(b"st\necho second\npoweroff", timeout=100)
    ctx.equal(process.returncode, 0, f"status ({err.decode()[-300:]})")
    text = out.decode(errors="replace")
    for line in ("init: pci started", "\nfirst\r\n", "\nsecond\r\n"):
        ctx.check(line in text, f"no {line!r} in the output:\n{text[-1500:]}")


def page(port, path="/", seconds=60):
    """The page that the guest of a command serves, asked for until it is there."""
    deadline = time.monotonic() + seconds
    patience = 2
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=patience) as answer:
                return answer.read()
        except (OSError, urllib.error.URLError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            patience *= 1.3


def test_guests_of_tests_take_no_port(ctx):
    """Only a test that asks for its guest's web server has a port forwarded, one that is free."""
    guest = ctx.boot()
    command = pathlib.Path(f"/proc/{guest.machine.process.pid}/cmdline").read_bytes()
    ctx.check(b"netdev=net" in command and b"hostfwd" not in command, f"QEMU has {command}")
    ctx.equal(guest.wait_for_page()[0], 200, "status of a page")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], free_port()]
        with unittest.mock.patch("tessera_cmd.machine.free_port", side_effect=list(ports)):
            ctx.equal(guest.machine.forward(80), ports[1], "the port after one that is taken")


def test_headless_serves(ctx):
    """`./tessera run --headless` in one terminal, a browser in another."""
    port = free_port()
    process = tessera(ctx, "run", "--headless", "--port", port)
    body = page(port)
    ctx.check(b"Tessera" in body, f"not the site: {body[:300]}")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    ctx.check(f"http://127.0.0.1:{port}/".encode() in err, f"where is not said: {err}")


def test_www(ctx):
    """--www serves a directory, as --httpd-conf says, and says that a change needs a restart."""
    folder, port, conf = ctx.folder / "tree", free_port(), ctx.folder / "conf"
    (folder / "host").mkdir(parents=True)
    (folder / "index.html").write_text("<p>all</p>")
    (folder / "host" / "index.html").write_text("<p>mine</p>")
    conf.write_text("host 127.0.0.1\n root /host\n")
    process = tessera(ctx, "run", "--headless", "--port", port, "--www", folder, "--httpd-conf",
                      conf, "--memory", "64M")
    ctx.equal(page(port), b"<p>mine</p>", "the page")
    (folder / "host" / "index.html").write_text("<p>changed</p>")
    ctx.equal(page(port), b"<p>mine</p>", "the page after a change")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    ctx.check(b"a change in it needs a restart" in err, f"it does not say so: {err}")


def test_machine_options(ctx):
    """--smp, --memory, --uefi and QEMU's own arguments reach the machine."""
    process = tessera(ctx, "run", "--port", free_port(), "--smp", "2", "--memory", "128M", "--uefi",
                      "--", "-boot", "menu=off", stdin=subprocess.PIPE)
    out, err = process.communicate(b"free\nlog\npoweroff\n", timeout=100)
    ctx.equal(process.returncode, 0, f"status ({err.decode()[-300:]})")
    text = out.decode(errors="replace")
    ctx.check("smp: 2 CPUs" in text, f"not two CPUs:\n{text[-2000:]}")
    total = re.search(r"total\s+(\d+) KiB", text)
    ctx.check(total and 100 << 10 < int(total[1]) < 128 << 10, f"not 128 MiB: {total}")


def test_emulator_that_does_not_start(ctx):
    """What the emulator does not take is shown in its words, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        forward = "user,id=x,hostfwd=tcp:127.0.0.1:%d-:80" % taken.getsockname()[1]
        for words, said in ((["-nonsense"], "-nonsense: invalid option"),
                            (["-device", "nonsense"], "'nonsense' is not a valid device"),
                            (["-bios", "/nowhere"], "could not load PC BIOS '/nowhere'"),
                            (["-netdev", forward], "choose another with --port"),
                            (["-version"], "QEMU emulator version")):
            process = tessera(ctx, "run", "--headless", "--port", free_port(), "--", *words)
            _, err = process.communicate(timeout=60)
            text = err.decode(errors="replace")
            ctx.equal(process.returncode, 1, f"status with {words}")
            ctx.check(said in text and "goes to QEMU as it is: " + words[0] in text,
                      f"message with {words}: {text}")
    try:
        ctx.boot(extra=("-device", "nonsense"), shell=True)
        ctx.check(False, "a guest without an emulator")
    except GuestError as error:
        ctx.check("'nonsense' is not a valid device" in str(error), f"a test is told: {error}")


def test_exec_status(ctx):
    """--add puts a program into the image, --exec runs it, and its status is the command's."""
    source, program = ctx.folder / "seven.c", ctx.folder / "seven"
    source.write_text('#include <stdio.h>\n'
                      'int main(int argc, char **argv)\n'
                      '{\n    printf("seven has %d: %s\\n", argc, argv[1]);\n    return 7;\n}\n')
    subprocess.run([ctx.root / "tessera", "build", "sdk"], check=True, capture_output=True)
    subprocess.run([ctx.root / "build" / "sdk" / "bin" / "tessera-cc", source, "-o", program],
                   check=True)
    process = tessera(ctx, "run", "--headless", "--port", free_port(), "--add", program,
                      "--exec", "seven up")
    out, err = process.communicate(timeout=90)
    ctx.check(b"seven has 2: up" in out, f"output: {out.decode(errors='replace')[-1500:]}")
    ctx.equal(process.returncode, 7, f"status ({err.decode()[-300:]})")
