// SPDX-License-Identifier: MIT
// Names across servers: redirects are followed, bounded and checked; what changes a directory opens
// the directory first.
#include <string.h>
#include <tessera/lib/op.h>
#include <tessera/lib/session.h>
#include "tests/host/check.h"
#include "fake.h"

#define ROOT   (FAKE_SERVED + 1)
#define OTHER  (FAKE_SERVED + 2) // where "tmp/…" leads
#define OPENED (FAKE_SERVED + 3)

static char last_path[64];
static unsigned last_op, last_rights, opens;
static ts_handle_t last_handle;
static uint32_t consumed = 3;
static ts_handle_t redirect_to = OTHER;

static struct ts_result served(unsigned op, unsigned rights, ts_handle_t handle, uint64_t address,
                               uint64_t length, uint64_t offset, uint64_t arg)
{
    (void)offset, (void)arg;
    const char *path = (const char *)(uintptr_t)address;
    if (op == TS_OP_RENAME || op == TS_OP_LINK) {
        const struct ts_call *call = (const void *)path;
        path = (const char *)(uintptr_t)call->in_address;
        length = call->in_length;
    }
    if (op == TS_OP_DUPLICATE) {
        return (struct ts_result){TS_OK, handle};
    }
    CHECK(length < sizeof(last_path));
    memset(last_path, 0, sizeof(last_path));
    memcpy(last_path, path, length);
    last_op = op;
    last_rights = rights;
    last_handle = handle;
    if (op != TS_OP_OPEN) {
        return (struct ts_result){TS_OK, OPENED};
    }
    opens++;
    if (strncmp(last_path, "tmp", 3) == 0 || handle == redirect_to) {
        return (struct ts_result){TS_OK, ts_open_redirect(redirect_to, consumed)};
    }
    return (struct ts_result){TS_OK, OPENED};
}

static void reset(void)
{
    fake_reset();
    fake_served = served;
    opens = 0;
    consumed = 3;
    redirect_to = OTHER;
}

static void test_redirect(void)
{
    ts_handle_t handle;
    reset();
    CHECK_EQUAL(ts_open(ROOT, "etc/motd", 0, TS_RIGHT_READ, &handle), TS_OK);
    CHECK(handle == OPENED && opens == 1);
    consumed = 0; // a server that leads to itself, for ever
    CHECK_EQUAL(ts_open(ROOT, "tmp/a/b", 0, TS_RIGHT_READ | TS_RIGHT_OPEN, &handle), TS_ERR_LOOP);
    CHECK_EQUAL(opens, 1 + TS_REDIRECTS_MAX + 1);
    CHECK_EQUAL(fake_closed, TS_REDIRECTS_MAX + 1); // every handle on the way
}

static struct ts_result served_once(unsigned op, unsigned rights, ts_handle_t handle,
                                    uint64_t address, uint64_t length, uint64_t offset,
                                    uint64_t arg)
{
    struct ts_result result = served(op, rights, handle, address, length, offset, arg);
    if (op == TS_OP_OPEN && handle != ROOT) {
        return (struct ts_result){TS_OK, OPENED};
    }
    return result;
}

static void test_followed(void)
{
    ts_handle_t handle;
    reset();
    fake_served = served_once;
    CHECK_EQUAL(ts_open(ROOT, "tmp/a/b", 0, TS_RIGHT_READ | TS_RIGHT_OPEN, &handle), TS_OK);
    CHECK(handle == OPENED && opens == 2 && last_handle == OTHER);
    CHECK(strcmp(last_path, "/a/b") == 0);
    CHECK_EQUAL(fake_closed, 1); // the handle between
    // Without OPEN among the rights the redirect is asked for again, and only there.
    reset();
    fake_served = served_once;
    CHECK_EQUAL(ts_open(ROOT, "tmp/a", 0, TS_RIGHT_READ, &handle), TS_OK);
    CHECK(opens == 3 && last_rights == TS_RIGHT_READ && fake_closed == 2);
    reset();
    fake_served = served_once;
    consumed = 60; // a server that says it consumed more than there is
    CHECK_EQUAL(ts_open(ROOT, "tmp/a", 0, TS_RIGHTS_SAME, &handle), TS_ERR_PROTOCOL);
    CHECK_EQUAL(fake_closed, 1);
}

static unsigned deaths; // of the server that the redirect leads to, still to come

static struct ts_result served_by_the_next(unsigned op, unsigned rights, ts_handle_t handle,
                                           uint64_t address, uint64_t length, uint64_t offset,
                                           uint64_t arg)
{
    struct ts_result result = served_once(op, rights, handle, address, length, offset, arg);
    if (op == TS_OP_OPEN && handle == OTHER && deaths > 0) {
        deaths--;
        return (struct ts_result){TS_ERR_PEER_CLOSED, 0};
    }
    return result;
}

// A server that ends before it is asked: the one that led there leads to the next.
static void test_begun_anew(void)
{
    ts_handle_t handle;
    reset();
    fake_served = served_by_the_next;
    deaths = 2;
    CHECK_EQUAL(ts_open(ROOT, "tmp/a/b", 0, TS_RIGHT_READ | TS_RIGHT_OPEN, &handle), TS_OK);
    CHECK(handle == OPENED && opens == 6 && strcmp(last_path, "/a/b") == 0 && fake_closed == 3);
    deaths = 1000;
    CHECK_EQUAL(ts_open(ROOT, "tmp/a", 0, TS_RIGHT_OPEN, &handle), TS_ERR_LOOP);
    CHECK(deaths > 1000 - TS_REDIRECTS_MAX);
}

static void test_parents(void)
{
    ts_handle_t handle;
    reset();
    fake_served = served_once;
    CHECK_EQUAL(ts_create(ROOT, "tmp/dir/new", 1, 0, TS_RIGHT_READ, &handle), TS_OK);
    CHECK(last_op == TS_OP_CREATE && last_handle == OPENED && strcmp(last_path, "new") == 0);
    CHECK_EQUAL(ts_remove(ROOT, "plain", 0), TS_OK);
    CHECK(last_op == TS_OP_REMOVE && last_handle == ROOT && strcmp(last_path, "plain") == 0);
    CHECK_EQUAL(ts_rename(ROOT, "d/a", ROOT, "d/b", 0), TS_OK);
    CHECK(last_op == TS_OP_RENAME && memcmp(last_path, "a\0b", 3) == 0);
    CHECK_EQUAL(ts_remove(ROOT, "///", 0), TS_ERR_ARGUMENT);
    CHECK_EQUAL(ts_remove(ROOT, "", 0), TS_ERR_ARGUMENT);
    static char deep[TS_PATH_MAX + 2];
    memset(deep, 'd', sizeof(deep) - 1);
    CHECK_EQUAL(ts_open(ROOT, deep, 0, TS_RIGHT_READ, &handle), TS_ERR_NAME_TOO_LONG);
}

// A path is not looked at before its start, nor behind its end.
static void test_no_component(void)
{
    static const char *const paths[] = {"", "/", "///"};
    reset();
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char *copy = strdup(paths[i]); // with what the sanitizer guards on both sides
        CHECK_EQUAL(ts_remove(ROOT, copy, 0), TS_ERR_ARGUMENT);
        CHECK_EQUAL(ts_rename(ROOT, "d/a", ROOT, copy, 0), TS_ERR_ARGUMENT);
        free(copy);
    }
    CHECK(last_op != TS_OP_REMOVE && last_op != TS_OP_RENAME);
}

// A duplicate of the object is placed under the last name, in the directory that has it.
static struct ts_result served_share(unsigned op, unsigned rights, ts_handle_t handle,
                                     uint64_t address, uint64_t length, uint64_t offset,
                                     uint64_t arg)
{
    if (op != TS_OP_SHARE) {
        return served_once(op, rights, handle, address, length, offset, arg);
    }
    const struct ts_call *call = (const void *)(uintptr_t)address;
    CHECK(call->in_handles == 1 && call->in_handle[0] == OPENED + 1);
    CHECK(call->in_length == 4 && memcmp((void *)(uintptr_t)call->in_address, "name", 4) == 0);
    last_op = op;
    last_handle = handle;
    return (struct ts_result){TS_OK, 0};
}

static void test_share(void)
{
    reset();
    fake_served = served_share;
    last_op = 0;
    CHECK_EQUAL(ts_share(ROOT, "d/name", OPENED + 1), TS_OK);
    CHECK(last_op == TS_OP_SHARE && last_handle == OPENED);
    CHECK_EQUAL(fake_closed, 2); // the duplicate, if it was not taken, and the directory
    fake_fails_at = 2;           // the duplicate cannot be made: nothing is placed
    last_op = 0;
    CHECK_EQUAL(ts_share(ROOT, "d/name", OPENED + 1), TS_ERR_MEMORY);
    CHECK(last_op == TS_OP_OPEN && fake_closed == 3);
}

static void test_session(void)
{
    struct ts_session session = {.service = ROOT};
    ts_handle_t handle;
    reset();
    CHECK_EQUAL(ts_session_get(&session, TS_DEADLINE_NONE, &handle), TS_OK);
    CHECK_EQUAL(ts_session_get(&session, TS_DEADLINE_NONE, &handle), TS_OK);
    CHECK_EQUAL(opens, 1);
    ts_session_lost(&session, handle + 1); // somebody else's: stays
    CHECK(session.session == handle);
    ts_session_lost(&session, handle);
    CHECK_EQUAL(ts_session_get(&session, TS_DEADLINE_NONE, &handle), TS_OK);
    CHECK_EQUAL(opens, 2);
}

int main(void)
{
    test_redirect();
    test_followed();
    test_begun_anew();
    test_parents();
    test_no_component();
    test_share();
    test_session();
    return 0;
}
