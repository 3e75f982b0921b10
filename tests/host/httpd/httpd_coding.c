// SPDX-License-Identifier: MIT
// Which content coding a client gets (RFC 9110 12.5.3).
#include "check_text.h"
#include "coding.h"
#include "request.h"

static const uint8_t br_first[] = {CODING_BR, CODING_GZIP}, gzip_first[] = {CODING_GZIP, CODING_BR};

// The coding for these lines of the head.
static enum http_coding chosen(const char *lines, const uint8_t *order, unsigned absent)
{
    char head[512];
    size_t consumed;
    struct http_request request = {0};
    int length = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n%s\r\n", lines);
    CHECK_EQUAL(http_request_parse(head, (size_t)length, &request, &consumed), 200);
    struct http_codings wanted = http_codings_wanted(&request.fields);
    return http_codings_choose(&wanted, order, 2, absent);
}

static const struct {
    const char *value;
    enum http_coding br_first, gzip_first; // all are there
} table[] = {
    {"gzip", CODING_GZIP, CODING_GZIP},
    {"GZip", CODING_GZIP, CODING_GZIP},
    {"x-gzip", CODING_GZIP, CODING_GZIP},
    {"br", CODING_BR, CODING_BR},
    {"gzip, deflate, br, zstd", CODING_BR, CODING_GZIP}, // a tie: the server's order
    {"gzip, br;q=0.9", CODING_GZIP, CODING_GZIP},
    {"gzip;q=0.5,br;q=0.501", CODING_BR, CODING_BR},
    {"gzip;q=1.000, br;q=0.999", CODING_GZIP, CODING_GZIP},
    {"gzip;Q=0.3 , br ; q=0.2", CODING_GZIP, CODING_GZIP},
    {"gzip \t; \tq=0.001", CODING_GZIP, CODING_GZIP}, // more than identity, which is not named
    {"gzip, identity", CODING_GZIP, CODING_GZIP},
    {"gzip;q=0.5, identity", CODING_IDENTITY, CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=0.4", CODING_IDENTITY, CODING_IDENTITY},
    {"", CODING_IDENTITY, CODING_IDENTITY},
    {",,", CODING_IDENTITY, CODING_IDENTITY},
    {"deflate", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.000, br;q=0.", CODING_IDENTITY, CODING_IDENTITY},
    {"*", CODING_BR, CODING_GZIP},
    {"*;q=0.1", CODING_BR, CODING_GZIP},
    {"*, br;q=0", CODING_GZIP, CODING_GZIP},
    {"gzip;q=0.2, *;q=0.4", CODING_BR, CODING_BR},
    {"*;q=0, gzip", CODING_GZIP, CODING_GZIP},
    {"br;q=0, *", CODING_GZIP, CODING_GZIP},
    {"identity;q=0, gzip", CODING_GZIP, CODING_GZIP},
    {"identity;q=0, br;q=0.001", CODING_BR, CODING_BR},
    {"identity;q=0", HTTP_CODINGS, HTTP_CODINGS},
    {"*;q=0", HTTP_CODINGS, HTTP_CODINGS},
    {"identity;q=0.0, *;q=0, gzip;q=0", HTTP_CODINGS, HTTP_CODINGS},
    {"*;q=0, identity;q=0.1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip, gzip;q=0", CODING_IDENTITY, CODING_IDENTITY}, // the least of what is said
    {"gzip;q=0, gzip", CODING_IDENTITY, CODING_IDENTITY},
    // What is not understood says nothing.
    {"gzip;q=1.001", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=2", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.5000", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=.5", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.00a", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1.00/", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=-1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q =1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q= 1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=1;q=1", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;level=9", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip;q=0.5x", CODING_IDENTITY, CODING_IDENTITY},
    {"gzip br", CODING_IDENTITY, CODING_IDENTITY},
    {"g(zip, br", CODING_IDENTITY, CODING_IDENTITY},
    {";q=1", CODING_IDENTITY, CODING_IDENTITY},
    {"identity;q=0, br;q=9", CODING_IDENTITY, CODING_IDENTITY},
};

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char line[256];
        snprintf(line, sizeof(line), "Accept-Encoding: %s\r\n", table[i].value);
        enum http_coding first = chosen(line, br_first, 0), second = chosen(line, gzip_first, 0);
        if (first != table[i].br_first || second != table[i].gzip_first) {
            fprintf(stderr, "\"%s\": %d and %d\n", table[i].value, first, second);
            exit(1);
        }
    }
}

// In several lines it is one list; what is not there is not chosen; a host may offer one alone.
static void test_rest(void)
{
    static const char two[] =
        "Accept-Encoding: br;q=0.5\r\nB: c\r\naccept-encoding: gzip;q=0.6\r\n";
    CHECK_EQUAL(chosen("", br_first, 0), CODING_IDENTITY);
    CHECK_EQUAL(chosen(two, br_first, 0), CODING_GZIP);
    CHECK_EQUAL(chosen(two, br_first, 1u << CODING_GZIP), CODING_BR);
    CHECK_EQUAL(chosen(two, br_first, 1u << CODING_GZIP | 1u << CODING_BR), CODING_IDENTITY);
    static const char only[] = "Accept-Encoding: gzip, identity;q=0\r\n";
    CHECK_EQUAL(chosen(only, br_first, 1u << CODING_GZIP), HTTP_CODINGS);
    struct http_fields none = {0};
    struct http_codings wanted = http_codings_wanted(&none);
    CHECK_EQUAL(http_codings_choose(&wanted, NULL, 0, 0), CODING_IDENTITY);
    CHECK_EQUAL(http_coding_named(TEXT("gzip")), CODING_GZIP);
    CHECK_EQUAL(http_coding_named(TEXT("identity")), HTTP_CODINGS);
    CHECK_EQUAL(http_coding_named(TEXT("GZIP")), HTTP_CODINGS);
    CHECK_TEXT(http_coding_suffix(CODING_BR), ".br");
    CHECK_TEXT(http_coding_name(CODING_GZIP), "gzip");
}

int main(void)
{
    test_table();
    test_rest();
    return 0;
}
