// SPDX-License-Identifier: MIT
// See folder.h.
#include "folder.h"

#include "bomb.h"
#include "tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>

#define DEPTH_MAX 600u

static const ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN;

void folder_begin(void)
{
    ts_handle_t folder;
    ts_status_t status = ts_create(ts_named_handle(TS_NAME_FILE), BOMB_FOLDER, TS_FILE_DIRECTORY, 0,
                                   rights, &folder);
    CHECK(status == TS_OK || status == TS_ERR_EXISTS); // of one that failed
    if (status == TS_OK) {
        ts_close(folder);
    }
}

// The last one first.
static void remove_depth(ts_handle_t folder)
{
    static ts_handle_t levels[DEPTH_MAX];
    unsigned depth = 0;
    levels[0] = folder;
    while (depth + 1 < DEPTH_MAX &&
           ts_open(levels[depth], "d", 0, rights, &levels[depth + 1]) == TS_OK) {
        depth++;
    }
    while (depth > 0) {
        ts_close(levels[depth--]);
        CHECK_OK(ts_remove(levels[depth], "d", TS_FILE_DIRECTORY));
    }
}

void folder_end(void)
{
    ts_handle_t root = ts_named_handle(TS_NAME_FILE), folder;
    char name[24];
    CHECK_OK(ts_open(root, BOMB_FOLDER, 0, rights, &folder));
    (void)ts_remove(folder, "mapped", 0);
    ts_status_t status = TS_OK;
    for (unsigned i = 0; status == TS_OK; i++) {
        ts_format(name, sizeof(name), "f%u", i);
        status = ts_remove(folder, name, 0);
    }
    remove_depth(folder);
    ts_close(folder);
    CHECK_OK(ts_remove(root, BOMB_FOLDER, TS_FILE_DIRECTORY));
}
