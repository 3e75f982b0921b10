// SPDX-License-Identifier: MIT
// The head is read line by line, each judged when it is whole. What two readers could take in two
// ways (a line end without CR, a control character, a folded line, a space before a colon, both
// lengths, several hosts) is refused, never guessed at.
#include "request.h"

#include <string.h>

#include "syntax.h"

#define STATUS_OK                 200u
#define STATUS_BAD_REQUEST        400u
#define STATUS_TOO_LARGE          413u
#define STATUS_URI_TOO_LONG       414u
#define STATUS_EXPECTATION_FAILED 417u
#define STATUS_FIELDS_TOO_LARGE   431u
#define STATUS_NOT_IMPLEMENTED    501u
#define STATUS_VERSION            505u

// The words of a request line: three, with one space between; the last has what is left.
struct words {
    struct text method, target, version;
};

static struct text take_word(struct text *rest)
{
    const char *at = rest->data, *end = at + rest->length;
    while (at < end && *at != ' ') {
        at++;
    }
    struct text word = {rest->data, (size_t)(at - rest->data)};
    rest->data = at < end ? at + 1 : end;
    rest->length = (size_t)(end - rest->data);
    return word;
}

static struct words words_of(struct text line)
{
    struct words words;
    words.method = take_word(&line);
    words.target = take_word(&line);
    words.version = line;
    return words;
}

static unsigned take_version(struct http_request *request, struct text version)
{
    const char *v = version.data;
    bool named = version.length == 8 && memcmp(v, "HTTP/", 5) == 0 && v[5] >= '0' && v[5] <= '9' &&
                 v[6] == '.' && v[7] >= '0' && v[7] <= '9';
    if (!named) {
        return STATUS_BAD_REQUEST;
    }
    request->minor = (unsigned)(v[7] - '0');
    return v[5] == '1' ? STATUS_OK : STATUS_VERSION;
}

static enum http_method method_of(struct text method)
{
    static const struct {
        struct text name;
        enum http_method method;
    } known[] = {
        {TEXT("GET"), HTTP_GET},         {TEXT("HEAD"), HTTP_HEAD},
        {TEXT("OPTIONS"), HTTP_OPTIONS}, {TEXT("CONNECT"), HTTP_CONNECT},
        {TEXT("POST"), HTTP_OTHER},      {TEXT("PUT"), HTTP_OTHER},
        {TEXT("DELETE"), HTTP_OTHER},    {TEXT("TRACE"), HTTP_OTHER},
        {TEXT("PATCH"), HTTP_OTHER},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_equal(method, known[i].name)) {
            return known[i].method;
        }
    }
    return HTTP_UNKNOWN;
}

// Takes "http://host:port" off the front of an absolute form (RFC 9112 3.2.2); "" is "/" there.
static bool take_origin(struct http_request *request, struct text *target)
{
    static const struct text scheme = TEXT("http://");
    if (target->length < scheme.length ||
        !text_equal_fold((struct text){target->data, scheme.length}, scheme)) {
        return false;
    }
    target->data += scheme.length;
    target->length -= scheme.length;
    size_t length = 0;
    while (length < target->length && target->data[length] != '/' && target->data[length] != '?') {
        length++;
    }
    if (!authority_parse((struct text){target->data, length}, &request->authority)) {
        return false;
    }
    target->data += length;
    target->length -= length;
    return true;
}

// Path and query. A fragment is no part of a target, and a tab none of a line: others would cut
// there.
static bool take_path(struct http_request *request, struct text target)
{
    size_t path = target.length;
    for (size_t i = 0; i < target.length; i++) {
        char c = target.data[i];
        if (c == '#' || c == '\t') {
            return false;
        }
        if (c == '?' && i < path) {
            path = i;
        }
    }
    request->path = path > 0 ? (struct text){target.data, path} : TEXT("/");
    if (path < target.length) {
        request->query = (struct text){target.data + path + 1, target.length - path - 1};
    }
    return true;
}

// Origin, absolute, asterisk and authority form (RFC 9112 3.2).
static bool take_target(struct http_request *request, struct text target)
{
    if (request->method == HTTP_CONNECT) {
        return authority_parse(target, &request->authority) && request->authority.port != 0;
    }
    if (text_equal(target, TEXT("*"))) {
        request->asterisk = true;
        return request->method == HTTP_OPTIONS;
    }
    bool absolute = target.length == 0 || target.data[0] != '/';
    return (!absolute || take_origin(request, &target)) && take_path(request, target);
}

static unsigned take_request_line(struct http_request *request, const struct words *words)
{
    request->method = method_of(words->method);
    if (request->method == HTTP_UNKNOWN && !syntax_token(words->method)) {
        return STATUS_BAD_REQUEST;
    }
    unsigned status = take_version(request, words->version);
    if (status != STATUS_OK) {
        return status;
    }
    return take_target(request, words->target) ? STATUS_OK : STATUS_BAD_REQUEST;
}

// Several values are one if they are all equal.
static bool weigh_length(struct http_request *request)
{
    struct text element;
    bool any = false;
    struct http_list list = http_list(&request->fields, HTTP_CONTENT_LENGTH);
    while (http_list_next(&list, &element)) {
        uint64_t length;
        if (!text_take_number(&element, &length) || element.length != 0 ||
            (any && length != request->content_length)) {
            return false;
        }
        any = true;
        request->content_length = length;
    }
    return any;
}

// Chunks have to be the last coding, or where the body ends is not known; and are the only one.
static unsigned weigh_coding(struct http_request *request)
{
    struct text element = {0};
    unsigned codings = 0, chunks = 0;
    struct http_list list = http_list(&request->fields, HTTP_TRANSFER_ENCODING);
    for (; http_list_next(&list, &element); codings++) {
        chunks += text_equal_fold(element, TEXT("chunked"));
    }
    if (request->minor == 0 || chunks != 1 || !text_equal_fold(element, TEXT("chunked"))) {
        return STATUS_BAD_REQUEST;
    }
    request->chunked = true;
    return codings == 1 ? STATUS_OK : STATUS_NOT_IMPLEMENTED;
}

// How the body is delimited (RFC 9112 6.3), for a server that only drops it.
static unsigned weigh_body(struct http_request *request)
{
    bool has_length = http_fields_has(&request->fields, HTTP_CONTENT_LENGTH);
    if (http_fields_has(&request->fields, HTTP_TRANSFER_ENCODING)) {
        return has_length ? STATUS_BAD_REQUEST : weigh_coding(request);
    }
    if (has_length && !weigh_length(request)) {
        return STATUS_BAD_REQUEST;
    }
    if (request->content_length <= HTTP_BODY_MAX) {
        return STATUS_OK;
    }
    // A client that sends it with a method that is not offered is to learn that, not the length.
    request->ends_early = request->method >= HTTP_OTHER;
    return request->ends_early ? STATUS_OK : STATUS_TOO_LARGE;
}

// A client that waits with its body for our leave gets the answer instead of it.
static unsigned weigh_expectation(struct http_request *request)
{
    struct text element;
    if (request->minor == 0 || !http_fields_has(&request->fields, HTTP_EXPECT)) {
        return STATUS_OK;
    }
    struct http_list list = http_list(&request->fields, HTTP_EXPECT);
    while (http_list_next(&list, &element)) {
        if (!text_equal_fold(element, TEXT("100-continue"))) {
            return STATUS_EXPECTATION_FAILED;
        }
        request->ends_early = true;
    }
    return STATUS_OK;
}

// Host has to be there, and be one, even where an absolute target says another (RFC 9112 3.2.2).
static bool weigh_host(struct http_request *request)
{
    const struct text host = request->fields.values[HTTP_HOST];
    struct authority authority = {0};
    if (!http_fields_has(&request->fields, HTTP_HOST)) {
        return request->minor == 0;
    }
    if (host.length > 0 && !authority_parse(host, &authority)) {
        return false;
    }
    if (request->authority.host.length == 0) {
        request->authority = authority;
    }
    return true;
}

static unsigned weigh(struct http_request *request)
{
    const struct http_fields *fields = &request->fields;
    unsigned status = weigh_host(request) ? weigh_body(request) : STATUS_BAD_REQUEST;
    if (status == STATUS_OK) {
        status = weigh_expectation(request);
    }
    bool close = http_list_has(fields, HTTP_CONNECTION, TEXT("close"));
    bool keep = request->minor > 0 || http_list_has(fields, HTTP_CONNECTION, TEXT("keep-alive"));
    // What follows CONNECT may be meant for the other end of a tunnel.
    request->keep_alive = keep && !close && request->method != HTTP_CONNECT;
    return status;
}

// Looks for the end of the line that begins at line_start. 200: it is there, without its CR LF.
static unsigned next_line(struct http_request *request, struct text data, struct text *out_line)
{
    size_t at = request->looked_at;
    at += syntax_text_length(data.data + at, data.length - at);
    request->looked_at = (uint32_t)at;
    *out_line = (struct text){data.data + request->line_start, at - request->line_start};
    if (at == data.length || (data.data[at] == '\r' && at + 1 == data.length)) {
        return HTTP_INCOMPLETE;
    }
    if (data.data[at] != '\r' || data.data[at + 1] != '\n') {
        return STATUS_BAD_REQUEST;
    }
    request->looked_at = request->line_start = (uint32_t)at + 2;
    return STATUS_OK;
}

// What the log shows of a request line that is refused, or not whole yet.
static struct text line_so_far(struct text data, struct text line)
{
    size_t start = (size_t)(line.data - data.data);
    while (start + line.length < data.length && line.data[line.length] != '\n') {
        line.length++;
    }
    return line;
}

// The first line, whole or not (`status`). One empty line before it is forgiven (RFC 9112 2.2).
static unsigned first_line(struct http_request *request, struct text data, struct text line,
                           unsigned status)
{
    struct words words = words_of(line);
    request->line = status == STATUS_OK ? line : line_so_far(data, line);
    if (words.target.length > HTTP_TARGET_MAX) {
        return STATUS_URI_TOO_LONG;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (line.length == 0 && !request->skipped) {
        request->skipped = true;
        return STATUS_OK;
    }
    request->lines = 1;
    return take_request_line(request, &words);
}

static unsigned field_line(struct http_request *request, struct text line)
{
    if (request->lines++ > HTTP_FIELDS_MAX) {
        return STATUS_FIELDS_TOO_LARGE;
    }
    return http_fields_take(&request->fields, line) ? STATUS_OK : STATUS_BAD_REQUEST;
}

unsigned http_request_parse(const char *data, size_t length, struct http_request *request,
                            size_t *out_consumed)
{
    struct text all = {data, length < HTTP_HEAD_MAX ? length : HTTP_HEAD_MAX}, line;
    unsigned status;
    do {
        status = next_line(request, all, &line);
        if (request->lines == 0) {
            status = first_line(request, all, line, status);
        } else if (status == STATUS_OK && line.length > 0) {
            status = field_line(request, line);
        } else if (status == STATUS_OK) {
            *out_consumed = request->looked_at;
            request->fields.head = (struct text){data, *out_consumed};
            return weigh(request);
        }
    } while (status == STATUS_OK);
    return status == HTTP_INCOMPLETE && length >= HTTP_HEAD_MAX ? STATUS_FIELDS_TOO_LARGE : status;
}
