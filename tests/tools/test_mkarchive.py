# SPDX-License-Identifier: MIT
"""tools/mkarchive.py: what goes in comes out, and damage is noticed."""
import contextlib
import io
import mmap
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import mkarchive  # noqa: E402


class Archives(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def pack(self, *entries):
        out = self.folder / "archive"
        mkarchive.pack(out, entries)
        return out.read_bytes()

    def test_crc_has_the_value_of_the_standard(self):
        self.assertEqual(mkarchive.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(mkarchive.crc32c_in_python(b"123456789"), 0xE3069283)
        self.assertEqual(mkarchive.crc32c(b"6789", mkarchive.crc32c(b"12345")), 0xE3069283)

    def test_tree_comes_out_as_it_went_in(self):
        tree = self.folder / "tree"
        (tree / "a" / "b").mkdir(parents=True)
        (tree / "empty").mkdir()
        contents = {b"a/b/file": b"x" * 5000, b"a/none": b"", b"page": b"y" * 4096, b"a-b": b"z"}
        for path, content in contents.items():
            (tree / path.decode()).write_bytes(content)
        data = self.pack(f"={tree}")
        entries = mkarchive.read_entries(data)
        paths = [entry[0] for entry in entries]
        self.assertEqual(paths, sorted(paths))
        self.assertEqual(paths[0], b"")
        found = {path: data[offset:offset + size]
                 for path, kind, _, offset, size, _ in entries if kind == mkarchive.FILE}
        self.assertEqual(found, contents)
        self.assertIn(b"empty", paths)
        self.assertEqual(len(data) % mkarchive.ALIGN, 0)
        self.assertTrue(all(entry[3] % mkarchive.ALIGN == 0 for entry in entries))

    def test_one_file_by_several_names_is_there_once(self):
        (self.folder / "program").write_bytes(b"x" * 5000)
        program = self.folder / "program"
        data = self.pack(f"bin/b={program}", f"bin/a={program}", f"c={program}")
        found = [entry for entry in mkarchive.read_entries(data) if entry[1] == mkarchive.FILE]
        self.assertEqual([entry[0] for entry in found], [b"bin/a", b"bin/b", b"c"])
        self.assertEqual(len({entry[3:] for entry in found}), 1)
        self.assertEqual(data[found[0][3]:found[0][3] + 5000], b"x" * 5000)
        self.assertEqual(len(data), 4 * mkarchive.ALIGN)  # header, tables, two of data

    def test_checksum_of_zeros(self):
        for before, length in ((b"", 0), (b"abc", 1), (b"abc", 4097), (b"", 100000)):
            self.assertEqual(mkarchive.crc32c_of_zeros(mkarchive.crc32c(before), length),
                             mkarchive.crc32c(before + bytes(length)))

    def test_holes_stay_holes(self):
        """A file of 3 GB with two pages of data is packed at once, and takes no more room than that."""
        path, size = self.folder / "sparse", 3 << 30
        with open(path, "wb") as file:
            for at in (1 << 30, size - 4096):
                file.seek(at)
                file.write(b"data" * 1024)
        archive = self.folder / "out.img"
        mkarchive.pack(archive, [f"a={path}"])
        self.assertLess(archive.stat().st_blocks * 512, 1 << 20)
        data, expected, at = b"data" * 1024, 0, 0
        for start in (1 << 30, size - 4096):
            expected = mkarchive.crc32c(data, mkarchive.crc32c_of_zeros(expected, start - at))
            at = start + len(data)
        with open(archive, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            _, (_, _, _, offset, length, crc) = mkarchive.read_entries(view)
            self.assertEqual((length, crc), (size, expected))
            self.assertEqual(view[offset + (1 << 30):offset + (1 << 30) + 4096], data)
            self.assertEqual(view[offset + size - 4096:offset + size], data)

    def test_progress_is_told(self):
        path = self.folder / "file"
        path.write_bytes(bytes(range(256)) * 8192)
        self.addCleanup(setattr, mkarchive, "PROGRESS_EVERY", mkarchive.PROGRESS_EVERY)
        mkarchive.PROGRESS_EVERY = 0
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            mkarchive.pack(self.folder / "out.img", [f"a={path}"])
        self.assertIn("mkarchive: 1 of 2 MiB", told.getvalue())

    def test_parents_and_checksums(self):
        file = self.folder / "file"
        file.write_bytes(b"content")
        data = self.pack(f"d/e/f={file}")
        entries = mkarchive.read_entries(data)
        self.assertEqual([entry[0] for entry in entries], [b"", b"d", b"d/e", b"d/e/f"])
        at = mkarchive.HEADER.unpack_from(data)[4]
        parents = [mkarchive.ENTRY.unpack_from(data, at + n * mkarchive.ENTRY.size)[8]
                   for n in range(4)]
        self.assertEqual(parents, [0, 0, 1, 2])
        self.assertEqual(entries[3][5], mkarchive.crc32c(b"content"))

    def test_bad_paths_are_refused(self):
        file = self.folder / "file"
        file.write_bytes(b"")
        for path in ("a/../b", "a//b", "./a", "a/" + "n" * 256):
            with self.assertRaises(mkarchive.ArchiveError, msg=path):
                self.pack(f"{path}={file}")

    def test_links_that_lead_out_are_left_out(self):
        tree = self.folder / "tree"
        tree.mkdir()
        (tree / "real").write_bytes(b"1")
        (tree / "inside").symlink_to("real")
        (tree / "outside").symlink_to("/etc/passwd")
        mkarchive.warn = lambda _: None
        paths = [entry[0] for entry in mkarchive.read_entries(self.pack(f"={tree}"))]
        self.assertEqual(paths, [b"", b"inside", b"real"])

    def test_damage_is_noticed(self):
        file = self.folder / "file"
        file.write_bytes(b"content")
        data = bytearray(self.pack(f"f={file}"))
        mkarchive.read_entries(bytes(data))
        for place in (0, 9, 40, mkarchive.ALIGN + 3):
            damaged = bytearray(data)
            damaged[place] ^= 1
            with self.assertRaises(mkarchive.ArchiveError, msg=place):
                mkarchive.read_entries(bytes(damaged))
        with self.assertRaises(mkarchive.ArchiveError):
            mkarchive.read_entries(bytes(data[:-1]))

    def test_later_entry_wins_and_lists_are_read(self):
        first, second = self.folder / "first", self.folder / "second"
        first.write_bytes(b"1")
        second.write_bytes(b"22")
        listing = self.folder / "list"
        listing.write_text(f"f={first}\n\nf={second}\n")
        entries = mkarchive.read_entries(self.pack(f"@{listing}"))
        self.assertEqual([entry[4] for entry in entries if entry[0] == b"f"], [2])

    def test_command_leaves_nothing_behind_when_it_fails(self):
        out = self.folder / "out"
        result = subprocess.run([TOOLS / "mkarchive.py", "-o", out, "a=/does/not/exist"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("/does/not/exist: no such file", result.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
