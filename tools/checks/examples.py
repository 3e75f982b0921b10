# SPDX-License-Identifier: MIT
"""Examples in the comments of headers compile: runs of indented lines, one of which ends in ';'."""
import re
import subprocess
import textwrap
import sys

from checks import headers, tree

INDENTED = re.compile(r"// {3,}(\S.*)|// {3,}$|//$")
COMMENT = re.compile(r"\s*//.*")


def examples_of(name):
    """(line, code) of each example in a header."""
    run, start = [], 0
    for number, line in enumerate([*tree.text(name).splitlines(), ""], 1):
        if INDENTED.fullmatch(line) and (run or line.strip() != "//"):
            start = start if run else number
            run.append(line[2:])
            continue
        if any(COMMENT.sub("", part).endswith(";") for part in run):
            yield start, textwrap.dedent("\n".join(run)).replace("…", "")
        run = []


def compile_example(name, line, code, command):
    """Why an example does not compile, or None. If it has no functions it is put into one."""
    if not re.search(r"^\{$", code, re.M):
        code = f"void example_of_this_header(void);\nvoid example_of_this_header(void)\n{{\n{code}\n}}\n"
    text = f'#include "{tree.ROOT / name}"\n#line {line} "{name}"\n{code}\n'
    result = subprocess.run([*command, "-fsyntax-only", "-Wno-unused", "-x", "c", "-"], input=text,
                            capture_output=True, text=True)
    if result.returncode == 0:
        return None
    return next((part for part in result.stderr.splitlines() if "error:" in part), result.stderr)


def example_errors(commands):
    for name in tree.tracked(".h"):
        if tree.below(name, tree.FREE):
            continue
        for line, code in examples_of(name):
            for command in headers.header_commands(name, commands):
                if why := compile_example(name, line, code, command):
                    yield f"{name}:{line}: its example does not compile: {why}"


def check_examples():
    commands = tree.compile_commands()
    subprocess.run([tree.ROOT / "tools" / "third-party", "newlib"], check=True, stdout=sys.stderr)
    yield from example_errors(commands)
