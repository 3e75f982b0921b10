// SPDX-License-Identifier: MIT
// Paths, dates, lists and writers.
#include <tessera/abi/status.h>

#include "check_text.h"
#include "date.h"
#include "head.h"
#include "path.h"

static void check_path(const char *target, ts_status_t status, const char *expected)
{
    char buffer[64];
    struct text path = {0};
    ts_status_t got = path_decode(text_of(target), buffer, sizeof(buffer), &path);
    if (got != status) {
        fprintf(stderr, "path %s\n", target);
    }
    CHECK(got == status);
    if (got == TS_OK) {
        CHECK_TEXT(path, expected);
    }
}

static void test_paths(void)
{
    check_path("/", TS_OK, "");
    check_path("//", TS_OK, "");
    check_path("/a", TS_OK, "a");
    check_path("/a/", TS_OK, "a/");
    check_path("/a//b///", TS_OK, "a/b/");
    check_path("/a/./b", TS_OK, "a/b");
    check_path("/a/.", TS_OK, "a/");
    check_path("/a/b/..", TS_OK, "a/");
    check_path("/a/b/../c", TS_OK, "a/c");
    check_path("/a/..", TS_OK, "");
    check_path("/.", TS_OK, "");
    check_path("/...", TS_OK, "...");
    check_path("/..a/.b", TS_OK, "..a/.b");
    check_path("/%61%2Fb", TS_OK, "a/b");
    check_path("/a%20b%c3%a4", TS_OK, "a b\xc3\xa4");
    check_path("/%aA%Aa%fF%Ff", TS_OK, "\xaa\xaa\xff\xff"); // the first and the last letter
    check_path("/..", TS_ERR_ARGUMENT, "");
    check_path("/../etc/init.conf", TS_ERR_ARGUMENT, "");
    check_path("/a/../../b", TS_ERR_ARGUMENT, "");
    check_path("/%2e%2e/b", TS_ERR_ARGUMENT, "");
    check_path("/a/%2E%2e%2f%2e./b", TS_ERR_ARGUMENT, "");
    check_path("/%252e%252e/b", TS_OK, "%2e%2e/b"); // decoded once, never twice
    check_path("/%00", TS_ERR_ARGUMENT, "");
    check_path("/a%", TS_ERR_ARGUMENT, "");
    check_path("/a%4", TS_ERR_ARGUMENT, "");
    check_path("/a%zz", TS_ERR_ARGUMENT, "");
    check_path("", TS_ERR_ARGUMENT, "");
    check_path("a", TS_ERR_ARGUMENT, "");
    check_path("/1234567890123456789012345678901234567890123456789012345678901234", TS_OK,
               "1234567890123456789012345678901234567890123456789012345678901234");
    check_path("/12345678901234567890123456789012345678901234567890123456789012345",
               TS_ERR_NAME_TOO_LONG, "");
}

static void check_date(const char *string, bool good, int64_t expected)
{
    int64_t seconds = 0;
    bool parsed = date_parse(text_of(string), 1700000000, &seconds);
    if (parsed != good || (good && seconds != expected)) {
        fprintf(stderr, "date %s: %d %lld\n", string, parsed, (long long)seconds);
    }
    CHECK(parsed == good);
    CHECK(!good || seconds == expected);
}

static void test_dates(void)
{
    check_date("Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777);
    check_date("Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777);
    check_date("Sun Nov  6 08:49:37 1994", true, 784111777);
    check_date("Wed Nov 16 08:49:37 1994", true, 784975777);
    check_date("Thu, 01 Jan 1970 00:00:00 GMT", true, 0);
    check_date("Thu, 29 Feb 2024 12:00:00 GMT", true, 1709208000);
    check_date("Wed, 29 Feb 2023 12:00:00 GMT", false, 0);
    check_date("Friday, 01-Jan-70 00:00:00 GMT", true, 3155760000); // 2070: within 50 years
    check_date("Friday, 01-Jan-80 00:00:00 GMT", true, 315532800);
    check_date("Sun, 06 Nov 1994 08:49:37 UTC", false, 0);
    check_date("Sun, 06 Nov 1994 08:49:37 GMT ", false, 0);
    check_date("Sun, 31 Nov 1994 08:49:37 GMT", false, 0);
    check_date("Sun, 06 Nov 1994 24:49:37 GMT", false, 0);
    check_date("Sun, 06 Nov 1994 23:59:59 GMT", true, 784166399);
    check_date("Sun, 06 Nov 1994 23:59:60 GMT", true, 784166400); // a leap second
    check_date("Sun, 06 Nov 1994 23:59:61 GMT", false, 0);
    check_date("Sun, 06 Nov 1994 23:60:00 GMT", false, 0);
    check_date("Sun, 00 Nov 1994 08:49:37 GMT", false, 0);
    check_date("Sun, 32 Oct 1994 08:49:37 GMT", false, 0);
    check_date("Mon, 31 Oct 1994 08:49:37 GMT", true, 783593377);
    check_date("Sun, 6 Nov 1994 08:49:37 GMT", false, 0);
    check_date("", false, 0);
    check_date("Sun", false, 0);
    check_date("yesterday", false, 0);

    // Every day from 1970 to 2400 is written and understood again.
    for (int64_t day = 0; day < 157000; day++) {
        char buffer[DATE_LENGTH];
        struct writer writer = writer_make(buffer, sizeof(buffer));
        int64_t seconds = day * 86400 + day % 86400, back = -1;
        date_write(&writer, seconds);
        if (writer.overflow || writer.length != DATE_LENGTH ||
            !date_parse((struct text){buffer, DATE_LENGTH}, seconds, &back) || back != seconds) {
            CHECK(!"a date is understood again");
            break;
        }
    }
    char buffer[64];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    date_write_log(&writer, 784111777);
    CHECK_TEXT(((struct text){buffer, writer.length}), "06/Nov/1994:08:49:37 +0000");
}

static void test_lists(void)
{
    struct text list = text_of(" , a,\t\"b,c\" ,,d"), element;
    CHECK(text_list_next(&list, &element));
    CHECK_TEXT(element, "a");
    CHECK(text_list_next(&list, &element));
    CHECK_TEXT(element, "\"b,c\"");
    CHECK(text_list_next(&list, &element));
    CHECK_TEXT(element, "d");
    CHECK(!text_list_next(&list, &element));
    CHECK(text_list_has(text_of("Upgrade, CLOSE"), TEXT("close")));
    CHECK(!text_list_has(text_of("closed"), TEXT("close")));
    CHECK(text_equal_fold(TEXT("AZ[@`{"), TEXT("az[@`{")));
    CHECK(!text_equal_fold(TEXT("[@"), TEXT("{`")));
    uint64_t value;
    struct text number = text_of("18446744073709551615x");
    CHECK(text_take_number(&number, &value) && value == UINT64_MAX && number.length == 1);
    number = text_of("18446744073709551616");
    CHECK(!text_take_number(&number, &value));
    number = text_of("-1");
    CHECK(!text_take_number(&number, &value));
}

static void test_writers(void)
{
    char buffer[16];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    write_number(&writer, 0);
    write_string(&writer, " ");
    write_hex(&writer, 0xfeedu);
    write_string(&writer, " ");
    write_digits(&writer, 7, 3);
    CHECK_TEXT(((struct text){buffer, writer.length}), "0 feed 007");
    write_number(&writer, 12345678);
    CHECK(writer.overflow && writer.length == 10); // all or nothing, and it stays so
    write_string(&writer, "a");
    CHECK(writer.overflow && writer.length == 10);

    char page[64];
    writer = writer_make(page, sizeof(page));
    write_html(&writer, text_of("<a href='x'>&\"</a>"));
    CHECK_TEXT(((struct text){page, writer.length}),
               "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    writer = writer_make(page, sizeof(page));
    write_path(&writer, text_of("a b/c\r\n%\xc3"));
    CHECK_TEXT(((struct text){page, writer.length}), "a%20b/c%0D%0A%25%C3");
}

static void test_log(void)
{
    char buffer[1024];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    http_log_line(&writer, text_of("10.0.2.2"), 784111777, text_of("GET /\"\x1b[2J HTTP/1.1"), 200,
                  5);
    CHECK_TEXT(((struct text){buffer, writer.length}),
               "10.0.2.2 - - [06/Nov/1994:08:49:37 +0000] \"GET /\\x22\\x1b[2J HTTP/1.1\" 200 5\n");
    char line[4096];
    memset(line, 'a', sizeof(line));
    writer = writer_make(buffer, sizeof(buffer));
    http_log_line(&writer, (struct text){0}, 0, (struct text){line, sizeof(line)}, 400, 0);
    CHECK(!writer.overflow && writer.length < 600);
}

static void test_media(void)
{
    CHECK_TEXT(http_media_type(text_of("a/b.html")), "text/html; charset=utf-8");
    CHECK_TEXT(http_media_type(text_of("a/b.PNG")), "image/png");
    CHECK_TEXT(http_media_type(text_of("a.html/b")), "application/octet-stream");
    CHECK_TEXT(http_media_type(text_of("")), "application/octet-stream");
    CHECK_TEXT(http_media_type(text_of("x.")), "application/octet-stream");
}

int main(void)
{
    test_paths();
    test_dates();
    test_lists();
    test_writers();
    test_log();
    test_media();
    return 0;
}
