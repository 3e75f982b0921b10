#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Packs files into the boot archive's format (ipc/abi/archive.h).

    mkarchive.py -o OUT ENTRY…            ENTRY is PATH=FILE, PATH=DIRECTORY (a whole tree below
                                          PATH; "=DIRECTORY" at the root) or @LIST, a file with
                                          an entry a line
    mkarchive.py --list ARCHIVE           check an archive and print its entries

Later entries replace earlier ones of the same path. Files that are neither regular nor
directories, and links that lead out of their tree, are left out with a warning.
"""
import argparse
import ctypes
import errno
import hashlib
import os
import pathlib
import stat
import struct
import subprocess
import sys
import tempfile
import time

MAGIC = 0x3141524553534554
VERSION = 1
ALIGN = 4096
HEADER = struct.Struct("<QIIQQQIIQQII")
ENTRY = struct.Struct("<IIQQQIIII")
FILE, DIRECTORY = 1, 2
PIECE = 1 << 20
PROGRESS_EVERY = 2  # seconds
PATH_LIMIT, NAME_LIMIT = 4095, 255


class ArchiveError(Exception):
    pass


def load_crc32c():
    """The C version of crc32c(), compiled once into the cache; Python's own where that fails."""
    source = pathlib.Path(__file__).with_name("crc32c.c")
    cache = pathlib.Path(os.environ.get("TESSERA_CACHE") or "~/.cache/tessera").expanduser()
    tag = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    library = cache / f"crc32c-{tag}.so"
    try:
        if not library.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                out = pathlib.Path(folder) / "crc32c.so"
                subprocess.run(["clang-14", "-O2", "-shared", "-fPIC", "-o", out, source],
                               check=True, capture_output=True)
                os.replace(out, library)
        function = ctypes.CDLL(str(library)).crc32c
    except (OSError, subprocess.CalledProcessError):
        return crc32c_in_python
    function.restype = ctypes.c_uint32
    function.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
    return lambda data, crc=0: function(crc, data, len(data))


def crc32c_in_python(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


crc32c = load_crc32c()


def round_up(size):
    return -(-size // ALIGN) * ALIGN


def warn(message):
    print(f"mkarchive: {message}", file=sys.stderr)


def check_path(path):
    parts = path.split(b"/")
    if (not path or b"\0" in path or len(path) > PATH_LIMIT or
            any(part in (b"", b".", b"..") or len(part) > NAME_LIMIT for part in parts)):
        raise ArchiveError(f"not a path for an archive: {path!r}")
    return path


def add_tree(files, prefix, folder):
    """Adds everything below folder to {archive path: host file}."""
    root = os.path.realpath(folder)
    for current, folders, names in os.walk(os.fsencode(folder), followlinks=False):
        below = os.path.relpath(current, os.fsencode(folder))
        base = prefix if below == b"." else b"/".join(filter(None, (prefix, below)))
        if base:
            files[check_path(base)] = current
        for name in names + [link for link in folders
                             if os.path.islink(os.path.join(current, link))]:
            host = os.path.join(current, name)
            real = os.path.realpath(host)
            if not real.startswith(os.fsencode(root) + b"/") or not os.path.isfile(real):
                warn(f"left out: {os.fsdecode(host)}")
                continue
            files[check_path(b"/".join(filter(None, (base, name))))] = real


def add_entry(files, entry):
    if entry.startswith("@"):
        for line in pathlib.Path(entry[1:]).read_text().splitlines():
            if line:
                add_entry(files, line)
        return
    path, separator, host = entry.partition("=")
    if not separator:
        raise ArchiveError(f"{entry}: expected PATH=FILE")
    path = os.fsencode(path.strip("/"))
    if os.path.isdir(host):
        add_tree(files, path, host)
    elif os.path.isfile(host):
        files[check_path(path)] = os.fsencode(host)
    else:
        raise ArchiveError(f"{host}: no such file")


def complete_directories(files):
    """Every directory has an entry; one that no host folder stands for gets None."""
    for path in list(files):
        while path:
            path = path.rpartition(b"/")[0]
            files.setdefault(path, None)
    files.setdefault(b"", None)


def times(matrix, vector):
    """The product of a 32 by 32 matrix of bits, a number for each column, with 32 bits."""
    product = 0
    for column in matrix:
        if vector & 1:
            product ^= column
        vector >>= 1
    return product


def crc32c_of_zeros(crc, length):
    """The sum after so many further zero bytes, in as many steps as `length` has bits."""
    crc ^= 0xFFFFFFFF
    matrix = [0x82F63B78] + [1 << bit for bit in range(31)]  # a zero bit
    for _ in range(3):  # a zero byte
        matrix = [times(matrix, column) for column in matrix]
    while length:
        if length & 1:
            crc = times(matrix, crc)
        matrix = [times(matrix, column) for column in matrix]
        length >>= 1
    return crc ^ 0xFFFFFFFF


class Progress:
    """Tells how much is packed, when it takes long enough for somebody to wonder."""

    def __init__(self, total):
        self.total, self.done, self.told = total, 0, time.monotonic()

    def add(self, size):
        self.done += size
        if time.monotonic() - self.told >= PROGRESS_EVERY:
            self.told = time.monotonic()
            print(f"mkarchive: {self.done >> 20:,} of {self.total >> 20:,} MiB", file=sys.stderr)


def next_data(file, at, size):
    """Where the next bytes that are no hole begin and end; both `size` when there are none."""
    try:
        start = os.lseek(file.fileno(), at, os.SEEK_DATA)
        return min(start, size), min(os.lseek(file.fileno(), start, os.SEEK_HOLE), size)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size, size


def copy_data(out, host, progress):
    """Appends a file's bytes, its holes as holes; returns (size, crc)."""
    at = crc = 0
    begin = out.tell()
    with open(host, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while at < size:
            start, end = next_data(file, at, size)
            crc = crc32c_of_zeros(crc, start - at)
            progress.add(start - at)
            at = start
            while at < end:
                piece = os.pread(file.fileno(), min(PIECE, end - at), at)
                if not piece:
                    raise ArchiveError(f"{os.fsdecode(host)}: became shorter while it was read")
                out.seek(begin + at)
                out.write(piece)
                crc = crc32c(piece, crc)
                at += len(piece)
                progress.add(len(piece))
    out.seek(begin + round_up(size))
    return size, crc


def regular_size(host):
    return os.path.getsize(host) if host and not os.path.isdir(host) else 0


def write_archive(out, files, now_ns):
    complete_directories(files)
    paths = sorted(files)
    strings, string_at = bytearray(), {}
    for path in paths:
        string_at[path] = len(strings)
        strings += path
    index = {path: number for number, path in enumerate(paths)}
    entries_at = ALIGN
    strings_at = entries_at + ENTRY.size * len(paths)
    position = round_up(strings_at + len(strings))
    out.seek(position)
    table = bytearray()
    progress = Progress(sum(map(regular_size, set(files.values()))))
    packed = {}  # (size, crc, offset) of files that are there by another name
    for path in paths:
        host = files[path]
        status = os.stat(host) if host else None
        kind, mode, offset, size, crc = DIRECTORY, 0o755, 0, 0, 0
        if status and not stat.S_ISDIR(status.st_mode):
            kind, mode = FILE, 0o755 if status.st_mode & 0o111 else 0o644
            if host not in packed:
                size, crc = copy_data(out, host, progress)
                packed[host] = size, crc, position if size else 0
                position += round_up(size)
            size, crc, offset = packed[host]
        parent = index[path.rpartition(b"/")[0]]
        modified = status.st_mtime_ns if status else now_ns
        table += ENTRY.pack(string_at[path], len(path), offset, size, modified, kind, mode, crc,
                            parent)
    fields = [MAGIC, VERSION, HEADER.size, position, entries_at, strings_at, len(paths),
              ENTRY.size, len(strings), now_ns, crc32c(bytes(table + strings)), 0]
    fields[-1] = crc32c(HEADER.pack(*fields))
    out.truncate(position)
    out.seek(0)
    out.write(HEADER.pack(*fields).ljust(ALIGN, b"\0"))
    out.write(table + strings)


def pack(target, entries):
    """Writes the archive of the entries to target, which appears whole or not at all."""
    files = {}
    for entry in entries:
        add_entry(files, entry)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now_ns = int(epoch) * 10**9 if epoch else time.time_ns()
    target = pathlib.Path(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as out:
            write_archive(out, files, now_ns)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def read_entries(data):
    """[(path, kind, mode, offset, size, crc)] of an archive whose tables are sound."""
    if len(data) < HEADER.size:
        raise ArchiveError("shorter than a header")
    fields = list(HEADER.unpack_from(data))
    header_crc, fields[-1] = fields[-1], 0
    (_, version, header_size, size, entries, strings, count, entry_size, strings_size,
     _, table_crc, _) = fields
    if (fields[0] != MAGIC or version != VERSION or header_size != HEADER.size or
            entry_size != ENTRY.size or crc32c(HEADER.pack(*fields)) != header_crc):
        raise ArchiveError("not an archive, or its header is damaged")
    if size > len(data) or strings != entries + count * entry_size or strings + strings_size > size:
        raise ArchiveError("cut short")
    if crc32c(data[entries:strings + strings_size]) != table_crc:
        raise ArchiveError("its tables are damaged")
    found = []
    for number in range(count):
        path, length, offset, bytes_, _, kind, mode, crc, _ = ENTRY.unpack_from(
            data, entries + number * entry_size)
        name = data[strings + path:strings + path + length]
        found.append((name, kind, mode, offset, bytes_, crc))
    return found


def list_archive(name):
    data = pathlib.Path(name).read_bytes()
    for path, kind, mode, offset, size, crc in read_entries(data):
        if crc32c(data[offset:offset + size]) != crc:
            raise ArchiveError(f"{os.fsdecode(path)}: its data is damaged")
        print(f"{'d' if kind == DIRECTORY else '-'} {mode:04o} {size:>10} /{os.fsdecode(path)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out")
    parser.add_argument("--list", metavar="ARCHIVE")
    parser.add_argument("entries", nargs="*", metavar="ENTRY")
    options = parser.parse_args()
    try:
        if options.list:
            list_archive(options.list)
        elif options.out:
            pack(options.out, options.entries)
        else:
            parser.error("either -o or --list is needed")
    except (ArchiveError, OSError) as error:
        sys.exit(f"mkarchive: {error}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("mkarchive: interrupted")
