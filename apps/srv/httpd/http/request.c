// SPDX-License-Identifier: MIT
// picohttpparser splits the head; everything that gives it meaning is checked here. What a
// request may smuggle past a less careful peer (both lengths, repeated Host or lengths that
// differ, folded lines, unknown transfer codings) is refused, never guessed at.
#include "request.h"

#include <string.h>

#include <picohttpparser.h>

#define STATUS_OK                 200u
#define STATUS_BAD_REQUEST        400u
#define STATUS_METHOD_NOT_ALLOWED 405u
#define STATUS_TOO_LARGE          413u
#define STATUS_URI_TOO_LONG       414u
#define STATUS_EXPECTATION_FAILED 417u
#define STATUS_FIELDS_TOO_LARGE   431u
#define STATUS_NOT_IMPLEMENTED    501u
#define STATUS_VERSION            505u

// What the fields said, before it is weighed together.
struct fields {
    unsigned hosts, lengths;
    struct text host, connection, coding, expect;
    bool has_coding, bad_length;
};

// The first line, without what ends it; cut where it is not whole. Empty lines before it are
// skipped (RFC 9112 2.2).
static struct text first_line(struct text data)
{
    while (data.length > 0 && (data.data[0] == '\r' || data.data[0] == '\n')) {
        data.data++;
        data.length--;
    }
    const char *end = data.length > 0 ? memchr(data.data, '\n', data.length) : NULL;
    if (end != NULL) {
        data.length = (size_t)(end - data.data);
        if (data.length > 0 && data.data[data.length - 1] == '\r')
            data.length--;
    }
    return data;
}

// The second and third word of a request line.
static bool split_line(struct text line, struct text *out_target, struct text *out_version)
{
    const char *first = line.length > 0 ? memchr(line.data, ' ', line.length) : NULL;
    if (first == NULL)
        return false;
    struct text rest = {first + 1, line.length - (size_t)(first + 1 - line.data)};
    const char *second = rest.length > 0 ? memchr(rest.data, ' ', rest.length) : NULL;
    *out_target = second == NULL ? rest : (struct text){rest.data, (size_t)(second - rest.data)};
    *out_version = second == NULL ? (struct text){0}
                                  : (struct text){second + 1, rest.length - out_target->length - 1};
    return true;
}

// Why a head that could not be parsed is refused: another version of HTTP deserves its own answer.
static unsigned refusal(struct text line)
{
    struct text target, version;
    if (!split_line(line, &target, &version))
        return STATUS_BAD_REQUEST;
    const char *v = version.data;
    bool named = version.length == 8 && memcmp(v, "HTTP/", 5) == 0 && v[5] >= '0' && v[5] <= '9' &&
                 v[6] == '.' && v[7] >= '0' && v[7] <= '9';
    return named && v[5] != '1' ? STATUS_VERSION : STATUS_BAD_REQUEST;
}

static unsigned incomplete(struct text data, struct text line)
{
    struct text target, version;
    if (split_line(line, &target, &version) && target.length > HTTP_TARGET_MAX)
        return STATUS_URI_TOO_LONG;
    return data.length >= HTTP_HEAD_MAX ? STATUS_FIELDS_TOO_LARGE : HTTP_INCOMPLETE;
}

static unsigned set_method(struct http_request *request, struct text method)
{
    static const struct {
        struct text name;
        enum http_method method;
    } known[] = {
        {TEXT("GET"), HTTP_GET},       {TEXT("HEAD"), HTTP_HEAD},   {TEXT("OPTIONS"), HTTP_OPTIONS},
        {TEXT("POST"), HTTP_OTHER},    {TEXT("PUT"), HTTP_OTHER},   {TEXT("DELETE"), HTTP_OTHER},
        {TEXT("CONNECT"), HTTP_OTHER}, {TEXT("TRACE"), HTTP_OTHER}, {TEXT("PATCH"), HTTP_OTHER},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_equal(method, known[i].name)) {
            request->method = known[i].method;
            return request->method == HTTP_OTHER ? STATUS_METHOD_NOT_ALLOWED : STATUS_OK;
        }
    }
    return STATUS_NOT_IMPLEMENTED;
}

// Origin, absolute and asterisk form (RFC 9112 3.2); the authority form is CONNECT's alone.
static unsigned set_target(struct http_request *request, struct text target)
{
    if (target.length > HTTP_TARGET_MAX)
        return STATUS_URI_TOO_LONG;
    if (text_equal(target, TEXT("*"))) {
        request->asterisk = true;
        return request->method == HTTP_OPTIONS ? STATUS_OK : STATUS_BAD_REQUEST;
    }
    static const struct text scheme = TEXT("http://");
    if (target.length >= scheme.length &&
        text_equal_fold((struct text){target.data, scheme.length}, scheme)) {
        target.data += scheme.length;
        target.length -= scheme.length;
        size_t authority = 0;
        while (authority < target.length && strchr("/?", target.data[authority]) == NULL)
            authority++;
        if (authority == 0)
            return STATUS_BAD_REQUEST;
        target.data += authority;
        target.length -= authority;
        if (target.length == 0)
            target = TEXT("/");
    }
    const char *query = target.length > 0 ? memchr(target.data, '?', target.length) : NULL;
    if (query != NULL) {
        size_t before = (size_t)(query - target.data);
        request->query = (struct text){query + 1, target.length - before - 1};
        target.length = before;
    }
    request->path = target.length == 0 && query != NULL ? TEXT("/") : target;
    return request->path.length > 0 && request->path.data[0] == '/' ? STATUS_OK
                                                                    : STATUS_BAD_REQUEST;
}

// Several Content-Length values, in one field or many, are one if they are all equal.
static void add_length(struct http_request *request, struct fields *fields, struct text value)
{
    struct text element;
    bool any = false;
    while (text_list_next(&value, &element)) {
        uint64_t length;
        any = true;
        if (!text_take_number(&element, &length) || element.length != 0 ||
            (fields->lengths++ > 0 && length != request->content_length)) {
            fields->bad_length = true;
            return;
        }
        request->content_length = length;
    }
    fields->bad_length |= !any;
}

static void add_field(struct http_request *request, struct fields *fields, struct text name,
                      struct text value)
{
    const struct {
        struct text name, *value;
    } kept[] = {
        {TEXT("connection"), &fields->connection},
        {TEXT("expect"), &fields->expect},
        {TEXT("if-modified-since"), &request->if_modified_since},
        {TEXT("if-unmodified-since"), &request->if_unmodified_since},
        {TEXT("if-range"), &request->if_range},
        {TEXT("range"), &request->range},
        {TEXT("referer"), &request->referer},
        {TEXT("user-agent"), &request->agent},
        {TEXT("if-match"), &request->if_match},
        {TEXT("if-none-match"), &request->if_none_match},
        {TEXT("host"), &fields->host},
        {TEXT("transfer-encoding"), &fields->coding},
    };
    if (text_equal_fold(name, TEXT("content-length"))) {
        add_length(request, fields, value);
        return;
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (!text_equal_fold(name, kept[i].name))
            continue;
        fields->hosts += kept[i].value == &fields->host;
        request->has_if_match |= kept[i].value == &request->if_match;
        request->has_if_none_match |= kept[i].value == &request->if_none_match;
        // A second coding field would have to be joined with the first: nobody sends it honestly.
        fields->bad_length |= fields->has_coding && kept[i].value == &fields->coding;
        fields->has_coding |= kept[i].value == &fields->coding;
        *kept[i].value = value;
        return;
    }
}

static bool is_of_host(unsigned char c)
{
    switch (c) {
    case '/':
    case '?':
    case '#':
    case '@':
    case '\\':
    case '"':
    case '<':
    case '>': return false;
    default: return c > ' ' && c < 0x7f;
    }
}

static bool host_valid(struct text host)
{
    for (size_t i = 0; i < host.length; i++) {
        if (!is_of_host((unsigned char)host.data[i]))
            return false;
    }
    return true;
}

// How the body is delimited (RFC 9112 6.3), for a server that only drops it.
static unsigned weigh_body(struct http_request *request, const struct fields *fields)
{
    if (fields->bad_length || (fields->has_coding && fields->lengths > 0))
        return STATUS_BAD_REQUEST;
    if (fields->has_coding) {
        if (request->minor == 0)
            return STATUS_BAD_REQUEST;
        if (!text_equal_fold(fields->coding, TEXT("chunked")))
            return STATUS_NOT_IMPLEMENTED;
        request->chunked = true;
    }
    return request->content_length > HTTP_BODY_MAX ? STATUS_TOO_LARGE : STATUS_OK;
}

static unsigned weigh(struct http_request *request, const struct fields *fields)
{
    bool host_wanted = request->minor > 0;
    if (fields->hosts > 1 || (host_wanted && fields->hosts == 0) || !host_valid(fields->host))
        return STATUS_BAD_REQUEST;
    unsigned status = weigh_body(request, fields);
    if (status != STATUS_OK)
        return status;
    if (fields->expect.length > 0 && request->minor > 0) {
        if (!text_equal_fold(fields->expect, TEXT("100-continue")))
            return STATUS_EXPECTATION_FAILED;
        request->expect_continue = true;
    }
    bool close = text_list_has(fields->connection, TEXT("close"));
    bool keep = request->minor > 0 || text_list_has(fields->connection, TEXT("keep-alive"));
    request->keep_alive = keep && !close;
    return STATUS_OK;
}

// picohttpparser takes any HTTP/1.x; a name of NULL is a folded line, which RFC 9112 5.2 lets a
// server refuse.
static unsigned read_fields(struct http_request *request, struct fields *fields,
                            const struct phr_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name == NULL || headers[i].name_len == 0)
            return STATUS_BAD_REQUEST;
        add_field(request, fields, (struct text){headers[i].name, headers[i].name_len},
                  text_trim((struct text){headers[i].value, headers[i].value_len}));
    }
    return STATUS_OK;
}

// Whether the head was refused for having more fields than there is room for.
static bool too_many_fields(struct text data)
{
    unsigned lines = 0;
    for (const char *at = data.data; data.length > 0; lines++) {
        at = memchr(data.data, '\n', data.length);
        if (at == NULL)
            break;
        data.length -= (size_t)(at + 1 - data.data);
        data.data = at + 1;
    }
    return lines > HTTP_FIELDS_MAX;
}

unsigned http_request_parse(const char *data, size_t length, size_t known,
                            struct http_request *out_request, size_t *out_consumed)
{
    struct phr_header headers[HTTP_FIELDS_MAX];
    size_t count = HTTP_FIELDS_MAX;
    struct text method = {0}, target = {0};
    int minor = 0;
    struct text all = {data, length < HTTP_HEAD_MAX ? length : HTTP_HEAD_MAX};

    *out_request = (struct http_request){.line = first_line(all)};
    int taken = phr_parse_request(all.data, all.length, &method.data, &method.length, &target.data,
                                  &target.length, &minor, headers, &count, known);
    if (taken == -2)
        return incomplete(all, out_request->line);
    if (taken < 0 && count == HTTP_FIELDS_MAX && too_many_fields(all))
        return STATUS_FIELDS_TOO_LARGE;
    if (taken < 0)
        return refusal(out_request->line);

    struct fields fields = {0};
    *out_consumed = (size_t)taken;
    out_request->minor = (unsigned)minor;
    unsigned status = read_fields(out_request, &fields, headers, count);
    unsigned of_method = set_method(out_request, method);
    if (status == STATUS_OK)
        status = of_method;
    if (status == STATUS_OK)
        status = set_target(out_request, target);
    return status == STATUS_OK ? weigh(out_request, &fields) : status;
}
