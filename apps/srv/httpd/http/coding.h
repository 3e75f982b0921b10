// SPDX-License-Identifier: MIT
// Content codings (RFC 9110 8.4.1), and which of them a client wants (12.5.3).
#pragma once

#include "fields.h"

enum http_coding {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_BR,
    HTTP_CODINGS, // none of them
};

struct text http_coding_name(enum http_coding coding);   // as Content-Encoding says it
struct text http_coding_suffix(enum http_coding coding); // of the file beside the original

// HTTP_CODINGS: not one that a file can have.
enum http_coding http_coding_named(struct text name);

// How much a client wants each, 0: not at all.
struct http_codings {
    uint16_t weights[HTTP_CODINGS];
};

// What Accept-Encoding says. Without the field, or when it is not understood, nothing but identity.
struct http_codings http_codings_wanted(const struct http_fields *fields);

// The one that is wanted most; of those that are wanted alike the first of `order`, then identity.
// Those whose bit (1 << coding) is in `absent` are not had. HTTP_CODINGS: none is wanted.
enum http_coding http_codings_choose(const struct http_codings *wanted, const uint8_t *order,
                                     unsigned count, unsigned absent);
