// SPDX-License-Identifier: MIT
// The memory file system through its handlers, as a client would use it; at the end everything that
// it took must have gone back.
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/listing.h>
#include "client.h"
#include "memory.h"
#include "tests/host/check.h"

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
