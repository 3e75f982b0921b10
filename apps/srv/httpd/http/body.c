// SPDX-License-Identifier: MIT
#include "body.h"

#include <string.h>

void http_body_start(struct http_body *body, const struct http_request *request)
{
    *body = (struct http_body){.chunked = request->chunked, .left = request->content_length};
    body->decoder.consume_trailer = 1;
    body->done = !body->chunked && body->left == 0;
}

static unsigned drop_chunks(struct http_body *body, char *data, size_t *length)
{
    size_t whole = *length, decoded = *length;
    ssize_t rest = phr_decode_chunked(&body->decoder, data, &decoded);
    if (rest == -1)
        return 400;
    // What is not content is framing, and a client could send nothing else: all of it counts.
    body->seen += rest < 0 ? whole : whole - (size_t)rest;
    *length = 0;
    if (rest >= 0) {
        body->done = true;
        memmove(data, data + decoded, (size_t)rest);
        *length = (size_t)rest;
    }
    return body->seen > HTTP_BODY_MAX ? 413 : 200;
}

unsigned http_body_drop(struct http_body *body, char *data, size_t *length)
{
    if (body->done || *length == 0)
        return 200;
    if (body->chunked)
        return drop_chunks(body, data, length);
    size_t taken = *length < body->left ? *length : (size_t)body->left;
    body->left -= taken;
    body->done = body->left == 0;
    *length -= taken;
    memmove(data, data + taken, *length);
    return 200;
}
