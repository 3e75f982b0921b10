# SPDX-License-Identifier: MIT
"""tools/check none must find a machine's word in generic code, and what a machine's folder lacks."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from checks import generic, tree  # noqa: E402

BUILT = ("CMake", "arch/", "cmake/", "compat/", "ipc/", "kernel/", "tools/", "tests/machine/")
# An instruction, a register of a frame, and what one compiler alone knows.
PLANTED = {
    "kernel/core/planted_instruction.c": """void planted(void);
void planted(void)
{
    __asm__ volatile("cli");
}
""",
    "kernel/core/planted_register.c": """#include <arch/frame.h>
uint64_t planted(const struct arch_frame *frame);
uint64_t planted(const struct arch_frame *frame)
{
    return frame->rdi;
}
""",
    "ipc/lib/planted_function.c": """#include <stdint.h>
uint64_t planted(void);
uint64_t planted(void)
{
    return __builtin_ia32_rdtsc();
}
""",
}


class Words(unittest.TestCase):
    def test_words(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, tree, "ROOT", tree.ROOT)
        tree.ROOT = pathlib.Path(folder.name)
        subprocess.run(["git", "init", "-q", folder.name], check=True)
        for name, text in (("arch/include/arch/a.h", "// As ISA lines are.\n"), ("kernel/a.c", "// rdi = x\n"),
                           ("kernel/b.c", "// misapplied, disable, grip\n"), ("ipc/proto/pci.h", "// ECAM\n"),
                           ("ipc/abi/machine/m/a.h", "// rax\n"), ("arch/m/a.c", "// the TSC\n")):
            (tree.ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (tree.ROOT / name).write_text(text)
        self.assertEqual([error.split(":")[0] for error in generic.check_words()],
                         ["arch/include/arch/a.h", "kernel/a.c"])


class Generic(unittest.TestCase):
    def setUp(self):
        """A copy of what arch/none is built of."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, tree, "ROOT", tree.ROOT)
        root, tree.ROOT = tree.ROOT, pathlib.Path(folder.name)
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True,
                                 check=True)
        for name in listing.stdout.split("\0"):
            if name.startswith(BUILT) and (root / name).is_file():
                (tree.ROOT / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, tree.ROOT / name)

    def errors(self, *targets):
        return generic.errors_of(tree.ROOT / "build", *targets)

    def test_words_of_a_machine(self):
        for name, text in PLANTED.items():
            (tree.ROOT / name).write_text(text)
        self.assertEqual(self.errors(f"{tree.ROOT}/kernel/core/object.c^"), [])  # what is made of it
        errors = self.errors(*(f"{tree.ROOT}/{name}^" for name in PLANTED))
        for name in PLANTED:
            self.assertTrue(any(error.startswith(name) for error in errors), (name, errors))

    def test_new_machine(self):
        """As docs/howto/add-architecture.md says: two folders, and nothing else changed."""
        for folder in ("arch", "ipc/abi/machine"):
            shutil.copytree(tree.ROOT / folder / "none", tree.ROOT / folder / "new")
        self.assertEqual(generic.errors_of(tree.ROOT / "build", "library-whole", arch="new"), [])

    def test_missing_function(self):
        self.assertEqual(self.errors("library-whole"), [])
        (tree.ROOT / "arch/none/user/counter.c").write_text("typedef int nothing;\n")
        self.assertIn("undefined symbol: ts_machine_counter", " ".join(self.errors("library-whole")))


if __name__ == "__main__":
    unittest.main()
