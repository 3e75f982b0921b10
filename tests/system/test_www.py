# SPDX-License-Identifier: MIT
"""Trees on a disk (`./tessera run --www`), compared byte for byte, with 64 MiB of memory."""
import concurrent.futures
import hashlib
import random

from network_state import network_state
from test_http import HOST, Connection, booted

CONNECTIONS = 4


def make_tree(folder, files, large):
    """files of many sizes in nested folders, and one of `large` bytes; digests by path."""
    noise = random.Random(7)
    block = bytes(noise.randrange(256) for _ in range(1 << 16))
    digests = {}
    for number in range(files):
        path = folder / f"d{number % 20}" / f"e{number % 7}" / f"f {number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = noise.choice((0, 1, 100, 4095, 4096, 4097, 20000, 65536, 70000))
        data = (block + block)[number % 60000:][:size]
        path.write_bytes(data)
        digests[path.relative_to(folder)] = hashlib.sha256(data).digest()
    if large:
        whole = hashlib.sha256()
        with open(folder / "large", "wb") as out:
            for number in range(large // len(block)):
                piece = number.to_bytes(8, "little") + block[8:]
                whole.update(piece)
                out.write(piece)
        digests[(folder / "large").relative_to(folder)] = whole.digest()
    return digests


def compare(ctx, guest, digests):
    """Gets all files, over several connections at once."""
    files = list(digests.items())
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [pool.submit(compare_share, ctx, guest, files[number::CONNECTIONS])
                  for number in range(CONNECTIONS)]
        for share in shares:
            share.result()


def compare_share(ctx, guest, files):
    connection = Connection(guest)
    for path, digest in files:
        name = path.as_posix().replace(" ", "%20").encode()
        connection.send(b"GET /" + name + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        status, _, body = connection.answer()
        ctx.equal(status, 200, f"status of {path}")
        ctx.check(hashlib.sha256(body).digest() == digest, f"{path} differs")
    connection.close()


def serve_and_compare(ctx, files, large):
    folder = ctx.folder / "www"
    folder.mkdir()
    digests = make_tree(folder, files, large)
    guest = booted(ctx, www=folder, memory=64)
    try:
        compare(ctx, guest, digests)
    except (OSError, AssertionError) as error:
        raise AssertionError(f"{error!r}\n{network_state(guest)}") from error


def test_one_file(ctx):
    """A tree of one file."""
    serve_and_compare(ctx, 1, 0)


def test_many_files(ctx):
    """A tree of 10,000 files."""
    serve_and_compare(ctx, 10000, 0)


test_many_files.timeout = 600


def test_large_file(ctx):
    """One file of 200 MB, more than the guest has memory."""
    serve_and_compare(ctx, 0, 200 << 20)


test_large_file.timeout = 300
