// SPDX-License-Identifier: MIT
// Heads and bodies made of random pieces of good and bad ones, in buffers of exactly their size:
// nothing is read past the end, texts lie within the input, paths never climb, and in whatever
// pieces the bytes come, the same is said of them. The seed is printed; argv[1] sets it, argv[2]
// the rounds.
#include <stdlib.h>

#include <tessera/abi/status.h>

#include "answer.h"
#include "body.h"
#include "check_text.h"
#include "head.h"
#include "path.h"
#include "syntax.h"

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
    "Host: [::1]:8\r\n",
    "Host: a:b\r\n",
    "Range: bytes=0-1\r\n",
    "If-Match: \"a\"\r\n",
    "If-Match: \"b\"\r\n",
    "Connection: x\r\n",
    "Expect: ",
    "@",
    "#",
};

static const char *const chunk_pieces[] = {
    "0",
    "3",
    "5",
    "a",
    "F",
    "0x",
    "\r\n",
    "\r",
    "\n",
    ";",
    "=",
    " ",
    "\t",
    "\"",
    "abc",
    "hello",
    "3\r\nabc\r\n",
    "1;a=b\r\nx\r\n",
    "0\r\n\r\n",
    "\r\n0\r\n",
    "A: b\r\n",
    ":",
    "\x01",
};

static size_t make_head(char *data, size_t size)
{
    size_t length = 0;
    bool likely = random_below(2) == 0;
    if (likely) {
        length = (size_t)snprintf(data, size, "GET / HTTP/1.1\r\nHost: x\r\n");
    }
    for (uint64_t n = random_below(24); n > 0; n--) {
        const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];
        if (length + strlen(piece) + 4 > size) {
            break;
        }
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

static char *copy_of(const char *data, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, data, length);
    return copy;
}

// The head in random pieces, each time in a buffer of exactly its size; it may move meanwhile.
static unsigned parse_in_pieces(const char *data, size_t length, size_t most, size_t *out_consumed)
{
    struct http_request request = {0};
    unsigned status = HTTP_INCOMPLETE;
    char *copy = malloc(length > 0 ? length : 1);
    for (size_t at = 0; at < length && status == HTTP_INCOMPLETE;) {
        size_t part = 1 + random_below(most);
        part = part < length - at ? part : length - at;
        memcpy(copy + at, data + at, part);
        at += part;
        if (random_below(8) == 0) {
            request = (struct http_request){0}; // as after a move
        }
        status = http_request_parse(copy, at, &request, out_consumed);
    }
    free(copy);
    return status;
}

static void round_of_heads(void)
{
    char made[1024], log[1024];
    size_t length = make_head(made, sizeof(made)), consumed = 0, again = 0;
    char *data = copy_of(made, length);
    struct http_request request = {0};
    unsigned status = http_request_parse(data, length, &request, &consumed);
    struct writer writer = writer_make(log, sizeof(log));
    http_log_line(&writer, TEXT("-"), 0, request.line, status, 0);
    if (status == 200) {
        CHECK(consumed <= length && consumed > 0);
        CHECK(within(request.path, data, length) && within(request.query, data, length));
        CHECK(within(request.authority.host, data, length));
        use_path(request.path);
        use_request(&request);
    }
    for (size_t most = 1; most <= 64; most *= 4) {
        unsigned slow = parse_in_pieces(made, length, most, &again);
        if (slow != status) {
            fprintf(stderr, "%.*s\n%u in pieces, %u\n", (int)length, made, slow, status);
        }
        CHECK(slow == status && (status != 200 || again == consumed));
    }
    free(data);
}

// ---- Bodies

// A reader of chunks that has all bytes before it, and looks at them line by line.
struct reference {
    const char *data;
    size_t length, at;
    bool bad;
};

// The length of the line that begins at `at`; what is there of it when it does not end.
static bool whole_line(struct reference *r, size_t *out_length)
{
    size_t end = r->at;
    while (end < r->length && (r->data[end] == '\t' || (unsigned char)r->data[end] >= ' ')) {
        end++;
    }
    *out_length = end - r->at;
    r->bad |= end < r->length && r->data[end] != '\r';
    r->bad |= end + 1 < r->length && r->data[end + 1] != '\n';
    return !r->bad && end + 1 < r->length;
}

// A size, and perhaps an extension. False: it is wrong, or it stops.
static bool reference_size(struct reference *r, size_t *out_size)
{
    size_t length, digits = 0;
    bool whole = whole_line(r, &length);
    const char *line = r->data + r->at;
    *out_size = 0;
    for (; digits < length && strchr("0123456789abcdefABCDEF", line[digits]) != NULL; digits++) {
        char digit[2] = {line[digits], '\0'};
        *out_size = *out_size * 16 + strtoul(digit, NULL, 16);
    }
    size_t blanks = digits;
    while (blanks < length && (line[blanks] == ' ' || line[blanks] == '\t')) {
        blanks++;
    }
    r->bad |= digits == 0 && (length > 0 || r->at < r->length);
    r->bad |= blanks < length && line[blanks] != ';';
    r->bad |= blanks == length && blanks > digits && r->at + length < r->length;
    r->at += length + 2;
    return whole && !r->bad;
}

static bool reference_trailer(struct reference *r)
{
    size_t length, name = 0;
    while (whole_line(r, &length) && length > 0) {
        const char *line = r->data + r->at;
        for (name = 0; name < length && syntax_is_token(line[name]); name++) {
            ;
        }
        r->bad |= name == 0 || name == length || line[name] != ':';
        if (r->bad) {
            return false;
        }
        r->at += length + 2;
    }
    const char *line = r->data + r->at; // the last, or the one that stops
    for (name = 0; name < length && syntax_is_token(line[name]); name++) {
        ;
    }
    r->bad |= length > 0 && (name == 0 || (name < length && line[name] != ':'));
    r->bad |= name == length && length > 0 && r->at + length < r->length;
    r->at += 2;
    return !r->bad && length == 0 && r->at <= r->length;
}

static unsigned reference(const char *data, size_t length, size_t *out_taken)
{
    struct reference r = {.data = data, .length = length};
    size_t size;
    while (reference_size(&r, &size)) {
        if (size == 0) {
            bool all = reference_trailer(&r);
            *out_taken = r.at;
            return r.bad ? 400 : all ? 200 : HTTP_INCOMPLETE;
        }
        r.at += size;
        for (unsigned i = 0; i < 2; i++, r.at++) {
            if (r.at >= length) {
                return HTTP_INCOMPLETE;
            }
            if (data[r.at] != "\r\n"[i]) {
                return 400;
            }
        }
    }
    return r.bad ? 400 : HTTP_INCOMPLETE;
}

static unsigned drop_in_pieces(const char *data, size_t length, size_t most, size_t *out_taken)
{
    struct http_body body;
    http_body_start(&body, &(struct http_request){.chunked = true});
    *out_taken = 0;
    while (!body.done && *out_taken < length) {
        size_t part = 1 + random_below(most), left = length - *out_taken, taken;
        char *copy = copy_of(data + *out_taken, part = part < left ? part : left);
        unsigned status = http_body_drop(&body, copy, part, &taken);
        free(copy);
        if (status != 200) {
            return status;
        }
        CHECK(taken == part || body.done);
        *out_taken += taken;
    }
    return body.done ? 200 : HTTP_INCOMPLETE;
}

static void round_of_chunks(void)
{
    char data[256];
    size_t length = 0, expected_taken = 0, taken;
    for (uint64_t n = random_below(12); n > 0; n--) {
        const char *piece =
            chunk_pieces[random_below(sizeof(chunk_pieces) / sizeof(chunk_pieces[0]))];
        memcpy(data + length, piece, strlen(piece));
        length += strlen(piece);
    }
    unsigned expected = reference(data, length, &expected_taken);
    for (size_t most = 1; most <= 256; most *= 4) {
        unsigned status = drop_in_pieces(data, length, most, &taken);
        if (status == 413) {
            continue; // a size that is too large: the reference reads on
        }
        if (status != expected) {
            fprintf(stderr, "%.*s\n%u, not %u\n", (int)length, data, status, expected);
        }
        CHECK(status == expected && (status != 200 || taken == expected_taken));
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        random_state = strtoull(argv[1], NULL, 0) | 1;
    }
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
    printf("seed %llu, %llu rounds\n", (unsigned long long)random_state,
           (unsigned long long)rounds);
    while (rounds-- > 0) {
        round_of_heads();
        round_of_chunks();
    }
    return 0;
}
