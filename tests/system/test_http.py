# SPDX-License-Identifier: MIT
"""The web server from outside: RFC 9110 and 9112, limits, slow and many clients."""
import email.utils
import re
import socket
import time
import urllib.parse

from programs import compile_program

HOST = b"Host: test\r\n"


class Connection:
    """A connection on which requests and answers are bytes."""

    def __init__(self, guest, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", guest.port), timeout)
        self.data = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        piece = self.socket.recv(65536)
        self.data += piece
        return bool(piece)

    def answer(self, head_only=False):
        """The next answer: (status, headers, body). None when the server has closed."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return None
        end = self.data.index(b"\r\n\r\n")
        first, *lines = self.data[:end].decode("latin-1").split("\r\n")
        del self.data[:end + 4]
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        status = int(re.fullmatch(r"HTTP/1\.1 (\d{3}) .+", first)[1])
        length = 0 if head_only or status in (204, 304) else int(headers["content-length"])
        while len(self.data) < length:
            if not self.more():
                raise ConnectionAbortedError(f"{len(self.data)} of {length} bytes of body, "
                                             "then the end")
        body = bytes(self.data[:length])
        del self.data[:length]
        return status, headers, body

    def closed(self, seconds):
        """Whether the server ends the connection within some seconds."""
        self.socket.settimeout(seconds)
        try:
            return not self.socket.recv(1)
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()


def one(guest, data, head_only=False):
    connection = Connection(guest)
    connection.send(data)
    answer = connection.answer(head_only)
    connection.close()
    return answer


def get(guest, path="/", *fields, method=b"GET"):
    lines = b"".join(field.encode() + b"\r\n" for field in fields)
    request = method + b" " + path.encode() + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n"
    return one(guest, request, method == b"HEAD")


def booted(ctx, **options):
    guest = ctx.boot(**options)
    guest.wait_for_page(timeout=90)
    return guest


def check_links(ctx, guest):
    """All that the site's pages lead to is there; the paths."""
    found, left = {"/"}, ["/"]
    while left:
        path = left.pop()
        status, headers, body = get(guest, path)
        ctx.equal(status, 200, f"status of {path}")
        if headers["content-type"].startswith("text/html"):
            links = {urllib.parse.urljoin(path, link.partition("#")[0])
                     for link in re.findall(r'(?:href|src)="([^"]*)"', body.decode())}
            left += {link for link in links if link.startswith("/")} - found
            found |= links
    return found


def test_site(ctx):
    """The site's own pages come with type, tag, date and length; HEAD gives the same without body."""
    guest = booted(ctx, memory=64)
    status, headers, body = get(guest)
    ctx.equal(status, 200, "status of /")
    ctx.check(b"Tessera" in body and body.rstrip().endswith(b"</html>"), "the page is not whole")
    ctx.equal(headers["content-type"], "text/html; charset=utf-8", "type")
    ctx.check(re.fullmatch(r'"[^"]+"', headers["etag"]), f"tag {headers['etag']}")
    for name in ("date", "last-modified"):
        ctx.check(email.utils.parsedate(headers[name]), f"{name} is no date: {headers[name]}")
    again, head, _ = get(guest, method=b"HEAD")
    ctx.equal((again, head["content-length"], head["etag"]),
              (200, str(len(body)), headers["etag"]), "HEAD")
    ctx.check(len(check_links(ctx, guest)) > 50, "the documents are not linked")
    status, headers, body = get(guest, "/status")
    ctx.equal((status, headers.get("cache-control")), (200, "no-store"), "/status")
    ctx.check(b"requests served" in body, "the status page does not count")
    ctx.equal(get(guest, "/docs")[0], 301, "a folder without its slash")
    ctx.equal(get(guest, "/docs")[1]["location"], "/docs/", "where it leads")


def test_conditions_and_ranges(ctx):
    """Conditional headers and one range are answered by RFC 9110 13 and 14."""
    guest = booted(ctx)
    _, headers, body = get(guest, "/style.css")
    tag, date = headers["etag"], headers["last-modified"]
    old, new = "Thu, 01 Jan 1970 00:00:10 GMT", "Fri, 31 Dec 2199 00:00:00 GMT"
    for fields, expected in (
            ([f"If-None-Match: {tag}"], 304), ([f"If-None-Match: W/{tag}, \"x\""], 304),
            (["If-None-Match: \"x\""], 200), ([f"If-Modified-Since: {date}"], 304),
            ([f"If-Modified-Since: {old}"], 200), (["If-Modified-Since: whenever"], 200),
            ([f"If-Match: {tag}"], 200), (["If-Match: \"x\""], 412), (["If-Match: *"], 200),
            ([f"If-Unmodified-Since: {old}"], 412), ([f"If-Unmodified-Since: {new}"], 200),
            ([f"If-None-Match: \"x\"", f"If-Modified-Since: {date}"], 200)):
        ctx.equal(get(guest, "/style.css", *fields)[0], expected, f"status with {fields}")
    size = len(body)
    for value, expected in (("0-0", body[:1]), ("10-19", body[10:20]), ("-5", body[-5:]),
                            (f"{size - 3}-", body[-3:]), (f"5-{10 * size}", body[5:])):
        status, headers, part = get(guest, "/style.css", f"Range: bytes={value}")
        ctx.equal((status, part), (206, expected), f"range {value}")
        first = size - len(part) if value.startswith("-") else int(value.split("-")[0])
        ctx.equal(headers["content-range"], f"bytes {first}-{first + len(part) - 1}/{size}",
                  f"Content-Range of {value}")
    status, headers, _ = get(guest, "/style.css", f"Range: bytes={size}-")
    ctx.equal((status, headers["content-range"]), (416, f"bytes */{size}"), "a range beyond")
    ctx.equal(get(guest, "/style.css", "Range: bytes=0-1", "If-Range: \"x\"")[0], 200, "If-Range")
    ctx.equal(get(guest, "/style.css", "Range: bytes=0-1", f"If-Range: {tag}")[0], 206, "If-Range")


def parts_of(headers, body):
    """[(Content-Range, bytes)] of a multipart answer."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", headers["content-type"])[1]
    first, *parts, last = body.split(f"\r\n--{boundary}".encode())
    assert first == b"" and last == b"--\r\n", (first, last)
    found = []
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        found.append((re.search(rb"Content-Range: (.*)", head)[1].decode().strip(), content))
    return found


def test_several_ranges(ctx):
    """Several ranges come as parts, in order, of small files and of a large one; bounded."""
    folder = ctx.folder / "www"
    folder.mkdir()
    large = bytes(range(251)) * 20000
    (folder / "large").write_bytes(large)
    (folder / "small").write_bytes(large[:1000])
    guest = booted(ctx, www=folder)
    for path, whole in (("/small", large[:1000]), ("/large", large)):
        size = len(whole)
        for value, wanted in (("0-1,5-6", [(0, 2), (5, 7)]), ("-3,0-0", [(size - 3, size), (0, 1)]),
                              (f"0-299,{size - 600}-", [(0, 300), (size - 600, size)])):
            status, headers, body = get(guest, path, f"Range: bytes={value}")
            ctx.equal(status, 206, f"status of {value}")
            ctx.equal(parts_of(headers, body),
                      [(f"bytes {a}-{b - 1}/{size}", whole[a:b]) for a, b in wanted], value)
        status, headers, body = get(guest, path, "Range: bytes=0-1,2-3")
        ctx.equal((status, headers["content-range"], body),
                  (206, f"bytes 0-3/{size}", whole[:4]), "two that touch")
        many = ",".join(f"{2 * number}-{2 * number}" for number in range(17))
        status, _, body = get(guest, path, f"Range: bytes={many}")
        ctx.equal((status, body), (200, whole), "more than are answered")


def test_slow_heads(ctx):
    """Twice as many unfinished large heads as there is room for: others still get their answers."""
    guest = booted(ctx)
    slow = []
    for number in range(512):
        connection = Connection(guest)
        connection.send(b"GET /icon.svg HTTP/1.1\r\n" + HOST + b"\r\n")
        ctx.equal(connection.answer()[0], 200, f"status on connection {number}")
        connection.send(b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"c" * 1100)
        slow.append(connection)
    begin = time.monotonic()
    for _ in range(5):
        ctx.equal(get(guest, "/", "Cookie: " + "c" * 2048)[0], 200, "status with a large head")
    waited = time.monotonic() - begin
    ctx.check(waited < 8, f"five answers took {waited:.1f} s")
    ctx.note(f"five answers in {waited:.2f} s")
    for connection in slow:
        connection.close()


test_slow_heads.timeout = 180
test_slow_heads.alone = True


def test_refusals(ctx):
    """What is malformed, too large or not offered has its own status, and the service goes on."""
    guest = booted(ctx)
    end = b"\r\n\r\n"
    for data, expected in (
            (b"nonsense" + end, 400), (b"GET / HTTP/1.1" + end, 400),
            (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
            (b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            (b"GET /../etc/init.conf HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            (b"GET /%2e%2e/etc/init.conf HTTP/1.1\r\n" + HOST + b"\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + HOST +
             b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", 404),
            (b"GET /index.html/ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
            (b"POST / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
            (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n\r\n", 413),
            (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
            (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 20000 + b"\r\n\r\n", 431),
            (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 501),
            (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505)):
        answer = one(guest, data)
        ctx.check(answer is not None, f"no answer to {data[:60]}")
        ctx.equal(answer[0], expected, f"status of {data[:60]}")
        if expected == 405:
            ctx.equal(answer[1]["allow"], "GET, HEAD, OPTIONS", "Allow")
    status, headers, _ = get(guest, "*", method=b"OPTIONS")
    ctx.equal((status, headers["allow"]), (204, "GET, HEAD, OPTIONS"), "OPTIONS *")
    noise = ctx.random
    for _ in range(100):
        connection = Connection(guest)
        try:
            connection.send(bytes(noise.randrange(256) for _ in range(noise.randrange(1, 3000))))
            connection.socket.shutdown(socket.SHUT_WR)
            while connection.more():
                pass
        except ConnectionResetError:
            pass
        connection.close()
    ctx.equal(get(guest)[0], 200, "status after noise")


def tag_of(guest):
    return get(guest)[1]["etag"].encode()


CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

# What two readers could take in two ways: 400, and the end of the connection.
AMBIGUOUS = {
    "no method": b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "LF in the head": b"GET / HTTP/1.1\r\nHost: test\n\r\n",
    "user in the target": b"GET http://user@localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "zero in the target's host": b"GET http://loc%00alhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "letters in the port": b"GET / HTTP/1.1\r\nHost: localhost:80a\r\n\r\n",
    "IPv6 without its end": b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "two ranges in two fields": b"GET / HTTP/1.1\r\n" + HOST +
                                b"Range: bytes=0-1\r\nRange: bytes=0-2\r\n\r\n",
    "chunk of 0x5": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "CR in an extension": CHUNKED + b"5;a=\rb\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": CHUNKED + b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "LF after a chunk's size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "trailer without a colon": CHUNKED + b"5\r\nhello\r\n0\r\nnocolon\r\n\r\n",
}


def test_framing(ctx):
    """What two readers could take in two ways is 400 and the end; in one piece and byte by byte."""
    guest = booted(ctx)
    smuggled = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    for what, data in AMBIGUOUS.items():
        for pieces in ([data + smuggled], [bytes([byte]) for byte in data]):
            connection = Connection(guest)
            try:
                for piece in pieces:
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may be refused before its end
            ctx.equal(connection.answer()[0], 400, f"status of {what}")
            ctx.equal(connection.answer(), None, f"what follows {what}")
            connection.close()
    connection = Connection(guest)
    connection.send(CHUNKED + b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n" + smuggled)
    ctx.equal([connection.answer()[0], connection.answer()[0]], [405, 200], "good chunks")
    connection.close()


def test_repeated_fields(ctx):
    """A list field in two lines is one list; the connection ends when one of them says so."""
    guest = booted(ctx)
    tag = tag_of(guest).decode()
    for name, expected in (("If-Match", 200), ("If-None-Match", 304)):
        for values in ((tag, '"no"'), ('"no"', tag)):
            fields = [f"{name}: {value}" for value in values]
            ctx.equal(get(guest, "/", *fields)[0], expected, f"status with {fields}")
    connection = Connection(guest)
    connection.send(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\nConnection: x-other\r\n\r\n")
    status, headers, _ = connection.answer()
    ctx.equal((status, headers.get("connection")), (200, "close"), "the first of two Connection lines")
    ctx.check(connection.closed(20), "it is not heeded")
    connection.close()


def test_keep_alive(ctx):
    """Requests in one piece are answered in order; byte by byte too; bodies are skipped."""
    guest = booted(ctx)
    names = ["/", "/style.css", "/nowhere", "/icon.svg"] * 8
    expected = {name: get(guest, name)[2] for name in set(names)}
    requests = b"".join(b"GET %s HTTP/1.1\r\n%s\r\n" % (name.encode(), HOST) for name in names)
    connection = Connection(guest)
    connection.send(requests)
    for name in names:
        ctx.equal(connection.answer()[2], expected[name], f"pipelined {name}")
    for byte in b"GET / HTTP/1.1\r\n" + HOST + b"\r\n":
        connection.send(bytes([byte]))
    ctx.equal(connection.answer()[0], 200, "byte by byte")
    connection.send(b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
                    b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
                    b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    for number in range(3):
        ctx.equal(connection.answer()[0], 200, f"after body {number}")
    ctx.check(connection.closed(20), "Connection: close is not heeded")
    connection.close()
    connection = Connection(guest)
    connection.send(b"GET / HTTP/1.0\r\n\r\n")
    ctx.equal(connection.answer()[1].get("connection"), "close", "HTTP/1.0")
    ctx.check(connection.closed(20), "HTTP/1.0 without keep-alive stays open")


def test_access_log(ctx):
    """The access log has the last lines, in bounds, and leaves the system's log alone."""
    guest = booted(ctx, shell=True)
    connection = Connection(guest)
    for number in range(600):
        connection.send(b"GET /%d%s HTTP/1.1\r\n%s\r\n" % (number, b"x" * 480, HOST))
        connection.answer()
    lines = guest.command("cat /httpd/access.log").splitlines()
    form = re.compile(r'10\.0\.2\.2 - - \[[^]]+\] "GET /(\d+)x+ HTTP/1.1" 404 \d+')
    numbers = [int(form.fullmatch(line)[1]) for line in lines]
    ctx.equal(numbers, list(range(numbers[0], 600)), "the lines, up to the last")
    size = sum(map(len, lines))
    ctx.check(65536 <= size <= 131072, f"{size} bytes are kept of about 330,000")
    log = guest.command("log")
    ctx.check("httpd: serving on port 80" in log and "GET" not in log, "in the system's log")
    for line, said in (("ls /httpd", "access.log\n"),
                       ("ls /httpd/x", "ls: /httpd/x: No such file or directory\n"),
                       ("ls /httpd/access.log/x", "ls: /httpd/access.log/x: Not a directory\n"),
                       ("cat /httpd", "cat: /httpd: Is a directory\n"),
                       ("touch /httpd/x", "touch: /httpd/x: Read-only file system\n"),
                       ("rm /httpd/access.log", "rm: /httpd/access.log: Permission denied\n")):
        ctx.equal(guest.command(line), said, line)


def check_heads(ctx, guest, count):
    """What heads.c says: each head that does not end is answered with 408, and none of them late."""
    found = guest.wait_for(r"heads: (\d+) times 408, (\d+) others, (-?\d+) to (-?\d+) ms late\n", 100)
    times, others, first, last = map(int, found.groups())
    ctx.equal((times, others), (count, 0), "answers with 408, others")
    ctx.check(-1000 < first and last < LATE_MS, f"they came {first} to {last} ms late")
    ctx.note(f"{count} came {first} to {last} ms late")


LATE_MS = 5000  # 300 on a quiet host


def test_slow_client(ctx):
    """A head that does not end within 10 s is 408; 500 of them, from the guest itself, as well."""
    guest = booted(ctx, shell=True, add=[compile_program(ctx, "heads.c")])
    guest.send("heads 500\r")
    connection = Connection(guest)
    connection.send(b"GET / HTTP/1.1\r\n")
    begin = time.monotonic()
    status, _, _ = connection.answer()
    waited = time.monotonic() - begin
    ctx.equal(status, 408, "status")
    ctx.check(8 < waited < 20, f"it came after {waited:.1f} s")
    check_heads(ctx, guest, 500)


def test_many_slow_clients(ctx):
    """All places but some with heads that do not end, without the emulator's network."""
    guest = booted(ctx, shell=True, add=[compile_program(ctx, "heads.c")])
    guest.send("heads 2980\r")
    check_heads(ctx, guest, 2980)


test_many_slow_clients.long = True


def memory(guest):
    """KiB of the web server and the network stack."""
    lines = guest.command("ps").splitlines()[1:]
    found = {line.split()[-1]: int(line.split()[2]) for line in lines}
    return {name: found[name] for name in ("httpd", "netd")}


def wait_until_given_back(ctx, guest, before):
    """What a peak took goes after three seconds: docs/security/services.md."""
    deadline = time.monotonic() + 20
    while True:
        found = memory(guest)
        if all(found[name] <= before[name] + KEPT for name in found):
            return
        ctx.check(time.monotonic() < deadline, f"KiB kept: {found}, before the peak {before}")
        time.sleep(0.5)


KEPT = 1024  # KiB: an arena of each size


test_slow_client.alone = True


def test_idle_connections(ctx):
    """2,000 idle connections are held beside others, all still work, and their memory goes."""
    guest = booted(ctx, memory=64)
    guest.wait_for_shell()
    before = memory(guest)
    idle = []
    for number in range(2000):
        connection = Connection(guest)
        connection.send(b"GET /icon.svg HTTP/1.1\r\n" + HOST + b"\r\n")
        ctx.equal(connection.answer()[0], 200, f"status on connection {number}")
        idle.append(connection)
        if number % 200 == 0:
            ctx.equal(get(guest)[0], 200, f"status beside {number} idle ones")
    held = int(guest.command("netstat | grep -c ESTABLISHED"))
    ctx.check(held >= len(idle), f"the guest holds {held} connections")
    peak = memory(guest)
    ctx.check(all(peak[name] > before[name] + 2 * KEPT for name in peak), f"{peak} of {before} KiB")
    for connection in idle:
        connection.send(b"GET /icon.svg HTTP/1.1\r\n" + HOST + b"\r\n")
    for number, connection in enumerate(idle):
        ctx.equal(connection.answer()[0], 200, f"status on idle connection {number}")
        connection.close()
    ctx.equal(get(guest)[0], 200, "status afterwards")
    wait_until_given_back(ctx, guest, before)
    ctx.note(f"{before}, with 2,000 connections {peak}, then {memory(guest)} KiB")


test_idle_connections.timeout = 300
