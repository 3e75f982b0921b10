// SPDX-License-Identifier: MIT
#include "net/address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/posix.h"

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

uint32_t htonl(uint32_t value)
{
    return __builtin_bswap32(value);
}

uint16_t htons(uint16_t value)
{
    return __builtin_bswap16(value);
}

uint32_t ntohl(uint32_t value)
{
    return __builtin_bswap32(value);
}

uint16_t ntohs(uint16_t value)
{
    return __builtin_bswap16(value);
}

int address_in(const struct sockaddr *from, socklen_t length, struct ts_net_address *out)
{
    *out = (struct ts_net_address){0};
    if (from == NULL || length < sizeof(from->sa_family)) {
        return EINVAL;
    }
    switch (from->sa_family) {
    case AF_UNSPEC: return 0;
    case AF_INET: {
        struct sockaddr_in in;
        if (length < sizeof(in)) {
            return EINVAL;
        }
        memcpy(&in, from, sizeof(in));
        out->family = TS_NET_FAMILY_V4;
        out->port = ntohs(in.sin_port);
        memcpy(out->address, &in.sin_addr, sizeof(in.sin_addr));
        return 0;
    }
    case AF_INET6: {
        struct sockaddr_in6 in;
        if (length < sizeof(in)) {
            return EINVAL;
        }
        memcpy(&in, from, sizeof(in));
        out->family = TS_NET_FAMILY_V6;
        out->port = ntohs(in.sin6_port);
        out->scope = in.sin6_scope_id;
        memcpy(out->address, &in.sin6_addr, sizeof(in.sin6_addr));
        return 0;
    }
    default: return EAFNOSUPPORT;
    }
}

void address_out(const struct ts_net_address *from, int domain, struct sockaddr *out,
                 socklen_t *length)
{
    if (length == NULL) {
        return;
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(from->port)};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(from->port), .sin6_scope_id = from->scope};
    const void *bytes = &in;
    socklen_t size = sizeof(in);
    if (from->family == TS_NET_FAMILY_V6) {
        memcpy(&in6.sin6_addr, from->address, 16);
    } else if (domain == AF_INET6 && from->family == TS_NET_FAMILY_V4) {
        in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(in6.sin6_addr.s6_addr + 12, from->address, 4);
    } else {
        memcpy(&in.sin_addr, from->address, 4);
    }
    if (domain == AF_INET6 || from->family == TS_NET_FAMILY_V6) {
        bytes = &in6;
        size = sizeof(in6);
    }
    if (out != NULL) {
        memcpy(out, bytes, *length < size ? *length : size);
    }
    *length = size;
}

// ---- text

// One number of a dotted address: decimal, or as C writes octal and hexadecimal if `loose`.
static bool part(const char **at, bool loose, unsigned long max, unsigned long *out)
{
    const char *start = *at;
    if (*start < '0' || *start > '9' ||
        (!loose && start[0] == '0' && start[1] >= '0' && start[1] <= '9')) {
        return false;
    }
    char *end;
    *out = strtoul(start, &end, loose ? 0 : 10);
    *at = end;
    return *out <= max;
}

int inet_aton(const char *text, struct in_addr *out)
{
    unsigned long parts[4], value = 0;
    int count = 0;
    for (;;) {
        if (count == 4 || !part(&text, true, 0xffffffff, &parts[count++])) {
            return 0;
        }
        if (*text != '.') {
            break;
        }
        text++;
    }
    // a.b.c.d, a.b.c (16 bits), a.b (24) or a (32)
    if (*text && *text != ' ' && *text != '\n') {
        return 0;
    }
    for (int i = 0; i < count - 1; i++) {
        if (parts[i] > 255) {
            return 0;
        }
        value |= parts[i] << (24 - 8 * i);
    }
    if (parts[count - 1] > 0xffffffffUL >> (8 * (count - 1))) {
        return 0;
    }
    out->s_addr = htonl((uint32_t)(value | parts[count - 1]));
    return 1;
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr address;
    return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr address)
{
    static _Thread_local char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof(text));
    return text;
}

// RFC 5952: the longest run of zero groups is left out, letters are small.
static void text6(const unsigned char *bytes, char *out, size_t size)
{
    unsigned groups[8];
    int run = -1, run_length = 1;
    for (int i = 0; i < 8; i++) {
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    }
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && groups[i + n] == 0) {
            n++;
        }
        if (n > run_length) {
            run = i;
            run_length = n;
        }
    }
    size_t at = 0;
    bool mapped = run == 0 && run_length == 5 && groups[5] == 0xffff;
    for (int i = 0; i < 8; i++) {
        if (i == run) {
            at += (size_t)snprintf(out + at, size - at, "::");
            i += run_length - 1;
        } else if (mapped && i == 6) {
            snprintf(out + at, size - at, "%u.%u.%u.%u", bytes[12], bytes[13], bytes[14],
                     bytes[15]);
            return;
        } else {
            bool last = i == 7 || i + 1 == run;
            at += (size_t)snprintf(out + at, size - at, last ? "%x" : "%x:", groups[i]);
        }
    }
}

const char *inet_ntop(int family, const void *restrict address, char *restrict out, socklen_t size)
{
    char text[INET6_ADDRSTRLEN];
    const unsigned char *bytes = address;
    if (family == AF_INET) {
        snprintf(text, sizeof(text), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    } else if (family == AF_INET6) {
        text6(bytes, text, sizeof(text));
    } else {
        posix_fail(EAFNOSUPPORT);
        return NULL;
    }
    if (strlen(text) >= size) {
        posix_fail(ENOSPC);
        return NULL;
    }
    return strcpy(out, text);
}

static bool parse4(const char *text, unsigned char *out)
{
    for (int i = 0; i < 4; i++) {
        unsigned long value;
        if (!part(&text, false, 255, &value) || *text != (i < 3 ? '.' : '\0')) {
            return false;
        }
        text += i < 3;
        out[i] = (unsigned char)value;
    }
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Groups before and after "::" are collected one after the other; `gap` is where it stood.
static bool parse6(const char *text, unsigned char *out)
{
    unsigned char bytes[16] = {0};
    int count = 0, gap = -1;
    if (text[0] == ':' && text[1] != ':') {
        return false;
    }
    while (*text) {
        if (text[0] == ':' && text[1] == ':') {
            if (gap >= 0) {
                return false;
            }
            gap = count;
            text += 2;
            continue;
        }
        if (count && *text == ':') {
            text++;
        }
        const char *start = text;
        unsigned value = 0;
        while (hex(*text) >= 0 && text - start < 4) {
            value = value << 4 | (unsigned)hex(*text++);
        }
        if (*text == '.' && count <= 12) {
            if (!parse4(start, bytes + count)) {
                return false;
            }
            count += 4;
            break;
        }
        if (text == start || count == 16 || (*text && *text != ':')) {
            return false;
        }
        bytes[count++] = (unsigned char)(value >> 8);
        bytes[count++] = (unsigned char)value;
    }
    if (gap < 0 ? count != 16 : count > 14) {
        return false;
    }
    memset(out, 0, 16);
    int before = gap < 0 ? 16 : gap;
    memcpy(out, bytes, (size_t)before);
    memcpy(out + 16 - (count - before), bytes + before, (size_t)(count - before));
    return true;
}

int inet_pton(int family, const char *restrict text, void *restrict out)
{
    unsigned char bytes[16];
    if (family != AF_INET && family != AF_INET6) {
        return posix_fail(EAFNOSUPPORT);
    }
    bool four = family == AF_INET;
    if (!(four ? parse4(text, bytes) : parse6(text, bytes))) {
        return 0;
    }
    memcpy(out, bytes, four ? 4 : 16);
    return 1;
}
