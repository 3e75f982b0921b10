# SPDX-License-Identifier: MIT
"""The web server by configuration: hosts, codings, lists, pages for errors, redirects, logs; and a
configuration that changes while clients ask."""
import gzip
import re
import threading
import time

from test_http import Connection, booted, one

CONFIGURATION = """\
log size 8K keep 2
error 404 /there/is/none.html
redirect 301 /old /new
redirect 308 /docs/* https://docs.example/v1/*
host a.test *.a.test        # both
    root /a
    compressed br gzip
    listing on
    error 404 /errors/404.html
    error 405 /errors/405.html
    cache /page.html no-cache
    cache *.css public max-age=60
host b.test
    root "/b c"
"""
PAGE = b"<!DOCTYPE html>" + b"a page, and again " * 200
FILES = {
    "index.html": b"default", "page.html.br": b"not a's", "a/index.html": b"host a",
    "a/page.html": PAGE, "a/page.html.gz": gzip.compress(PAGE, mtime=0),
    "a/page.html.br": b"br" * 500, "a/only.txt": b"only", "a/style.css": b"p{}",
    "a/errors/404.html": b"<p>not here", "a/list/<b>&'.txt": b"123", "a/list/sub/x": b"",
    "a/list/.hidden": b"", "a/list/a%41 c": b"", "b c/index.html": b"host b",
}


def ask(guest, host, path, *fields, method="GET"):
    lines = "".join(f"{field}\r\n" for field in (f"Host: {host}", *fields))
    return one(guest, f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode(), method == "HEAD")


def check_hosts(ctx, guest):
    for host, expected in (("test", b"default"), ("a.test", b"host a"), ("A.Test.:80", b"host a"),
                           ("x.y.a.test", b"host a"), ("b.test:8080", b"host b"),
                           ("xa.test", b"default"), ("[::1]", b"default")):
        ctx.equal(ask(guest, host, "/")[2], expected, f"host {host}")
    ctx.equal(ask(guest, "b.test", "http://a.test/")[2], b"host a", "an absolute target's host")
    ctx.equal(ask(guest, "b.test", "/../a/page.html")[0], 400, "out of a host's root")
    ctx.equal(ask(guest, "b.test", "/page.html")[0], 404, "another host's page")
    ctx.equal(ask(guest, "test", "/status")[0], 200, "/status")
    ctx.equal(ask(guest, "a.test", "/status")[0], 404, "/status of a host")


def check_codings(ctx, guest):
    tags = set()
    for accepted, coding in ((None, None), ("gzip", "gzip"), ("gzip, br", "br"), ("*", "br"),
                             ("br;q=0.5, gzip;q=0.6", "gzip"), ("gzip;q=2", None),
                             ("identity;q=0, *;q=0.1", "br")):
        fields = [f"Accept-Encoding: {accepted}"] if accepted is not None else []
        body = FILES["a/page.html" + {"gzip": ".gz", "br": ".br", None: ""}[coding]]
        status, headers, found = ask(guest, "a.test", "/page.html", *fields)
        ctx.equal((status, headers.get("content-encoding"), found), (200, coding, body),
                  f"with {accepted}")
        ctx.equal((headers["content-type"], headers["vary"], headers["cache-control"]),
                  ("text/html; charset=utf-8", "Accept-Encoding", "no-cache"), "of the original")
        tags.add(headers["etag"])
        status, headers, found = ask(guest, "a.test", "/page.html", "Range: bytes=10-19", *fields)
        ctx.equal((status, headers["content-range"], found),
                  (206, f"bytes 10-19/{len(body)}", body[10:20]), f"a range with {accepted}")
        status, headers, _ = ask(guest, "a.test", "/page.html", *fields,
                                 f"If-None-Match: {headers['etag']}")
        ctx.equal((status, headers["vary"]), (304, "Accept-Encoding"), "the tag that was given")
        parts = ask(guest, "a.test", "/page.html", "Range: bytes=0-1,9-9", *fields)
        ctx.check(parts[2].count(b"Content-Type: text/html") == 2, "the type of parts")
    ctx.equal(len(tags), 3, "tags, one for each coding")
    for path, accepted, expected in (("/only.txt", "br, gzip", 200), ("/only.txt", "br", 200),
                                     ("/only.txt", "br, identity;q=0", 406),
                                     ("/only.txt", "*;q=0", 406)):
        status, headers, _ = ask(guest, "a.test", path, f"Accept-Encoding: {accepted}")
        ctx.equal((status, headers.get("content-encoding"), headers["vary"]),
                  (expected, None, "Accept-Encoding"), f"{path} with {accepted}")
    status, headers, body = ask(guest, "test", "/a/page.html", "Accept-Encoding: gzip")
    ctx.equal((headers.get("vary"), body), (None, PAGE), "a host without codings")


def check_lists(ctx, guest):
    status, headers, body = ask(guest, "a.test", "/list/")
    ctx.equal((status, headers["content-type"]), (200, "text/html; charset=utf-8"), "a list")
    links = re.findall(rb'<a href="([^"]*)">([^<]*)</a>', body)
    ctx.equal(links, [(b"../", b"../"), (b"sub/", b"sub/"),
                      (b"%3Cb%3E%26%27.txt", b"&lt;b&gt;&amp;&#39;.txt"),
                      (b"a%2541%20c", b"a%41 c")], "links")
    for link, _ in links[1:]:
        ctx.equal(ask(guest, "a.test", "/list/" + link.decode())[0], 200, f"status of {link}")
    tag = f"If-None-Match: {headers['etag']}"
    ctx.equal(ask(guest, "a.test", "/list/", tag)[0], 304, "its tag")
    ctx.equal(ask(guest, "a.test", "/list")[1]["location"], "/list/", "without the slash")
    ctx.equal(ask(guest, "a.test", "/nolist/")[0], 404, "no directory")
    ctx.equal(ask(guest, "test", "/a/list/")[0], 404, "a host without lists")


def check_errors_and_redirects(ctx, guest):
    status, headers, body = ask(guest, "a.test", "/nowhere")
    ctx.equal((status, headers["content-type"], body),
              (404, "text/html; charset=utf-8", b"<p>not here"), "a page for 404")
    status, headers, body = ask(guest, "a.test", "/nowhere", method="HEAD")
    ctx.equal((status, headers["content-length"]), (404, "11"), "HEAD of it")
    status, _, body = ask(guest, "test", "/nowhere")
    ctx.check(status == 404 and b"Not Found" in body, "a page for 404 that lacks")
    status, headers, body = ask(guest, "a.test", "/page.html", method="DELETE")
    ctx.check(status == 405 and headers["allow"] == "GET, HEAD, OPTIONS" and b"Allowed" in body,
              "405, whose page lacks")
    for path, status, location in (("/old", 301, "/new"), ("/o%6cd?a=b%20c", 301, "/new?a=b%20c"),
                                   ("/docs/a%20b/%3f?q", 308,
                                    "https://docs.example/v1/a%20b/%3F?q"),
                                   ("/docs", 404, None), ("/old/", 404, None)):
        for method in ("GET", "HEAD"):
            found = ask(guest, "test", path, method=method)
            ctx.equal((found[0], found[1].get("location")), (status, location), path)
    ctx.equal(ask(guest, "a.test", "/list?x=1")[1]["location"], "/list/?x=1", "a directory's query")
    long = ask(guest, "test", "/old?" + "q" * 5000)
    ctx.equal(long[0], 414, "a location that is too long")
    ctx.equal(ask(guest, "a.test", "/style.css")[1]["cache-control"], "public,max-age=60", "*.css")


class Asker(threading.Thread):
    """A client that asks on one connection, again and again; what it was told, in order."""

    def __init__(self, guest):
        super().__init__(daemon=True)
        self.connection = Connection(guest)
        self.told, self.problem, self.ended = [], None, threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ended.is_set():
                self.connection.send(b"GET /index.html HTTP/1.1\r\nHost: test\r\n\r\n")
                status, headers, body = self.connection.answer()
                assert (status, body) == (200, b"default"), (status, body)
                if self.told[-1:] != [headers.get("cache-control")]:
                    self.told.append(headers.get("cache-control"))
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    def wait_until_told(self, value):
        deadline = time.monotonic() + 30
        while self.told[-1:] != [value] and not self.problem and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self):
        self.ended.set()
        self.join(30)
        self.connection.close()


def check_reload(ctx, guest):
    """No request fails, and each client sees the configurations in their order."""
    askers = [Asker(guest) for _ in range(4)]
    for asker in askers:
        asker.wait_until_told(None)
    for number in range(1, 4):
        guest.command(f"echo 'cache /index.html max-age={number}' > /tmp/conf")
        ctx.equal(guest.command("cd /tmp; services reload httpd conf"), "", "a reload")
        told = ask(guest, "test", "/index.html")[1].get("cache-control")
        ctx.equal(told, f"max-age={number}", "told after it")
        guest.command("echo 'cachecontrol *.css x' >> /tmp/conf")
        ctx.equal(guest.command("services reload httpd /tmp/conf"),
                  "services: /tmp/conf:2:1: unknown word 'cachecontrol'\n", "an error")
        told = ask(guest, "test", "/index.html")[1].get("cache-control")
        ctx.equal(told, f"max-age={number}", "told after the error")
        for asker in askers:
            asker.wait_until_told(told)
    for asker in askers:
        asker.end()
        ctx.check(asker.problem is None, f"a client: {asker.problem}")
        ctx.equal(asker.told, [None, "max-age=1", "max-age=2", "max-age=3"], "told to a client")


WRONG = "/etc/httpd.conf:3:2: duplicate 'root', first in line 2"


def check_wrong_at_start(ctx, guest):
    """The log says where it is wrong, and all is served as without it."""
    ctx.check(f"httpd: {WRONG}" in guest.command("log"), "the log")
    ctx.equal(ask(guest, "a.test", "/")[2], b"default", "what is served")
    ctx.equal(ask(guest, "a.test", "/a/list/")[0], 404, "a list")


def check_refused_reloads(ctx, guest):
    ctx.equal(guest.command("services reload httpd"), f"services: {WRONG}\n", "its own file")
    for line, said in (("services reload netd", "services: netd: "),
                       ("services reload httpd /nowhere", "services: /nowhere: "),
                       ("services reload httpd /tmp", "services: /tmp: ")):
        ctx.check(guest.command(line).startswith(said), line)
    guest.command("services reload httpd /etc/good.conf")
    ctx.equal(ask(guest, "a.test", "/")[2], b"host a", "after them")


def check_death(ctx, guest):
    """What was given stays when httpd is started again, and what was refused is not taken then."""
    for what in ("a death", "an error and a death"):
        guest.command("services kill httpd")
        guest.wait_for_page()
        ctx.equal(ask(guest, "a.test", "/")[2], b"host a", f"after {what}")
        ctx.check("duplicate 'root'" in guest.command("services reload httpd /etc/httpd.conf"), what)


def check_logs(ctx, guest):
    connection = Connection(guest)
    for number in range(60):
        connection.send(b"GET /%d%s HTTP/1.1\r\nHost: test\r\n\r\n" % (number, b"x" * 480))
        connection.answer()
    connection.close()
    ctx.equal(guest.command("ls /httpd").split(), ["access.log", "access.log.1", "access.log.2"],
              "the logs")
    sizes = guest.command("wc -c /httpd/access.log.1 /httpd/access.log.2").split()
    ctx.check(all(4096 <= int(size) <= 8192 for size in (sizes[0], sizes[2])), f"sizes {sizes}")
    lines = guest.command("cat /httpd/access.log.2 /httpd/access.log.1 /httpd/access.log")
    numbers = [int(number) for number in re.findall(r'"GET /(\d+)x+ ', lines)]
    ctx.equal(numbers, list(range(numbers[0], 60)), "the lines, up to the last")


def test_configuration(ctx):
    """What a configuration offers; it changes while clients ask, and an error changes nothing."""
    www = ctx.folder / "www"
    for name, content in FILES.items():
        (www / name).parent.mkdir(parents=True, exist_ok=True)
        (www / name).write_bytes(content)
    files = {"etc/httpd.conf": "listing on\nroot /a\n root /b\n", "etc/good.conf": CONFIGURATION}
    for number, text in enumerate(files.values()):
        (ctx.folder / str(number)).write_text(text)
    guest = booted(ctx, www=www, shell=True, entries=[f"{path}={ctx.folder / str(number)}"
                                                      for number, path in enumerate(files)])
    check_wrong_at_start(ctx, guest)
    ctx.equal(guest.command("services reload httpd /etc/good.conf"), "", "the first reload")
    check_hosts(ctx, guest)
    check_codings(ctx, guest)
    check_lists(ctx, guest)
    check_errors_and_redirects(ctx, guest)
    check_logs(ctx, guest)
    check_reload(ctx, guest)
    check_refused_reloads(ctx, guest)
    check_death(ctx, guest)
