// SPDX-License-Identifier: MIT
// Chunks are read strictly: each line ends in CR LF, a size is hexadecimal digits, an extension
// begins with a semicolon, a line of the trailer is a field. Anything else is refused, since
// another reader could see the end of the body elsewhere.
#include "body.h"

#include "syntax.h"

void http_body_start(struct http_body *body, const struct http_request *request)
{
    *body = (struct http_body){.chunked = request->chunked, .left = request->content_length};
    body->done = !body->chunked && body->left == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// A byte of the line with the size. False: it has no place there.
static bool take_of_size(struct http_body *body, char c)
{
    int digit = hex_digit(c);
    if (body->state <= CHUNK_DIGITS && digit >= 0) {
        body->state = CHUNK_DIGITS;
        body->left = body->left * 16 + (unsigned)digit; // weighed before the next byte
        return true;
    }
    if (body->state == CHUNK_SIZE) {
        return false;
    }
    if (c == '\r' && body->state != CHUNK_BLANK) {
        body->state = CHUNK_SIZE_END;
    } else if (body->state == CHUNK_EXTENSION) {
        return syntax_is_text(c);
    } else if (c == ';') {
        body->state = CHUNK_EXTENSION;
    } else if (c == ' ' || c == '\t') {
        body->state = CHUNK_BLANK;
    } else {
        return false;
    }
    return true;
}

// A byte of the trailer.
static bool take_of_trailer(struct http_body *body, char c)
{
    switch (body->state) {
    case CHUNK_TRAILER:
        body->state = c == '\r' ? CHUNK_LAST_LF : CHUNK_NAME;
        return c == '\r' || syntax_is_token(c);
    case CHUNK_NAME:
        if (c == ':') {
            body->state = CHUNK_VALUE;
        }
        return c == ':' || syntax_is_token(c);
    case CHUNK_VALUE:
        if (c == '\r') {
            body->state = CHUNK_TRAILER_LF;
        }
        return c == '\r' || syntax_is_text(c);
    case CHUNK_TRAILER_LF: body->state = CHUNK_TRAILER; return c == '\n';
    default: body->done = true; return c == '\n';
    }
}

// A byte that is no content.
static bool take_byte(struct http_body *body, char c)
{
    switch (body->state) {
    case CHUNK_SIZE:
    case CHUNK_DIGITS:
    case CHUNK_BLANK:
    case CHUNK_EXTENSION: return take_of_size(body, c);
    case CHUNK_SIZE_END:
        body->state = body->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
        return c == '\n';
    case CHUNK_DATA_CR: body->state = CHUNK_DATA_LF; return c == '\r';
    case CHUNK_DATA_LF: body->state = CHUNK_SIZE; return c == '\n';
    default: return take_of_trailer(body, c);
    }
}

static unsigned drop_chunks(struct http_body *body, const char *data, size_t length,
                            size_t *out_taken)
{
    size_t at = 0;
    while (at < length && !body->done) {
        size_t part = 1;
        if (body->state == CHUNK_DATA) {
            part = length - at < body->left ? length - at : (size_t)body->left;
            body->left -= part;
            body->state = body->left > 0 ? CHUNK_DATA : CHUNK_DATA_CR;
        } else if (!take_byte(body, data[at])) {
            return 400;
        }
        at += part;
        // All of it counts: a client could send nothing but framing.
        body->seen += part;
        if (body->seen > HTTP_BODY_MAX || body->left > HTTP_BODY_MAX) {
            return 413;
        }
    }
    *out_taken = at;
    return 200;
}

unsigned http_body_drop(struct http_body *body, const char *data, size_t length, size_t *out_taken)
{
    *out_taken = 0;
    if (body->chunked) {
        return drop_chunks(body, data, length, out_taken);
    }
    size_t taken = length < body->left ? length : (size_t)body->left;
    body->left -= taken;
    body->done = body->left == 0;
    *out_taken = taken;
    return 200;
}
