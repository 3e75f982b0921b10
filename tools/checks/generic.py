# SPDX-License-Identifier: MIT
"""Generic code knows no machine: it has no word of one, and compiles and links with arch/none."""
import fcntl
import re
import subprocess

from checks import tree

THIRD_PARTY = tree.ROOT / "build" / "third-party"

# What the kernel, the ABI and the library have no word for: registers, instructions and tables of
# one machine and its firmware. (A bus's own words, as ECAM and MSI-X, are its protocol's.)
GENERIC = ("arch/include/", "kernel/", "ipc/abi/", "ipc/lib/", "ipc/ring/", "ipc/format/")
WORDS = re.compile(r"\b(?:r[abcd]x|r[sd]i|r[sb]p|r8|r9|r1[0-5]|rip|rflags|cr[0-4]|[gil]dt|tss|msr|tsc|rdtsc"
                   r"|cpuid|iretq?|sysret|[lm]fence|cli|sti|hlt|ud2|xsave|smap|smep|x?apic|x86(?:_64)?|amd64"
                   r"|acpi|rsdp|madt|mcfg|gsi|isa|ecam|nmi)\b", re.I)


def check_words():
    """Names of one machine in generic code, comments included."""
    for name in tree.tracked(".c", ".h", ".S", ".def"):
        if name.startswith(GENERIC) and not name.startswith("ipc/abi/machine/"):
            for number, line in enumerate(tree.text(name).splitlines(), 1):
                if match := WORDS.search(line):
                    yield f"{name}:{number}: {match.group(0)} is a word of one machine"


def errors_of(base, *targets, arch="none"):
    """Builds targets for a machine in a folder; what compiler or linker say against it."""
    configure = ["cmake", "-S", tree.ROOT, "-B", base, "-G", "Ninja", f"-DTESSERA_ARCH={arch}",
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
