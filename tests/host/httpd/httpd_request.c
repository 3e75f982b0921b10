// SPDX-License-Identifier: MIT
// Request heads: what is accepted, what is refused with which status, and at which byte.
#include <stdlib.h>

#include "body.h"
#include "check_text.h"
#include "request.h"

// Parses a copy of exactly the right size, so that a sanitizer sees one byte too far.
static unsigned parse(const char *head, struct http_request *request, size_t *consumed)
{
    static char *copy;
    size_t length = strlen(head);
    free(copy);
    copy = malloc(length > 0 ? length : 1);
    memcpy(copy, head, length);
    return http_request_parse(copy, length, 0, request, consumed);
}

static void expect(unsigned status, const char *head)
{
    struct http_request request;
    size_t consumed = 0;
    unsigned got = parse(head, &request, &consumed);
    if (got != status)
        fprintf(stderr, "%.60s: %u, not %u\n", head, got, status);
    CHECK(got == status);
    CHECK(status != 200 || consumed <= strlen(head));
}

#define HOST "Host: x\r\n"

static void test_good(void)
{
    struct http_request request;
    size_t consumed;
    CHECK(parse("GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nRange: bytes=1-\r\nIf-None-Match: \"x\"\r\n"
                "User-Agent:  curl \r\n\r\nGET",
                &request, &consumed) == 200);
    CHECK(request.method == HTTP_GET && request.minor == 1 && request.keep_alive);
    CHECK_TEXT(request.path, "/a");
    CHECK_TEXT(request.query, "b=c");
    CHECK_TEXT(request.range, "bytes=1-");
    CHECK_TEXT(request.agent, "curl");
    CHECK_TEXT(request.line, "GET /a?b=c HTTP/1.1");
    CHECK(request.has_if_none_match && !request.has_if_match);

    CHECK(parse("\r\nHEAD / HTTP/1.1\r\nHost:\r\nConnection: foo, Close\r\n\r\n", &request,
                &consumed) == 200);
    CHECK(request.method == HTTP_HEAD && !request.keep_alive);
    CHECK(parse("GET / HTTP/1.0\r\n\r\n", &request, &consumed) == 200);
    CHECK(!request.keep_alive && request.minor == 0);
    CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &request, &consumed) == 200);
    CHECK(request.keep_alive);
    CHECK(parse("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", &request, &consumed) == 200);
    CHECK(request.asterisk);
    CHECK(parse("GET http://example.org/x/y?z HTTP/1.1\r\n" HOST "\r\n", &request, &consumed) ==
          200);
    CHECK_TEXT(request.path, "/x/y");
    CHECK(parse("GET HTTP://example.org HTTP/1.1\r\n" HOST "\r\n", &request, &consumed) == 200);
    CHECK_TEXT(request.path, "/");
    CHECK(parse("GET http://example.org?q HTTP/1.1\r\n" HOST "\r\n", &request, &consumed) == 200);
    CHECK_TEXT(request.path, "/");
    CHECK_TEXT(request.query, "q");
    CHECK(parse("GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\n",
                &request, &consumed) == 200);
    CHECK(request.content_length == 5);
    CHECK(parse("GET / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nTransfer-Encoding: Chunked\r\n"
                "\r\n",
                &request, &consumed) == 200);
    CHECK(request.chunked && request.expect_continue);
}

static void test_refused(void)
{
    expect(400, "GET / HTTP/1.1\r\n\r\n"); // no Host
    expect(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n");
    expect(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n"); // folded
    expect(400, "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n");
    expect(400, "GET x HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET * HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET ftp://a/x HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET /\r\n\r\n");                            // HTTP/0.9
    expect(400, "\x16\x03\x01\x02\x01\x01\xfc\x03\r\n\r\n"); // a TLS greeting
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n");
    expect(400,
           "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n");
    expect(400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(405, "POST / HTTP/1.1\r\n" HOST "\r\n");
    expect(405, "TRACE / HTTP/1.1\r\n" HOST "\r\n");
    expect(405, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n");
    expect(413, "GET / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    expect(417, "GET / HTTP/1.1\r\n" HOST "Expect: miracles\r\n\r\n");
    expect(501, "BREW / HTTP/1.1\r\n" HOST "\r\n");
    expect(501, "get / HTTP/1.1\r\n" HOST "\r\n"); // methods are of one case
    expect(501, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n");
    expect(505, "GET / HTTP/2.0\r\n" HOST "\r\n");
    expect(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    expect(400, "GET / HTTP/x.0\r\n" HOST "\r\n");
    expect(HTTP_INCOMPLETE, "");
    expect(HTTP_INCOMPLETE, "GET / HTTP/1.1\r\n" HOST "\r");
}

// A head of `size` bytes whose target has `target` bytes; never ended.
static unsigned parse_long(size_t target, size_t size)
{
    char *data = malloc(size);
    struct http_request request;
    size_t consumed;
    memset(data, 'a', size);
    memcpy(data, "GET /", 5);
    if (target + 21 <= size)
        memcpy(data + 4 + target, " HTTP/1.1\r\nHost: ", 17);
    unsigned status = http_request_parse(data, size, 0, &request, &consumed);
    free(data);
    return status;
}

static void test_limits(void)
{
    CHECK(parse_long(HTTP_TARGET_MAX, HTTP_TARGET_MAX + 4) == HTTP_INCOMPLETE);
    CHECK(parse_long(HTTP_TARGET_MAX + 1, HTTP_TARGET_MAX + 5) == 414);
    CHECK(parse_long(100, HTTP_HEAD_MAX - 1) == HTTP_INCOMPLETE);
    CHECK(parse_long(100, HTTP_HEAD_MAX) == 431);

    char head[8192] = "GET / HTTP/1.1\r\n" HOST;
    size_t length = strlen(head);
    for (unsigned i = 1; i <= HTTP_FIELDS_MAX; i++) {
        memcpy(head + length, "\r\n", 3);
        expect(200, head);
        length += (size_t)snprintf(head + length, sizeof(head) - length, "X-%u: y\r\n", i);
    }
    memcpy(head + length, "\r\n", 3);
    expect(431, head);
}

// Every prefix of a good head is incomplete, however the bytes arrive.
static void test_prefixes(void)
{
    const char *head = "GET /index.html HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
    size_t length = strlen(head);
    for (size_t cut = 0; cut < length; cut++) {
        struct http_request request;
        size_t consumed = 0;
        char *copy = malloc(cut > 0 ? cut : 1);
        memcpy(copy, head, cut);
        CHECK(http_request_parse(copy, cut, 0, &request, &consumed) == HTTP_INCOMPLETE);
        free(copy);
        CHECK(http_request_parse(head, length, cut, &request, &consumed) == 200);
        CHECK(consumed == length);
    }
}

static void test_bodies(void)
{
    const char *chunks = "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\nGET /";
    for (size_t step = 1; step <= strlen(chunks); step++) {
        struct http_body body;
        struct http_request request = {.chunked = true};
        char data[128];
        size_t at = 0, held = 0;
        http_body_start(&body, &request);
        while (!body.done && at < strlen(chunks)) {
            size_t take = strlen(chunks) - at < step ? strlen(chunks) - at : step;
            memcpy(data + held, chunks + at, take);
            held += take;
            at += take;
            CHECK(http_body_drop(&body, data, &held) == 200);
        }
        CHECK(body.done);
        memcpy(data + held, chunks + at, strlen(chunks) - at);
        held += strlen(chunks) - at;
        CHECK_TEXT(((struct text){data, held}), "GET /");
    }
    struct http_body body;
    http_body_start(&body, &(struct http_request){.content_length = 4});
    char data[] = "abcdef";
    size_t length = 6;
    CHECK(http_body_drop(&body, data, &length) == 200 && body.done && length == 2);
    CHECK_TEXT(((struct text){data, length}), "ef");
    http_body_start(&body, &(struct http_request){.chunked = true});
    char bad[] = "xyz\r\n";
    length = 5;
    CHECK(http_body_drop(&body, bad, &length) == 400);

    // Chunks of one byte each are counted with their framing, so that they end too.
    http_body_start(&body, &(struct http_request){.chunked = true});
    unsigned status = 200;
    for (unsigned i = 0; i < HTTP_BODY_MAX && status == 200; i++) {
        char one[] = "1\r\na\r\n";
        length = 6;
        status = http_body_drop(&body, one, &length);
    }
    CHECK(status == 413);
}

int main(void)
{
    test_good();
    test_refused();
    test_limits();
    test_prefixes();
    test_bodies();
    return 0;
}
