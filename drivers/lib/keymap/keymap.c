// SPDX-License-Identifier: MIT
#include <drivers/keymap/keymap.h>
#include <string.h>

// Symbols that are state and are not typed (X11's numbers).
enum {
    SHIFT_LEFT = 0xffe1,
    SHIFT_RIGHT = 0xffe2,
    CONTROL_LEFT = 0xffe3,
    CONTROL_RIGHT = 0xffe4,
    CAPS_LOCK = 0xffe5,
    SHIFT_LOCK = 0xffe6,
    META_LEFT = 0xffe7,
    META_RIGHT = 0xffe8,
    ALT_LEFT = 0xffe9,
    ALT_RIGHT = 0xffea,
    SUPER_LEFT = 0xffeb,
    SUPER_RIGHT = 0xffec,
    HYPER_LEFT = 0xffed,
    HYPER_RIGHT = 0xffee,
    NUM_LOCK = 0xff7f,
    LEVEL3_SHIFT = 0xfe03,
    MODE_SWITCH = 0xff7e,
    NEXT_GROUP = 0xfe08,
    PREVIOUS_GROUP = 0xfe0a,
    DEAD_FIRST = 0xfe50,
    DEAD_LAST = 0xfe9f,
    COMPOSE = 0xff20,
};

#define LEVEL3 16u // beside KEYMAP_SHIFT …

void keymap_begin(struct keymap_state *s, const struct keymap *map,
                  const struct keymap_compose *compose)
{
    *s = (struct keymap_state){.map = map, .compose = compose};
}

// ---- Modifiers

static uint32_t modifier_of(uint32_t symbol)
{
    switch (symbol & ~KEYMAP_NAMED) {
    case SHIFT_LEFT:
    case SHIFT_RIGHT: return KEYMAP_SHIFT;
    case CONTROL_LEFT:
    case CONTROL_RIGHT: return KEYMAP_CONTROL;
    case META_LEFT:
    case META_RIGHT:
    case ALT_LEFT:
    case ALT_RIGHT: return KEYMAP_ALT;
    case SUPER_LEFT:
    case SUPER_RIGHT:
    case HYPER_LEFT:
    case HYPER_RIGHT: return KEYMAP_SUPER;
    case LEVEL3_SHIFT:
    case MODE_SWITCH: return LEVEL3;
    default: return 0;
    }
}

static uint32_t modifiers_held(const struct keymap_state *s)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < KEYMAP_MODIFIERS; i++) {
        held |= s->held[i].modifier;
    }
    return held;
}

static void hold(struct keymap_state *s, const struct ts_input_event *event, uint32_t modifier)
{
    for (uint32_t i = 0; i < KEYMAP_MODIFIERS; i++) {
        if (s->held[i].code == 0) {
            s->held[i].code = event->code;
            s->held[i].device = event->device;
            s->held[i].modifier = (uint16_t)modifier;
            return;
        }
    }
}

static void release(struct keymap_state *s, const struct ts_input_event *event)
{
    for (uint32_t i = 0; i < KEYMAP_MODIFIERS; i++) {
        if (s->held[i].code == event->code && s->held[i].device == event->device) {
            s->held[i].code = s->held[i].modifier = 0;
        }
    }
}

// False: the symbol locks nothing.
static bool lock(struct keymap_state *s, uint32_t symbol, bool repeat)
{
    switch (symbol & ~KEYMAP_NAMED) {
    case CAPS_LOCK:
    case SHIFT_LOCK: s->locks ^= repeat ? 0 : TS_INPUT_LED_CAPS; return true;
    case NUM_LOCK: s->locks ^= repeat ? 0 : TS_INPUT_LED_NUM; return true;
    case NEXT_GROUP:
    case PREVIOUS_GROUP: s->group ^= !repeat && s->map->groups > 1; return true;
    default: return false;
    }
}

// ---- The layout

static const struct keymap_key *find_key(const struct keymap *map, uint32_t id)
{
    uint32_t low = 0, high = map->key_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (map->keys[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < map->key_count && map->keys[low].id == id ? &map->keys[low] : NULL;
}

static uint32_t symbol_in(const struct keymap *map, const struct keymap_key *key,
                          uint32_t condition)
{
    return map->symbols[key->first + map->patterns[key->pattern].index[condition]];
}

static uint32_t symbol_of(const struct keymap_state *s, uint32_t code, uint32_t held)
{
    const struct keymap_key *key =
        TS_INPUT_PAGE(code) == TS_INPUT_PAGE_KEYBOARD ? find_key(s->map, TS_INPUT_ID(code)) : NULL;
    if (key == NULL) {
        return 0;
    }
    uint32_t condition = (held & KEYMAP_SHIFT ? KEYMAP_IF_SHIFT : 0u) |
                         (held & LEVEL3 ? KEYMAP_IF_LEVEL3 : 0u) |
                         (s->locks & TS_INPUT_LED_CAPS ? KEYMAP_IF_CAPS : 0u) |
                         (s->locks & TS_INPUT_LED_NUM ? KEYMAP_IF_NUM : 0u);
    uint32_t first = symbol_in(s->map, key, condition);
    // Ctrl-C is meant whichever alphabet is on.
    if (!s->group || (held & KEYMAP_CONTROL)) {
        return first;
    }
    return symbol_in(s->map, key, condition | KEYMAP_IF_GROUP);
}

// ---- Sequences

static bool begins_sequence(uint32_t symbol)
{
    uint32_t name = symbol & ~KEYMAP_NAMED;
    return (symbol & KEYMAP_NAMED) &&
           ((name >= DEAD_FIRST && name <= DEAD_LAST) || name == COMPOSE);
}

// How the first `begun` symbols compare with those of a sequence.
static int compare(const struct keymap_state *s, const struct keymap_sequence *sequence)
{
    for (uint32_t i = 0; i < s->begun; i++) {
        if (s->sequence[i] != sequence->symbols[i]) {
            return s->sequence[i] < sequence->symbols[i] ? -1 : 1;
        }
    }
    return 0;
}

// The first sequence that begins so; NULL: none does.
static const struct keymap_sequence *find_sequence(const struct keymap_state *s)
{
    if (s->compose == NULL) {
        return NULL;
    }
    uint32_t low = 0, high = s->compose->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (compare(s, &s->compose->sequences[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct keymap_sequence *found = &s->compose->sequences[low];
    return low < s->compose->count && compare(s, found) == 0 ? found : NULL;
}

// The symbol that results; 0: nothing is typed yet.
static uint32_t go_on(struct keymap_state *s, uint32_t symbol)
{
    if (s->begun == 0 && !begins_sequence(symbol)) {
        return symbol;
    }
    s->sequence[s->begun++] = symbol;
    const struct keymap_sequence *found = find_sequence(s);
    if (found == NULL && begins_sequence(symbol)) {
        s->sequence[0] = symbol; // that one is begun in place of the other
        s->begun = 1;
        found = find_sequence(s);
    }
    if (found == NULL) {
        s->begun = 0;
        return begins_sequence(symbol) ? 0 : symbol;
    }
    if (s->begun == KEYMAP_SEQUENCE_MAX || found->symbols[s->begun] == 0) {
        s->begun = 0;
        return found->character;
    }
    return 0;
}

// ---- Events

static bool type(struct keymap_state *s, uint32_t symbol, uint32_t held, bool repeat,
                 struct keymap_symbol *out)
{
    held &= KEYMAP_SHIFT | KEYMAP_CONTROL | KEYMAP_ALT | KEYMAP_SUPER;
    if (held & ~KEYMAP_SHIFT) {
        s->begun = 0;
        symbol = begins_sequence(symbol) ? 0 : symbol;
    } else if (repeat && (s->begun > 0 || begins_sequence(symbol))) {
        symbol = 0;
    } else {
        symbol = go_on(s, symbol);
    }
    *out = (struct keymap_symbol){.symbol = symbol,
                                  .modifiers = symbol & KEYMAP_NAMED ? held : held & ~KEYMAP_SHIFT};
    return symbol != 0;
}

static bool key_event(struct keymap_state *s, const struct ts_input_event *event,
                      struct keymap_symbol *out)
{
    if (event->value == TS_INPUT_UP) {
        release(s, event);
        return false;
    }
    uint32_t held = modifiers_held(s), symbol = symbol_of(s, event->code, held);
    bool repeat = event->value == TS_INPUT_REPEAT;
    uint32_t modifier = symbol & KEYMAP_NAMED ? modifier_of(symbol) : 0;
    if (modifier != 0) {
        if (!repeat) {
            release(s, event); // or it would be held twice
            hold(s, event, modifier);
        }
        return false;
    }
    if (event->value == TS_INPUT_HELD || symbol == 0) {
        return false;
    }
    if ((symbol & KEYMAP_NAMED) && lock(s, symbol, repeat)) {
        return false;
    }
    return type(s, symbol, held, repeat, out);
}

bool keymap_event(struct keymap_state *s, const struct ts_input_event *event,
                  struct keymap_symbol *out)
{
    switch (event->type) {
    case TS_INPUT_RESET:
        memset(s->held, 0, sizeof(s->held));
        s->begun = 0;
        return false;
    case TS_INPUT_KEY: return key_event(s, event, out);
    default: return false;
    }
}

size_t keymap_utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3f));
    }
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(first[length] | c);
    return length;
}
