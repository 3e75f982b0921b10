// SPDX-License-Identifier: MIT
// Two places, by turns: what is noted goes to the one that is not in force, so that a death at any
// moment leaves one that is whole, or none.
#include "config_remains.h"

#include <stdatomic.h>
#include <string.h>

#include <tessera/format/archive.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>

#define NAME_REMAINS "remains"

struct place {
    uint32_t length, sum; // the sum is of all behind it
    char name[CONFIG_NAME];
    char text[CONFIG_BYTES];
};

struct remains {
    uint32_t in_force; // 1 or 2: that place; any other: none
    uint32_t noted;
    struct place places[2];
};

static struct remains *remains;

void config_remains_init(void)
{
    ts_handle_t memory = ts_named_handle(NAME_REMAINS);
    void *mapped;
    uint64_t size;
    if (memory != TS_HANDLE_NONE && ts_get_u64(memory, TS_PROPERTY_SIZE, &size) == TS_OK &&
        size >= sizeof(*remains) &&
        ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped) == TS_OK) {
        remains = mapped;
    }
}

static uint32_t sum_of(const struct place *place)
{
    return ts_crc32c(place->length, place->name, CONFIG_NAME + place->length);
}

bool config_remains_get(char text[CONFIG_BYTES], size_t *out_length, char name[CONFIG_NAME])
{
    if (remains == NULL || (remains->in_force != 1 && remains->in_force != 2)) {
        return false;
    }
    const struct place *place = &remains->places[remains->in_force - 1];
    if (place->length > CONFIG_BYTES || place->sum != sum_of(place) ||
        memchr(place->name, '\0', CONFIG_NAME) == NULL) {
        return false;
    }
    memcpy(text, place->text, place->length);
    memcpy(name, place->name, CONFIG_NAME);
    *out_length = place->length;
    return true;
}

void config_remains_note(const char name[CONFIG_NAME], const char *text, size_t length)
{
    if (remains == NULL) {
        return;
    }
    remains->noted = remains->in_force == 1 ? 2 : 1;
    struct place *place = &remains->places[remains->noted - 1];
    place->length = (uint32_t)length;
    memcpy(place->name, name, CONFIG_NAME);
    memcpy(place->text, text, length);
    place->sum = sum_of(place);
}

void config_remains_keep(void)
{
    if (remains != NULL) { // the place before the number that makes it good
        atomic_store_explicit(TS_ATOMIC(&remains->in_force), remains->noted, memory_order_release);
    }
}

void config_remains_forget(void)
{
    if (remains != NULL) {
        atomic_store_explicit(TS_ATOMIC(&remains->in_force), 0, memory_order_release);
    }
}
