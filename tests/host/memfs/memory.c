// SPDX-License-Identifier: MIT
// Memory objects of the host: enough of <tessera/lib/memory.h> for servers that keep bytes in them.
// Handles are indices; a mapping is the object's own storage, so it must not move: every object has
// room for its largest size from the start.
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/server.h>
#include "memory.h"

#define OBJECTS 4096
#define ROOM    (8u << 20)

static struct object {
    unsigned char *bytes;
    uint64_t size;
    bool used;
    unsigned mappings;
} objects[OBJECTS];

unsigned memory_live, memory_mapped;
bool memory_fails;

static void drop(struct object *object)
{
    if (!object->used && object->mappings == 0) {
        free(object->bytes);
        object->bytes = NULL;
    }
}

ts_status_t ts_memory_create(uint64_t size, unsigned flags, ts_handle_t *out_memory)
{
    (void)flags;
    if (memory_fails || size > ROOM) {
        return TS_ERR_MEMORY;
    }
    for (ts_handle_t i = 1; i < OBJECTS; i++) {
        if (objects[i].bytes == NULL) {
            objects[i] = (struct object){calloc(1, ROOM), size, true, 0};
            memory_live++;
            *out_memory = i;
            return TS_OK;
        }
    }
    return TS_ERR_LIMIT;
}

ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    (void)address, (void)flags;
    if (memory >= OBJECTS || !objects[memory].used || offset + length > objects[memory].size) {
        return TS_ERR_RANGE;
    }
    objects[memory].mappings++;
    memory_mapped++;
    *out_address = objects[memory].bytes + offset;
    return TS_OK;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    (void)length;
    for (unsigned i = 1; i < OBJECTS; i++) {
        struct object *o = &objects[i];
        if (o->bytes != NULL && (unsigned char *)address >= o->bytes &&
            (unsigned char *)address < o->bytes + ROOM && o->mappings) {
            o->mappings--;
            memory_mapped--;
            drop(o);
            return TS_OK;
        }
    }
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    ts_handle_t memory;
    ts_status_t status = ts_memory_create(TS_PAGE_ROUND(size), flags, &memory);
    status = status != TS_OK ? status
                             : ts_memory_map(memory, NULL, TS_PAGE_ROUND(size), 0, 0, out_address);
    if (status == TS_OK && out_memory != NULL) {
        *out_memory = memory;
    } else if (status == TS_OK) {
        ts_close(memory);
    }
    return status;
}

ts_status_t ts_memory_allocate_now(size_t size, void **out_address)
{
    return ts_memory_allocate(size, 0, NULL, out_address);
}

ts_status_t ts_set_u64(ts_handle_t handle, unsigned property, uint64_t value)
{
    struct object *o = &objects[handle];
    if (property != TS_PROPERTY_SIZE || value > ROOM) {
        return TS_ERR_MEMORY;
    }
    if (value < o->size) {
        memset(o->bytes + value, 0, o->size - value);
    }
    o->size = value;
    return TS_OK;
}

void ts_close(ts_handle_t handle)
{
    if (handle && handle < OBJECTS && objects[handle].used) {
        objects[handle].used = false;
        memory_live--;
        drop(&objects[handle]);
    }
}

ts_time_t ts_clock_realtime(void)
{
    static ts_time_t now = 1000;
    return now++;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    object->signals = (object->signals & ~clear) | set;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)rights;
    object->server = server;
    *out_handle = OBJECTS + 1;
    return TS_OK;
}

ts_time_t ts_clock_now(void)
{
    return ts_clock_realtime();
}

// A loop whose ring has no room, and one timer, which fires at each step.
void (*memory_between)(void);
static struct ts_timer *armed;

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop, (void)async;
    return NULL;
}

void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    (void)loop, (void)deadline;
    timer->armed = true;
    armed = timer;
}

ts_status_t ts_loop_step(struct ts_loop *loop, ts_time_t deadline)
{
    (void)loop, (void)deadline;
    struct ts_timer *timer = armed;
    void (*between)(void) = memory_between;
    memory_between = NULL;
    if (between != NULL) {
        between();
    }
    if (timer == NULL) {
        return TS_ERR_AGAIN;
    }
    armed = NULL;
    timer->armed = false;
    timer->fired(timer);
    return TS_OK;
}
