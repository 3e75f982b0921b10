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
    *request = (struct http_request){0};
    size_t length = strlen(head);
    free(copy);
    copy = malloc(length > 0 ? length : 1);
    memcpy(copy, head, length);
    return http_request_parse(copy, length, request, consumed);
}

static void expect(unsigned status, const char *head)
{
    struct http_request request;
    size_t consumed = 0;
    unsigned got = parse(head, &request, &consumed);
    if (got != status) {
        fprintf(stderr, "%.60s: %u, not %u\n", head, got, status);
    }
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
    CHECK_TEXT(request.fields.values[HTTP_RANGE], "bytes=1-");
    CHECK_TEXT(request.line, "GET /a?b=c HTTP/1.1");
    CHECK(http_fields_has(&request.fields, HTTP_IF_NONE_MATCH));
    CHECK(!http_fields_has(&request.fields, HTTP_IF_MATCH));

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
    CHECK(request.chunked && request.ends_early);
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
    expect(413, "GET / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    expect(417, "GET / HTTP/1.1\r\n" HOST "Expect: miracles\r\n\r\n");
    expect(501, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n");
    expect(505, "GET / HTTP/2.0\r\n" HOST "\r\n");
    expect(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    expect(400, "GET / HTTP/x.0\r\n" HOST "\r\n");
    expect(400, " / HTTP/1.1\r\n" HOST "\r\n"); // no method
    expect(400, "G@T / HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET  / HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET /  HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET / HTTP/1.1 \r\n" HOST "\r\n");
    expect(400, "GET /a\tb HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"); // one empty line is forgiven
    expect(400, "GET / HTTP/1.1\n" HOST "\r\n");           // LF alone
    expect(400, "GET / HTTP/1.1\r\nHost: x\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n"); // CR alone
    expect(400, "GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "A\x80: b\r\n\r\n");
    expect(400, "CONNECT / HTTP/1.1\r\n" HOST "\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1, 2\r\n\r\n");
    expect(400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n");
    expect(HTTP_INCOMPLETE, "");
    expect(HTTP_INCOMPLETE, "GET / HTTP/1.1\r");
    expect(HTTP_INCOMPLETE, "GET / HTTP/1.1\r\n" HOST "\r");
}

// What is well-formed and not offered is answered like a request, after its body.
static void test_methods(void)
{
    struct http_request request;
    size_t consumed;
    static const struct {
        const char *line;
        enum http_method method;
    } lines[] = {
        {"POST /", HTTP_OTHER},   {"TRACE /", HTTP_OTHER}, {"CONNECT a:1", HTTP_CONNECT},
        {"BREW /", HTTP_UNKNOWN}, {"get /", HTTP_UNKNOWN}, {"GET /", HTTP_GET},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char head[128];
        snprintf(head, sizeof(head), "%s HTTP/1.1\r\n" HOST "\r\n", lines[i].line);
        CHECK(parse(head, &request, &consumed) == 200);
        CHECK_EQUAL(request.method, lines[i].method);
        CHECK(request.keep_alive == (request.method != HTTP_CONNECT));
    }
    CHECK(parse("POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", &request, &consumed) ==
          200);
    CHECK(request.ends_early);
}

// Every field that is read, in two lines: a list is joined, one value may be said again (but not
// Host), two values are refused.
static void test_repeated(void)
{
    static const struct {
        const char *name, *first, *second;
        unsigned differ, same;
    } fields[] = {
        {"Host", "x", "y", 400, 400},
        {"Connection", "close", "x-other", 200, 200},
        {"Range", "bytes=0-1", "bytes=0-2", 400, 200},
        {"If-Range", "\"a\"", "\"b\"", 400, 200},
        {"If-Match", "\"a\"", "\"b\"", 200, 200},
        {"If-None-Match", "\"a\"", "\"b\"", 200, 200},
        {"If-Modified-Since", "a", "b", 400, 200},
        {"If-Unmodified-Since", "a", "b", 400, 200},
        {"Content-Length", "1", "2", 400, 200},
        {"Transfer-Encoding", "chunked", "gzip", 400, 400},
        {"Expect", "100-continue", "miracles", 417, 200},
        {"Accept-Encoding", "gzip", "br", 200, 200},
    };
    CHECK_EQUAL(sizeof(fields) / sizeof(fields[0]), HTTP_FIELDS); // none is left out
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char head[256];
        const char *host = i == 0 ? "" : HOST, *name = fields[i].name;
        for (int same = 0; same < 2; same++) {
            snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n%s%s: %s\r\nA: b\r\n%s: %s\r\n\r\n",
                     host, name, fields[i].first, name, same ? fields[i].first : fields[i].second);
            expect(same ? fields[i].same : fields[i].differ, head);
        }
    }
    expect(501, "GET / HTTP/1.1\r\n" HOST
                "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void test_lists(void)
{
    static const char *const expected[] = {"\"a,b\"", "\"c\"", "\"d\"", "\"e\""};
    struct http_request request;
    struct text element;
    size_t consumed, count = 0;
    CHECK(parse("GET / HTTP/1.1\r\n" HOST "If-Match: \"a,b\" , \"c\"\r\nConnection: a\r\n"
                "if-match:\r\nIF-MATCH: ,,\"d\"\r\nConnection: Close\r\nIf-Match: \"e\"\r\n\r\n"
                "If-Match: \"of the next request\"\r\n\r\n",
                &request, &consumed) == 200);
    struct http_list list = http_list(&request.fields, HTTP_IF_MATCH);
    for (; http_list_next(&list, &element); count++) {
        CHECK(count < 4 && text_equal(element, text_of(expected[count])));
    }
    CHECK(count == 4 && !http_list_next(&list, &element));
    CHECK(!request.keep_alive && http_list_has(&request.fields, HTTP_CONNECTION, TEXT("a")));
    list = http_list(&request.fields, HTTP_EXPECT);
    CHECK(!http_list_next(&list, &element));
}

static void test_authority(void)
{
    static const struct {
        const char *text;
        unsigned status;
    } hosts[] = {
        {"", 200},
        {"localhost", 200},
        {"localhost:", 200},
        {"localhost:80", 200},
        {"a.example.", 200},
        {"a_b-c~d", 200},
        {"127.0.0.1", 200},
        {"1.2.3.4:65535", 200},
        {"[::]", 200},
        {"[::1]:80", 200},
        {"[1::]", 200},
        {"[1:2:3:4:5:6:7:8]", 200},
        {"[::ffff:1.2.3.4]", 200},
        {"[1:2:3:4:5:6:1.2.3.4]", 200},
        {"7f.example", 200},
        {"1.2.3.example", 200},
        {"localhost:80a", 400},
        {"localhost:a", 400},
        {"localhost:-1", 400},
        {"localhost:65536", 400},
        {"localhost:8:0", 400},
        {":80", 400},
        {"a..b", 400},
        {".a", 400},
        {"a b", 400},
        {"a,b", 400},
        {"a/b", 400},
        {"user@a", 400},
        {"a%41", 400},
        {"a\\b", 400},
        {"\xc3\xa4", 400},
        {"256.1.1.1", 400},
        {"1.2.3", 400},
        {"01.2.3.4", 400},
        {"1", 400},
        {"[::1", 400},
        {"[]", 400},
        {"[:]", 400},
        {"[::1]a", 400},
        {"::1", 400},
        {"[1:2:3:4:5:6:7]", 400},
        {"[1:2:3:4:5:6:7:8:9]", 400},
        {"[1::2::3]", 400},
        {"[:::]", 400},
        {"[1:2:3:4:5:6:7::8]", 400},
        {"[12345::]", 400},
        {"[::1%25eth0]", 400},
        {"[v1.x]", 400},
        {"[1:]", 400},
        {"[::1.2.3]", 400},
        {"[1.2.3.4]", 400},
        {"[::1.2.3.4:1]", 400},
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char head[256];
        snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i].text);
        expect(hosts[i].status, head);
        // The same in the target, where it must not be empty.
        snprintf(head, sizeof(head), "GET http://%s/ HTTP/1.1\r\nHost: y\r\n\r\n", hosts[i].text);
        if (strpbrk(hosts[i].text, "/\\") == NULL) {
            expect(i == 0 ? 400 : hosts[i].status, head);
        }
    }
    struct http_request request;
    size_t consumed;
    CHECK(parse("GET http://a:81?q HTTP/1.1\r\nHost: b:82\r\n\r\n", &request, &consumed) == 200);
    CHECK_TEXT(request.authority.host, "a"); // the target's counts
    CHECK_EQUAL(request.authority.port, 81);
    CHECK(parse("GET / HTTP/1.1\r\nHost: [::1]:82\r\n\r\n", &request, &consumed) == 200);
    CHECK_TEXT(request.authority.host, "[::1]");
    CHECK_EQUAL(request.authority.port, 82);
}

// A head of `size` bytes whose target has `target` bytes; never ended.
static unsigned parse_long(size_t target, size_t size)
{
    char *data = malloc(size);
    struct http_request request = {0};
    size_t consumed;
    memset(data, 'a', size);
    memcpy(data, "GET /", 5);
    if (target + 21 <= size) {
        memcpy(data + 4 + target, " HTTP/1.1\r\nHost: ", 17);
    }
    unsigned status = http_request_parse(data, size, &request, &consumed);
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

// A body that comes whole, and in pieces of each size; both say the same.
static unsigned drop(const char *bytes, size_t length, size_t step, size_t *out_taken)
{
    struct http_body body;
    unsigned status = 200;
    http_body_start(&body, &(struct http_request){.chunked = true});
    *out_taken = 0;
    while (status == 200 && !body.done && *out_taken < length) {
        size_t left = length - *out_taken, part = left < step ? left : step, taken;
        char *copy = malloc(part);
        memcpy(copy, bytes + *out_taken, part);
        status = http_body_drop(&body, copy, part, &taken);
        CHECK(status != 200 || taken == part || body.done);
        *out_taken += taken;
        free(copy);
    }
    return status == 200 && !body.done ? HTTP_INCOMPLETE : status;
}

static void expect_body(unsigned status, const char *chunks, size_t length, size_t rest)
{
    for (size_t step = 1; step <= length; step++) {
        size_t taken;
        unsigned got = drop(chunks, length, step, &taken);
        if (got != status) {
            fprintf(stderr, "%.60s in steps of %zu: %u, not %u\n", chunks, step, got, status);
        }
        CHECK(got == status && (status != 200 || length - taken == rest));
    }
}

#define BODY(status, chunks, rest) expect_body(status, chunks, sizeof(chunks) - 1, rest)

static void test_chunks(void)
{
    BODY(200, "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\nGET /", 5);
    BODY(200, "0\r\n\r\n", 0);
    BODY(200, "00A \t;q=\"a;b\"\r\n0123456789\r\n0\r\nA:\r\nB: \tc\r\n\r\n", 0);
    BODY(HTTP_INCOMPLETE, "3\r\nabc\r\n0\r\n", 0);
    BODY(400, "0x5\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5;a=\rb\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5;a=\0\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5;a\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5 \r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, " 5\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "5 5\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, ";a\r\n\r\n", 0);
    BODY(400, "+5\r\nhello\r\n0\r\n\r\n", 0);
    BODY(400, "-0\r\n\r\n", 0);
    BODY(400, "xyz\r\n", 0);
    BODY(400, "\r\n", 0);
    BODY(400, "5\r\nhello\n0\r\n\r\n", 0);
    BODY(400, "5\r\nhello\r\r\n0\r\n\r\n", 0);
    BODY(400, "5\r\nhello!\r\n0\r\n\r\n", 0);
    BODY(400, "5\r\nhello0\r\n\r\n", 0);
    BODY(400, "0\r\n\n", 0);
    BODY(400, "0\n\r\n", 0);
    BODY(400, "0\r\nnocolon\r\n\r\n", 0);
    BODY(400, "0\r\n: empty\r\n\r\n", 0);
    BODY(400, "0\r\nA : b\r\n\r\n", 0);
    BODY(400, "0\r\nA: b\r\n folded\r\n\r\n", 0);
    BODY(400, "0\r\nA: b\nC: d\r\n\r\n", 0);
    BODY(400, "0\r\nA: \x01\r\n\r\n", 0);
    BODY(400, "0\r\n\r\r\n", 0);
    BODY(413, "10001\r\n", 0);
    BODY(413, "FFFFFFFFFFFFFFFFFFFF\r\n", 0);

    // Chunks of one byte each are counted with their framing, so that they end too.
    char many[HTTP_BODY_MAX * 2];
    for (size_t at = 0; at + 6 <= sizeof(many); at += 6) {
        memcpy(many + at, "1\r\na\r\n", 6);
    }
    size_t taken;
    CHECK(drop(many, sizeof(many), 6, &taken) == 413);
    CHECK(drop(many, sizeof(many), sizeof(many), &taken) == 413);
}

static void test_lengths(void)
{
    struct http_body body;
    size_t taken;
    http_body_start(&body, &(struct http_request){.content_length = 4});
    CHECK(http_body_drop(&body, "ab", 2, &taken) == 200 && !body.done && taken == 2);
    CHECK(http_body_drop(&body, "cdef", 4, &taken) == 200 && body.done && taken == 2);
    http_body_start(&body, &(struct http_request){0});
    CHECK(body.done);
}

int main(void)
{
    test_good();
    test_refused();
    test_methods();
    test_repeated();
    test_lists();
    test_authority();
    test_limits();
    test_chunks();
    test_lengths();
    return 0;
}
