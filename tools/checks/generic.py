# SPDX-License-Identifier: MIT
"""Generic code knows no machine: all of it compiles and links with arch/none."""
import fcntl
import subprocess

from checks import tree

THIRD_PARTY = tree.ROOT / "build" / "third-party"


def errors_of(base, *targets):
    """Builds targets with arch/none in a folder; what compiler or linker say against it."""
    configure = ["cmake", "-S", tree.ROOT, "-B", base, "-G", "Ninja", "-DTESSERA_ARCH=none",
                 "-DCMAKE_BUILD_TYPE=Debug", "-DTESSERA_UBSAN=OFF",
                 f"-DTESSERA_THIRD_PARTY={THIRD_PARTY}"]
    for command in (configure, ["ninja", "-C", base, "-k", "0", *targets]):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            said = result.stdout + result.stderr
            errors = [line.replace(f"{tree.ROOT}/", "").lstrip("/") for line in said.splitlines()
                      if "error:" in line]
            return errors or [said.strip()[-1000:]]
    return []


def check_none():
    base = tree.ROOT / "build" / "none"
    base.mkdir(parents=True, exist_ok=True)
    with open(base / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from errors_of(base, "kernel.elf", "library-whole")
