# SPDX-License-Identifier: MIT
"""Each header compiles alone."""
import concurrent.futures
import os
import subprocess
import sys

from checks import tree


def common_folders(first, second):
    """How many leading folders two names share."""
    count = 0
    for a, b in zip(first.split("/")[:-1], second.split("/")[:-1]):
        if a != b:
            break
        count += 1
    return count


def header_commands(name, commands):
    """The flags a header is compiled with: those of the nearest source; of what both sides see, both."""
    if tree.below(name, ("ipc/abi", "ipc/format")):
        groups = [[(file, words) for file, words in commands if file.startswith("kernel/")],
                  [(file, words) for file, words in commands if file.startswith("ipc/lib/")]]
    elif tree.below(name, ("kernel", "arch")) and not tree.in_user_code(name):
        groups = [[(file, words) for file, words in commands if not tree.in_user_code(file)]]
    else:
        groups = [[(file, words) for file, words in commands if tree.in_user_code(file)]]
    return [max(group, key=lambda entry: common_folders(entry[0], name))[1]
            for group in groups if group]


def compile_header(name, commands):
    overlay = "compat/newlib/include/"
    include = name[len(overlay):] if name.startswith(overlay) else str(tree.ROOT / name)
    for command in header_commands(name, commands):
        result = subprocess.run([*command, "-fsyntax-only", "-include", include, "-x", "c",
                                 "/dev/null"], capture_output=True, text=True)
        if result.returncode:
            first = next((line for line in result.stderr.splitlines() if "error:" in line),
                         result.stderr.strip())
            return f"{name}: does not compile alone: {first.replace(str(tree.ROOT) + '/', '')}"
    return None


def header_errors(commands):
    # A name that begins with _ is a part of another header, as newlib has it.
    names = [name for name in tree.tracked(".h")
             if not tree.below(name, tree.FREE) and not os.path.basename(name).startswith("_")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for error in pool.map(lambda name: compile_header(name, commands), names):
            if error:
                yield error
    for name in names:
        if "#pragma once" not in tree.text(name):
            yield f"{name}: no #pragma once"


def check_headers():
    commands = tree.compile_commands()
    subprocess.run([tree.ROOT / "tools" / "third-party", "newlib"], check=True, stdout=sys.stderr)
    yield from header_errors(commands)
