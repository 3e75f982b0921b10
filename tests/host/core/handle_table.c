// SPDX-License-Identifier: MIT
// Handle tables against a plain array: install, remove, reserve, transit, limits, stale handles.
#include "world.h"

#include <stdio.h>

#define HANDLES 700

static struct {
    ts_handle_t handle;
    struct object *object;
    struct handle sent; // in transit: ours
    int state;          // 0 gone, 1 used, 2 reserved, 3 in transit
} model[HANDLES];

static int alive;

static void step_one(struct handle_table *table, unsigned i)
{
    struct handle held;
    switch (model[i].state) {
    case 0:
        if (world_random() % 4 == 0) {
            ts_status_t status = handle_reserve(table, &model[i].handle);
            CHECK(status == TS_OK || status == TS_ERR_LIMIT);
            model[i].state = status == TS_OK ? 2 : 0;
            break;
        }
        held = thing_create(&alive, TS_RIGHT_READ | TS_RIGHT_TRANSFER);
        model[i].object = held.object;
        ts_status_t status = handle_install(table, held, &model[i].handle);
        CHECK(status == TS_OK || status == TS_ERR_LIMIT);
        if (status != TS_OK) {
            object_handle_put(held);
        }
        model[i].state = status == TS_OK ? 1 : 0;
        break;
    case 1:
        if (world_random() % 2 == 0) {
            CHECK(handle_transit(table, model[i].handle, &held) == TS_OK);
            CHECK(held.object == model[i].object);
            model[i].sent = held;
            model[i].state = 3;
            break;
        }
        CHECK(handle_remove(table, model[i].handle, &held) == TS_OK);
        CHECK(held.object == model[i].object);
        object_handle_put(held);
        model[i].state = 0;
        break;
    case 2:
        if (world_random() % 2 == 0) {
            handle_release(table, model[i].handle);
            model[i].state = 0;
            break;
        }
        held = thing_create(&alive, TS_RIGHT_READ | TS_RIGHT_TRANSFER);
        model[i].object = held.object;
        handle_fill(table, model[i].handle, held);
        model[i].state = 1;
        break;
    default:
        CHECK(handle_remove(table, model[i].handle, &held) == TS_ERR_BUSY);
        if (world_random() % 2 == 0) {
            handle_transit_return(table, model[i].handle, model[i].sent);
            model[i].state = 1;
            break;
        }
        handle_transit_commit(table, model[i].handle);
        object_handle_put(model[i].sent);
        model[i].state = 0;
        break;
    }
}

static void check_one(struct handle_table *table, unsigned i)
{
    struct handle held;
    ts_status_t status = handle_lookup(table, model[i].handle, TS_RIGHT_READ, &held);
    if (model[i].state == 1) {
        CHECK(status == TS_OK && held.object == model[i].object);
        CHECK(handle_lookup(table, model[i].handle, TS_RIGHT_WRITE, &held) == TS_ERR_RIGHTS);
    } else if (model[i].handle != TS_HANDLE_NONE) {
        CHECK(status == TS_ERR_HANDLE);
    }
}

int main(void)
{
    struct handle_table table;
    unsigned reached = 0;
    handle_table_init(&table, 600);
    world_handles_limit = 500;
    for (unsigned round = 0; round < 400000; round++) {
        unsigned i = world_random() % HANDLES;
        step_one(&table, i);
        check_one(&table, i);
        check_one(&table, world_random() % HANDLES);
        struct handle held;
        CHECK(handle_lookup(&table, TS_HANDLE_NONE, 0, &held) == TS_ERR_HANDLE);
        CHECK(handle_lookup(&table, world_random() | 0x80000u, 0, &held) == TS_ERR_HANDLE);
        // A rule of jobs: what is in use was charged, in batches, and never beyond their limit.
        CHECK(table.used <= world_handles && world_handles <= world_handles_limit);
        CHECK(world_handles - table.used <= 2 * HANDLE_BATCH);
        reached += world_handles == world_handles_limit;
        if (round == 200000) {
            CHECK(reached > 0);
            world_handles_limit = 700; // now the table's own limit is the lower one
        }
        CHECK(table.used <= 600);
    }
    for (unsigned i = 0; i < HANDLES; i++) {
        if (model[i].state == 2) {
            handle_release(&table, model[i].handle);
        }
    }
    while (handle_table_drain(&table, 64)) {
        ;
    }
    // What is in transit is its owner's, not the table's: it outlives the drain, and is given up
    // when it comes back to a table that is closed.
    for (unsigned i = 0, sent = 0; i < HANDLES; i++) {
        if (model[i].state != 3) {
            continue;
        }
        CHECK(atomic_load(&model[i].object->references) == 1);
        int before = alive;
        if (sent++ % 2 == 0) {
            handle_transit_return(&table, model[i].handle, model[i].sent);
        } else {
            handle_transit_commit(&table, model[i].handle);
            CHECK(alive == before);
            object_handle_put(model[i].sent);
        }
        CHECK(alive == before - 1);
    }
    ts_handle_t handle;
    CHECK(handle_reserve(&table, &handle) == TS_ERR_GONE);
    handle_table_fini(&table);
    CHECK(alive == 0 && world_pages == 0 && world_handles == 0);
    puts("handle_table: ok");
    return 0;
}
