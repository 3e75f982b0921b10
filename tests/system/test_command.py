# SPDX-License-Identifier: MIT
"""The ./tessera command itself: options, the terminal, ends."""
import os
import pathlib
import pty
import signal
import socket
import subprocess
import time

from tessera_cmd.machine import free_port

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
        out, _ = process.communicate(timeout=20)
        ctx.equal(process.returncode, 0, f"status of {words}")
        ctx.check(b"usage:" in out, f"{words} shows no usage")
    process = tessera(ctx, "nonsense")
    process.communicate(timeout=20)
    ctx.equal(process.returncode, 2, "status of an unknown command")


def test_bad_options_are_named(ctx):
    """A wrong value ends the command with a message that names it."""
    for words, named in ((["--port", "0"], b"--port"), (["--memory", "1K"], b"--memory"),
                         (["--smp", "many"], b"--smp"), (["--www", "/nowhere"], b"/nowhere"),
                         (["--add", "/nowhere"], b"/nowhere")):
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
        _, err = process.communicate(timeout=20)
    ctx.equal(process.returncode, 1, "status")
    ctx.check(str(port).encode() in err and b"--port" in err, f"message: {err}")


def check_signal(ctx, number):
    process = tessera(ctx, "run", "--headless", "--port", free_port())
    wait_until(lambda: emulators_of(process) and process.stdout.read1(1), 60, "the guest speaks")
    emulators = emulators_of(process)
    start = time.monotonic()
    process.send_signal(number)
    process.wait(10)
    ctx.check(time.monotonic() - start < END_LIMIT, f"{time.monotonic() - start:.1f} s to end")
    ctx.equal(process.returncode, 128 + number, "status")
    ctx.check(not any(map(is_alive, emulators)), "the emulator lives on")


def test_sigint_ends_the_emulator(ctx):
    check_signal(ctx, signal.SIGINT)


def test_sigterm_ends_the_emulator(ctx):
    check_signal(ctx, signal.SIGTERM)


def test_killed_command_takes_the_emulator_along(ctx):
    """Even SIGKILL, which nothing can act on, leaves no emulator behind."""
    process = tessera(ctx, "run", "--headless", "--port", free_port())
    wait_until(lambda: emulators_of(process) and process.stdout.read1(1), 60, "the guest speaks")
    emulators = emulators_of(process)
    process.kill()
    process.wait(10)
    wait_until(lambda: not any(map(is_alive, emulators)), END_LIMIT, "the emulator ends")


def test_escape_quits(ctx):
    """On a terminal, Ctrl-] ends the run with 0 and the terminal's modes are as before."""
    import termios
    user, guest = pty.openpty()
    ctx.on_end(os.close, user)
    ctx.on_end(os.close, guest)
    before = termios.tcgetattr(guest)
    process = tessera(ctx, "run", "--port", free_port(), stdin=guest)
    wait_until(lambda: emulators_of(process) and process.stdout.read1(1), 60, "the guest speaks")
    ctx.check(not termios.tcgetattr(guest)[3] & termios.ISIG, "the terminal is not in raw mode")
    os.write(user, b"\x1d")
    process.wait(10)
    ctx.equal(process.returncode, 0, "status")
    ctx.equal(termios.tcgetattr(guest), before, "terminal modes")


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
