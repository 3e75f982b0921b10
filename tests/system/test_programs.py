# SPDX-License-Identifier: MIT
"""Programs that a user compiles with the SDK: they run, end, fail, and fault as they should."""
import socket
import subprocess
import threading

from tessera_cmd.machine import free_port
from programs import compile_program

HELLO = r"""
#include <stdio.h>
int main(void)
{
    printf("Hello, world\n");
    return 3;
}
"""


def run_program(ctx, program, words=""):
    """`./tessera run --add PROGRAM --exec 'NAME WORDS'`: (status, what the guest said)."""
    result = subprocess.run(
        [ctx.root / "tessera", "run", "--headless", "--port", str(free_port()), "--add", program,
         "--exec", f"{program.name} {words}"], capture_output=True, timeout=100)
    return result.returncode, result.stdout.decode(errors="replace").replace("\r", "")


def test_hello(ctx):
    """The issue's own example."""
    source = ctx.folder / "hello.c"
    source.write_text(HELLO)
    status, text = run_program(ctx, compile_program(ctx, source))
    ctx.check("\nHello, world\n" in text, f"output: {text[-1500:]}")
    ctx.equal(status, 3, "status")


class EchoServer:
    """Sends back what it gets, on a port of 127.0.0.1."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    while data := connection.recv(65536):
                        connection.sendall(data)
        except OSError:
            return  # the listener is closed


def test_everyday(ctx):
    """Files, streams, memory, time, environment, and sockets: to the host, which slirp calls
    10.0.2.2."""
    program = compile_program(ctx, "everyday.c")
    with EchoServer() as echo:
        status, text = run_program(ctx, program, f"10.0.2.2 {echo.port}")
    for line in ("all is well", "nothing to complain of", "the last word"):
        ctx.check(f"\n{line}\n" in text, f"no {line!r} in the output: {text[-1500:]}")
    ctx.equal(status, 42, "status")


def test_missing_program(ctx):
    """--exec of what is not in the image is said before it boots; the guest itself ends with 127,
    and with 126 when the file is no program."""
    result = subprocess.run(
        [ctx.root / "tessera", "run", "--headless", "--port", str(free_port()), "--exec", "nowhere"],
        capture_output=True, timeout=100)
    ctx.equal(result.returncode, 1, "status of the command")
    ctx.check(b"no /bin/nowhere in the image" in result.stderr, f"message: {result.stderr}")
    ctx.equal(ctx.boot(append="exec=nowhere").wait_exit(60), 127, "status of the guest")
    ctx.equal(ctx.boot(append="exec=/etc/init.conf").wait_exit(60), 126, "status with a text")
