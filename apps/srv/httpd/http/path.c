// SPDX-License-Identifier: MIT
#include "path.h"

#include <tessera/abi/status.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

// One character off the front of target, decoded. Zero is never a valid one.
static bool take_character(struct text *target, char *out_character)
{
    char c = target->data[0];
    size_t taken = 1;
    if (c == '%') {
        if (target->length < 3) {
            return false;
        }
        int high = hex_digit(target->data[1]), low = hex_digit(target->data[2]);
        if (high < 0 || low < 0) {
            return false;
        }
        c = (char)(high * 16 + low);
        taken = 3;
    }
    target->data += taken;
    target->length -= taken;
    *out_character = c;
    return c != '\0';
}

// The component that ends at `length` starts after the slash before it.
static size_t component_start(const char *buffer, size_t length)
{
    while (length > 0 && buffer[length - 1] != '/') {
        length--;
    }
    return length;
}

// Resolves the component buffer[start..*length) if it is "" or "." or "..": then it is gone.
// False when ".." leads out.
static bool end_component(const char *buffer, size_t *length)
{
    size_t start = component_start(buffer, *length);
    struct text component = {buffer + start, *length - start};
    if (text_equal(component, TEXT("."))) {
        *length = start;
    } else if (text_equal(component, TEXT(".."))) {
        if (start == 0) {
            return false;
        }
        *length = component_start(buffer, start - 1);
    }
    return true;
}

ts_status_t path_decode(struct text target, char *buffer, size_t size, struct text *out_path)
{
    if (!text_take(&target, '/')) {
        return TS_ERR_ARGUMENT;
    }
    size_t length = 0;
    while (target.length > 0) {
        char c;
        if (!take_character(&target, &c)) {
            return TS_ERR_ARGUMENT;
        }
        if (c == '/') {
            if (!end_component(buffer, &length)) {
                return TS_ERR_ARGUMENT;
            }
            if (length == 0 || buffer[length - 1] == '/') {
                continue; // the slash that is there stands for this one too
            }
        }
        if (length == size) {
            return TS_ERR_NAME_TOO_LONG;
        }
        buffer[length++] = c;
    }
    if (!end_component(buffer, &length)) {
        return TS_ERR_ARGUMENT;
    }
    *out_path = (struct text){buffer, length};
    return TS_OK;
}
