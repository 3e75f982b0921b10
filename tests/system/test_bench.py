# SPDX-License-Identifier: MIT
"""`./tessera bench` itself, for some rows that count instructions and so come out alike each time."""
import json
import subprocess

ROWS = ("null_syscall", "call_empty", "queue_1", "event_round_trip", "thread_create_join",
        "spawn_wait", "boot")


def test_rows_that_count_instructions(ctx):
    """They are measured, are better than Linux's, and a round trip is one between two processes."""
    result = subprocess.run([ctx.root / "tessera", "bench", "--json", *ROWS], capture_output=True,
                            text=True, stdin=subprocess.DEVNULL, timeout=240)
    ctx.equal(result.returncode, 0, f"status, with:\n{result.stderr}")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    ctx.equal(set(rows), set(ROWS), "rows")
    for name, row in rows.items():
        ctx.check(row["value"] is not None, f"{name} was not measured:\n{result.stderr}")
        ctx.check(20 < row["value"] < row["linux"], f"{name}: {row['value']}, Linux {row['linux']}")
    for name in ("call_empty", "queue_1", "event_round_trip"):
        switches = rows[name]["counts"]["switches"]
        ctx.check(1.95 < switches < 2.05, f"{name}: {switches} switches, there and back are 2")
    ctx.note(", ".join(f"{name} {row['value']:,.0f}" for name, row in rows.items()))


test_rows_that_count_instructions.timeout = 300
test_rows_that_count_instructions.alone = True
