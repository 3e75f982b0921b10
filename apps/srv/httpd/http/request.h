// SPDX-License-Identifier: MIT
// A request's head (RFC 9112 2 to 6), read as it comes, and checked.
#pragma once

#include "authority.h"
#include "fields.h"

#define HTTP_TARGET_MAX 8192u  // longest request line's target; longer is 414
#define HTTP_HEAD_MAX   16384u // whole head; longer is 431
#define HTTP_FIELDS_MAX 64u    // header fields; more is 431
#define HTTP_BODY_MAX   65536u // body of a request, which this server reads and drops; more is 413

// Not a status of HTTP: the head is not whole yet.
#define HTTP_INCOMPLETE 0u

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_OPTIONS,
    HTTP_CONNECT,
    HTTP_OTHER,   // it exists, but this server does not offer it
    HTTP_UNKNOWN, // it does not
};

struct http_request {
    // What the access log shows; set as far as it is known even when the request is refused.
    struct text line;

    enum http_method method;
    unsigned minor; // HTTP/1.minor
    bool asterisk;  // the target is "*"
    bool keep_alive;
    bool chunked;            // a body follows in chunks
    bool ends_early;         // the body is not to be read: the answer ends the connection
    uint64_t content_length; // of the body that follows

    struct text path; // as sent: still encoded, without query
    struct text query;
    struct authority authority; // of an absolute target, else of Host; host is empty without one
    struct http_fields fields;

    // How far the head was read: bytes looked at, the start of the line they are in, lines before.
    uint32_t looked_at, line_start, lines;
    bool skipped; // an empty line before the first
};

// Reads on in the head at the start of length bytes, after a call for its first bytes said
// HTTP_INCOMPLETE; a request that is all zero begins. (If the bytes have moved since, it has to
// begin again.) 200: the head is good, *out_consumed bytes long, and out_request's texts point into
// data. HTTP_INCOMPLETE: more bytes are needed (never said once HTTP_HEAD_MAX bytes are there).
// Else it is the status of the refusal: 400, 413, 414, 417, 431, 501 or 505; the connection cannot
// go on after it. What is said, and at which byte, does not depend on the pieces in which the bytes
// came.
unsigned http_request_parse(const char *data, size_t length, struct http_request *request,
                            size_t *out_consumed);
