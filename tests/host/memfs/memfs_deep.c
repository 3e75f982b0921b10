// SPDX-License-Identifier: MIT
// Long paths: walked in steps. Directories "d", one in the other.
#include <string.h>

#include "client.h"
#include "memory.h"
#include "tests/host/check.h"
#include "walk.h"

#define DEEP 900u

static struct ts_object *deep_top, *deep_held;

static const char *deep_path(unsigned depth, const char *last)
{
    static char path[2][TS_PATH_MAX];
    static unsigned next;
    char *out = path[next++ % 2], *end = out;
    for (unsigned i = 0; i < depth; i++) {
        *end++ = 'd';
        *end++ = '/';
    }
    strcpy(end, last);
    return out;
}

static void deep_make(void)
{
    struct ts_object *at = deep_top;
    for (unsigned i = 0; i < DEEP; i++) {
        CHECK_EQUAL(with_path(at, TS_OP_CREATE, "d", TS_FILE_DIRECTORY), TS_OK);
        struct ts_object *below;
        CHECK_EQUAL(open_path(at, "d", 0, &below), TS_OK);
        if (at != deep_top) {
            ts_local_close(at);
        }
        at = below;
    }
    deep_held = at;
}

static ts_status_t deep_rename(const char *from, const char *to)
{
    char names[2 * TS_PATH_MAX];
    size_t length = strlen(from) + 1;
    strcpy(names, from);
    strcpy(names + length, to);
    return rename_path(deep_top, names, length + strlen(to), 0);
}

static ts_status_t deep_open(const char *path, unsigned flags, ts_rights_t rights)
{
    struct ts_local_op op = {.op = TS_OP_OPEN,
                             .rights = rights,
                             .in = path,
                             .in_length = (uint32_t)strlen(path),
                             .arg = ts_open_arg(flags, 0)};
    struct ts_local_result result = ask(deep_top, op);
    if (result.object != NULL) {
        ts_local_close(result.object);
    }
    return result.status;
}

static void test_deep_names(void)
{
    char slashes[TS_PATH_MAX];
    CHECK_EQUAL(with_path(deep_top, TS_OP_CREATE, deep_path(DEEP, "f"), TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(with_path(deep_top, TS_OP_CREATE, deep_path(DEEP, "f"), TS_FILE_REGULAR),
                TS_ERR_EXISTS);
    CHECK_EQUAL(deep_open(deep_path(DEEP, "f"), 0, 0), TS_OK);
    CHECK_EQUAL(deep_open(deep_path(DEEP, "none"), 0, 0), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(deep_open(deep_path(DEEP, "f/x"), 0, 0), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(deep_open(deep_path(DEEP, "../f"), 0, 0), TS_ERR_ARGUMENT);
    CHECK_EQUAL(deep_open(deep_path(2 * DEEP, ""), 0, 0), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(deep_open(deep_path(2 * DEEP, ""), TS_OPEN_CREATE, TS_RIGHT_OPEN), TS_ERR_RIGHTS);
    CHECK_EQUAL(deep_open(deep_path(2 * DEEP, ""), TS_OPEN_CREATE | TS_OPEN_DIRECTORY, 0),
                TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(deep_rename(deep_path(DEEP, "f"), deep_path(DEEP - 1, "g")), TS_OK);
    CHECK_EQUAL(deep_rename(deep_path(DEEP, "f"), deep_path(DEEP, "g")), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(deep_rename("d", deep_path(DEEP, "d")), TS_ERR_ARGUMENT); // below itself
    // A name may begin anywhere in a step, and separators are as long as they like.
    for (size_t i = 500; i < 1030; i++) {
        memset(slashes, '/', i);
        strcpy(slashes + i, "d/d");
        CHECK_EQUAL(deep_open(slashes, 0, 0), TS_OK);
        strcpy(slashes + i, "..d");
        CHECK_EQUAL(deep_open(slashes, 0, 0), TS_ERR_NOT_FOUND);
        strcpy(slashes + i, "../d");
        CHECK_EQUAL(deep_open(slashes, 0, 0), TS_ERR_ARGUMENT);
    }
    memset(slashes, '/', sizeof(slashes));
    slashes[sizeof(slashes) - 1] = '\0';
    memcpy(slashes, "new", 3);
    CHECK_EQUAL(with_path(deep_top, TS_OP_CREATE, slashes, TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(with_path(deep_top, TS_OP_REMOVE, slashes, TS_FILE_DIRECTORY), TS_OK);
    slashes[0] = slashes[1] = slashes[2] = '/';
    CHECK_EQUAL(with_path(deep_top, TS_OP_CREATE, slashes, TS_FILE_DIRECTORY), TS_ERR_ARGUMENT);
    CHECK_EQUAL(deep_open(slashes, 0, 0), TS_OK);
    CHECK_EQUAL(with_path(deep_top, TS_OP_REMOVE, deep_path(DEEP - 1, "g"), 0), TS_OK);
}

// Between two steps of a walk that has come to depth 256: the directory there goes, with all that
// is below it. The walk may hold what is no longer there, and finds nothing in it.
static void remove_from_below(void)
{
    struct node *node = TS_OBJECT_OF(deep_held, struct open_node, object)->node;
    ts_local_close(deep_held);
    for (unsigned i = DEEP; i >= 256; i--) {
        struct node *parent = node->names->directory;
        const struct tree_place place = {parent, "d", 1};
        CHECK_EQUAL(tree_remove(&tree, &place, TS_FILE_DIRECTORY), TS_OK);
        node = parent;
    }
}

static void test_deep_changes(void)
{
    // Without a loop nobody goes on with it: it is cancelled.
    struct ts_loop *loop = local.loop;
    local.loop = NULL;
    CHECK_EQUAL(deep_open(deep_path(DEEP, "none"), 0, 0), TS_ERR_AGAIN);
    local.loop = loop;
    CHECK_EQUAL(deep_open(deep_path(DEEP, ""), 0, 0), TS_OK);
    memory_between = remove_from_below;
    CHECK_EQUAL(with_path(deep_top, TS_OP_CREATE, deep_path(DEEP, "f"), TS_FILE_REGULAR),
                TS_ERR_NOT_FOUND);
    CHECK(memory_between == NULL); // it was called, so the walk had steps
    for (unsigned i = 255; i > 0; i--) {
        CHECK_EQUAL(with_path(deep_top, TS_OP_REMOVE, deep_path(i - 1, "d"), TS_FILE_DIRECTORY),
                    TS_OK);
    }
}

// What was asked is closed while it walks.
static void close_asked(void)
{
    ts_local_close(deep_top);
}

void test_deep(struct ts_object *top)
{
    static struct ts_loop loop = {.now = 1};
    local.loop = &loop;
    walk_init(&loop);
    deep_top = top;
    deep_make();
    test_deep_names();
    struct ts_object *other;
    CHECK_EQUAL(open_path(top, "", 0, &other), TS_OK);
    deep_top = other;
    memory_between = close_asked;
    CHECK_EQUAL(deep_open(deep_path(DEEP, "none"), 0, 0), TS_ERR_NOT_FOUND);
    deep_top = top;
    test_deep_changes();
    local.loop = NULL;
}
