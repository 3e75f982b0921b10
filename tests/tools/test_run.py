# SPDX-License-Identifier: MIT
"""What the host lacks, or has otherwise than is usual, is said plainly by ./tessera and its tools."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from tessera_cmd import machine, run  # noqa: E402
from tessera_cmd.console import CommandError  # noqa: E402

NOBODY = 65534


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-test-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def copy_of_the_tools(self, name):
        """As much of a tree as is needed to begin a build."""
        tree = self.folder / name
        tree.mkdir()
        shutil.copy(ROOT / "tessera", tree)
        shutil.copytree(ROOT / "tools", tree / "tools")
        return tree


class Place(Folder):
    """Where the tree lies."""

    COMMANDS = (("build",), ("iso",), ("test", "--list"))  # all that write below build/

    def results(self, tree, **options):
        return [(words, subprocess.run([tree / "tessera", *words], capture_output=True, text=True,
                                       **options)) for words in self.COMMANDS]

    def test_characters(self):
        """newlib's configure failed late, and did not say why."""
        for name in ("my tree", "a:b", "it's"):
            for words, result in self.results(self.copy_of_the_tools(name)):
                self.assertEqual(result.returncode, 1, (name, words))
                self.assertIn(name, result.stderr)
                self.assertIn("move the tree", result.stderr)

    def test_not_writable(self):
        """It was a traceback."""
        tree = self.copy_of_the_tools("tree")
        tree.chmod(0o555)
        self.addCleanup(tree.chmod, 0o755)
        user = {"user": NOBODY} if os.getuid() == 0 else {}
        for words, result in self.results(tree, **user):
            self.assertEqual(result.returncode, 1, words)
            self.assertNotIn("Traceback", result.stderr)
            self.assertIn("permission denied", result.stderr)


class Interrupt(Folder):
    """Ctrl-C while third-party code is made: it was a traceback."""

    def test_third_party(self):
        programs = self.folder / "bin"
        programs.mkdir()
        slow, begun = programs / "tar", self.folder / "begun"
        slow.write_text(f"#!/bin/sh\ntouch {begun}\nsleep 60\n")
        slow.chmod(0o755)
        process = subprocess.Popen(
            [ROOT / "tools" / "third-party", "lwip", "--into", self.folder / "into"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
            env=dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}"))
        self.addCleanup(process.stderr.close)
        deadline = time.monotonic() + 60
        while not begun.exists():
            self.assertLess(time.monotonic(), deadline, "it does not begin")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=20)[1]
        self.assertEqual(said, "third-party: interrupted\n")
        self.assertEqual(process.returncode, 1)


class Ports(unittest.TestCase):
    def test_without_the_right(self):
        """It was said to be in use."""
        with unittest.mock.patch.object(socket.socket, "bind", side_effect=PermissionError(13, "no")):
            problem = machine.port_problem(80)
        self.assertIn("right", problem)
        self.assertNotIn("in use", problem)

    def test_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.assertIn("in use", machine.port_problem(taken.getsockname()[1]))

    def test_free(self):
        self.assertIsNone(machine.port_problem(machine.free_port()))


class Memory(unittest.TestCase):
    def test_least(self):
        """Less than serves a page is refused, with the least that does."""
        with self.assertRaisesRegex(CommandError, "expected 24M"):
            run.megabytes("23M")
        self.assertEqual(run.megabytes("24M"), 24)
        self.assertEqual(run.megabytes("1g"), 1024)


class Disks(Folder):
    def test_attached_and_not_touched(self):
        """Each is read-only, and none has the serial number of the one that is ours."""
        options = machine.Options(image="image", disks=(self.folder / "a", self.folder / "b,c"))
        with unittest.mock.patch.object(machine.Machine, "_start"):
            words = machine.Machine(options)._hardware()
        drives = [word for word in words if "if=none,id=disk" in word]
        self.assertEqual(len(drives), 2)
        self.assertTrue(all("readonly=on" in word for word in drives), drives)
        self.assertTrue(drives[1].endswith(f"file={self.folder}/b,,c"), drives)
        devices = [word for word in words if word.startswith("virtio-blk")]
        self.assertEqual([word.split("serial=")[1].split(",")[0] for word in devices], ["disk1", "disk2"])

    def test_cannot_be_read(self):
        with self.assertRaisesRegex(CommandError, "nowhere: no such file"):
            run.check_disk(self.folder / "nowhere")


if __name__ == "__main__":
    unittest.main()
