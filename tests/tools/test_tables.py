# SPDX-License-Identifier: MIT
"""tools/check table must find a second table, a word that is packed by hand, and a page that says
something else than the table."""
import unittest

from planted import Planted
from checks import tables, tree

GOOD = {
    "ipc/abi/operation.def": 'TS_OPERATION(READ, read, 1, R_(READ), ANY, 0, 0, FROM, NONE, BYTES,\n'
                             '             BYTES, "r")\n',
    "ipc/abi/syscall.def": 'TS_SYSCALL(op, 0, 1, (word), RESULT, "o")\n',
    "ipc/abi/word.h": "return high << 32 | low;\n",
    "docs/abi/read.md": "operation 1, right READ: a buffer\n",
    "docs/abi/op.md": "number 0   a1 = word\n",
}


class Table(Planted):
    def errors(self, **changes):
        self.tree({**GOOD, **changes})
        return [error.split(": ", 1)[0] for error in tables.check_table()]

    def test_good(self):
        self.assertEqual(self.errors(**{"kernel/core/a.c": "x = y << 32; // a word of its own\n",
                                        "drivers/lib/a.h": "#define BIT (UINT64_C(1) << 32)\n",
                                        "kernel/syscall/a.c": "// a | b << 32\nint b[1] = {2};\n"}),
                         [])

    def test_second_tables(self):
        for line in ("[TS_OP_READ] = 1,", "[ TS_SYS_op ]= f,"):
            self.assertEqual(self.errors(**{"tests/user/t.c": f"\nint t[] = {{{line}}};\n"}),
                             ["tests/user/t.c:2"])

    def test_words_by_hand(self):
        for name, line in (("kernel/syscall/a.c", "handle = word >> 32;"),
                           ("ipc/lib/a.c", "x = clear | (uint64_t)set << 32;"),
                           ("drivers/net/x/a.c", "write(high, address >> 32);"),
                           ("tests/host/a.c", "ts_sys_map(f(p) | m <<\n 16, 0);")):
            self.assertEqual(self.errors(**{name: line + "\n"}), [f"{name}:1"], line)

    def test_pages(self):
        self.assertEqual(self.errors(**{"docs/abi/read.md": "operation 2, right READ\n"}),
                         ["docs/abi/read.md"])
        self.assertEqual(self.errors(**{"docs/abi/read.md": "operation 1, right WRITE\n"}),
                         ["docs/abi/read.md"])
        self.assertEqual(self.errors(**{"docs/abi/op.md": "number 1\n"}), ["docs/abi/op.md"])


if __name__ == "__main__":
    unittest.main()
