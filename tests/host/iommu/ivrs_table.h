// SPDX-License-Identifier: MIT
// Writing firmware's table of AMD's IOMMUs.
#pragma once

#include <stdint.h>

struct table {
    uint8_t bytes[2048];
    uint32_t length;
};

// The value in so many bytes; zeros behind eight of them.
static inline void put(struct table *t, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        t->bytes[t->length++] = i < 8 ? (uint8_t)(value >> 8 * i) : 0;
    }
}

// Where the length of the structure that begins at `start` is set right.
static inline void finish(struct table *t, uint32_t start)
{
    t->bytes[start + 2] = (uint8_t)(t->length - start);
    t->bytes[start + 3] = (uint8_t)((t->length - start) >> 8);
}

static inline uint32_t put_unit(struct table *t, uint8_t type, uint16_t source, uint64_t registers)
{
    uint32_t start = t->length;
    put(t, type, 4);
    put(t, source, 2);
    put(t, 0x40, 2);
    put(t, registers, 8);
    put(t, 0, type == 0x10 ? 8 : 24);
    return start;
}

static inline void put_entry(struct table *t, uint8_t type, uint16_t source, uint8_t setting)
{
    put(t, type, 1);
    put(t, source, 2);
    put(t, setting, 1);
}

static inline void put_alias(struct table *t, uint8_t type, uint16_t source, uint16_t alias)
{
    put_entry(t, type, source, 0);
    put(t, (uint64_t)alias << 8, 4);
}

static inline void put_special(struct table *t, uint8_t kind, uint8_t id, uint16_t source)
{
    put_entry(t, 0x48, 0, 0);
    put(t, id | (uint64_t)source << 8 | (uint64_t)kind << 24, 4);
}

static inline void put_region(struct table *t, uint8_t type, uint16_t first, uint16_t last,
                              uint64_t base, uint64_t length)
{
    uint32_t start = t->length;
    put(t, type, 4);
    put(t, first, 2);
    put(t, last, 2);
    put(t, 0, 8);
    put(t, base, 8);
    put(t, length, 8);
    finish(t, start);
}
