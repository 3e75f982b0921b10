# SPDX-License-Identifier: MIT
"""After many requests every process has the pages and handles that it had before."""
import socket
import subprocess
import time

from test_http import HOST, Connection
from test_www import make_tree

CONNECTIONS = 8
REMEMBERED = 600  # ends of connections; netd keeps 512
RUNS = 5          # of which one must leave everything as it was
SETTLE = 3  # seconds: connections that clients have closed are gone by then


def processes(guest):
    """{(id, name): (KiB, handles)}, without what runs only to tell this."""
    found = {}
    for line in guest.command("ps").splitlines()[1:]:
        number, _, size, handles, *_, name = line.split()
        if name != "ps":
            found[number, name] = int(size), int(handles)
    return found


def bulk(guest, path, seconds, connections=CONNECTIONS):
    """Requests over connections that stay, by wrk; how many were answered."""
    result = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
                             f"http://127.0.0.1:{guest.port}/{path}"],
                            capture_output=True, text=True, check=True)
    answered = [line.split()[0] for line in result.stdout.splitlines() if "requests in" in line]
    return int(answered[0])


def odd(guest, paths, rounds):
    """Connections of their own for requests of every kind, and clients that go away in between."""
    end = HOST + b"\r\n"
    for number in range(rounds):
        path = paths[number % len(paths)].encode()
        for data, wait in ((b"GET /" + path + b" HTTP/1.1\r\n" + end, True),
                           (b"GET /" + path + b" HTTP/1.1\r\n" + end, False),
                           (b"GET /nowhere HTTP/1.1\r\n" + end, True),
                           (b"nonsense\r\n\r\n", True), (b"POST / HTTP/1.1\r\n" + end, True),
                           (b"GET /large HTTP/1.1\r\n" + end, False),
                           (b"GET /" + path + b" HTTP/1.1\r\n", False)):
            connection = Connection(guest)
            connection.send(data)
            if wait:
                connection.answer()
            elif number % 2:  # a reset
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
            connection.close()


def remember_ends(guest):
    """Connections that the guest ends first: it remembers them for minutes, but only so many."""
    for _ in range(REMEMBERED):
        connection = Connection(guest)
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        connection.answer()
        connection.close()


def churn(guest, paths, seconds, rounds, least=0):
    """For so many seconds, or until so many requests are answered: a busy host takes longer."""
    answered, deadline = 0, time.monotonic() + 10 * seconds
    while True:
        for path in paths:
            answered += bulk(guest, path, max(1, seconds // len(paths)))
        if answered >= least or time.monotonic() > deadline:
            break
    odd(guest, paths, rounds)
    guest.drain(SETTLE)
    return answered


def begin(ctx):
    """A guest that has reached the size that it keeps: as large as its caches and pools get.

    What is kept for reuse grows to the most that was ever in use at once: here that is more than
    later. What leaks grows all the time.
    """
    folder = ctx.folder / "www"
    folder.mkdir()
    paths = [path.as_posix().replace(" ", "%20") for path in make_tree(folder, 6, 1 << 20)]
    paths.remove("large")
    guest = ctx.boot(www=folder, memory=64, shell=True)
    guest.wait_for_page(f"/{paths[0]}")
    remember_ends(guest)
    processes(guest)
    for path in [*paths, "large"]:
        bulk(guest, path, 2, 4 * CONNECTIONS)
    churn(guest, paths, 6, 10)
    return guest, paths


def check_keeps_size(ctx, seconds, rounds, least):
    """One of a few runs leaves every process with what it had before that run."""
    guest, paths = begin(ctx)
    for _ in range(RUNS):
        before = processes(guest)
        answered = churn(guest, paths, seconds, rounds, least)
        after = processes(guest)
        ctx.note(f"{answered} requests")
        ctx.check(answered >= least, f"only {answered} requests in {seconds} s")
        changed = {name: (before.get(name), after.get(name)) for name in {*before, *after}
                   if before.get(name) != after.get(name)}
        if not changed:
            return
        ctx.note(f"KiB and handles of processes that changed: {changed}")
    ctx.equal(changed, {}, f"KiB and handles of processes that changed in each of {RUNS} runs")


def test_short(ctx):
    """A run is a thousand requests or more."""
    check_keeps_size(ctx, 6, 10, 1000)


def test_long(ctx):
    """A run is a hundred thousand requests, and more if there is time."""
    check_keeps_size(ctx, max(120, ctx.minutes * 60 // 3), 100, 100_000)


test_long.long = True
