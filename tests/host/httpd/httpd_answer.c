// SPDX-License-Identifier: MIT
// Preconditions, ranges and the heads of answers, by the tables of RFC 9110.
#include "answer.h"
#include "check_text.h"
#include "head.h"

#define MODIFIED 784111777 // Sun, 06 Nov 1994 08:49:37 GMT
#define BEFORE   "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME     "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER    "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW      (MODIFIED + 1000)

static int64_t now = NOW;
static struct http_resource resource = {.size = 100, .modified = MODIFIED, .etag = TEXT("\"v1\"")};

static struct http_answer decide(const char *fields, enum http_method method)
{
    static char head[1024];
    struct http_request request = {0};
    size_t consumed;
    static const char *const names[] = {"GET", "HEAD", "OPTIONS"};
    snprintf(head, sizeof(head), "%s / HTTP/1.1\r\nHost: x\r\n%s\r\n", names[method], fields);
    CHECK(http_request_parse(head, strlen(head), &request, &consumed) == 200);
    return http_answer_decide(&request, &resource, now);
}

static void expect(const char *fields, unsigned status)
{
    unsigned got = decide(fields, HTTP_GET).status;
    if (got != status) {
        fprintf(stderr, "%s: %u, not %u\n", fields, got, status);
    }
    CHECK(got == status);
}

static void test_preconditions(void)
{
    expect("", 200);
    expect("If-Match: \"v1\"\r\n", 200);
    expect("If-Match: \"v0\", \"v1\"\r\n", 200);
    expect("If-Match: *\r\n", 200);
    expect("If-Match: W/\"v1\"\r\n", 412); // strong comparison
    expect("If-Match: \"v2\"\r\n", 412);
    expect("If-Match:\r\n", 412);
    expect("If-Match: v1\r\n", 412);
    expect("If-Unmodified-Since: " SAME "\r\n", 200);
    expect("If-Unmodified-Since: " AFTER "\r\n", 200);
    expect("If-Unmodified-Since: " BEFORE "\r\n", 412);
    expect("If-Unmodified-Since: whenever\r\n", 200);
    expect("If-Match: \"v1\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", 200); // the date is ignored
    expect("If-None-Match: \"v1\"\r\n", 304);
    expect("If-None-Match: W/\"v1\"\r\n", 304); // weak comparison
    expect("If-None-Match: \"a,b\", \"v1\"\r\n", 304);
    expect("If-None-Match: *\r\n", 304);
    expect("If-None-Match: \"v2\"\r\n", 200);
    expect("If-Modified-Since: " SAME "\r\n", 304);
    expect("If-Modified-Since: " AFTER "\r\n", 304);
    expect("If-Modified-Since: " BEFORE "\r\n", 200);
    expect("If-Modified-Since: whenever\r\n", 200);
    expect("If-None-Match: \"v2\"\r\nIf-Modified-Since: " SAME "\r\n", 200);
    expect("If-Match: \"v2\"\r\nIf-None-Match: \"v1\"\r\n", 412); // in order
    // Several lines of one field are one list.
    expect("If-Match: \"v1\"\r\nIf-Match: \"no\"\r\n", 200);
    expect("If-Match: \"no\"\r\nIf-Match: \"v1\"\r\n", 200);
    expect("If-Match: \"no\"\r\nIf-Match: \"v2\"\r\n", 412);
    expect("If-None-Match: \"v1\"\r\nIf-None-Match: \"no\"\r\n", 304);
    expect("If-None-Match: \"no\"\r\nA: b\r\nIf-None-Match: W/\"v1\"\r\n", 304);
    expect("If-None-Match: \"no\"\r\nIf-None-Match: \"v2\"\r\n", 200);
    CHECK(decide("If-None-Match: \"v1\"\r\n", HTTP_HEAD).status == 304);
    CHECK(decide("If-None-Match: \"v1\"\r\n", HTTP_OPTIONS).status == 412);
}

static void expect_range(const char *range, uint64_t size, enum range_kind kind, uint64_t first,
                         uint64_t length)
{
    struct http_range ranges[HTTP_RANGES_MAX] = {0};
    unsigned count;
    enum range_kind got = http_ranges_parse(text_of(range), size, ranges, &count);
    if (got != kind) {
        fprintf(stderr, "%s of %llu\n", range, (unsigned long long)size);
    }
    CHECK(got == kind);
    CHECK(kind != RANGE_GOOD ||
          (count == 1 && ranges[0].first == first && ranges[0].length == length));
}

// Several ranges of 100 bytes, written as they are sent: "first+length …".
static void expect_ranges(const char *value, const char *expected)
{
    struct http_range ranges[HTTP_RANGES_MAX];
    unsigned count;
    char shown[512];
    struct writer writer = writer_make(shown, sizeof(shown));
    CHECK(http_ranges_parse(text_of(value), 100, ranges, &count) == RANGE_GOOD);
    for (unsigned i = 0; i < count; i++) {
        write_text(&writer, i > 0 ? TEXT(" ") : TEXT(""));
        write_number(&writer, ranges[i].first);
        write_string(&writer, "+");
        write_number(&writer, ranges[i].length);
    }
    CHECK_TEXT(((struct text){shown, writer.length}), expected);
}

static void test_several_ranges(void)
{
    expect_ranges("bytes=0-1,5-6", "0+2 5+2");
    expect_ranges("bytes=5-6, 0-1", "5+2 0+2"); // in the order in which they are asked for
    expect_ranges("bytes=0-1,2-3", "0+4");      // those that touch are one
    expect_ranges("bytes=0-9,5-14", "0+15");
    expect_ranges("bytes=0-99,5-14,-1", "0+100");
    expect_ranges("bytes=0-1,10-11,0-20", "0+21");
    expect_ranges("bytes=40-49,0-1,20-29,30-39", "20+30 0+2"); // the last joins two
    expect_ranges("bytes=0-1,200-300", "0+2");                 // what is beyond is left out
    expect_ranges("bytes=-1,-2,-3", "97+3");
    expect_ranges("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,"
                  "28-28,30-30",
                  "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1 16+1 18+1 20+1 22+1 24+1 26+1 28+1 30+1");
    expect_range("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,"
                 "28-28,30-30,32-32",
                 100, RANGE_NONE, 0, 0); // too many
    expect_range("bytes=200-,300-", 100, RANGE_UNSATISFIED, 0, 0);
    expect_range("bytes=0-1,x", 100, RANGE_NONE, 0, 0);

    struct http_answer answer = decide("Range: bytes=0-1,5-6\r\n", HTTP_GET);
    CHECK(answer.status == 206 && answer.parts == 2);
    CHECK(decide("Range: bytes=0-1,2-6\r\n", HTTP_GET).parts == 1);

    // What is written is as long as what was said.
    const struct http_range ranges[] = {{0, 2}, {1000000, 7}};
    const struct text boundary = TEXT("0123456789abcdef01234567"), type = TEXT("text/plain");
    char buffer[512];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    http_part_head(&writer, boundary, type, &ranges[0], UINT64_MAX);
    CHECK_TEXT(((struct text){buffer, writer.length}),
               "\r\n--0123456789abcdef01234567\r\nContent-Type: text/plain\r\n"
               "Content-Range: bytes 0-1/18446744073709551615\r\n\r\n");
    http_part_head(&writer, boundary, type, &ranges[1], UINT64_MAX);
    http_parts_end(&writer, boundary);
    CHECK_EQUAL(http_parts_length(type, ranges, 2, UINT64_MAX), writer.length + 2 + 7);
}

static void test_ranges(void)
{
    expect_range("bytes=0-0", 100, RANGE_GOOD, 0, 1);
    expect_range("bytes=0-", 100, RANGE_GOOD, 0, 100);
    expect_range("Bytes= 10-19 ", 100, RANGE_GOOD, 10, 10);
    expect_range("bytes=99-", 100, RANGE_GOOD, 99, 1);
    expect_range("bytes=90-1000", 100, RANGE_GOOD, 90, 10);
    expect_range("bytes=0-18446744073709551615", 100, RANGE_GOOD, 0, 100);
    expect_range("bytes=-1", 100, RANGE_GOOD, 99, 1);
    expect_range("bytes=-1000", 100, RANGE_GOOD, 0, 100);
    expect_range("bytes=-0", 100, RANGE_UNSATISFIED, 0, 0);
    expect_range("bytes=100-", 100, RANGE_UNSATISFIED, 0, 0);
    expect_range("bytes=0-0", 0, RANGE_UNSATISFIED, 0, 0);
    expect_range("bytes=-5", 0, RANGE_NONE, 0, 0);
    expect_range("bytes=5-4", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=a-b", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=1", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=1-2x", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=--1", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=", 100, RANGE_NONE, 0, 0);
    expect_range("bytes=99999999999999999999-", 100, RANGE_NONE, 0, 0);
    expect_range("lines=1-2", 100, RANGE_NONE, 0, 0);
    expect_range("", 100, RANGE_NONE, 0, 0);

    expect("Range: bytes=1-2\r\n", 206);
    expect("Range: bytes=100-\r\n", 416);
    expect("Range: bytes=1-2\r\nIf-Range: \"v1\"\r\n", 206);
    expect("Range: bytes=1-2\r\nIf-Range: W/\"v1\"\r\n", 200);
    expect("Range: bytes=1-2\r\nIf-Range: \"v2\"\r\n", 200);
    expect("Range: bytes=1-2\r\nIf-Range: " SAME "\r\n", 206);
    expect("Range: bytes=1-2\r\nIf-Range: " AFTER "\r\n", 200); // exact, not later
    now = MODIFIED; // in the second in which it was changed it may change again
    expect("Range: bytes=1-2\r\nIf-Range: " SAME "\r\n", 200);
    now = MODIFIED + 1;
    expect("Range: bytes=1-2\r\nIf-Range: " SAME "\r\n", 206);
    now = NOW;
    expect("Range: bytes=100-\r\nIf-Range: \"v2\"\r\n", 200);
    expect("Range: bytes=1-2\r\nIf-None-Match: \"v1\"\r\n", 304);
    CHECK(decide("Range: bytes=1-2\r\n", HTTP_HEAD).status == 200);
    struct http_answer part = decide("Range: bytes=-10\r\n", HTTP_GET);
    CHECK(part.first == 90 && part.length == 10);
}

static void test_heads(void)
{
    char buffer[HTTP_RESPONSE_HEAD_MAX];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    struct http_head head = {.status = 206,
                             .now = MODIFIED,
                             .keep_alive = true,
                             .content_length = 10,
                             .content_type = TEXT("text/plain"),
                             .etag = resource.etag,
                             .modified = MODIFIED,
                             .range_first = 90,
                             .whole_size = 100,
                             .accept_ranges = true};
    http_head_write(&writer, &head);
    CHECK_TEXT(((struct text){buffer, writer.length}),
               "HTTP/1.1 206 Partial Content\r\nServer: Tessera\r\nDate: " SAME "\r\n"
               "Content-Length: 10\r\nContent-Type: text/plain\r\nETag: \"v1\"\r\n"
               "Last-Modified: " SAME "\r\nAccept-Ranges: bytes\r\n"
               "Content-Range: bytes 90-99/100\r\n\r\n");
    writer = writer_make(buffer, sizeof(buffer));
    head = (struct http_head){.status = 416, .now = MODIFIED, .modified = -1, .whole_size = 100};
    http_head_write(&writer, &head);
    CHECK_TEXT(((struct text){buffer, writer.length}),
               "HTTP/1.1 416 Range Not Satisfiable\r\nServer: Tessera\r\nDate: " SAME "\r\n"
               "Connection: close\r\nContent-Length: 0\r\nContent-Range: bytes */100\r\n\r\n");

    writer = writer_make(buffer, sizeof(buffer));
    head = (struct http_head){
        .status = 200, .now = MODIFIED, .keep_alive = true, .minor0 = true, .content_length = -1};
    http_head_write(&writer, &head); // changed at the beginning of time
    CHECK_TEXT(((struct text){buffer, writer.length}),
               "HTTP/1.1 200 OK\r\nServer: Tessera\r\nDate: " SAME "\r\n"
               "Connection: keep-alive\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");

    struct http_resource made = {.size = 255};
    http_resource_tag(&made, UINT64_MAX);
    CHECK_TEXT(made.etag, "\"ffffffffffffffff-ff\"");
    made.size = UINT64_MAX;
    http_resource_tag(&made, UINT64_MAX);
    CHECK_TEXT(made.etag, "\"ffffffffffffffff-ffffffffffffffff\"");
}

int main(void)
{
    test_preconditions();
    test_ranges();
    test_several_ranges();
    test_heads();
    return 0;
}
