// SPDX-License-Identifier: MIT
// What a request for a file is answered: the preconditions of RFC 9110 13 and the ranges of 14.
#pragma once

#include "range.h"
#include "request.h"

#define ETAG_MAX 40u

// A file as the protocol sees it.
struct http_resource {
    uint64_t size;
    int64_t modified;         // seconds since 1970
    char etag_data[ETAG_MAX]; // strong, with its quotes
    struct text etag;         // of etag_data, or of a text that lives longer
};

struct http_answer {
    unsigned status;        // 200, 206, 304, 412 or 416
    uint64_t first, length; // bytes of the file that the body is; 200: all of them
    unsigned parts;         // 206: more than one: the body has those of http_ranges_parse
};

// Makes the entity tag of a file that is never changed without its time or size changing.
void http_resource_tag(struct http_resource *resource, uint64_t modified_ns);

// Weighs the preconditions in the order of RFC 9110 13.2.2. `now`: seconds since 1970.
struct http_answer http_answer_decide(const struct http_request *request,
                                      const struct http_resource *resource, int64_t now);
