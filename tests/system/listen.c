// SPDX-License-Identifier: MIT
// listen LAYOUT [DRIVER]: takes the keyboard and prints what is typed there, until Escape: text as
// it is, a key with a name as <number>, modifiers before it. Built by the tests with the SDK and
// the library of layouts; opening the driver (ps2) takes the right to steer services.
#include <drivers/keymap/file.h>
#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/status.h>

static struct keymap_file layout;
static struct keymap_compose compose;
static struct keymap_state state;

// False: Escape.
static bool show(const struct keymap_symbol *typed)
{
    char text[4];
    if (typed->symbol == (KEYMAP_NAMED | KEYMAP_ESCAPE)) {
        return false;
    }
    printf("%s%s", typed->modifiers & KEYMAP_CONTROL ? "C-" : "",
           typed->modifiers & KEYMAP_ALT ? "A-" : "");
    if (typed->symbol & KEYMAP_NAMED) {
        printf("<%x>", typed->symbol & ~KEYMAP_NAMED);
    } else {
        printf("%.*s", (int)keymap_utf8(typed->symbol, text), text);
    }
    return true;
}

static ts_status_t listen(ts_handle_t session)
{
    struct ts_input_event events[16];
    struct keymap_symbol typed;
    size_t bytes;
    for (;;) {
        ts_status_t status = ts_read(session, events, sizeof(events), 0, TS_DEADLINE_NONE, &bytes);
        for (size_t i = 0; status == TS_OK && i < bytes / sizeof(events[0]); i++) {
            if (events[i].type == TS_INPUT_MOTION) {
                printf("[%d %d]", (int)TS_INPUT_ID(events[i].code), (int)events[i].value);
            }
            if (keymap_event(&state, &events[i], &typed) && !show(&typed)) {
                return TS_OK;
            }
        }
        if (status != TS_OK) {
            return status;
        }
        fflush(stdout);
    }
}

static ts_status_t open_all(const char *name, const char *driver, ts_handle_t *out_session)
{
    ts_handle_t folder;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "etc/keymaps", 0,
                                 TS_RIGHT_READ | TS_RIGHT_OPEN, &folder);
    if (status == TS_OK) {
        status = keymap_load_or_default(folder, name, &layout);
    }
    if (status == TS_OK) {
        status = keymap_compose_load(folder, &compose);
    }
    return status == TS_OK
               ? ts_open(ts_named_handle("control"), driver, 0, TS_RIGHTS_SAME, out_session)
               : status;
}

int main(int argc, char **argv)
{
    ts_handle_t session = TS_HANDLE_NONE;
    ts_status_t status = open_all(argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : "ps2", &session);
    if (status == TS_OK) {
        keymap_begin(&state, &layout.map, &compose);
        printf("listening with %s\n", layout.name);
        fflush(stdout);
        status = listen(session);
    }
    printf("\nends: %s\n", ts_status_name(status));
    return status != TS_OK;
}
