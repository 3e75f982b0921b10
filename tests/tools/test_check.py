# SPDX-License-Identifier: MIT
"""tools/check must find what it looks for: each case is a small tree with one thing wrong."""
import subprocess
import unittest

from planted import Planted
from checks import borders, dialect, documents, headers, layout, objects, rooms, tree, words


class Checks(Planted):
    def border(self, name, include, others=()):
        self.tree({name: f"#include {include}\n", **{other: "" for other in others}})
        return list(borders.check_borders())

    def test_allowed_includes(self):
        for name, include, others in (
                ("kernel/core/a.c", "<tessera/abi/op.h>", ()),
                ("kernel/core/a.c", "<tessera/machine/frame.h>", ()),
                ("ipc/abi/a.h", "<tessera/machine/frame.h>", ()),
                ("kernel/init/a.c", "<tessera/format/elf.h>", ()),
                ("ipc/format/a.c", "<tessera/abi/types.h>", ()),
                ("arch/other/user/a.c", "<tessera/lib/op.h>", ()),
                ("kernel/core/a.c", "<core/b.h>", ("kernel/core/b.h",)),
                ("arch/x86_64/cpu/a.c", "<machine/x86.h>", ("arch/x86_64/include/machine/x86.h",)),
                ("apps/srv/x/a.c", "<string.h>", ("kernel/include/string.h",)),
                ("compat/posix/file/a.c", '"core/b.h"', ("compat/posix/core/b.h",
                                                         "kernel/core/b.h")),
                ("tests/host/t.c", "<core/b.h>", ("kernel/core/b.h",)),
                ("drivers/net/v/a.c", "<drivers/pci/pci.h>", ())):
            self.assertEqual(self.border(name, include, others), [], (name, include))

    def test_crossed_borders(self):
        for name, include, others in (
                ("kernel/core/a.c", "<tessera/lib/op.h>", ()),
                ("kernel/core/a.c", "<tessera/proto/net.h>", ()),
                ("kernel/core/a.c", "<machine/x86.h>", ("arch/x86_64/include/machine/x86.h",)),
                ("kernel/core/a.c", '"../../apps/srv/x/b.h"', ("apps/srv/x/b.h",)),
                ("apps/srv/x/a.c", "<core/b.h>", ("kernel/core/b.h",)),
                ("apps/cmd/a.c", "<arch/cpu.h>", ("arch/include/arch/cpu.h",)),
                ("apps/cmd/a.c", "<machine/b.h>", ("arch/other/include/machine/b.h",)),
                ("arch/other/user/a.c", "<arch/cpu.h>", ("arch/include/arch/cpu.h",)),
                ("drivers/net/v/a.c", '"../../../kernel/core/b.h"', ("kernel/core/b.h",)),
                ("ipc/lib/a.c", "<drivers/pci/pci.h>", ()),
                ("ipc/format/a.c", "<tessera/lib/op.h>", ()),
                ("ipc/abi/a.h", "<tessera/lib/op.h>", ())):
            self.assertEqual(len(self.border(name, include, others)), 1, (name, include))

    def test_format(self):
        (self.tree({"a.c": "int  a ;\n", "b.c": "int b;\n"}))
        errors = list(layout.check_format())
        self.assertEqual(len(errors), 1)
        self.assertIn("a.c", errors[0])

    def test_dialect(self):
        head = ("typedef int ts_status_t;\n"
                "ts_status_t f(void);\n"
                "__attribute__((warn_unused_result)) ts_status_t g(char *p);\n"
                "#define IS(x) ((x) ? 1 : 0)\n#define NULL ((void *)0)\nenum { TS_OK, OTHER };\n")
        plain = "int t(char *p, int n) { for (; n > 0; n--) if (p == NULL || g(p) != TS_OK) return OTHER; return !n ? TS_OK : OTHER; }"
        self.tree({"a.h": head, "good.c": '#include "a.h"\n' + plain})
        self.assertEqual(dialect.read(("good.c", ["clang"])), {"a.h:2: f is not TS_MUST_USE"})
        for number, code in enumerate((
                "if (p) return 1;", "if (!p) return 1;", "while (n && p) n--;", "do n--; while (!p);",
                "for (; p; p++) n--;", "for (n = 0; p; p++) n--;", "return p ? 1 : 0;", "_Bool b = p;",
                "if (f()) return 1;", "if (n == 0 || !g(p)) return 1;", "return IS(p);", "n = !!p;")):
            self.tree({"a.h": head, "a.c": f'#include "a.h"\nint t(char *p, int n)\n{{\n{code}\n}}'})
            found = [place for place in dialect.read(("a.c", ["clang"])) if place.startswith("a.c")]
            self.assertEqual([place.split(": ")[0] for place in found], ["a.c:4"], code)
        self.tree({"a.c": "int a = sizeof a;\n", "b.c": "int b = sizeof(b);\n"})
        self.assertEqual(dialect.spelled("a.c"), ["a.c:1: sizeof has parentheses"])
        self.assertEqual(dialect.spelled("b.c"), [])
        self.tree({"a.c": "x = __atomic_load_n(&y, 0);\n(void)!f();\n"
                          "// ---- Good\n// Bad ------\n"})
        self.assertEqual([line.split(": ")[0] for line in dialect.spelled("a.c")],
                         ["a.c:1", "a.c:2", "a.c:4"])

    NAMED = ("typedef unsigned ts_handle_t; typedef int ts_status_t; typedef long ts_time_t;\n"
             "#define TS_HANDLE_NONE ((ts_handle_t)0)\n"
             "#define CHECK(x) do { if ((x) != 0) { e = RED; } } while (0)\n"
             "enum colour { RED, BLUE } e;\n"
             "struct s { ts_handle_t handle; ts_time_t deadline; unsigned char priority; _Bool on; } s;\n"
             "int f(ts_handle_t handle, ts_time_t deadline, enum colour c, char *p, _Bool b, int n);\n"
             "ts_handle_t h(void); int (*by)(ts_handle_t, int);\n")

    def numbers(self, code):
        self.tree({"a.h": self.NAMED, "a.c": f'#include "a.h"\nts_status_t t(char *p, int n)\n{{\n{code}\n}}'})
        return dialect.read(("a.c", ["clang"]))

    def test_numbers_without_a_name(self):
        self.assertEqual(self.numbers(
            "CHECK(f(TS_HANDLE_NONE, s.deadline, BLUE, p, n == 0, 0) == 31); f(5, 99, (enum colour)7, p, n, 0);\n"
            "p = (char *)(unsigned long)(n ? n : 0);"
            "s = (struct s){.handle = h(), .deadline = 1 + n}; s.deadline += 5; n = 0; int m = 1;\n"
            "if (s.deadline > 0 && n != 2 && m) { by(s.handle, 7); } return n < 0 ? -n : n;"), set())

    def test_numbers_with_a_name(self):
        for code, number, name in (
                ("f(0, n, RED, p, n == 0, 1);", 0, "TS_HANDLE_NONE"),
                ("f(h(), 0, RED, p, n == 0, 1);", 0, "TS_DEADLINE_NONE"),
                ("f(h(), 1, RED, p, n == 0, 1);", 1, "TS_DEADLINE_PAST"),
                ("f(h(), n, 1, p, n == 0, 1);", 1, "BLUE"),
                ("f(h(), n, (enum colour)0x1, p, n == 0, 1);", 1, "BLUE"),
                ("f(h(), n, RED, 0, n == 0, 1);", 0, "NULL"),
                ("f(h(), n, RED, p, 1, 1);", 1, "true"),
                ("CHECK(f(n != 0 ? h() : (0), n, RED, p, n == 0, 1));", 0, "TS_HANDLE_NONE"),
                ("by(0, 0);", 0, "TS_HANDLE_NONE"), ("if (h() == 0) n++;", 0, "TS_HANDLE_NONE"),
                ("s.handle = 0;", 0, "TS_HANDLE_NONE"), ("ts_handle_t g = 0; (void)g;", 0, "TS_HANDLE_NONE"),
                ("s = (struct s){.handle = 0};", 0, "TS_HANDLE_NONE"),
                ("s = (struct s){.deadline = 0};", 0, "TS_DEADLINE_NONE"),
                ("s = (struct s){.priority = 31};", 31, "TS_PRIORITY_MAX"),
                ("s.on = 1;", 1, "true"), ("if (e == 0) n++;", 0, "RED"),
                ("return 0;", 0, "TS_OK"), ("return n ? n : 0;", 0, "TS_OK")):
            self.assertEqual(self.numbers(code), {f"a.c:4: {number} where there is a name: {name}"}, code)

    def test_spdx(self):
        self.tree({"a.c": "int a;\n", "b.c": "// SPDX-License-Identifier: MIT\n"})
        self.assertEqual([error.split(":")[0] for error in words.check_spdx()], ["a.c"])

    def test_pages(self):
        self.tree({"ipc/abi/operation.def": 'TS_OPERATION(READ, 1, 0, OBJECT, "r")\n',
                   "ipc/abi/syscall.def": 'TS_SYSCALL(op, 0, "o")\nTS_SYSCALL(map, 1, "m")\n',
                   "ipc/proto/pipe.h": "", "ipc/proto/file.h": "", "ipc/proto/queue.h": "",
                   "docs/protocols/file.md": "word " * 50,
                   "docs/abi/op.md": "word " * 50, "docs/abi/map.md": "too short"})
        self.assertEqual([error.split(":")[0] for error in documents.check_pages()],
                         ["docs/abi/map.md", "docs/abi/read.md", "docs/protocols/pipe.md"])

    def test_links(self):
        self.tree({"docs/a.md": "[b](b.md) [c](c.md#part) [d](../d/) [e](https://e/f)\n",
                   "docs/b.md": "", "d/x": "",
                   "docs/decisions/001-one.md": "# 1. One\n",
                   "docs/decisions/001-two.md": "# 2. Two\n",
                   "docs/decisions/003-three.md": "# 4. Three\n"})
        self.assertEqual([error.split(":")[0] for error in documents.check_links()],
                         ["docs/a.md", "docs/decisions/001-two.md", "docs/decisions/003-three.md"])

    def test_headers(self):
        self.tree({"kernel/core/good.h": "#pragma once\n#include <stddef.h>\n",
                   "kernel/core/bad.h": "#pragma once\nstruct a { size_t b; };\n",
                   "kernel/core/twice.h": "struct c;\n", "kernel/core/a.c": "",
                   "drivers/lib/x/bad.h": "#pragma once\nunknown_t f(void);\n",
                   "drivers/lib/x/a.c": "", "tests/host/free.h": "unknown_t\n"})
        commands = [(name, ["clang-14", "-std=c17", "-ffreestanding"])
                    for name in ("kernel/core/a.c", "drivers/lib/x/a.c")]
        self.assertEqual([error.split(":")[0] for error in headers.header_errors(commands)],
                         ["drivers/lib/x/bad.h", "kernel/core/bad.h", "kernel/core/twice.h"])

    HOOKS = {"arch/include/arch/hooks.h": "// up()\nvoid up(void); // gone();\n",
             "kernel/core/hooks.h": "int two(int a,\n        int b);\n"}
    ROOMS = {  # as it is to be: each calls what lies below it, and hooks
        "arch/x86_64/base/copy.c": "void copy(void) {}",
        "kernel/base/text.c": "void copy(void); void text(void) { copy(); }",
        "arch/x86_64/cpu/entry.c": "void up(void); void text(void); void entry(void) { up(); text(); }",
        "kernel/debug/log.c": "void entry(void); void note(void) { entry(); }",
        "kernel/core/port.c": "int two(int, int); void port(void) { two(1, 2); }",
        "kernel/mm/core_hooks.c": "int two(int a, int b) { return a + b; }",
        "kernel/init/main_hooks.c": "void port(void); void up(void) { port(); }"}

    def rooms(self, **planted):
        """Compiles ROOMS with other files in the place of some, or beside them."""
        sources = {**self.ROOMS, **{name.replace("__", "/") + ".c": text
                                    for name, text in planted.items()}}
        self.tree({**self.HOOKS, **sources})
        for name in sources:
            subprocess.run(["clang-14", "-c", tree.ROOT / name, "-o", tree.ROOT / f"{name}.obj"],
                           check=True)
        found = objects.names([str(tree.ROOT / f"{name}.obj") for name in sources])
        files = [objects.Object(name, "kernel-objects", "", *map(frozenset, found[str(tree.ROOT / f"{name}.obj")]))
                 for name in sources]
        self.addCleanup(setattr, rooms, "kernel", rooms.kernel)
        rooms.kernel = lambda: files
        return list(rooms.check_rooms())

    def test_rooms_in_order(self):
        self.assertEqual(self.rooms(), [])

    def test_rooms_upwards(self):
        errors = self.rooms(kernel__core__port="int two(int, int); void up(void); void heap(void);"
                            "void port(void) { two(1, 2); heap(); }",
                            kernel__mm__heap="void heap(void) {}")
        self.assertEqual(len(errors), 1)
        self.assertIn("kernel/core/port.c: core lies below mm, where heap is (kernel/mm/heap.c)",
                      errors[0])
        self.assertEqual(len(self.rooms(arch__x86_64__base__copy="void note(void);"
                                        "void copy(void) { note(); }")), 1)
        self.assertIn("no room", self.rooms(kernel__attic__old="void old(void) {}")[0])

    def test_rooms_hooks(self):
        up = "void port(void); void up(void) { port(); }"
        for planted, said in (
                ({"kernel__init__main_hooks": "", "kernel__init__main": up}, "a file *_hooks.c"),
                ({"kernel__init__main_hooks": ""}, "not 0 times"),
                ({"kernel__mm__arch_hooks": "__attribute__((weak)) void up(void) {}"}, "is weak"),
                ({"kernel__mm__arch_hooks": "void up(void) {}"}, "not 2 times"),
                ({"kernel__core__port": "void port(void) {}"}, "two: a hook that no other")):
            errors = self.rooms(**planted)
            self.assertTrue(any(said in error for error in errors), (planted, errors))

    def test_tour(self):
        self.tree({"kernel/a.c": "int here(void);\n",
                   "docs/tour.md": "`here()` and `kernel/a.c`, not `gone()`, `kernel/b.c`.\n"})
        self.assertEqual(len(list(documents.check_tour())), 2)

    def test_readmes(self):
        self.tree({"kernel/README.md": "line\n" * 11, "kernel/core/a.c": ""})
        self.assertEqual(len(list(documents.check_readmes())), 2)

    def test_rules(self):
        head = "| rule | what | by |\n| --- | --- | --- |\n"
        self.tree({"docs/invariants.md": head + "| Q01 | holds | `a.c` |\n| Q02 | too | `b.c` |\n",
                   "kernel/a.c": "", "tests/user/x.c": "static void rule_q01_holds(void)\n"})
        errors = list(documents.check_rules())
        self.assertEqual(len(errors), 2)
        self.assertIn("Q02 has no test", errors[0])
        self.assertIn("b.c, which does not exist", errors[1])
        self.tree({"docs/invariants.md": "nothing\n"})
        self.assertEqual(len(list(documents.check_rules())), 1)

    def test_hosts(self):
        self.tree({"a": "see ../sha" "red/x\n", "b": "http://deb.deb" "ian.org/\n", "c": "shared/x\n"})
        self.assertEqual([error.split(":")[0] for error in words.check_hosts()], ["a", "b"])

    def test_scripts(self):
        self.tree({"a.py": "def f(:\n", "b": "#!/bin/sh\nif\n", "c.py": "x = 1\n"})
        self.assertEqual(len(list(words.check_scripts())), 2)


if __name__ == "__main__":
    unittest.main()
