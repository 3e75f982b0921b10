// SPDX-License-Identifier: MIT
// Layouts as tools/mkkeymap.py makes them: what is typed on them, and files that are broken.
#include <drivers/keymap/keymap.h>

#include <string.h>

#include "tests/host/check.h"

#define TYPED_MAX 256u

enum { // of the keyboard page
    KEY_A = 0x04,
    KEY_C = 0x06,
    KEY_E = 0x08,
    KEY_Q = 0x14,
    KEY_Y = 0x1c,
    KEY_Z = 0x1d,
    KEY_1 = 0x1e,
    KEY_2 = 0x1f,
    KEY_0 = 0x27,
    KEY_ENTER = 0x28,
    KEY_TAB = 0x2b,
    KEY_SPACE = 0x2c,
    KEY_MINUS = 0x2d,
    KEY_EQUAL = 0x2e,
    KEY_LEFT_BRACKET = 0x2f,
    KEY_SEMICOLON = 0x33,
    KEY_QUOTE = 0x34,
    KEY_GRAVE = 0x35,
    KEY_CAPS = 0x39,
    KEY_F1 = 0x3a,
    KEY_LEFT = 0x50,
    KEY_NUM = 0x53,
    KEY_PAD_ENTER = 0x58,
    KEY_PAD_4 = 0x5c,
    KEY_MENU = 0x65,
    KEY_CONTROL = 0xe0,
    KEY_SHIFT = 0xe1,
    KEY_ALT = 0xe2,
    KEY_ALT_RIGHT = 0xe6,
};

static _Alignas(uint32_t) unsigned char layout[KEYMAP_FILE_MAX], sequences[KEYMAP_COMPOSE_MAX];
static size_t layout_length;
static struct keymap map;
static struct keymap_compose compose;
static struct keymap_state state;
static char typed[TYPED_MAX];
static size_t typed_length;
static struct keymap_symbol last;

static size_t read_file(const char *name, void *bytes, size_t room)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", KEYMAP_FOLDER, name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t length = fread(bytes, 1, room, file);
    fclose(file);
    return length;
}

static void use(const char *name)
{
    layout_length = read_file(name, layout, sizeof(layout));
    CHECK_EQUAL(keymap_parse(layout, layout_length, &map), TS_OK);
    keymap_begin(&state, &map, &compose);
}

static bool event(uint16_t type, uint32_t code, int32_t value)
{
    struct ts_input_event e = {.type = type, .code = code, .value = value};
    if (!keymap_event(&state, &e, &last)) {
        return false;
    }
    if (!(last.symbol & KEYMAP_NAMED) && typed_length + 4 < TYPED_MAX) {
        typed_length += keymap_utf8(last.symbol, typed + typed_length);
        typed[typed_length] = 0;
    }
    return true;
}

static bool key(uint32_t id, int32_t value)
{
    return event(TS_INPUT_KEY, TS_INPUT_KEY_CODE(id), value);
}

static bool tap(uint32_t id)
{
    bool any = key(id, TS_INPUT_PRESS);
    CHECK(!key(id, TS_INPUT_UP));
    return any;
}

static bool tap_with(uint32_t modifier, uint32_t id)
{
    CHECK(!key(modifier, TS_INPUT_PRESS));
    bool any = tap(id);
    CHECK(!key(modifier, TS_INPUT_UP));
    return any;
}

static void expect(const char *text)
{
    if (strcmp(typed, text) != 0) {
        fprintf(stderr, "typed '%s', not '%s'\n", typed, text);
    }
    CHECK(strcmp(typed, text) == 0);
    typed_length = 0;
    typed[0] = 0;
}

static void expect_named(enum keymap_named name, uint32_t modifiers)
{
    CHECK_EQUAL(last.symbol, KEYMAP_NAMED | name);
    CHECK_EQUAL(last.modifiers, modifiers);
}

// ---- Layouts

static void us(void)
{
    use("us");
    tap(KEY_A), tap_with(KEY_SHIFT, KEY_A), tap(KEY_1), tap_with(KEY_SHIFT, KEY_2);
    tap(KEY_QUOTE), tap(KEY_SPACE), tap(KEY_Z);
    expect("aA1@' z");
    CHECK(tap(KEY_ENTER));
    expect_named(KEYMAP_ENTER, 0);
    CHECK(tap_with(KEY_SHIFT, KEY_TAB));
    expect_named(KEYMAP_TAB, KEYMAP_SHIFT);
    CHECK(tap_with(KEY_ALT, KEY_F1));
    expect_named(KEYMAP_F1, KEYMAP_ALT);
    CHECK(tap(KEY_LEFT));
    expect_named(KEYMAP_LEFT, 0);
    CHECK(tap_with(KEY_CONTROL, KEY_C));
    CHECK_EQUAL(last.modifiers, KEYMAP_CONTROL);
    expect("c");
}

static void de(void)
{
    use("de");
    tap(KEY_Y), tap(KEY_Z), tap(KEY_MINUS), tap(KEY_LEFT_BRACKET), tap_with(KEY_SHIFT, KEY_QUOTE);
    expect("zyßüÄ");
    tap_with(KEY_ALT_RIGHT, KEY_Q), tap_with(KEY_ALT_RIGHT, KEY_E);
    CHECK_EQUAL(last.modifiers, 0);
    expect("@€");
    CHECK(!tap(KEY_EQUAL)); // the dead acute accent
    CHECK(tap(KEY_E));
    CHECK(!tap_with(KEY_SHIFT, KEY_EQUAL)); // the grave one
    CHECK(!key(KEY_SHIFT, TS_INPUT_PRESS));
    CHECK(tap(KEY_A));
    CHECK(!key(KEY_SHIFT, TS_INPUT_UP));
    CHECK(!tap(KEY_GRAVE)); // the circumflex
    CHECK(tap(KEY_SPACE));
    expect("éÀ^");
    CHECK(!tap(KEY_EQUAL)); // what it cannot stand on is typed alone
    CHECK(tap(KEY_Q));
    expect("q");
    CHECK(!tap(KEY_EQUAL) && !tap(KEY_GRAVE)); // two accents
    CHECK(tap(KEY_E));
    CHECK(!tap(KEY_EQUAL) && !tap_with(KEY_SHIFT, KEY_EQUAL)); // one in place of the other
    CHECK(tap(KEY_E));
    expect("ếè");
    CHECK(!tap(KEY_EQUAL)); // a key with a name ends it
    CHECK(tap(KEY_ENTER));
    expect_named(KEYMAP_ENTER, 0);
    tap(KEY_E);
    expect("e");
    CHECK(!tap(KEY_EQUAL) && tap_with(KEY_CONTROL, KEY_C));
    tap(KEY_E);
    expect("ce");
}

static void fr(void)
{
    use("fr");
    tap(KEY_A), tap(KEY_Q), tap(KEY_2), tap(KEY_0), tap(KEY_SEMICOLON);
    tap_with(KEY_SHIFT, KEY_1), tap_with(KEY_ALT_RIGHT, KEY_0);
    expect("qaéàm1@");
    CHECK(!tap(KEY_LEFT_BRACKET)); // circumflex
    CHECK(tap(KEY_E));
    CHECK(!tap_with(KEY_SHIFT, KEY_LEFT_BRACKET)); // diaeresis
    CHECK(tap(KEY_E));
    expect("êë");
    tap(KEY_CAPS); // of French keyboards: digits stay as they are, letters are large
    tap(KEY_A), tap(KEY_2);
    expect("QÉ");
}

static void two_alphabets(void)
{
    use("ru");
    tap(KEY_A);
    CHECK_EQUAL(keymap_leds(&state), 0);
    CHECK(!tap_with(KEY_SHIFT, KEY_CAPS));
    CHECK_EQUAL(keymap_leds(&state), TS_INPUT_LED_SCROLL);
    tap(KEY_A), tap_with(KEY_SHIFT, KEY_A), tap_with(KEY_CONTROL, KEY_C);
    expect("aфФc");
    CHECK(!tap_with(KEY_SHIFT, KEY_CAPS));
    tap(KEY_C);
    expect("c");
    use("gr");
    tap_with(KEY_SHIFT, KEY_CAPS);
    CHECK(!tap(KEY_SEMICOLON)); // tonos
    CHECK(tap(KEY_A));
    expect("ά");
}

static void all_are_there(void)
{
    static const char *const names[] = {
        "us", "us-intl", "dvorak", "colemak", "gb", "de", "fr", "es", "it", "pt", "br", "ch", "se",
        "no", "dk",      "fi",     "pl",      "cz", "hu", "ru", "gr", "tr", "jp", "ua", "be", "ca"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        use(names[i]);
        CHECK(tap(KEY_ENTER));
        expect_named(KEYMAP_ENTER, 0);
        CHECK(tap(KEY_F1));
        expect_named(KEYMAP_F1, 0);
        CHECK(tap(KEY_SPACE));
        expect(" ");
    }
    use("jp");
    tap_with(KEY_SHIFT, KEY_2);
    expect("\"");
}

// ---- State

static void locks(void)
{
    use("us");
    CHECK(!tap(KEY_CAPS));
    CHECK_EQUAL(keymap_leds(&state), TS_INPUT_LED_CAPS);
    tap(KEY_A), tap_with(KEY_SHIFT, KEY_A), tap(KEY_1);
    expect("Aa1");
    CHECK(!key(KEY_CAPS, TS_INPUT_REPEAT) && !key(KEY_CAPS, TS_INPUT_HELD));
    CHECK_EQUAL(keymap_leds(&state), TS_INPUT_LED_CAPS);
    CHECK(!tap(KEY_CAPS));
    CHECK(tap(KEY_PAD_4));
    expect_named(KEYMAP_LEFT, 0);
    CHECK(!tap(KEY_NUM));
    CHECK_EQUAL(keymap_leds(&state), TS_INPUT_LED_NUM);
    tap(KEY_PAD_4);
    expect("4");
    CHECK(tap(KEY_PAD_ENTER));
    expect_named(KEYMAP_ENTER, 0);
}

static void repeats_and_resets(void)
{
    use("de");
    CHECK(key(KEY_A, TS_INPUT_PRESS) && key(KEY_A, TS_INPUT_REPEAT));
    expect("aa");
    CHECK(!key(KEY_EQUAL, TS_INPUT_PRESS) && !key(KEY_EQUAL, TS_INPUT_REPEAT));
    CHECK(!key(KEY_SHIFT, TS_INPUT_PRESS) && !key(KEY_SHIFT, TS_INPUT_REPEAT));
    CHECK(!key(KEY_SHIFT, TS_INPUT_UP) && tap(KEY_E));
    expect("é");
    CHECK(!key(KEY_SHIFT, TS_INPUT_PRESS) && !tap(KEY_EQUAL));
    CHECK(!event(TS_INPUT_RESET, 0, TS_INPUT_LOST)); // neither Shift nor the accent
    tap(KEY_E);
    expect("e");
    CHECK(!key(KEY_SHIFT, TS_INPUT_HELD) && !key(KEY_A, TS_INPUT_HELD));
    tap(KEY_E);
    CHECK(!key(KEY_SHIFT, TS_INPUT_UP));
    tap(KEY_E);
    expect("Ee");
    CHECK(!event(TS_INPUT_MOTION, TS_INPUT_X, 5) && !event(TS_INPUT_DEVICE, 0, 1));
    keymap_begin(&state, &map, NULL);
    CHECK(!tap(KEY_EQUAL) && tap(KEY_E)); // no sequences: the accent does nothing
    expect("e");
}

static void compose_key(void)
{
    use("us");
    CHECK(!tap(KEY_MENU) && !tap(KEY_QUOTE) && tap(KEY_E));
    CHECK(!tap(KEY_MENU) && !tap(KEY_Z)); // which goes on with something else than an A
    CHECK(tap(KEY_A) && tap(KEY_E));
    expect("éae");
    struct ts_input_event none = {.type = TS_INPUT_KEY, .code = 0xffffffff, .value = 77};
    CHECK(!keymap_event(&state, &none, &last));
    for (unsigned i = 0; i < 2 * KEYMAP_MODIFIERS; i++) { // more than can be held
        struct ts_input_event shift = {.type = TS_INPUT_KEY,
                                       .code = TS_INPUT_KEY_CODE(KEY_SHIFT),
                                       .value = TS_INPUT_PRESS,
                                       .device = (uint16_t)i};
        CHECK(!keymap_event(&state, &shift, &last));
    }
    tap(KEY_A);
    expect("A");
    CHECK(!event(TS_INPUT_RESET, 0, TS_INPUT_BEGIN));
}

// ---- Files

// Whatever a file has in it: it is refused, or each key gives nothing or a symbol.
static void broken_files(void)
{
    static _Alignas(uint32_t) unsigned char copy[KEYMAP_FILE_MAX];
    uint32_t refused = 0;
    use("de");
    for (unsigned round = 0; round < 20000; round++) {
        struct keymap broken;
        memcpy(copy, layout, layout_length);
        for (uint64_t n = random_below(3) + 1; n > 0; n--) {
            copy[random_below(round % 2 ? layout_length : 1200)] = (unsigned char)random_next();
        }
        size_t length = round % 16 ? layout_length : random_below(layout_length + 1);
        if (keymap_parse(copy, length, &broken) != TS_OK) {
            refused++;
            continue;
        }
        keymap_begin(&state, &broken, &compose);
        for (unsigned i = 0; i < 64; i++) {
            key((uint32_t)random_below(256), (int32_t)random_below(4));
        }
        typed_length = 0;
    }
    CHECK(refused > 5000 && refused < 20000);
}

static void broken_heads(void)
{
    struct keymap out;
    struct keymap_head *head = (void *)layout;
    use("us");
    CHECK_EQUAL(keymap_parse(layout, sizeof(*head) - 1, &out), TS_ERR_CORRUPT);
    CHECK_EQUAL(keymap_parse(layout, layout_length - 1, &out), TS_ERR_CORRUPT);
    CHECK_EQUAL(keymap_parse(layout, KEYMAP_FILE_MAX + 1, &out), TS_ERR_TOO_LARGE);
    head->version++;
    CHECK_EQUAL(keymap_parse(layout, layout_length, &out), TS_ERR_VERSION);
    head->version--;
    head->keys = UINT32_MAX;
    CHECK_EQUAL(keymap_parse(layout, layout_length, &out), TS_ERR_CORRUPT);
}

static void broken_sequences(size_t length)
{
    static _Alignas(uint32_t) unsigned char copy[KEYMAP_COMPOSE_MAX];
    struct keymap_compose out;
    struct keymap_sequence *first = (void *)(copy + sizeof(struct keymap_compose_head));
    memcpy(copy, sequences, length);
    CHECK_EQUAL(keymap_compose_parse(copy, length, &out), TS_OK);
    CHECK(out.count > 1000);
    CHECK_EQUAL(keymap_compose_parse(copy, length - 1, &out), TS_ERR_CORRUPT);
    struct keymap_sequence saved = first[1];
    first[1] = first[2]; // twice
    CHECK_EQUAL(keymap_compose_parse(copy, length, &out), TS_ERR_CORRUPT);
    first[1] = saved;
    first[1].character = 7;
    CHECK_EQUAL(keymap_compose_parse(copy, length, &out), TS_ERR_CORRUPT);
    first[1] = saved;
    first[1].symbols[1] = 0; // a hole
    CHECK_EQUAL(keymap_compose_parse(copy, length, &out), TS_ERR_CORRUPT);
}

static void utf8(void)
{
    char out[4];
    CHECK(keymap_utf8('a', out) == 1 && out[0] == 'a');
    CHECK(keymap_utf8(0xe9, out) == 2 && memcmp(out, "é", 2) == 0);
    CHECK(keymap_utf8(0x20ac, out) == 3 && memcmp(out, "€", 3) == 0);
    CHECK(keymap_utf8(0x1f600, out) == 4 && memcmp(out, "😀", 4) == 0);
}

int main(void)
{
    size_t length = read_file("compose", sequences, sizeof(sequences));
    CHECK_EQUAL(keymap_compose_parse(sequences, length, &compose), TS_OK);
    us();
    de();
    fr();
    two_alphabets();
    all_are_there();
    locks();
    repeats_and_resets();
    compose_key();
    broken_files();
    broken_heads();
    broken_sequences(length);
    utf8();
    return 0;
}
