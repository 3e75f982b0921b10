// SPDX-License-Identifier: MIT
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/server.h>

#define OBJECTS 1024u
#define PENDING 256u

uint8_t *disk_bytes;
uint64_t disk_size;
ts_status_t disk_status;
unsigned disk_reads, disk_reads_when_sent, disk_opened;
bool disk_batch;
unsigned memory_objects, memory_limit = OBJECTS;

// ---- Memory

static struct object {
    uint8_t *bytes;
    size_t size;
    unsigned references; // handles, views' too, and mappings
} objects[OBJECTS];

static struct handle {
    struct object *object;
    size_t offset, size;
    bool view;
} handles[2 * OBJECTS];

static void object_put(struct object *object)
{
    if (--object->references > 0) {
        return;
    }
    free(object->bytes);
    *object = (struct object){0};
    memory_objects--;
}

static ts_status_t handle_make(struct object *object, size_t offset, size_t size, ts_handle_t *out)
{
    for (ts_handle_t i = 1; i < 2 * OBJECTS; i++) {
        if (handles[i].object != NULL) {
            continue;
        }
        handles[i] = (struct handle){object, offset, size, false};
        object->references++;
        *out = i;
        return TS_OK;
    }
    return TS_ERR_LIMIT;
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    (void)flags;
    for (unsigned i = 0; i < OBJECTS && memory_objects < memory_limit; i++) {
        struct object *object = &objects[i];
        if (object->references > 0) {
            continue;
        }
        *object = (struct object){calloc(1, TS_PAGE_ROUND(size)), TS_PAGE_ROUND(size), 1};
        memory_objects++;
        *out_address = object->bytes;
        return out_memory != NULL ? handle_make(object, 0, object->size, out_memory) : TS_OK;
    }
    return TS_ERR_LIMIT;
}

ts_status_t ts_memory_commit(ts_handle_t memory, uint64_t offset, uint64_t length)
{
    return offset + length <= handles[memory].size ? TS_OK : TS_ERR_RANGE;
}

ts_status_t ts_memory_view(ts_handle_t memory, uint64_t offset, uint64_t length,
                           ts_handle_t *out_view)
{
    struct handle *of = &handles[memory];
    if (offset % TS_PAGE_SIZE != 0 || length % TS_PAGE_SIZE != 0 || offset + length > of->size) {
        return TS_ERR_RANGE;
    }
    ts_status_t status = handle_make(of->object, of->offset + offset, length, out_view);
    if (status == TS_OK) {
        handles[*out_view].view = true;
    }
    return status;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (objects[i].bytes == address && objects[i].size == length) {
            object_put(&objects[i]);
            return TS_OK;
        }
    }
    return TS_ERR_NOT_FOUND;
}

static void disk_close(ts_handle_t disk);

void ts_close(ts_handle_t handle)
{
    if (handle >= DISK_FIRST) {
        disk_close(handle);
        return;
    }
    if (handle == TS_HANDLE_NONE || handles[handle].object == NULL) {
        return;
    }
    object_put(handles[handle].object);
    handles[handle] = (struct handle){0};
}

const uint8_t *memory_bytes(ts_handle_t handle, size_t *out_size)
{
    *out_size = handles[handle].size;
    return handles[handle].object->bytes + handles[handle].offset;
}

uint64_t memory_pages(void)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        pages += objects[i].references > 0 ? objects[i].size / TS_PAGE_SIZE : 0;
    }
    for (unsigned i = 0; i < 2 * OBJECTS; i++) {
        pages += handles[i].view;
    }
    return pages;
}

ts_handle_t ts_named_handle(const char *name)
{
    (void)name;
    return 1;
}

ts_status_t ts_process_statistics(ts_handle_t process, struct ts_process_statistics *out)
{
    (void)process;
    *out = (struct ts_process_statistics){.pages = memory_pages()};
    return TS_OK;
}

// ---- The disk and the loop

// The driver of the disk that was opened last lives.
static struct pending {
    struct ts_submission submission;
    struct ts_async *async;
    bool submitted;
    ts_status_t status; // of what was submitted too late
} pending[PENDING];
static unsigned first, count;

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop;
    if (count == PENDING) {
        return NULL;
    }
    struct pending *slot = &pending[(first + count++) % PENDING];
    *slot = (struct pending){.async = async};
    async->busy = true;
    return &slot->submission;
}

void ts_loop_flush(struct ts_loop *loop)
{
    (void)loop;
    for (unsigned i = 0; i < count; i++) {
        pending[(first + i) % PENDING].submitted = true;
    }
}

void ts_loop_close(struct ts_loop *loop, ts_handle_t handle)
{
    ts_loop_flush(loop);
    ts_close(handle);
}

static void disk_close(ts_handle_t disk)
{
    for (unsigned i = 0; i < count; i++) {
        struct pending *slot = &pending[(first + i) % PENDING];
        if (!slot->submitted && slot->submission.handle == disk) {
            slot->status = TS_ERR_HANDLE;
        }
    }
}

static struct ts_event read_disk(const struct pending *read)
{
    uint64_t offset = read->submission.offset;
    uint64_t left = offset < disk_size ? disk_size - offset : 0;
    uint64_t length = read->submission.length < left ? read->submission.length : left;
    struct ts_event event = {.status = disk_status, .value = length};
    if (read->submission.handle != DISK_FIRST + disk_opened) {
        event.status = TS_ERR_PEER_CLOSED;
    }
    if (read->status != TS_OK) {
        event.status = read->status;
    }
    if (event.status == TS_OK) {
        memcpy((void *)(uintptr_t)read->submission.address, disk_bytes + offset, length);
    }
    disk_reads++;
    return event;
}

// Ends what was begun first.
ts_status_t ts_loop_step(struct ts_loop *loop, ts_time_t deadline)
{
    (void)deadline;
    if (count == 0) {
        return TS_ERR_AGAIN;
    }
    if (!disk_batch) {
        ts_loop_flush(loop);
    }
    struct pending next = pending[first];
    first = (first + 1) % PENDING;
    count--;
    struct ts_event event = {.value = DISK_FIRST + disk_opened};
    if (next.submission.op != TS_OP_OPEN) {
        event = read_disk(&next);
    }
    next.async->busy = false;
    next.async->done(next.async, &event);
    return TS_OK;
}

void ts_loop_send(struct ts_loop *loop)
{
    loop->held.failed = NULL;
    disk_reads_when_sent = count;
}

ts_time_t ts_clock_now(void)
{
    return 1;
}

void ts_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}
