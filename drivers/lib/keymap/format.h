// SPDX-License-Identifier: MIT
// Files of /etc/keymaps, as tools/mkkeymap.py writes them: little-endian, without padding.
//
// A layout: struct keymap_head, keys (by rising id), patterns, symbols. What a key means depends on
// five things that are on or off (enum keymap_condition), and so there are 32 cases. A pattern says
// for each which of the key's symbols it is; keys share patterns, "letter" for instance.
//
// `compose`: struct keymap_compose_head, then sequences, rising.
//
// A symbol is a character (its Unicode number, from U+0020 on) or KEYMAP_NAMED and the number that
// X11 gives a key symbol without a character; 0: none.
#pragma once

#include <assert.h>
#include <stdint.h>

#define KEYMAP_MAGIC         "TSKEYMAP"
#define KEYMAP_COMPOSE_MAGIC "TSCOMPOS"
#define KEYMAP_VERSION       1u

#define KEYMAP_FILE_MAX     65536u // bytes of a layout
#define KEYMAP_COMPOSE_MAX  262144u
#define KEYMAP_CONDITIONS   32u
#define KEYMAP_SEQUENCE_MAX 3u // symbols of a sequence

enum keymap_condition {
    KEYMAP_IF_SHIFT = 1,
    KEYMAP_IF_LEVEL3 = 2, // AltGr
    KEYMAP_IF_CAPS = 4,
    KEYMAP_IF_NUM = 8,
    KEYMAP_IF_GROUP = 16, // the second layout of those that have two, as Russian and Greek
};

struct keymap_head {
    char magic[8];
    uint32_t version;
    uint32_t groups; // 1 or 2
    uint32_t keys, patterns, symbols;
    uint32_t reserved;
};
static_assert(sizeof(struct keymap_head) == 32, "head of a layout");

struct keymap_key {
    uint16_t id;     // of the keyboard page
    uint8_t pattern; // its index
    uint8_t count;   // of its symbols
    uint32_t first;  // index of them
};
static_assert(sizeof(struct keymap_key) == 8, "key of a layout");

struct keymap_pattern {
    uint8_t index[KEYMAP_CONDITIONS];
};

struct keymap_compose_head {
    char magic[8];
    uint32_t version, sequences;
};
static_assert(sizeof(struct keymap_compose_head) == 16, "head of the sequences");

struct keymap_sequence {
    uint32_t symbols[KEYMAP_SEQUENCE_MAX]; // zeros behind
    uint32_t character;
};
static_assert(sizeof(struct keymap_sequence) == 16, "sequence");
