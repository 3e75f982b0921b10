# SPDX-License-Identifier: MIT
"""tools/check dead must find what nobody uses, and nothing else."""
import subprocess
import unittest

from planted import Planted
from checks import dead, objects, syntax, tree


class Dead(Planted):
    def found(self, *names):
        """The objects of these sources, and what they use."""
        files = {name: str(tree.ROOT / f"{name}.o") for name in names}
        for name, file in files.items():
            subprocess.run(["clang-14", "-O2", "-c", tree.ROOT / name, "-o", file], check=True)
        read = objects.names(files.values())
        found = [objects.Object(name, "x", file, *map(frozenset, read[file]))
                 for name, file in files.items()]
        return found, set().union(*(one.uses for one in found))

    def test_symbols(self):
        self.tree({
            "kernel/core/a.c": "void used(void) {}\nvoid lonely(void) {}\nint number;\nvoid tested(void) {}\n"
                               "void started(void) {}\nvoid inner(void) {}\nvoid outer(void) { inner(); }\n",
            "kernel/core/b.c": "void used(void);\nvoid outer(void);\nint main(void) { used(); outer(); }\n",
            "compat/posix/c.c": "void of_posix(void) {}\n",
            "arch/m/boot/kernel.ld": "ENTRY(started)\n",
            "tests/host/core/t.c": "void tested(void); void t(void) { tested(); }\n"})
        found, wanted = self.found("kernel/core/a.c", "kernel/core/b.c", "compat/posix/c.c")
        errors = list(dead.unused_symbols(found, wanted))
        self.assertEqual([error.split(": ")[1] for error in errors], ["inner", "lonely", "number"])
        # What code that is not in the tree uses.
        self.assertEqual(list(dead.unused_symbols(found, wanted | {"inner", "lonely", "number"})), [])

    def parts(self, **files):
        """What is said of the parts of these files, of which a.c is read."""
        self.tree({name.replace("__", "/") + ".h" if name != "a" else "a.c": text
                   for name, text in files.items()})
        wrong, uses = syntax.read((dead.Uses,), ("a.c", ["clang", f"-I{tree.ROOT}"]))
        self.assertEqual(wrong, set())
        return [error.split(": ")[:2] for error in dead.unused_parts(uses)]

    def test_fields(self):
        self.assertEqual(self.parts(
            kernel__a="struct a {\n  int read;\n  int count;\n  void (*never)(int);\n  char name[3], reserved2[4];\n"
            "  struct b *inside;\n  int written; int placed;\n  union { int low; int high; };\n};\n",
            kernel__other="struct other { int count; };\n", # whose count is another one
            ipc__abi__call="struct call { int for_others; };\n",
            a='#include <kernel/a.h>\n#include <kernel/other.h>\n#include <ipc/abi/call.h>\n'
            "struct here {\n  int left;\n};\n"
            "unsigned long f(struct a *a, struct other *o) { *a = (struct a){.written = 1};\n"
            "  return a->read + a->name[0] + !a->inside + o->count + a->low + __builtin_offsetof(struct a, placed); }\n"),
            [["a.c:5", "left"], ["kernel/a.h:3", "count"], ["kernel/a.h:4", "never"], ["kernel/a.h:8", "high"]])

    def test_functions_of_headers(self):
        self.assertEqual(self.parts(
            kernel__a="static inline int called(void) { return 1; }\nstatic inline int forgotten(void) { return 2; }\n"
            "static inline int inner(void) { return called(); }\n#define OUTER() inner()\nint elsewhere(void);\n",
            a='#include <kernel/a.h>\nint f(void) { return OUTER() + elsewhere(); }\n'),
            [["kernel/a.h:2", "forgotten"]])

    def test_patterns(self):
        self.tree({"CMakeLists.txt": "file(GLOB a x/*.c ${CMAKE_SOURCE_DIR}/y/*.c)\n",
                   "cmake/b.cmake": "file(GLOB_RECURSE b CONFIGURE_DEPENDS x/CMakeLists.txt y/*.h)\n"
                                    "file(GLOB c *.c ${unknown}/*.c) # file(GLOB d z/*.c)\n"
                                    "file(GLOB_RECURSE e x/${TESSERA_ARCH}/CMakeLists.txt)\n",
                   "tests/host/CMakeLists.txt": "file(GLOB a ${CMAKE_SOURCE_DIR}/lib/*.c)\n",
                   "tests/host/lib/a.c": "", "x/a.c": "", "x/deep/CMakeLists.txt": ""})
        self.assertEqual([error.split(" ")[1] for error in dead.empty_patterns()],
                         ["${CMAKE_SOURCE_DIR}/y/*.c", "y/*.h"])


if __name__ == "__main__":
    unittest.main()
