// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include "system.h"

#include <stdlib.h>
#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/random.h>

#include "access_log.h"
#include "config_file.h"
#include "connection.h"
#include "httpd.h"
#include "pool_memory.h"
#include "root.h"
#include "serving.h"
#include "tests/host/check.h"

#define STAGED 4096u
#define FILES  10000u // handles of files from here on
#define LARGE  (FILES + 1)
#define SMALL  (FILES + 2)
#define FOLDER (FILES + 3)

struct httpd httpd;
struct system_socket system_sockets[SYSTEM_SOCKETS];
ts_status_t system_pages = TS_ERR_UNSUPPORTED;

static struct config configuration; // in which nothing is said
static unsigned connected;
static struct ts_submission staged[STAGED];
static uint32_t staged_count;

// ---- Completing

static void complete(const struct ts_submission *submission, ts_status_t status, uint64_t value)
{
    struct ts_async *async = (struct ts_async *)(uintptr_t)submission->user_data;
    struct ts_event event = {.kind = TS_EVENT_COMPLETION, .status = status, .value = value};
    CHECK(async->busy);
    async->busy = false;
    async->done(async, &event);
}

static void complete_kept(struct ts_submission *kept, ts_status_t status, uint64_t value)
{
    struct ts_submission submission = *kept;
    kept->user_data = 0;
    complete(&submission, status, value);
}

static uint64_t length_of(const struct ts_submission *write)
{
    const struct ts_segment *segments = (const void *)(uintptr_t)write->address;
    uint64_t length = 0;
    if ((write->flags & TS_FLAG_VECTOR) == 0) {
        return write->length;
    }
    for (uint32_t i = 0; i < write->length; i++) {
        length += segments[i].length;
    }
    return length;
}

// The first of a head's bytes, or of a body's.
static const char *start_of(const struct ts_submission *write)
{
    const struct ts_segment *segments = (const void *)(uintptr_t)write->address;
    bool vector = (write->flags & TS_FLAG_VECTOR) != 0;
    return (const char *)(uintptr_t)(vector ? segments[0].address : write->address);
}

static bool is_head(const struct ts_submission *write)
{
    return length_of(write) > 12 && memcmp(start_of(write), "HTTP/1.1 ", 9) == 0;
}

static bool is_coded(const struct ts_submission *head)
{
    static const char name[] = "\r\nContent-Encoding:";
    const struct ts_segment *segments = (const void *)(uintptr_t)head->address;
    bool vector = (head->flags & TS_FLAG_VECTOR) != 0;
    uint64_t length = vector ? segments[0].length : head->length;
    return memmem(start_of(head), length, name, sizeof(name) - 1) != NULL;
}

static void arrive(struct system_socket *socket)
{
    if (is_head(&socket->write)) {
        socket->answers++;
        socket->status = (unsigned)atoi(start_of(&socket->write) + 9);
        socket->coded = is_coded(&socket->write);
        socket->answered = httpd.loop.now;
    }
    complete_kept(&socket->write, TS_OK, length_of(&socket->write));
}

// ---- Answering

static void call_socket(struct system_socket *socket, const struct ts_submission *submission)
{
    const struct ts_call *call = (const void *)(uintptr_t)submission->address;
    if (submission->arg == TS_NET_GET_PEER) {
        struct ts_net_address *address = (void *)(uintptr_t)call->out_address;
        *address = (struct ts_net_address){.family = TS_NET_FAMILY_V6,
                                           .address = {[10] = 0xff, 0xff, 10, 0, 0}};
        address->address[15] = socket->client;
    }
    complete(submission, TS_OK, 0);
}

static void ask_socket(struct system_socket *socket, const struct ts_submission *submission)
{
    CHECK(socket->open);
    if (submission->op == TS_OP_READ) {
        socket->read = *submission;
    } else if (submission->op == TS_OP_WRITE) {
        socket->write = *submission;
        if (socket->takes || (is_head(submission) && (submission->flags & TS_FLAG_VECTOR) == 0)) {
            arrive(socket);
        }
    } else {
        call_socket(socket, submission);
    }
}

static void open_file(const struct ts_submission *submission)
{
    const char *path = (const char *)(uintptr_t)submission->address;
    if (submission->length == 1 && path[0] == 'd') {
        complete(submission, TS_OK, FOLDER);
    } else if (submission->length == 12 && memcmp(path, "d/index.html", 12) == 0) {
        complete(submission, TS_ERR_NOT_FOUND, 0);
    } else {
        complete(submission, TS_OK, path[0] == 'l' ? LARGE : SMALL);
    }
}

static void ask_file(const struct ts_submission *submission)
{
    bool large = submission->handle == LARGE, folder = submission->handle == FOLDER;
    struct ts_attributes attributes = {.type = folder ? TS_FILE_DIRECTORY : TS_FILE_REGULAR,
                                       .size = large ? SYSTEM_LARGE : SYSTEM_SMALL};
    switch (submission->op) {
    case TS_OP_OPEN: open_file(submission); break;
    case TS_OP_LIST: complete(submission, TS_OK, 0); break;
    case TS_OP_MAP: complete(submission, system_pages, 0); break;
    case TS_OP_GET:
        memcpy((void *)(uintptr_t)submission->address, &attributes, sizeof(attributes));
        complete(submission, TS_OK, sizeof(attributes));
        break;
    case TS_OP_READ:
        memset((void *)(uintptr_t)submission->address, 'x', submission->length);
        complete(submission, TS_OK, submission->length);
        break;
    default: complete(submission, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static struct ts_submission *waits_as(uint64_t user_data)
{
    for (unsigned i = 1; i <= connected; i++) {
        struct system_socket *socket = &system_sockets[i];
        if (socket->read.user_data == user_data) {
            return &socket->read;
        }
        if (socket->write.user_data == user_data) {
            return &socket->write;
        }
    }
    return NULL;
}

static void answer(const struct ts_submission *submission)
{
    if (submission->op == TS_OP_CANCEL) {
        struct ts_submission *kept = waits_as(submission->arg);
        if (kept != NULL) {
            complete_kept(kept, TS_ERR_CANCELLED, 0);
        }
    } else if (submission->handle < FILES) {
        ask_socket(&system_sockets[submission->handle], submission);
    } else {
        ask_file(submission);
    }
}

static void settle(void)
{
    do {
        for (uint32_t at = 0; at < staged_count; at++) {
            answer(&staged[at]);
        }
        staged_count = 0;
        shared_resume();
    } while (staged_count > 0);
}

// ---- The test's side

static void nobody_waits(void)
{}

void system_start(void)
{
    connection_init(nobody_waits);
    config_init(&configuration);
    CHECK(access_log_configure(0, 0) == TS_OK);
    httpd.loop.now = TS_SECOND;
}

void system_configure(const char *text)
{
    char message[CONFIG_MESSAGE];
    strcpy(configuration.text, text);
    CHECK(config_parse(&configuration, strlen(text), message));
}

unsigned system_connect(uint8_t client, bool takes)
{
    struct system_socket *socket = &system_sockets[++connected];
    CHECK(connected < SYSTEM_SOCKETS);
    *socket = (struct system_socket){.open = true, .client = client, .takes = takes};
    serving_start(connected);
    settle();
    return connected;
}

void system_send(unsigned number, const char *text)
{
    struct ts_submission *read = &system_sockets[number].read;
    size_t left = strlen(text);
    while (left > 0 && read->user_data != 0) {
        size_t part = left < read->length ? left : read->length;
        memcpy((void *)(uintptr_t)read->address, text, part);
        complete_kept(read, TS_OK, part);
        settle();
        text += part;
        left -= part;
    }
}

void system_take(unsigned number)
{
    struct system_socket *socket = &system_sockets[number];
    socket->takes = true;
    if (socket->write.user_data != 0) {
        arrive(socket);
    }
    settle();
}

void system_leave(unsigned number)
{
    struct system_socket *socket = &system_sockets[number];
    if (socket->write.user_data != 0) {
        complete_kept(&socket->write, TS_ERR_PEER_CLOSED, 0);
    }
    if (socket->read.user_data != 0) {
        complete_kept(&socket->read, TS_OK, 0);
    }
    settle();
}

// The operation whose deadline comes first; NULL: none has one.
static struct ts_submission *first_deadline(void)
{
    struct ts_submission *first = NULL;
    for (unsigned i = 1; i <= connected; i++) {
        struct ts_submission *both[] = {&system_sockets[i].read, &system_sockets[i].write};
        for (unsigned j = 0; j < 2; j++) {
            bool waits = both[j]->user_data != 0 && both[j]->deadline != TS_DEADLINE_NONE;
            if (waits && (first == NULL || both[j]->deadline < first->deadline)) {
                first = both[j];
            }
        }
    }
    return first;
}

void system_pass(ts_time_t time)
{
    ts_time_t until = httpd.loop.now + time;
    struct ts_submission *first;
    while ((first = first_deadline()) != NULL && (ts_time_t)first->deadline <= until) {
        if ((ts_time_t)first->deadline > httpd.loop.now) {
            httpd.loop.now = (ts_time_t)first->deadline;
        }
        complete_kept(first, TS_ERR_TIMED_OUT, 0);
        settle();
    }
    httpd.loop.now = until;
}

// ---- What the server is linked with

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop;
    CHECK(staged_count < STAGED);
    if (async != NULL) {
        async->busy = true;
    }
    return &staged[staged_count++];
}

void ts_loop_cancel(struct ts_loop *loop, struct ts_async *async)
{
    if (async->busy) {
        ts_prepare_cancel(ts_loop_begin(loop, NULL), ts_async_data(async), 0, 0);
    }
}

void ts_close(ts_handle_t handle)
{
    if (handle != TS_HANDLE_NONE && handle < FILES) {
        system_sockets[handle].open = false;
    }
}

int64_t httpd_now(void)
{
    return httpd.loop.now / TS_SECOND;
}

struct config *config_get(void)
{
    configuration.users++;
    return &configuration;
}

void config_put(struct config *config)
{
    CHECK(config == &configuration && config->users-- > 0);
}

ts_handle_t root_handle(void)
{
    return FILES;
}

void root_open(struct root_waiter *waiter)
{
    waiter->ready(waiter, TS_ERR_NOT_FOUND);
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    (void)flags;
    (void)out_memory;
    return ts_memory_allocate_now(size, out_address);
}

ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    (void)memory, (void)address, (void)length, (void)offset, (void)flags, (void)out_address;
    return TS_ERR_UNSUPPORTED;
}

ts_handle_t ts_named_handle(const char *name)
{
    (void)name;
    return TS_HANDLE_NONE;
}

ts_status_t ts_random_bytes(void *buffer, size_t length)
{
    memset(buffer, 7, length);
    return TS_OK;
}

ts_status_t ts_get_u64(ts_handle_t handle, unsigned property, uint64_t *out_value)
{
    (void)handle, (void)property, (void)out_value;
    return TS_ERR_UNSUPPORTED;
}

// The status page has no job to tell of.
ts_status_t ts_get(ts_handle_t handle, unsigned property, void *buffer, size_t length,
                   size_t *out_bytes)
{
    (void)handle, (void)property, (void)buffer, (void)length, (void)out_bytes;
    return TS_ERR_UNSUPPORTED;
}

ts_status_t ts_list(ts_handle_t handle, void *buffer, size_t length, uint64_t cookie,
                    size_t *out_bytes)
{
    (void)handle, (void)buffer, (void)length, (void)cookie, (void)out_bytes;
    return TS_ERR_UNSUPPORTED;
}

ts_status_t ts_open(ts_handle_t root, const char *path, unsigned flags, ts_rights_t rights,
                    ts_handle_t *out_handle)
{
    (void)root, (void)path, (void)flags, (void)rights, (void)out_handle;
    return TS_ERR_UNSUPPORTED;
}
