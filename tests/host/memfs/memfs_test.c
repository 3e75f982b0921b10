// SPDX-License-Identifier: MIT
// The memory file system through its handlers, as a client would use it; at the end everything that
// it took must have gone back.
#include "file.h"
#include "memfs.h"
#include "walk.h"
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/local.h>
#include <tessera/lib/memory.h>
#include "memory.h"
#include "tests/host/check.h"

#define NODES 2000u
#define PAGES 512u

static struct tree tree;
static struct memfs_root root = {.object.operations = &memfs_root_operations, .tree = &tree};
static struct ts_local local;

static struct ts_local_result ask(struct ts_object *object, struct ts_local_op op)
{
    struct ts_local_result result = {0};
    op.rights = op.rights ? op.rights : TS_RIGHTS_ALL;
    result.status = ts_local_call(&local, object, &op, &result);
    return result;
}

static ts_status_t open_path(struct ts_object *from, const char *path, unsigned flags,
                             struct ts_object **out)
{
    struct ts_local_result r = ask(from, (struct ts_local_op){.op = TS_OP_OPEN,
                                                              .in = path,
                                                              .in_length = (uint32_t)strlen(path),
                                                              .arg = ts_open_arg(flags, 0)});
    *out = r.object;
    return r.status;
}

static ts_status_t with_path(struct ts_object *from, enum ts_operation op, const char *path,
                             unsigned kind)
{
    struct ts_local_result r = ask(from, (struct ts_local_op){.op = op,
                                                              .in = path,
                                                              .in_length = (uint32_t)strlen(path),
                                                              .arg = ts_open_arg(0, kind)});
    if (r.status == TS_OK && r.object != NULL) {
        ts_local_close(r.object);
    }
    return r.status;
}

static int64_t move(struct ts_object *file, enum ts_operation op, void *bytes, uint32_t length,
                    uint64_t offset, unsigned flags)
{
    struct ts_local_op request = {.op = op, .offset = offset, .flags = (uint8_t)flags};
    if (op == TS_OP_READ) {
        request.out = bytes;
        request.out_length = length;
    } else {
        request.in = bytes;
        request.in_length = length;
    }
    struct ts_local_result r = ask(file, request);
    return r.status == TS_OK ? (int64_t)r.value : r.status;
}

static ts_status_t set_number(struct ts_object *file, unsigned property, uint64_t value)
{
    return ask(file,
               (struct ts_local_op){
                   .op = TS_OP_SET, .in = &value, .in_length = sizeof(value), .arg = property})
        .status;
}

static uint64_t get_number(struct ts_object *file, unsigned property)
{
    uint64_t value = 0;
    struct ts_local_op op = {
        .op = TS_OP_GET, .out = &value, .out_length = sizeof(value), .arg = property};
    CHECK_EQUAL(ask(file, op).status, TS_OK);
    return value;
}

static ts_status_t two_names(struct ts_object *from, enum ts_operation op, const char *names,
                             size_t length, unsigned flags)
{
    return ask(from,
               (struct ts_local_op){
                   .op = op, .in = names, .in_length = (uint32_t)length, .arg = flags})
        .status;
}

static ts_status_t rename_path(struct ts_object *from, const char *names, size_t length,
                               unsigned flags)
{
    return two_names(from, TS_OP_RENAME, names, length, flags);
}

static ts_status_t link_path(struct ts_object *from, const char *names, size_t length)
{
    return two_names(from, TS_OP_LINK, names, length, 0);
}

static void test_content(struct ts_object *top)
{
    struct ts_object *file, *again;
    char buffer[64] = {0};
    CHECK_EQUAL(open_path(top, "a", 0, &file), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_CREATE, &file), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_WRITE, "hello", 5, 0, TS_FLAG_CURRENT), 5);
    CHECK_EQUAL(move(file, TS_OP_WRITE, " world", 6, 0, TS_FLAG_CURRENT), 6);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 64, 0, TS_FLAG_CURRENT), 0);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 64, 6, 0), 5);
    CHECK(!memcmp(buffer, "world", 5));
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_CREATE | TS_OPEN_EXCLUSIVE, &again), TS_ERR_EXISTS);
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_DIRECTORY, &again), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(open_path(top, "a/b", 0, &again), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_APPEND, &again), TS_OK);
    CHECK_EQUAL(move(again, TS_OP_WRITE, "!", 1, 0, 0), 1);
    CHECK_EQUAL(get_number(file, TS_PROPERTY_SIZE), 12);
    CHECK_EQUAL(get_number(file, TS_PROPERTY_POSITION), 11);

    // A gap is zeros, and what was cut off is never seen again.
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 5), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_WRITE, "x", 1, 10000, 0), 1);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 8, 4, 0), 8);
    CHECK(!memcmp(buffer, "o\0\0\0\0\0\0\0", 8));
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 100), TS_OK);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 20000), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 1, 10000, 0), 1);
    CHECK_EQUAL(buffer[0], 0);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_POSITION, UINT64_MAX), TS_ERR_ARGUMENT);
    CHECK_EQUAL(move(file, TS_OP_WRITE, "x", 1, UINT64_MAX, 0), TS_ERR_TOO_LARGE);
    CHECK_EQUAL(move(file, TS_OP_WRITE, "x", 1, FILE_SIZE_MAX, 0), TS_ERR_TOO_LARGE);
    ts_local_close(again);
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_TRUNCATE, &again), TS_OK);
    CHECK_EQUAL(get_number(file, TS_PROPERTY_SIZE), 0);
    ts_local_close(again);

    // An open file outlives its name.
    CHECK_EQUAL(move(file, TS_OP_WRITE, "still", 5, 0, 0), 5);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "a", 0), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 5, 0, 0), 5);
    CHECK(!memcmp(buffer, "still", 5));
    ts_local_close(file);
    CHECK_EQUAL(store_used(&tree.store), 0);
}

static void test_names(struct ts_object *top)
{
    struct ts_object *directory, *file;
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d", TS_FILE_DIRECTORY), TS_ERR_EXISTS);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d/e", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d/f", TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "x/y", TS_FILE_REGULAR), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d/f/g", TS_FILE_REGULAR), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "", TS_FILE_REGULAR), TS_ERR_ARGUMENT);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "k", 77), TS_ERR_ARGUMENT);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d/../k", TS_FILE_REGULAR), TS_ERR_ARGUMENT);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d", TS_FILE_DIRECTORY), TS_ERR_NOT_EMPTY);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d", 0), TS_ERR_IS_DIRECTORY);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d/f", TS_FILE_DIRECTORY), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "", TS_FILE_DIRECTORY), TS_ERR_ARGUMENT);

    CHECK_EQUAL(rename_path(top, "d\0d/e/d", 7, 0), TS_ERR_ARGUMENT); // below itself
    CHECK_EQUAL(rename_path(top, "no zero", 7, 0), TS_ERR_ARGUMENT);
    CHECK_EQUAL(rename_path(top, "d/f\0d/e", 7, 0), TS_ERR_IS_DIRECTORY);
    CHECK_EQUAL(rename_path(top, "d/e\0d/f", 7, 0), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(rename_path(top, "d/f\0g", 5, 0), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "h", TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(rename_path(top, "g\0h", 3, TS_OPEN_EXCLUSIVE), TS_ERR_EXISTS);
    CHECK_EQUAL(rename_path(top, "g\0h", 3, 0), TS_OK);
    CHECK_EQUAL(rename_path(top, "g\0h", 3, 0), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(rename_path(top, "h\0h", 3, 0), TS_OK);
    CHECK_EQUAL(open_path(top, "d/e", TS_OPEN_DIRECTORY, &directory), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d/e", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(open_path(directory, "new", TS_OPEN_CREATE, &file), TS_ERR_NOT_FOUND);
    ts_local_close(directory);

    char name[300];
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, name, TS_FILE_REGULAR), TS_ERR_NAME_TOO_LONG);
    name[255] = '\0';
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, name, TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "h", 0), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d", TS_FILE_DIRECTORY), TS_OK);
}

static struct ts_attributes attributes_of(struct ts_object *from, const char *path)
{
    struct ts_attributes attributes = {0};
    struct ts_object *file;
    CHECK_EQUAL(open_path(from, path, 0, &file), TS_OK);
    struct ts_local_op op = {.op = TS_OP_GET,
                             .out = &attributes,
                             .out_length = sizeof(attributes),
                             .arg = TS_PROPERTY_ATTRIBUTES};
    CHECK_EQUAL(ask(file, op).status, TS_OK);
    ts_local_close(file);
    return attributes;
}

// A file of several names is one file, until the last of them goes.
static void test_links(struct ts_object *top)
{
    struct ts_object *file;
    char buffer[8] = {0};
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "d", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(open_path(top, "a", TS_OPEN_CREATE, &file), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_WRITE, "one", 3, 0, 0), 3);
    ts_local_close(file);
    CHECK_EQUAL(link_path(top, "x\0y", 3), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(link_path(top, "d\0y", 3), TS_ERR_IS_DIRECTORY);
    CHECK_EQUAL(link_path(top, "a\0d", 3), TS_ERR_EXISTS);
    CHECK_EQUAL(link_path(top, "a\0x/y", 5), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(link_path(top, "a\0..", 4), TS_ERR_ARGUMENT);
    CHECK_EQUAL(link_path(top, "a\0", 2), TS_ERR_ARGUMENT);
    CHECK_EQUAL(link_path(top, "no zero", 7), TS_ERR_ARGUMENT);
    CHECK_EQUAL(two_names(top, TS_OP_LINK, "a\0y", 3, TS_OPEN_EXCLUSIVE), TS_ERR_ARGUMENT);
    CHECK_EQUAL(attributes_of(top, "a").links, 1);

    CHECK_EQUAL(link_path(top, "a\0d/b", 5), TS_OK);
    CHECK_EQUAL(link_path(top, "d/b\0c", 5), TS_OK);
    CHECK_EQUAL(attributes_of(top, "c").links, 3);
    CHECK_EQUAL(attributes_of(top, "c").identity, attributes_of(top, "a").identity);
    CHECK_EQUAL(rename_path(top, "a\0c", 3, 0), TS_OK); // one file: both stay
    CHECK_EQUAL(attributes_of(top, "a").links, 3);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "a", 0), TS_OK); // that it was made under
    CHECK_EQUAL(open_path(top, "d/b", 0, &file), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 8, 0, 0), 3);
    CHECK(memcmp(buffer, "one", 3) == 0);
    CHECK_EQUAL(rename_path(top, "c\0d/e", 5, 0), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d/b", 0), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d", TS_FILE_DIRECTORY), TS_ERR_NOT_EMPTY);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d/e", 0), TS_OK);
    CHECK_EQUAL(move(file, TS_OP_READ, buffer, 8, 0, 0), 3); // it is still open
    ts_local_close(file);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "d", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(tree.nodes.left, NODES);
    CHECK_EQUAL(store_used(&tree.store), 0);
}

// What was there all the time is listed exactly once, whatever changes meanwhile.
static void test_list(struct ts_object *top)
{
    enum { COUNT = 300 };
    char name[16], seen[COUNT] = {0};
    _Alignas(8) char buffer[256];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        CHECK_EQUAL(with_path(top, TS_OP_CREATE, name, TS_FILE_REGULAR), TS_OK);
    }
    uint64_t cookie = 0;
    int round = 0;
    for (;; round++) {
        struct ts_local_result r = ask(top, (struct ts_local_op){.op = TS_OP_LIST,
                                                                 .out = buffer,
                                                                 .out_length = sizeof(buffer),
                                                                 .offset = cookie});
        CHECK_EQUAL(r.status, TS_OK);
        if (r.value == 0) {
            break;
        }
        size_t position = 0;
        const struct ts_file_entry *entry;
        ts_status_t status;
        while (((entry = ts_listing_next(buffer, (size_t)r.value, &position, &status)) != NULL)) {
            snprintf(name, sizeof(name), "%.*s", (int)entry->name_length, entry->name);
            if (name[0] == 'f') {
                seen[atoi(name + 1)]++;
            }
            cookie = entry->next;
        }
        CHECK_EQUAL(status, TS_OK);
        snprintf(name, sizeof(name), "n%d", round); // comes and goes meanwhile
        CHECK_EQUAL(with_path(top, TS_OP_CREATE, name, TS_FILE_REGULAR), TS_OK);
        if (round % 2) {
            CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
        }
        CHECK(round < COUNT);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQUAL(seen[i], 1);
        snprintf(name, sizeof(name), "f%d", i);
        CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
    }
    for (int i = 0; i < round; i += 2) {
        snprintf(name, sizeof(name), "n%d", i);
        CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
    }
    char small[16];
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "one", TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(
        ask(top, (struct ts_local_op){.op = TS_OP_LIST, .out = small, .out_length = 16}).status,
        TS_ERR_OVERFLOW);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "one", 0), TS_OK);
}

static ts_status_t write_as(struct ts_object *file, uint32_t client, uint64_t offset,
                            uint32_t length)
{
    static const char bytes[TS_FILE_MOVE];
    return ask(file, (struct ts_local_op){.op = TS_OP_WRITE,
                                          .in = bytes,
                                          .in_length = length,
                                          .offset = offset,
                                          .client = client})
        .status;
}

static uint64_t pages_of(uint32_t client)
{
    return ts_share_of(&tree.store.share, client);
}

// A writer pays, whosever the file is, until that is cut off; a hole costs nothing.
static void test_pages(struct ts_object *top)
{
    struct ts_object *file;
    CHECK_EQUAL(open_path(top, "big", TS_OPEN_CREATE, &file), TS_OK);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, FILE_SIZE_MAX), TS_OK);
    CHECK_EQUAL(store_used(&tree.store), 0);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 0), TS_OK);
    uint64_t page = 0;
    while (write_as(file, 1, page * STORE_PAGE, 1) == TS_OK) {
        page++;
    }
    CHECK_EQUAL(page, PAGES / 2 + 1);
    CHECK_EQUAL(write_as(file, 1, 0, 100), TS_OK); // what it has
    CHECK_EQUAL(write_as(file, 1, page * STORE_PAGE, 1), TS_ERR_LIMIT);
    CHECK_EQUAL(get_number(file, TS_PROPERTY_SIZE), (page - 1) * STORE_PAGE + 1);
    uint64_t step = 0; // all or nothing
    while (write_as(file, 2, page * STORE_PAGE + step * TS_FILE_MOVE, TS_FILE_MOVE) == TS_OK) {
        step++;
    }
    CHECK(step > 0);
    CHECK_EQUAL(pages_of(2), step * (TS_FILE_MOVE / STORE_PAGE));
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, (page - 1) * STORE_PAGE + 1), TS_OK);
    CHECK_EQUAL(pages_of(2), 0);
    CHECK_EQUAL(write_as(file, 2, page * STORE_PAGE, 10 * STORE_PAGE), TS_OK);
    CHECK_EQUAL(pages_of(2), 10);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, (page + 4) * STORE_PAGE), TS_OK);
    CHECK_EQUAL(pages_of(2), 4);
    CHECK_EQUAL(pages_of(1), page);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 1), TS_OK);
    CHECK_EQUAL(pages_of(2), 0);
    CHECK_EQUAL(pages_of(1), 1);
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 0), TS_OK);
    CHECK_EQUAL(store_used(&tree.store), 0);
    CHECK(memory_mapped <= 2); // chunks that nobody needs have gone back
    memory_fails = true;
    ts_status_t status = TS_OK; // beyond the chunks that were kept
    for (step = 0; status == TS_OK; step++) {
        status = write_as(file, 1, step * TS_FILE_MOVE, TS_FILE_MOVE);
    }
    CHECK_EQUAL(status, TS_ERR_NO_SPACE);
    CHECK_EQUAL(pages_of(1), (step - 1) * (TS_FILE_MOVE / STORE_PAGE));
    memory_fails = false;
    CHECK_EQUAL(set_number(file, TS_PROPERTY_SIZE, 0), TS_OK);
    CHECK_EQUAL(pages_of(1), 0);
    CHECK_EQUAL(write_as(file, 1, 0, 10), TS_OK);
    ts_local_close(file);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "big", 0), TS_OK);
    CHECK_EQUAL(store_used(&tree.store), 0);
}

static ts_status_t make_as(struct ts_object *top, uint32_t client, const char *name)
{
    struct ts_local_result r = ask(top, (struct ts_local_op){.op = TS_OP_OPEN,
                                                             .in = name,
                                                             .in_length = (uint32_t)strlen(name),
                                                             .arg = TS_OPEN_CREATE,
                                                             .client = client});
    if (r.status == TS_OK) {
        ts_local_close(r.object);
    }
    return r.status;
}

// Each client leaves half of what is left, also of nodes.
static void test_nodes(struct ts_object *top)
{
    char name[16];
    unsigned made = 0, of_first = 0;
    for (uint32_t client = 1; client <= 2; client++) {
        ts_status_t status;
        while (snprintf(name, sizeof(name), "m%u", made),
               (status = make_as(top, client, name)) == TS_OK) {
            made++;
        }
        CHECK_EQUAL(status, TS_ERR_LIMIT);
        of_first = client == 1 ? made : of_first;
    }
    CHECK_EQUAL(of_first, NODES / 2 + 1);
    CHECK_EQUAL(made - of_first, (NODES - of_first) / 2 + 1);
    while (made) {
        snprintf(name, sizeof(name), "m%u", --made);
        CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
    }
    CHECK_EQUAL(tree.nodes.left, NODES);
}

// The client that gives a file another name pays for the name: half of what is free, as for nodes.
static void test_link_shares(struct ts_object *top)
{
    char names[24];
    unsigned made = 0;
    ts_status_t status;
    CHECK_EQUAL(make_as(top, 1, "m"), TS_OK);
    do {
        size_t length = (size_t)snprintf(names, sizeof(names), "m%cl%u", 0, made);
        struct ts_local_op op = {
            .op = TS_OP_LINK, .in = names, .in_length = (uint32_t)length, .client = 2};
        status = ask(top, op).status;
        made += status == TS_OK;
    } while (status == TS_OK);
    CHECK_EQUAL(status, TS_ERR_LIMIT);
    CHECK_EQUAL(made, (NODES - 1) / 2 + 1);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "m", 0), TS_OK); // its maker pays on
    CHECK_EQUAL(tree.nodes.left, NODES - 1 - made);
    while (made > 0) {
        snprintf(names, sizeof(names), "l%u", --made);
        CHECK_EQUAL(with_path(top, TS_OP_REMOVE, names, 0), TS_OK);
    }
    CHECK_EQUAL(tree.nodes.left, NODES);
}

// What fails leaves nothing behind.
static void test_no_half_open(struct ts_object *top)
{
    struct ts_object *file;
    CHECK_EQUAL(open_path(top, "none", TS_OPEN_CREATE | TS_OPEN_DIRECTORY, &file),
                TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(open_path(top, "none", 0, &file), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(tree.nodes.left, NODES);
}

// All of it, at most TS_FILE_MOVE at a time.
static int64_t read_whole(struct ts_object *file, unsigned char *bytes, uint32_t room)
{
    int64_t done = 0, moved;
    do {
        moved = move(file, TS_OP_READ, bytes + done, room - (uint32_t)done, (uint64_t)done, 0);
        CHECK(moved >= 0 && moved <= TS_FILE_MOVE);
        done += moved;
    } while (moved == TS_FILE_MOVE);
    return done;
}

// Random writes and cuts by several clients, against plain arrays.
#define MODEL_SIZE (40u * STORE_PAGE)
static void test_model(struct ts_object *top)
{
    enum { FILES = 3, CLIENTS = 4 };
    static unsigned char model[FILES][MODEL_SIZE], bytes[MODEL_SIZE];
    struct ts_object *files[FILES];
    uint64_t sizes[FILES] = {0};
    char name[2] = "0";
    for (unsigned i = 0; i < FILES; i++, name[0]++) {
        CHECK_EQUAL(open_path(top, name, TS_OPEN_CREATE, &files[i]), TS_OK);
    }
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = (unsigned)rand() % FILES, offset = (unsigned)rand() % MODEL_SIZE;
        if (rand() % 4 == 0) {
            CHECK_EQUAL(set_number(files[i], TS_PROPERTY_SIZE, offset), TS_OK);
            memset(model[i] + offset, 0, MODEL_SIZE - offset);
            sizes[i] = offset;
        } else {
            uint32_t length = (unsigned)rand() % (3 * STORE_PAGE);
            length = length < MODEL_SIZE - offset ? length : MODEL_SIZE - offset;
            memset(bytes, 1 + rand() % 255, length);
            struct ts_local_op op = {.op = TS_OP_WRITE,
                                     .in = bytes,
                                     .in_length = length,
                                     .offset = offset,
                                     .client = 1 + (unsigned)rand() % CLIENTS};
            CHECK_EQUAL(ask(files[i], op).status, TS_OK);
            memcpy(model[i] + offset, bytes, length);
            sizes[i] = length && offset + length > sizes[i] ? offset + length : sizes[i];
        }
        CHECK_EQUAL(read_whole(files[i], bytes, MODEL_SIZE), (int64_t)sizes[i]);
        CHECK(!memcmp(bytes, model[i], sizes[i]));
        uint64_t sum = 0;
        for (uint32_t client = 1; client <= CLIENTS; client++) {
            sum += pages_of(client);
        }
        CHECK_EQUAL(sum, store_used(&tree.store));
    }
    for (unsigned i = FILES; i-- > 0;) {
        name[0]--;
        ts_local_close(files[i]);
        CHECK_EQUAL(with_path(top, TS_OP_REMOVE, name, 0), TS_OK);
    }
    CHECK_EQUAL(store_used(&tree.store), 0);
}

static void test_rights_and_properties(struct ts_object *top)
{
    struct ts_object *file;
    struct ts_attributes attributes;
    CHECK_EQUAL(open_path(top, "p", TS_OPEN_CREATE, &file), TS_OK);
    uint64_t size = 3;
    struct ts_local_op set = {.op = TS_OP_SET,
                              .rights = TS_RIGHT_READ,
                              .in = &size,
                              .in_length = sizeof(size),
                              .arg = TS_PROPERTY_SIZE};
    CHECK_EQUAL(ask(file, set).status, TS_ERR_RIGHTS);
    set.rights = TS_RIGHTS_ALL;
    set.in_length = 4;
    CHECK_EQUAL(ask(file, set).status, TS_ERR_ARGUMENT);
    set.arg = 9999;
    CHECK_EQUAL(ask(file, set).status, TS_ERR_UNSUPPORTED);
    struct ts_local_op get = {.op = TS_OP_GET,
                              .out = &attributes,
                              .out_length = sizeof(attributes),
                              .arg = TS_PROPERTY_ATTRIBUTES};
    CHECK_EQUAL(ask(file, get).status, TS_OK);
    CHECK_EQUAL(attributes.type, TS_FILE_REGULAR);
    CHECK_EQUAL(attributes.links, 1);
    CHECK(attributes.store != 12345); // not the seed, by which names could be made that collide
    attributes = (struct ts_attributes){.mask = TS_ATTRIBUTE_MODE, .mode = 0755};
    struct ts_local_op change = {.op = TS_OP_SET,
                                 .in = &attributes,
                                 .in_length = sizeof(attributes),
                                 .arg = TS_PROPERTY_ATTRIBUTES};
    CHECK_EQUAL(ask(file, change).status, TS_OK);
    attributes.mask = 1u << 20;
    CHECK_EQUAL(ask(file, change).status, TS_ERR_ARGUMENT);
    CHECK_EQUAL(ask(file, get).status, TS_OK);
    CHECK_EQUAL(attributes.mode, 0755);

    // Memory that a client keeps would be the server's: it makes a copy of its own.
    CHECK_EQUAL(ask(file, (struct ts_local_op){.op = TS_OP_MAP}).status, TS_ERR_UNSUPPORTED);
    ts_local_close(file);
    CHECK_EQUAL(with_path(top, TS_OP_REMOVE, "p", 0), TS_OK);
}

// Long paths: walked in steps. Directories "d", one in the other.
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

static void test_deep(struct ts_object *top)
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

int main(void)
{
    struct ts_object *top;
    CHECK_EQUAL(tree_init(&tree, NODES, PAGES, 12345), TS_OK);
    CHECK_EQUAL(open_path(&root.object, "x", 0, &top), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(open_path(&root.object, "", 0, &top), TS_OK);
    test_content(top);
    test_names(top);
    test_links(top);
    test_list(top);
    test_pages(top);
    test_nodes(top);
    test_link_shares(top);
    test_no_half_open(top);
    test_model(top);
    test_rights_and_properties(top);
    test_deep(top);
    CHECK_EQUAL(tree.nodes.left, NODES);
    CHECK_EQUAL(store_used(&tree.store), 0);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "left", TS_FILE_DIRECTORY), TS_OK);
    CHECK_EQUAL(with_path(top, TS_OP_CREATE, "left/over", TS_FILE_REGULAR), TS_OK);
    CHECK_EQUAL(link_path(top, "left/over\0left/too", 18), TS_OK);
    ts_local_close(top);
    tree_fini(&tree);
    CHECK_EQUAL(memory_live, 0);
    CHECK_EQUAL(memory_mapped, 0);
    return 0;
}
