# SPDX-License-Identifier: MIT
"""What `./tessera bench` reads, and the client that it asks web servers with."""
import pathlib
import re
import socket
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from tessera_cmd import bench  # noqa: E402
from tessera_cmd.benching import (block, budget, counting, load, peer, profile,  # noqa: E402
                                   starting, versus, web)  # noqa: E402

PAGE = b"page" * 64


class Rows(unittest.TestCase):
    def test_each_row_is_measured_somewhere(self):
        sources = "".join(path.read_text() for path in (ROOT / "bench").glob("*.c"))
        measured = set(re.findall(r'measure\("(\w+)"', sources)) | {"boot", counting.DEBUG_ROW}
        measured |= block.ROWS | starting.ROWS | web.ROWS | versus.ROWS | set(bench.RESERVED)
        self.assertEqual({row.name for row in budget.read()}, measured)

    def test_figures_are_compared_by_unit(self):
        rows = {row.name: row for row in budget.read()}
        self.assertTrue(rows["null_syscall"].reaches(120, 120))
        self.assertFalse(rows["null_syscall"].reaches(121, 120))
        self.assertTrue(rows["http_rate"].reaches(1.6, 1.5))
        self.assertFalse(rows["http_rate"].reaches(0.9, 1))
        self.assertFalse(rows["requests_1"].reaches(1e9, None))

    def test_output_of_a_program(self):
        found, failures = budget.parse("boot\nbench a_row 12.5 switches=2.00 copies=0.00\n"
                                       "bench other 7\nbench open the disk failed: ERR_RIGHTS\n")
        self.assertEqual(found["a_row"], budget.Measured(12.5, {"switches": 2, "copies": 0}))
        self.assertEqual(found["other"].value, 7)
        self.assertEqual(failures, ["open the disk: ERR_RIGHTS"])


class Server:
    """Answers each request with the next of some answers; None closes the connection."""

    def __init__(self, answers):
        self.answers = iter(answers)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection:
            while connection.recv(4096) and (answer := next(self.answers, None)) is not None:
                connection.sendall(answer)


def answer(content, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


class Client(unittest.TestCase):
    def ask(self, answers, requests):
        server = Server(answers)
        self.addCleanup(server.listener.close)
        with load.Client(server.port, "/page", PAGE, 1) as client:
            client.ask(requests)

    def test_right_answers(self):
        self.ask([answer(PAGE)] * 5, 5)

    def test_wrong_content(self):
        with self.assertRaises(load.LoadError):
            self.ask([answer(PAGE), answer(PAGE[::-1])], 2)

    def test_wrong_status(self):
        with self.assertRaises(load.LoadError):
            self.ask([answer(PAGE, "404 Not Found")], 1)

    def test_closed_connection(self):
        with self.assertRaises(load.LoadError):
            self.ask([answer(PAGE)], 2)


class Formats(unittest.TestCase):
    def test_ram_disk(self):
        data = peer.ram_disk({"init": b"#!", "a/b/file": b"12345", "proc": None})
        names, at = [], 0
        while True:
            self.assertEqual(data[at:at + 6], b"070701")
            size, length = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
            name = data[at + 110:at + 110 + length - 1].decode()
            if name == "TRAILER!!!":
                break
            names.append(name)
            at = (at + 110 + length + 3) // 4 * 4
            if name == "a/b/file":
                self.assertEqual(data[at:at + size], b"12345")
            at = (at + size + 3) // 4 * 4
        self.assertEqual(names, ["a", "a/b", "init", "a/b/file", "proc"])

    def test_pages_are_recognised_by_their_bytes(self):
        class Library:
            def __init__(self, name, pages):
                self.name, self.pages = name, pages
        one = Library("one", {1: b"\x90" * 4096, 2: b"\xcc" * 4096})
        two = Library("two", {1: b"\x90" * 4096, 2: b"\xc3" * 4096})
        blocks = [(0x7001010, b"\x90\x90"), (0x7002020, b"\xc3\xc3")]
        owner = profile.owners(blocks, [one, two])
        self.assertEqual({page: found[0].name for page, found in owner.items()},
                         {0x7001: "two", 0x7002: "two"})
        self.assertEqual(owner[0x7001][1], 0x7000)


if __name__ == "__main__":
    unittest.main()
