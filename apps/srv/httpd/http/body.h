// SPDX-License-Identifier: MIT
// The body of a request, which is read and dropped so that the next request can be found.
#pragma once

#include <picohttpparser.h>

#include "request.h"

struct http_body {
    bool chunked, done;
    uint64_t left; // without chunks: bytes to come
    uint64_t seen; // with chunks: bytes so far
    struct phr_chunked_decoder decoder;
};

void http_body_start(struct http_body *body, const struct http_request *request);

// Drops what belongs to the body from the front of data, which it may overwrite, and moves the
// rest there. 200: fine, and body->done tells whether it was all; 400: bad chunks; 413: too long.
unsigned http_body_drop(struct http_body *body, char *data, size_t *length);
