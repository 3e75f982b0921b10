// SPDX-License-Identifier: MIT
#include "keyboards.h"

#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>

#define SESSION_RIGHTS (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT)
#define RETRY_NS       TS_SECOND

// ---- Symbols

static const struct {
    uint32_t symbol;
    unsigned key;
} named_keys[] = {
    {KEYMAP_BACKSPACE, TERMINAL_BACKSPACE},
    {KEYMAP_TAB, TERMINAL_TAB},
    {KEYMAP_ENTER, TERMINAL_ENTER},
    {KEYMAP_ESCAPE, TERMINAL_ESCAPE},
    {KEYMAP_HOME, TERMINAL_HOME},
    {KEYMAP_LEFT, TERMINAL_LEFT},
    {KEYMAP_UP, TERMINAL_UP},
    {KEYMAP_RIGHT, TERMINAL_RIGHT},
    {KEYMAP_DOWN, TERMINAL_DOWN},
    {KEYMAP_PAGE_UP, TERMINAL_PAGE_UP},
    {KEYMAP_PAGE_DOWN, TERMINAL_PAGE_DOWN},
    {KEYMAP_END, TERMINAL_END},
    {KEYMAP_INSERT, TERMINAL_INSERT},
    {KEYMAP_DELETE, TERMINAL_DELETE},
};

// The terminal's key; 0: it knows none such.
static unsigned key_of(uint32_t named)
{
    if (named >= KEYMAP_F1 && named <= KEYMAP_F12) {
        return TERMINAL_F0 + 1 + (named - KEYMAP_F1);
    }
    for (size_t i = 0; i < sizeof(named_keys) / sizeof(named_keys[0]); i++) {
        if (named_keys[i].symbol == named) {
            return named_keys[i].key;
        }
    }
    return 0;
}

static unsigned modifiers_of(uint32_t modifiers)
{
    return (modifiers & KEYMAP_SHIFT ? TERMINAL_SHIFT : 0) |
           (modifiers & KEYMAP_ALT ? TERMINAL_ALT : 0) |
           (modifiers & KEYMAP_CONTROL ? TERMINAL_CONTROL : 0);
}

static bool is_for_screen(struct screen *s, unsigned key, unsigned modifiers)
{
    unsigned function = key - (TERMINAL_F0 + 1);
    if (modifiers == TERMINAL_ALT && key > TERMINAL_F0 && function <= SCREEN_CONSOLES) {
        ts_status_t status = screen_turn(s, function);
        if (status != TS_OK) {
            ts_log("console %u: %s", function + 1, ts_status_text(status));
        }
        return true;
    }
    if (modifiers == TERMINAL_SHIFT && (key == TERMINAL_PAGE_UP || key == TERMINAL_PAGE_DOWN)) {
        screen_leaf(s, key == TERMINAL_PAGE_UP);
        return true;
    }
    return false;
}

static void type(struct screen *s, const struct keymap_symbol *symbol)
{
    unsigned modifiers = modifiers_of(symbol->modifiers);
    if (!(symbol->symbol & KEYMAP_NAMED)) {
        screen_type(s, symbol->symbol, modifiers);
        return;
    }
    unsigned key = key_of(symbol->symbol & ~KEYMAP_NAMED);
    if (key != 0 && !is_for_screen(s, key, modifiers)) {
        screen_press(s, key, modifiers);
    }
}

// ---- One driver

static void read_more(struct keyboard *k);

static void give_up(struct keyboard *k)
{
    ts_close(k->session);
    k->session = TS_HANDLE_NONE;
    struct ts_loop *loop = k->all->screen->loop;
    ts_timer_arm(loop, &k->retry, ts_loop_now(loop) + RETRY_NS);
}

static void light(struct keyboard *k)
{
    uint64_t leds = keymap_leds(&k->state);
    if (leds == k->leds || k->lighting.busy) {
        return;
    }
    struct ts_submission *slot = ts_loop_begin(k->all->screen->loop, &k->lighting);
    if (slot != NULL) {
        k->leds = leds;
        ts_prepare_set(slot, k->session, TS_PROPERTY_INPUT_LEDS, &k->leds, sizeof(k->leds),
                       TS_DEADLINE_NONE, ts_async_data(&k->lighting));
    }
}

// A keyboard may have no lights. What was locked meanwhile is shown now.
static void on_lit(struct ts_async *async, const struct ts_event *event)
{
    struct keyboard *k = TS_OBJECT_OF(async, struct keyboard, lighting);
    (void)event;
    if (k->session != TS_HANDLE_NONE) {
        light(k);
    }
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct keyboard *k = TS_OBJECT_OF(async, struct keyboard, reading);
    size_t count = event->status == TS_OK ? event->value / sizeof(k->events[0]) : 0;
    if (event->status != TS_OK) {
        give_up(k); // it has died, and is started again
        return;
    }
    for (size_t i = 0; i < count && i < sizeof(k->events) / sizeof(k->events[0]); i++) {
        struct keymap_symbol symbol;
        if (keymap_event(&k->state, &k->events[i], &symbol)) {
            type(k->all->screen, &symbol);
        }
    }
    light(k);
    read_more(k);
}

static void read_more(struct keyboard *k)
{
    struct ts_submission *slot = ts_loop_begin(k->all->screen->loop, &k->reading);
    if (slot == NULL) {
        give_up(k);
        return;
    }
    ts_prepare_read_current(slot, k->session, k->events, sizeof(k->events), TS_DEADLINE_NONE,
                            ts_async_data(&k->reading));
}

static void on_open(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    struct keyboard *k = TS_OBJECT_OF(opening, struct keyboard, opening);
    if (status != TS_OK) {
        if (status !=
            TS_ERR_NOT_FOUND) { // else there is no such device: the list tells if one comes
            give_up(k);
        }
        return;
    }
    k->session = handle;
    k->leds = 0;
    keymap_begin(&k->state, &k->all->layout.map, &k->all->compose);
    read_more(k);
}

static void on_retry(struct ts_timer *timer)
{
    ts_opening_begin(&TS_OBJECT_OF(timer, struct keyboard, retry)->opening);
}

// ---- All of them

static struct keyboard *find(struct keyboards *ks, const struct ts_file_entry *entry)
{
    for (uint32_t i = 0; i < ks->count; i++) {
        struct keyboard *k = &ks->each[i];
        if (strlen(k->name) == entry->name_length &&
            memcmp(k->name, entry->name, entry->name_length) == 0) {
            return k;
        }
    }
    return NULL;
}

static void add(struct keyboards *ks, const struct ts_file_entry *entry)
{
    struct keyboard *k = find(ks, entry);
    if (k == NULL) {
        if (ks->count == KEYBOARDS_MAX || entry->name_length >= sizeof(k->name)) {
            ts_log("%.*s is not used", (int)entry->name_length, entry->name);
            return;
        }
        k = &ks->each[ks->count++];
        *k = (struct keyboard){
            .all = ks, .reading.done = on_read, .lighting.done = on_lit, .retry.fired = on_retry};
        memcpy(k->name, entry->name, entry->name_length);
        k->opening = (struct ts_opening){.loop = ks->screen->loop,
                                         .root = ks->class,
                                         .path = k->name,
                                         .length = entry->name_length,
                                         .rights = SESSION_RIGHTS,
                                         .deadline = TS_DEADLINE_NONE,
                                         .done = on_open};
    }
    if (k->session == TS_HANDLE_NONE && !k->retry.armed && !ts_opening_busy(&k->opening)) {
        ts_opening_begin(&k->opening);
    }
}

static void list(struct keyboards *ks)
{
    struct ts_submission *slot = ts_loop_begin(ks->screen->loop, &ks->listing);
    if (slot == NULL) {
        ts_log("keyboards are not looked for: %s", ts_status_text(TS_ERR_AGAIN));
        return;
    }
    ts_prepare_list(slot, ks->class, ks->buffer, sizeof(ks->buffer), ks->cookie, TS_DEADLINE_NONE,
                    ts_async_data(&ks->listing));
}

static void watch(struct keyboards *ks)
{
    struct ts_submission *slot = ts_loop_begin(ks->screen->loop, &ks->watching);
    if (slot == NULL) {
        ts_log("keyboards that come later are not seen");
        return;
    }
    ts_prepare_wait(slot, ks->class, TS_SIGNAL_READABLE, TS_DEADLINE_NONE,
                    ts_async_data(&ks->watching));
}

static void on_listed(struct ts_async *async, const struct ts_event *event)
{
    struct keyboards *ks = TS_OBJECT_OF(async, struct keyboards, listing);
    ts_status_t status = event->status;
    size_t bytes = status == TS_OK ? (size_t)event->value : 0, position = 0;
    const struct ts_file_entry *entry;
    while (status == TS_OK &&
           (entry = ts_listing_next(ks->buffer, bytes, &position, &status)) != NULL) {
        ks->cookie = entry->next;
        add(ks, entry);
    }
    if (status != TS_OK) {
        ts_log("keyboards: %s", ts_status_text(status));
    } else if (bytes > 0) {
        list(ks);
    } else {
        watch(ks);
    }
}

static void on_change(struct ts_async *async, const struct ts_event *event)
{
    struct keyboards *ks = TS_OBJECT_OF(async, struct keyboards, watching);
    if (event->status == TS_OK) {
        ks->cookie = 0;
        list(ks);
    }
}

void keyboards_start(struct keyboards *ks, struct screen *screen, ts_handle_t class,
                     ts_handle_t folder, const char *layout)
{
    *ks = (struct keyboards){.screen = screen, .class = class};
    ks->listing.done = on_listed;
    ks->watching.done = on_change;
    if (!class || !folder || keymap_load_or_default(folder, layout, &ks->layout) != TS_OK) {
        ts_log("nothing can be typed on the screen");
        return;
    }
    if (keymap_compose_load(folder, &ks->compose) != TS_OK) {
        ks->compose = (struct keymap_compose){0}; // dead keys do nothing then
    }
    list(ks);
}
