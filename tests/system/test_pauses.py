# SPDX-License-Identifier: MIT
"""Programs of tests/user in a machine that stands still most of the time, for up to half a second each
time: its time goes on, and no test may take a moment's sleep for a fact (docs/testing.md)."""
import re
import signal
import threading
import time

# Those about threads that meet, deadlines, and what has to be told in time.
PROGRAMS = "rules_signals", "rules_endings", "rules_requests", "rules_rings", "kernel_ports"
RUNS, STANDS = (0.005, 0.03), (0.02, 0.45)  # seconds, at the least and at the most


class Pauses:
    """Stops the emulator and lets it go on. Use as a context manager."""

    def __init__(self, ctx, guest):
        self.process, self.random = guest.machine.process, ctx.random
        self.over, self.count = threading.Event(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        while not self.over.is_set():
            time.sleep(self.random.uniform(*RUNS))
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(*STANDS))
            self.process.send_signal(signal.SIGCONT)
            self.count += 1


def test_programs(ctx):
    """On two CPUs."""
    guest = ctx.boot(debug=True, test=True, smp=2, shell=True)
    with Pauses(ctx, guest) as pauses:
        for program in PROGRAMS:
            output = guest.command(f"/test/{program}", timeout=150)
            ctx.check("not ok" not in output and "\nok 1 - " in "\n" + output, output)
    ctx.note(f"{pauses.count} pauses")
    ctx.equal(re.findall(r"(\S+) does not answer", guest.command("log")), [],
              "taken for dead meanwhile")


test_programs.timeout = 240
