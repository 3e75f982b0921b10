// SPDX-License-Identifier: MIT
// What is typed: a session of each driver of the class "input", and the layout that makes
// characters of its keys. Keys that are the screen's own:
//
//   Alt-F1 …                  another console in front; the one after the last is the log
//   Shift-PageUp, -PageDown   back in what has left the screen, and forth
#pragma once

#include <drivers/keymap/file.h>
#include <tessera/lib/opening.h>
#include "screen.h"

#define KEYBOARDS_MAX 8u // drivers

struct keyboards;

struct keyboard {
    struct keyboards *all;
    char name[40];
    struct ts_opening opening;
    ts_handle_t session;
    struct ts_async reading, lighting;
    struct ts_timer retry;
    struct keymap_state state;
    uint64_t leds; // as they were set last
    struct ts_input_event events[32];
};

struct keyboards {
    struct screen *screen;
    ts_handle_t class;
    struct keyboard each[KEYBOARDS_MAX];
    uint32_t count;
    struct ts_async watching, listing;
    uint64_t cookie;
    _Alignas(8) char buffer[1024];
    struct keymap_file layout;
    struct keymap_compose compose;
};

// `class`: of drivers of keyboards; `folder`: of layouts; `layout`: its name, NULL: the default.
// Without class or layout nothing can be typed. Blocks while the layout is read.
void keyboards_start(struct keyboards *keyboards, struct screen *screen, ts_handle_t class,
                     ts_handle_t folder, const char *layout);
