// SPDX-License-Identifier: MIT
// The body of a request, which is read and dropped so that the next request can be found.
#pragma once

#include "request.h"

// Where in the chunks the next byte lies (RFC 9112 7.1).
enum chunk_state {
    CHUNK_SIZE,      // at its first digit
    CHUNK_DIGITS,    // after one
    CHUNK_BLANK,     // spaces before an extension
    CHUNK_EXTENSION, // up to CR
    CHUNK_SIZE_END,  // LF of the size's line
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, // at the start of a line of the trailer
    CHUNK_NAME,    // of a field, up to the colon
    CHUNK_VALUE,   // up to CR
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF, // of the empty line
};

struct http_body {
    bool chunked, done;
    uint64_t left; // bytes to come: of the body, or of this chunk
    uint64_t seen; // with chunks: bytes so far, framing and all
    enum chunk_state state;
};

void http_body_start(struct http_body *body, const struct http_request *request);

// Takes what belongs to the body off the front of data; *out_taken is how much that was. 200: fine,
// and body->done tells whether it was all; 400: bad chunks; 413: too long. What is said does not
// depend on the pieces in which the bytes come.
unsigned http_body_drop(struct http_body *body, const char *data, size_t length, size_t *out_taken);
