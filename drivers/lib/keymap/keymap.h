// SPDX-License-Identifier: MIT
// What is meant by the keys of tessera/proto/input.h: characters, and keys that have a name in
// place of a character, with modifiers. Pure: no time, no memory but the caller's.
//
//   struct keymap map;                       a layout: /etc/keymaps/NAME, read by file.h
//   struct keymap_compose compose;           sequences: /etc/keymaps/compose
//   struct keymap_state state;               what is held and locked, and begun
//
//   keymap_begin(&state, &map, &compose)
//   for each event that was read:
//       if (keymap_event(&state, &event, &symbol))
//           symbol.symbol is typed, with symbol.modifiers
//       if keymap_leds(&state) is not what it was: set TS_PROPERTY_INPUT_LEDS
//
// Modifiers come from the layout, not from the place of the key. Shift, AltGr, Caps Lock and Num
// Lock choose among a key's symbols. A dead key, or Compose, begins a sequence: it gives nothing
// until the last key gives its character. A key that no sequence goes on with ends it, and is
// typed as if alone. Repeats of keys are typed, those of modifiers and of sequences are not.
#pragma once

#include <drivers/keymap/format.h>
#include <stdbool.h>
#include <stddef.h>
#include <tessera/lib/status.h>
#include <tessera/proto/input.h>

#define KEYMAP_NAMED 0x80000000u // of a symbol: no character

// Named symbols (X11's numbers). The numeric keypad without Num Lock gives the same ones.
enum keymap_named {
    KEYMAP_BACKSPACE = 0xff08,
    KEYMAP_TAB = 0xff09,
    KEYMAP_ENTER = 0xff0d,
    KEYMAP_PAUSE = 0xff13,
    KEYMAP_PRINT = 0xff61,
    KEYMAP_ESCAPE = 0xff1b,
    KEYMAP_HOME = 0xff50,
    KEYMAP_LEFT = 0xff51,
    KEYMAP_UP = 0xff52,
    KEYMAP_RIGHT = 0xff53,
    KEYMAP_DOWN = 0xff54,
    KEYMAP_PAGE_UP = 0xff55,
    KEYMAP_PAGE_DOWN = 0xff56,
    KEYMAP_END = 0xff57,
    KEYMAP_INSERT = 0xff63,
    KEYMAP_MENU = 0xff67,
    KEYMAP_F1 = 0xffbe, // to F24, one after the other
    KEYMAP_F12 = 0xffc9,
    KEYMAP_F24 = 0xffd5,
    KEYMAP_DELETE = 0xffff,
};

// Modifiers that are held. Of a character, Shift is not told, nor AltGr of anything: they have
// chosen the symbol.
#define KEYMAP_SHIFT   1u
#define KEYMAP_CONTROL 2u
#define KEYMAP_ALT     4u
#define KEYMAP_SUPER   8u

struct keymap_symbol {
    uint32_t symbol;    // a character, or KEYMAP_NAMED | enum keymap_named
    uint32_t modifiers; // KEYMAP_SHIFT …
};

// A layout that was checked: points into the file's bytes, which stay the caller's.
struct keymap {
    const struct keymap_key *keys;
    const struct keymap_pattern *patterns;
    const uint32_t *symbols;
    uint32_t key_count, groups;
};

struct keymap_compose {
    const struct keymap_sequence *sequences;
    uint32_t count;
};

#define KEYMAP_MODIFIERS 16u // keys that are held at the same time; more do nothing

struct keymap_state {
    const struct keymap *map;
    const struct keymap_compose *compose; // may be NULL: dead keys and Compose do nothing
    uint32_t locks;                       // TS_INPUT_LED_NUM, TS_INPUT_LED_CAPS
    bool group;                           // the second layout
    struct {
        uint32_t code;     // 0: none
        uint16_t device;   // that it is on
        uint16_t modifier; // what it is
    } held[KEYMAP_MODIFIERS];
    uint32_t begun; // symbols of the sequence
    uint32_t sequence[KEYMAP_SEQUENCE_MAX];
};

// Checks a file, of any bytes, at an address that is a multiple of 4. TS_ERR_CORRUPT,
// TS_ERR_VERSION, TS_ERR_TOO_LARGE.
TS_MUST_USE ts_status_t keymap_parse(const void *bytes, size_t length, struct keymap *out_map);
TS_MUST_USE ts_status_t keymap_compose_parse(const void *bytes, size_t length,
                                             struct keymap_compose *out_compose);

// All keys are up, no lock is on.
void keymap_begin(struct keymap_state *state, const struct keymap *map,
                  const struct keymap_compose *compose);

// True: something is typed. Any event may come, with any codes.
TS_MUST_USE bool keymap_event(struct keymap_state *state, const struct ts_input_event *event,
                              struct keymap_symbol *out_symbol);

// The lights: Num Lock, Caps Lock, and Scroll Lock's for the second layout.
static inline uint32_t keymap_leds(const struct keymap_state *state)
{
    return state->locks | (state->group ? TS_INPUT_LED_SCROLL : 0);
}

// A character as UTF-8; how many bytes. The character is one of keymap_event's.
size_t keymap_utf8(uint32_t character, char out[4]);
