#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes one C program of the examples in docs/abi: each page's ```c block is a function example(),
which gets a name of its own; main runs all of them and reports in TAP. A page without an example is
an error."""

import argparse
import pathlib
import re
import sys

HEAD = """// Made by tools/mkexamples.py from docs/abi.
#include "fixture.h"

#include <stdio.h>
#include <tessera/lib/status.h>
"""

MAIN = """
static const struct {
    const char *name;
    ts_status_t (*run)(void);
} examples[] = {
%s};

int main(void)
{
    unsigned count = sizeof examples / sizeof examples[0], failed = 0;
    printf("1..%%u\\n", count);
    for (unsigned i = 0; i < count; i++) {
        ts_status_t status = examples[i].run();
        if (status != TS_OK) {
            printf("# %%s\\n", ts_status_name(status));
            failed++;
        }
        printf("%%sok %%u - %%s\\n", status == TS_OK ? "" : "not ", i + 1, examples[i].name);
        fflush(stdout);
    }
    return failed != 0;
}
"""


def example_of(page):
    text = page.read_text()
    match = re.search(r"^```c\n(.*?)^```", text, re.M | re.S)
    if not match or "example(void)" not in match.group(1):
        sys.exit(f"{page}: no ```c block with example(void)")
    line = text[: match.start(1)].count("\n") + 1
    code = re.sub(r"\bexample(_\w+)?\b(?=[(,)])",
                  lambda found: f"{page.stem}_example{found.group(1) or ''}", match.group(1))
    return f'\n#line {line} "{page}"\n{code}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    pages = sorted(arguments.pages)
    table = "".join(f'    {{"{page.stem}", {page.stem}_example}},\n' for page in pages)
    arguments.output.write_text(HEAD + "".join(map(example_of, pages)) + MAIN % table)


if __name__ == "__main__":
    main()
