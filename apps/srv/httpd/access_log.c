// SPDX-License-Identifier: MIT
#include "access_log.h"

#include <string.h>

#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>

#include "http/head.h"
#include "httpd.h"

#define SIZE 65536u // of a part, without a configuration
#define LINE_MAX \
    4096u // http_log_line() writes less: 512 bytes of the request, each as four at most
_Static_assert(CONFIG_LOG_LEAST >= 2 * LINE_MAX, "a part has more than one line");

struct part {
    char *bytes;
    size_t length;
    uint64_t start;
};

// A ring of parts; the one behind `filling` is the oldest, or was not filled yet.
struct parts {
    struct part part[ACCESS_LOG_FILES];
    unsigned count, filling;
    size_t size;
    bool files; // each part is one
};

static struct parts access;
static uint64_t written; // bytes ever

static struct part *older(struct parts *parts, unsigned by)
{
    return &parts->part[(parts->filling + parts->count - by) % parts->count];
}

// The oldest part that has lines; the one that is filled if none has.
static struct part *oldest(struct parts *parts)
{
    unsigned by = parts->count - 1;
    while (by > 0 && older(parts, by)->length == 0) {
        by--;
    }
    return older(parts, by);
}

// The part with room for another line.
static struct part *with_room(struct parts *parts)
{
    struct part *part = &parts->part[parts->filling];
    if (part->length > parts->size - LINE_MAX) {
        uint64_t start = part->start + part->length;
        parts->filling = (parts->filling + 1) % parts->count;
        part = &parts->part[parts->filling];
        part->length = 0;
        part->start = start;
    }
    return part;
}

// Lines of at most LINE_MAX bytes, from a part of other parts.
static void add_lines(struct parts *to, const struct part *from)
{
    for (size_t at = 0; at < from->length;) {
        const char *line = from->bytes + at;
        const char *end = memchr(line, '\n', from->length - at);
        size_t length = end != NULL ? (size_t)(end + 1 - line) : from->length - at;
        struct part *part = with_room(to);
        memcpy(part->bytes + part->length, line, length);
        part->length += length;
        at += length;
    }
}

ts_status_t access_log_configure(uint32_t size, uint32_t keep)
{
    struct parts parts = {
        .count = size > 0 ? keep + 1 : 2, .size = size > 0 ? size : SIZE, .files = size > 0};
    void *memory;
    if (parts.count == access.count && parts.size == access.size && parts.files == access.files) {
        return TS_OK;
    }
    ts_status_t status = ts_memory_allocate(parts.count * parts.size, 0, NULL, &memory);
    if (status != TS_OK) {
        return status;
    }
    for (unsigned i = 0; i < parts.count; i++) {
        parts.part[i].bytes = (char *)memory + i * parts.size;
    }
    parts.part[0].start = access.count > 0 ? oldest(&access)->start : 0;
    for (unsigned by = access.count; by-- > 0;) {
        add_lines(&parts, older(&access, by));
    }
    if (access.count > 0) {
        (void)ts_memory_unmap(access.part[0].bytes, TS_PAGE_ROUND(access.count * access.size));
    }
    access = parts;
    return TS_OK;
}

void access_log_peer(struct peer_name *out_name, const struct ts_net_address *peer)
{
    const uint8_t *a = peer->address;
    size_t length = 0, size = sizeof(out_name->text);
    if (peer->family == TS_NET_FAMILY_V6 && (a[10] != 0xff || a[11] != 0xff || a[0] != 0)) {
        for (unsigned i = 0; i < 16; i += 2) {
            length += ts_format(out_name->text + length, size - length, i == 0 ? "%x" : ":%x",
                                (unsigned)a[i] << 8 | a[i + 1]);
        }
    } else if (peer->family != TS_NET_FAMILY_NONE) {
        a += peer->family == TS_NET_FAMILY_V6 ? 12 : 0;
        length = ts_format(out_name->text, size, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    }
    out_name->length = (uint8_t)length;
}

void access_log(const struct peer_name *peer, struct text line, unsigned status, uint64_t bytes)
{
    struct part *part = with_room(&access);
    struct writer writer = writer_make(part->bytes + part->length, access.size - part->length);
    http_log_line(&writer, (struct text){peer->text, peer->length}, httpd_now(), line, status,
                  bytes);
    part->length += writer.length;
    written += writer.length;
}

bool access_log_file(unsigned number, uint64_t *out_start, uint64_t *out_end)
{
    if (number > 0 && (!access.files || number >= access.count)) {
        return false;
    }
    const struct part *part = access.files ? older(&access, number) : oldest(&access);
    *out_start = part->start;
    *out_end = number == 0 ? UINT64_MAX : part->start + part->length;
    return number == 0 || part->length > 0;
}

struct text access_log_at(uint64_t *position, uint64_t end)
{
    const struct part *part = oldest(&access);
    if (*position < part->start) {
        *position = part->start;
    }
    if (end > written) {
        end = written;
    }
    if (*position >= end) {
        *position = *position > written ? written : *position;
        return (struct text){0};
    }
    for (unsigned by = access.count; *position >= part->start + part->length; by--) {
        part = older(&access, by - 1);
    }
    size_t within = (size_t)(*position - part->start), length = part->length - within;
    return (struct text){part->bytes + within,
                         length < end - *position ? length : (size_t)(end - *position)};
}
