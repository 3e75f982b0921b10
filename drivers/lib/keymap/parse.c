// SPDX-License-Identifier: MIT
// Reading files: nothing in them is believed before it was looked at.
#include <drivers/keymap/keymap.h>
#include <string.h>

#define CHARACTER_FIRST   0x20u
#define CHARACTER_LAST    0x10ffffu
#define SURROGATE_FIRST   0xd800u
#define SURROGATE_LAST    0xdfffu
#define KEYMAP_ID_LAST    0xffu
#define NAMED_LAST        (KEYMAP_NAMED | 0xffffu)
#define PATTERNS_MAX      256u
#define GROUPS_MAX        2u
#define SYMBOLS_MAX       (KEYMAP_FILE_MAX / sizeof(uint32_t))
#define COMPOSE_SEQUENCES (KEYMAP_COMPOSE_MAX / sizeof(struct keymap_sequence))

static bool is_character(uint32_t symbol)
{
    return symbol >= CHARACTER_FIRST && symbol <= CHARACTER_LAST &&
           (symbol < SURROGATE_FIRST || symbol > SURROGATE_LAST);
}

static bool is_symbol(uint32_t symbol)
{
    return is_character(symbol) || (symbol > KEYMAP_NAMED && symbol <= NAMED_LAST);
}

static bool check_key(const struct keymap *map, uint32_t at, uint32_t patterns, uint32_t symbols)
{
    const struct keymap_key *key = &map->keys[at];
    if ((at > 0 && key->id <= key[-1].id) || key->id > KEYMAP_ID_LAST || key->pattern >= patterns ||
        key->first > symbols || key->count > symbols - key->first) {
        return false;
    }
    const struct keymap_pattern *pattern = &map->patterns[key->pattern];
    for (uint32_t i = 0; i < KEYMAP_CONDITIONS; i++) {
        if (pattern->index[i] >= key->count) {
            return false;
        }
    }
    return true;
}

ts_status_t keymap_parse(const void *bytes, size_t length, struct keymap *out_map)
{
    const struct keymap_head *head = bytes;
    if (length > KEYMAP_FILE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    if (length < sizeof(*head) || memcmp(head->magic, KEYMAP_MAGIC, sizeof(head->magic)) != 0) {
        return TS_ERR_CORRUPT;
    }
    if (head->version != KEYMAP_VERSION) {
        return TS_ERR_VERSION;
    }
    if (head->groups < 1 || head->groups > GROUPS_MAX || head->reserved != 0 ||
        head->keys > KEYMAP_ID_LAST || head->patterns > PATTERNS_MAX ||
        head->symbols > SYMBOLS_MAX ||
        length != sizeof(*head) + head->keys * sizeof(struct keymap_key) +
                      head->patterns * sizeof(struct keymap_pattern) +
                      head->symbols * sizeof(uint32_t)) {
        return TS_ERR_CORRUPT;
    }
    struct keymap map = {.key_count = head->keys, .groups = head->groups};
    map.keys = (const void *)(head + 1);
    map.patterns = (const void *)(map.keys + head->keys);
    map.symbols = (const void *)(map.patterns + head->patterns);
    for (uint32_t i = 0; i < head->keys; i++) {
        if (!check_key(&map, i, head->patterns, head->symbols)) {
            return TS_ERR_CORRUPT;
        }
    }
    for (uint32_t i = 0; i < head->symbols; i++) {
        if (map.symbols[i] != 0 && !is_symbol(map.symbols[i])) {
            return TS_ERR_CORRUPT;
        }
    }
    *out_map = map;
    return TS_OK;
}

static bool check_sequence(const struct keymap_sequence *sequence, bool first)
{
    const uint32_t *s = sequence->symbols;
    bool ended = false, rises = first;
    if (s[0] == 0 || !is_character(sequence->character)) {
        return false;
    }
    for (uint32_t i = 0; i < KEYMAP_SEQUENCE_MAX; i++) {
        if (s[i] != 0 && (ended || !is_symbol(s[i]))) {
            return false;
        }
        ended = s[i] == 0;
        if (!rises) {
            uint32_t before = sequence[-1].symbols[i];
            if (s[i] < before) {
                return false;
            }
            rises = s[i] > before;
        }
    }
    return rises;
}

ts_status_t keymap_compose_parse(const void *bytes, size_t length,
                                 struct keymap_compose *out_compose)
{
    const struct keymap_compose_head *head = bytes;
    if (length > KEYMAP_COMPOSE_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    if (length < sizeof(*head) ||
        memcmp(head->magic, KEYMAP_COMPOSE_MAGIC, sizeof(head->magic)) != 0) {
        return TS_ERR_CORRUPT;
    }
    if (head->version != KEYMAP_VERSION) {
        return TS_ERR_VERSION;
    }
    const struct keymap_sequence *sequences = (const void *)(head + 1);
    if (head->sequences > COMPOSE_SEQUENCES ||
        length != sizeof(*head) + head->sequences * sizeof(*sequences)) {
        return TS_ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < head->sequences; i++) {
        if (!check_sequence(&sequences[i], i == 0)) {
            return TS_ERR_CORRUPT;
        }
    }
    *out_compose = (struct keymap_compose){sequences, head->sequences};
    return TS_OK;
}
