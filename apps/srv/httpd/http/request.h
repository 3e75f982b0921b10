// SPDX-License-Identifier: MIT
// A request's head (RFC 9112 2 to 6), parsed and checked.
#pragma once

#include "text.h"

#define HTTP_TARGET_MAX 8192u  // longest request line's target; longer is 414
#define HTTP_HEAD_MAX   16384u // whole head; longer is 431
#define HTTP_FIELDS_MAX 64u    // header fields; more is 431
#define HTTP_BODY_MAX   65536u // body of a request, which this server reads and drops; more is 413

// Not a status of HTTP: the head is not whole yet.
#define HTTP_INCOMPLETE 0u

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_OTHER };

struct http_request {
    // What the access log shows; set as far as they are known even when the request is refused.
    struct text line, referer, agent;

    enum http_method method;
    unsigned minor; // HTTP/1.minor
    bool asterisk;  // the target is "*"
    bool keep_alive;
    bool chunked;            // a body follows in chunks
    bool expect_continue;    // the client waits before it sends the body
    uint64_t content_length; // of the body that follows

    struct text path; // as sent: still encoded, without query
    struct text query;
    struct text if_match, if_none_match, if_modified_since, if_unmodified_since, if_range, range;
    bool has_if_match, has_if_none_match; // an empty list is not an absent one
};

// Parses the head at the start of length bytes. 200: it is good, *out_consumed bytes long, and
// out_request's texts point into data. HTTP_INCOMPLETE: more bytes are needed (never said once
// HTTP_HEAD_MAX bytes are there). Else it is the status of the refusal: 400, 405, 413, 414, 417,
// 431, 501 or 505; the connection cannot go on after it. `known` is the length that an earlier
// call called incomplete, 0 at first; it makes the second look short.
unsigned http_request_parse(const char *data, size_t length, size_t known,
                            struct http_request *out_request, size_t *out_consumed);
