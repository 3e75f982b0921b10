// SPDX-License-Identifier: MIT
// Pages and nodes: who pays, and how much a client may have.
#include <string.h>
#include <tessera/lib/memory.h>

#include "client.h"
#include "memory.h"
#include "tests/host/check.h"

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

// A writer pays, whosever the file is, until that is cut off; a hole costs nothing.
void test_pages(struct ts_object *top)
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
void test_nodes(struct ts_object *top)
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
void test_link_shares(struct ts_object *top)
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
