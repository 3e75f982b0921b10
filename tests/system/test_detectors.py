# SPDX-License-Identifier: MIT
"""What finds the kernel's own faults: each is provoked (kernel/init/provoke.c) and named."""
import re
import time

HEAP = r"heap: (object )?0x[0-9a-f]+ of "
DETECTED = {
    "heap-overrun": HEAP + r"100 bytes, class 128, was overrun at 100; allocated by heap_overrun",
    "heap-underrun": r"heap: what lies behind object 0x[0-9a-f]+ of class 128 was overwritten",
    "heap-walk": HEAP + r"100 bytes, class 128, was overrun at 100; allocated by heap_walk",
    "heap-large": HEAP + r"8191 bytes was overrun at 8191",
    "heap-twice": HEAP + r"class 128 is freed twice, first by heap_twice",
    "heap-reuse": HEAP + r"class 128 was changed at 50 after it was freed; freed by heap_reuse",
    "page-reuse": r"page: frame 0x[0-9a-f]+ was changed at 0 after it was freed",
    "stack": r"stack_smash wrote over the end of its frame",
    "stack-guard": r"double fault",
    "guard-behind": r"page fault at 0x",
    "guard-before": r"page fault at 0x",
}


def panic_line(ctx, word, debug):
    """The line in which the kernel says why it ended."""
    guest = ctx.boot(debug=debug, append=f"panic=exit panic={word}")
    deadline = time.monotonic() + 60
    while "panic: end" not in guest.log:
        ctx.check(time.monotonic() < deadline and not guest.ended and "nothing noticed" not in
                  guest.log, f"{word}: no panic:\n{guest.log[-1500:]}")
        guest.read(0.2)
    guest.stop()
    return re.search(r"panic on CPU \d+: (.*)", guest.log).group(1)


def test_debug_kernel(ctx):
    """Overruns, uses after free, smashed stacks and guard pages: each panic names the fault."""
    for word, message in DETECTED.items():
        line = panic_line(ctx, word, True)
        ctx.check(re.search(message, line), f"{word}: {line}")


def test_release_kernel(ctx):
    """The release kernel finds what costs it nothing to find."""
    for word in ("stack", "stack-guard", "guard-behind", "guard-before"):
        line = panic_line(ctx, word, False)
        ctx.check(re.search(DETECTED[word], line), f"{word}: {line}")
