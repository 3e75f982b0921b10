// SPDX-License-Identifier: MIT
// The head of a response, the media types, the pages for errors and the access log's line.
#pragma once

#include "answer.h"

#define HTTP_RESPONSE_HEAD_MAX 768u // a head without a Location

// Everything that a response's head says. Empty texts and negative numbers are left out.
struct http_head {
    unsigned status;
    int64_t now; // seconds since 1970, for Date
    bool keep_alive;
    bool minor0;            // to an HTTP/1.0 client: keeping alive must be said
    int64_t content_length; // -1: none (304)
    struct text content_type, content_encoding, etag, location, allow, cache_control;
    int64_t modified; // -1: none
    // 206: the range's first byte; 206 and 416: the whole's size.
    uint64_t range_first, whole_size;
    bool accept_ranges;
    bool varies; // by Accept-Encoding
    bool parts;  // 206 of several ranges
};

// Reason phrase of a status that this server sends.
struct text http_reason(unsigned status);

// Media type by the name's extension, "application/octet-stream" if it is not known.
struct text http_media_type(struct text path);

void http_head_write(struct writer *writer, const struct http_head *head);

// A small HTML page that names the status; `detail` may be empty. Everything is escaped.
void http_error_page(struct writer *writer, unsigned status, struct text detail);

// One line of the common log format: host ident user [time] "request" status bytes. What could
// break the line or a terminal is shown as \xHH.
void http_log_line(struct writer *writer, struct text peer, int64_t now, struct text line,
                   unsigned status, uint64_t bytes);
