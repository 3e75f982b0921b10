# SPDX-License-Identifier: MIT
"""Bombs of all kinds (tests/user/bombs), and clients outside of the machine meanwhile."""
import http.client
import threading
import time

from network_state import network_state

PATIENCE = 10  # seconds for a page: the host may be busy
IDLE = 60      # connections that say nothing


def ask(guest, until, answers):
    """Pages, one after the other, and how long each took."""
    while not until.is_set():
        begin = time.monotonic()
        status, _, body = guest.get(timeout=PATIENCE)
        answers.append((status == 200 and bool(body), time.monotonic() - begin))
        until.wait(0.1)


def beside(ctx, guest, line, timeout):
    """Runs a command while pages are asked for; all of them have to come."""
    done, answers, trouble = threading.Event(), [], []

    def client():
        try:
            ask(guest, done, answers)
        except (OSError, http.client.HTTPException) as error:
            trouble.append(f"{error!r} after {len(answers)} pages")
    thread = threading.Thread(target=client)
    thread.start()
    try:
        output = guest.command(line, timeout=timeout)
    finally:
        done.set()
        thread.join()
    ctx.check("not ok" not in output and "\nok 1 - " in "\n" + output, output)
    if trouble:
        raise AssertionError(f"no page while {line} ran: {trouble}\n{network_state(guest)}")
    ctx.check(answers and all(good for good, _ in answers), f"pages while {line} ran: {answers}")
    ctx.note(f"{line}: {len(answers)} pages, {max(taken for _, taken in answers):.2f} s at the longest")
    return output


def begin(ctx, smp):
    guest = ctx.boot(debug=True, test=True, smp=smp, shell=True)
    guest.wait_for_page()
    return guest


def test_web_server_goes_on(ctx):
    """All bombs one after the other, with idle connections from outside; then those of the kernel at
    once."""
    guest = begin(ctx, 2)
    idle = [guest.connection() for _ in range(IDLE)]
    for connection in idle:
        connection.connect()
        ctx.on_end(connection.close)
    beside(ctx, guest, "/test/bombs", 200)
    beside(ctx, guest, "/test/bombs together", 200)


def test_long(ctx):
    """Again and again, on 1, 2 and 4 CPUs."""
    for smp in (1, 2, 4):
        guest = begin(ctx, smp)
        until = time.monotonic() + ctx.minutes * 20
        while time.monotonic() < until:
            beside(ctx, guest, "/test/bombs", 200)
            beside(ctx, guest, "/test/bombs together", 200)
        guest.stop()


test_web_server_goes_on.timeout = 480
test_web_server_goes_on.alone = True
test_long.long = True
