# SPDX-License-Identifier: MIT
"""C files are as .clang-format has it."""
import re
import subprocess

from checks import tree


def check_format():
    files = [tree.ROOT / name for name in tree.tracked(".c", ".h")]
    if not files:
        return
    result = subprocess.run(["clang-format-15", "--dry-run", *files], capture_output=True,
                            text=True)
    wrong = re.findall(rf"^{re.escape(str(tree.ROOT))}/([^:]+):(\d+):\d+: warning", result.stderr, re.M)
    if result.returncode and not wrong:
        yield result.stderr.strip()
    for name in dict.fromkeys(name for name, _ in wrong):
        lines = [line for other, line in wrong if other == name]
        yield f"{name}: line {lines[0]} and {len(lines) - 1} more; clang-format-15 -i puts it right"
