// SPDX-License-Identifier: MIT
// Heads made of random pieces of good and bad ones, in buffers of exactly their size: nothing is
// read past the end, texts lie within the input, paths never climb, and what is refused at once
// is refused byte by byte too. The seed is printed; argv[1] sets it, argv[2] the rounds.
#include <stdlib.h>

#include <tessera/abi/status.h>

#include "answer.h"
#include "body.h"
#include "check_text.h"
#include "head.h"
#include "path.h"

static const char *const pieces[] = {
    "GET ",
    "HEAD ",
    "OPTIONS ",
    "POST ",
    "PRI ",
    "/",
    "..",
    "%2e",
    "%2F",
    "%00",
    "%",
    "a",
    "?",
    "*",
    "http://",
    "x",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/2.0",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    ":",
    " ",
    "\t",
    "Host: x\r\n",
    "Range: bytes=",
    "If-Range: ",
    "If-Match: ",
    "If-None-Match: \"",
    "\"",
    ",",
    "W/",
    "-",
    "0",
    "9",
    "18446744073709551615",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "If-Modified-Since: ",
    "If-Unmodified-Since: ",
    "Content-Length: ",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Expect: 100-continue",
    "\x01",
    "\xff",
    "\r\n folded",
};

static size_t make_head(char *data, size_t size)
{
    size_t length = 0;
    bool likely = random_below(2) == 0;
    if (likely)
        length = (size_t)snprintf(data, size, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (uint64_t n = random_below(24); n > 0; n--) {
        const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];
        if (length + strlen(piece) + 4 > size)
            break;
        memcpy(data + length, piece, strlen(piece));
        length += strlen(piece);
    }
    if (likely) {
        memcpy(data + length, "\r\n\r\n", 4);
        length += 4;
    }
    return length;
}

static bool within(struct text text, const char *data, size_t length)
{
    return text.length == 0 || text_equal(text, TEXT("/")) ||
           (text.data >= data && text.data + text.length <= data + length);
}

static void use_path(struct text path)
{
    char *buffer = malloc(32);
    struct text decoded;
    if (path_decode(path, buffer, 32, &decoded) == TS_OK) {
        struct text rest = decoded;
        CHECK(rest.length == 0 || rest.data[0] != '/');
        while (rest.length > 0) { // no component is empty, "." or ".."
            const char *slash = memchr(rest.data, '/', rest.length);
            size_t length = slash == NULL ? rest.length : (size_t)(slash - rest.data);
            struct text component = {rest.data, length};
            CHECK(length > 0 && !text_equal(component, TEXT(".")) &&
                  !text_equal(component, TEXT("..")));
            size_t taken = slash == NULL ? length : length + 1;
            rest.data += taken;
            rest.length -= taken;
        }
    }
    free(buffer);
}

static void use_request(const struct http_request *request)
{
    struct http_resource resource = {.size = random_below(20), .modified = 784111777};
    http_resource_tag(&resource, 1);
    struct http_answer answer = http_answer_decide(request, &resource, 784111999);
    CHECK(answer.first <= resource.size && answer.length <= resource.size - answer.first);
    CHECK(answer.status != 206 || answer.length > 0);
}

static void round_of_random(void)
{
    char made[1024], log[1024];
    size_t length = make_head(made, sizeof(made)), consumed = 0;
    char *data = malloc(length > 0 ? length : 1);
    memcpy(data, made, length);
    struct http_request request;
    unsigned status = http_request_parse(data, length, 0, &request, &consumed);
    struct writer writer = writer_make(log, sizeof(log));
    http_log_line(&writer, TEXT("-"), 0, request.line, status, 0);
    if (status == 200) {
        CHECK(consumed <= length && consumed > 0);
        CHECK(within(request.path, data, length) && within(request.query, data, length));
        use_path(request.path);
        use_request(&request);
        // What follows is taken for a body, whatever it is.
        struct http_body body;
        size_t rest = length - consumed;
        http_body_start(&body, &request);
        http_body_drop(&body, data + consumed, &rest);
        CHECK(rest <= length - consumed);
        memcpy(data, made, length);
    }
    // Byte by byte it comes to the same end, except that a refusal may come earlier, or wait for
    // the head's end.
    unsigned slow = HTTP_INCOMPLETE;
    for (size_t cut = 1; cut <= length && slow == HTTP_INCOMPLETE; cut++)
        slow = http_request_parse(data, cut, cut - 1, &request, &consumed);
    CHECK(slow == status || (slow != 200 && status != 200));
    free(data);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        random_state = strtoull(argv[1], NULL, 0) | 1;
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 200000;
    printf("seed %llu, %llu rounds\n", (unsigned long long)random_state,
           (unsigned long long)rounds);
    while (rounds-- > 0)
        round_of_random();
    return 0;
}
