// SPDX-License-Identifier: MIT
// Reading the DMAR table. See dmar.h.
#include "dmar.h"

#include <string.h>

#define TABLE_HEAD    48u // what comes before the first structure
#define TABLE_FLAGS   37u
#define UNIT_HEAD     16u
#define RESERVED_HEAD 24u
#define SCOPE_HEAD    6u
#define ADDRESS_MAX   (UINT64_C(1) << 46)
#define ALL_INCLUDED  1u
#define INTERRUPTS    1u

enum { STRUCTURE_UNIT = 0, STRUCTURE_RESERVED = 1 };

#define CONFIG_HEADER      0x0eu
#define CONFIG_SECONDARY   0x19u
#define CONFIG_SUBORDINATE 0x1au
#define HEADER_KIND        0x7fu
#define HEADER_BRIDGE      1u

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint64_t read64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static bool scope_add(struct dmar *out, const uint8_t *at, uint8_t length)
{
    uint32_t steps = (length - SCOPE_HEAD) / 2u;
    if ((length - SCOPE_HEAD) % 2u != 0 || steps == 0 || steps > DMAR_PATH_MAX ||
        out->scope_count == DMAR_SCOPES_MAX) {
        return false;
    }
    struct dmar_scope *scope = &out->scopes[out->scope_count++];
    *scope =
        (struct dmar_scope){.kind = at[0], .id = at[4], .bus = at[5], .length = (uint8_t)steps};
    for (uint32_t i = 0; i < steps; i++) {
        scope->path[i].slot = at[SCOPE_HEAD + 2 * i];
        scope->path[i].function = at[SCOPE_HEAD + 2 * i + 1];
        if (scope->path[i].slot > 31 || scope->path[i].function > 7) {
            return false;
        }
    }
    return true;
}

// The scopes that fill [at, end).
static bool scopes_add(struct dmar *out, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (end - at < (ptrdiff_t)SCOPE_HEAD) {
            return false;
        }
        uint8_t length = at[1];
        if (length < SCOPE_HEAD || length > end - at || !scope_add(out, at, length)) {
            return false;
        }
        at += length;
    }
    return true;
}

static bool unit_add(struct dmar *out, const uint8_t *at, uint16_t length)
{
    if (length < UNIT_HEAD || out->unit_count == DMAR_UNITS_MAX) {
        return false;
    }
    struct dmar_unit *unit = &out->units[out->unit_count];
    *unit = (struct dmar_unit){.registers = read64(at + 8),
                               .segment = read16(at + 6),
                               .all = at[4] & ALL_INCLUDED,
                               .scope_first = (uint16_t)out->scope_count};
    if (!unit->registers || unit->registers & PAGE_MASK || unit->registers >= ADDRESS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < out->unit_count; i++) {
        if (out->units[i].registers == unit->registers) {
            return false;
        }
    }
    if (!scopes_add(out, at + UNIT_HEAD, at + length)) {
        return false;
    }
    unit->scope_count = (uint16_t)(out->scope_count - unit->scope_first);
    out->unit_count++;
    return true;
}

static bool reserved_add(struct dmar *out, const uint8_t *at, uint16_t length)
{
    if (length < RESERVED_HEAD || out->reserved_count == DMAR_RESERVED_MAX) {
        return false;
    }
    struct dmar_reserved *r = &out->reserved[out->reserved_count];
    uint64_t last = read64(at + 16);
    *r = (struct dmar_reserved){.base = read64(at + 8),
                                .segment = read16(at + 6),
                                .scope_first = (uint16_t)out->scope_count};
    if (r->base & PAGE_MASK || last >= ADDRESS_MAX || (last & PAGE_MASK) != PAGE_MASK ||
        last < r->base || last - r->base >= DMAR_RESERVED_END) {
        return false;
    }
    r->end = last + 1;
    if (!scopes_add(out, at + RESERVED_HEAD, at + length)) {
        return false;
    }
    r->scope_count = (uint16_t)(out->scope_count - r->scope_first);
    out->reserved_count++;
    return true;
}

bool dmar_parse(const void *table, uint32_t length, struct dmar *out)
{
    const uint8_t *bytes = table;
    *out = (struct dmar){0};
    if (length < TABLE_HEAD) {
        return false;
    }
    out->interrupts = bytes[TABLE_FLAGS] & INTERRUPTS;
    for (uint32_t offset = TABLE_HEAD; offset < length;) {
        const uint8_t *at = bytes + offset;
        uint16_t size = length - offset < 4 ? 0 : read16(at + 2);
        if (size < 4 || size > length - offset) {
            return false;
        }
        uint16_t kind = read16(at);
        if ((kind == STRUCTURE_UNIT && !unit_add(out, at, size)) ||
            (kind == STRUCTURE_RESERVED && !reserved_add(out, at, size))) {
            return false;
        }
        offset += size;
    }
    return out->unit_count > 0;
}

bool dmar_resolve(const struct dmar_scope *scope, dmar_read_t read, struct dmar_range *out)
{
    uint8_t bus = scope->bus, devfn = 0;
    for (uint32_t i = 0; i < scope->length; i++) {
        devfn = (uint8_t)(scope->path[i].slot << 3 | scope->path[i].function);
        bool last = i + 1u == scope->length;
        if (last && scope->kind != DMAR_BRIDGE) {
            break;
        }
        uint8_t below = read(bus, devfn, CONFIG_SECONDARY);
        uint8_t end = read(bus, devfn, CONFIG_SUBORDINATE);
        if ((read(bus, devfn, CONFIG_HEADER) & HEADER_KIND) != HEADER_BRIDGE || below <= bus ||
            end < below) {
            return false;
        }
        if (last) {
            *out = (struct dmar_range){bus, devfn, true, below, end};
            return true;
        }
        bus = below;
    }
    *out = (struct dmar_range){.bus = bus, .devfn = devfn};
    return true;
}
