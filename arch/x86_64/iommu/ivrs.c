// SPDX-License-Identifier: MIT
// Reading the IVRS table. See ivrs.h.
//
// A unit may be described several times, in structures of a type that old systems know and of ones
// that say more: of each unit the structure of the highest type counts, and no other.
#include "ivrs.h"

#include <string.h>

#define TABLE_HEAD    48u // what comes before the first structure
#define UNIT_HEAD     24u
#define UNIT_HEAD_NEW 40u
#define REGION_SIZE   32u
#define NAMED_HEAD    22u // of an entry with a name, whose length is its last byte
#define ADDRESS_MAX   (UINT64_C(1) << 46)
#define REGISTERS     0x4000u

enum {
    STRUCTURE_UNIT = 0x10,
    STRUCTURE_UNIT_NEW = 0x11,
    STRUCTURE_UNIT_NAMES = 0x40,
    STRUCTURE_REGION_ALL = 0x20,
    STRUCTURE_REGION_ONE = 0x21,
    STRUCTURE_REGION_RANGE = 0x22,
};

enum {
    ENTRY_ALL = 0x01,
    ENTRY_ONE = 0x02,
    ENTRY_START = 0x03,
    ENTRY_END = 0x04,
    ENTRY_ALIAS = 0x42,
    ENTRY_ALIAS_START = 0x43,
    ENTRY_EXTENDED = 0x46,
    ENTRY_EXTENDED_START = 0x47,
    ENTRY_SPECIAL = 0x48,
    ENTRY_NAMED = 0xf0,
};

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

static bool is_unit(uint8_t kind)
{
    return kind == STRUCTURE_UNIT || kind == STRUCTURE_UNIT_NEW || kind == STRUCTURE_UNIT_NAMES;
}

// The bytes of an entry, of which `left` are there; 0: it does not fit.
static uint32_t entry_size(const uint8_t *at, ptrdiff_t left)
{
    uint32_t size = at[0] < 0x40 ? 4 : at[0] < 0x80 ? 8 : at[0] < 0xc0 ? 16 : 32;
    if (at[0] == ENTRY_NAMED) {
        size = left < (ptrdiff_t)NAMED_HEAD ? NAMED_HEAD : NAMED_HEAD + at[NAMED_HEAD - 1];
    }
    return (ptrdiff_t)size <= left ? size : 0;
}

static bool range_add(struct ivrs *out, struct ivrs_range range)
{
    if (out->range_count == IVRS_RANGES_MAX) {
        return false;
    }
    out->ranges[out->range_count++] = range;
    return true;
}

static bool special_add(struct ivrs *out, uint16_t segment, const uint8_t *at)
{
    if (out->special_count == IVRS_SPECIALS_MAX) {
        return false;
    }
    out->specials[out->special_count++] = (struct ivrs_special){
        .kind = at[7], .id = at[4], .setting = at[3], .segment = segment, .source = read16(at + 5)};
    return range_add(out, (struct ivrs_range){read16(at + 5), read16(at + 5), 0, false, at[3]});
}

// An entry; *open is the range that was begun and not ended yet, at *is_open.
static bool entry_add(struct ivrs *out, struct ivrs_unit *unit, const uint8_t *at,
                      struct ivrs_range *open, bool *is_open)
{
    uint16_t id = read16(at + 1);
    struct ivrs_range range = {.first = id, .last = id, .setting = at[3]};
    if (at[0] == ENTRY_END) {
        bool good = *is_open && id >= open->first;
        open->last = id;
        *is_open = false;
        return good && range_add(out, *open);
    }
    if (*is_open && at[0] != 0) { // but for padding, the end comes next
        return false;
    }
    switch (at[0]) {
    case ENTRY_ALL:
        unit->all = true;
        unit->setting = at[3];
        return true;
    case ENTRY_ALIAS:
    case ENTRY_ALIAS_START:
        range.aliased = true;
        range.alias = read16(at + 5);
        break;
    case ENTRY_SPECIAL: return special_add(out, unit->segment, at);
    default: break;
    }
    switch (at[0]) {
    case ENTRY_START:
    case ENTRY_ALIAS_START:
    case ENTRY_EXTENDED_START:
        *open = range;
        *is_open = true;
        return true;
    case ENTRY_ONE:
    case ENTRY_ALIAS:
    case ENTRY_EXTENDED:
    case ENTRY_NAMED: return range_add(out, range);
    default: return true; // means nothing here
    }
}

static bool entries_add(struct ivrs *out, struct ivrs_unit *unit, const uint8_t *at,
                        const uint8_t *end)
{
    struct ivrs_range open = {0};
    bool is_open = false;
    while (at < end) {
        uint32_t size = end - at < 4 ? 0 : entry_size(at, end - at);
        if (size == 0 || !entry_add(out, unit, at, &open, &is_open)) {
            return false;
        }
        at += size;
    }
    return !is_open;
}

static bool same_unit(const uint8_t *a, const uint8_t *b)
{
    return read16(a + 4) == read16(b + 4) && read16(a + 16) == read16(b + 16);
}

// Whether another structure says more of the same unit. All structures were checked.
static bool is_surpassed(const uint8_t *first, const uint8_t *end, const uint8_t *at)
{
    for (const uint8_t *other = first; other < end; other += read16(other + 2)) {
        if (is_unit(other[0]) && other[0] > at[0] && same_unit(other, at)) {
            return true;
        }
    }
    return false;
}

static bool unit_add(struct ivrs *out, const uint8_t *at, uint16_t length)
{
    uint32_t head = at[0] == STRUCTURE_UNIT ? UNIT_HEAD : UNIT_HEAD_NEW;
    if (out->unit_count == IVRS_UNITS_MAX) {
        return false;
    }
    struct ivrs_unit *unit = &out->units[out->unit_count];
    *unit = (struct ivrs_unit){.registers = read64(at + 8),
                               .segment = read16(at + 16),
                               .source = read16(at + 4),
                               .capability = read16(at + 6),
                               .type = at[0],
                               .flags = at[1],
                               .range_first = (uint16_t)out->range_count};
    if (!unit->registers || unit->registers & (REGISTERS - 1) || unit->registers >= ADDRESS_MAX ||
        unit->capability < 0x40 || unit->capability > 0xec || unit->capability & 3) {
        return false;
    }
    for (uint32_t i = 0; i < out->unit_count; i++) {
        const struct ivrs_unit *other = &out->units[i];
        if (other->registers == unit->registers ||
            (other->segment == unit->segment && other->source == unit->source)) {
            return false;
        }
    }
    if (!entries_add(out, unit, at + head, at + length)) {
        return false;
    }
    unit->range_count = (uint16_t)(out->range_count - unit->range_first);
    out->unit_count++;
    return true;
}

static bool region_add(struct ivrs *out, const uint8_t *at)
{
    if (out->region_count == IVRS_REGIONS_MAX) {
        return false;
    }
    struct ivrs_region *r = &out->regions[out->region_count];
    uint64_t length = read64(at + 24);
    bool all = at[0] == STRUCTURE_REGION_ALL, one = at[0] == STRUCTURE_REGION_ONE;
    *r = (struct ivrs_region){.base = read64(at + 16),
                              .segment = read16(at + 8),
                              .first = all ? 0 : read16(at + 4),
                              .last = all   ? UINT16_MAX
                                      : one ? read16(at + 4)
                                            : read16(at + 6)};
    if ((r->base | length) & PAGE_MASK || r->base >= ADDRESS_MAX || length == 0 ||
        length > IVRS_REGION_END || r->last < r->first) {
        return false;
    }
    r->end = r->base + length;
    out->region_count++;
    return true;
}

// Whether the structures fill [at, end), each as long as its type needs.
static bool structures_whole(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint16_t size = end - at < 4 ? 0 : read16(at + 2);
        uint32_t least = at[0] == STRUCTURE_UNIT ? UNIT_HEAD : is_unit(at[0]) ? UNIT_HEAD_NEW : 4;
        if (at[0] >= STRUCTURE_REGION_ALL && at[0] <= STRUCTURE_REGION_RANGE) {
            least = REGION_SIZE;
        }
        if (size < least || size > end - at) {
            return false;
        }
        at += size;
    }
    return true;
}

bool ivrs_parse(const void *table, uint32_t length, struct ivrs *out)
{
    const uint8_t *first = (const uint8_t *)table + TABLE_HEAD;
    const uint8_t *end = (const uint8_t *)table + length;
    *out = (struct ivrs){0};
    if (length < TABLE_HEAD || !structures_whole(first, end)) {
        return false;
    }
    for (const uint8_t *at = first; at < end; at += read16(at + 2)) {
        if (is_unit(at[0]) && !is_surpassed(first, end, at) && !unit_add(out, at, read16(at + 2))) {
            return false;
        }
        if (at[0] >= STRUCTURE_REGION_ALL && at[0] <= STRUCTURE_REGION_RANGE &&
            !region_add(out, at)) {
            return false;
        }
    }
    return out->unit_count > 0;
}
