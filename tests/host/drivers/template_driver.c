// SPDX-License-Identifier: MIT
// The driver to copy: no client has its device busy for so long that the driver takes it for dead.
#define main template_main
#include "drivers/template/main.c"
#undef main

#include <string.h>

#include "tests/host/check.h"

static uint32_t registers[TS_PAGE_SIZE / 4];
static struct edu edu = {.registers = (volatile uint8_t *)registers};

// The library. The device is asked, and computes nothing.
void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    (void)loop, (void)deadline;
    timer->armed = true;
}

void ts_timer_disarm(struct ts_loop *loop, struct ts_timer *timer)
{
    (void)loop;
    timer->armed = false;
}

ts_time_t ts_deadline_in(ts_time_t ns)
{
    return ns;
}

ts_status_t ts_interrupt_acknowledge(ts_handle_t interrupt)
{
    (void)interrupt;
    return TS_OK;
}

_Noreturn void ts_process_exit(int32_t status)
{
    fprintf(stderr, "the driver ended: %d\n", status);
    abort();
}

void ts_log(const char *format, ...)
{
    (void)format;
}

// What only its start needs.
ts_status_t service_device(ts_handle_t *out_device)
{
    (void)out_device;
    return TS_ERR_NOT_FOUND;
}

int service_run(ts_status_t status, struct ts_server *server, ts_handle_t root)
{
    (void)server, (void)root;
    return status;
}

ts_status_t ts_call_handle(ts_handle_t handle, uint32_t method, const void *in, size_t in_length,
                           void *out, size_t out_length, ts_handle_t *out_handle)
{
    (void)handle, (void)method, (void)in, (void)in_length, (void)out, (void)out_length;
    (void)out_handle;
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_call_bytes(ts_handle_t handle, uint32_t method, const void *in, size_t in_length,
                          void *out, size_t out_length, size_t *out_bytes)
{
    (void)handle, (void)method, (void)in, (void)in_length, (void)out, (void)out_length;
    (void)out_bytes;
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    (void)memory, (void)address, (void)length, (void)offset, (void)flags, (void)out_address;
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_domain_drive(ts_handle_t domain)
{
    (void)domain;
    return TS_ERR_NOT_FOUND;
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

ts_status_t ts_loop_init(struct ts_loop *loop, uint32_t submissions, uint32_t events,
                         uint32_t records)
{
    (void)loop, (void)submissions, (void)events, (void)records;
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *of,
                           const struct ts_server_limits *limits)
{
    (void)server, (void)of, (void)limits;
    return TS_ERR_NOT_FOUND;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)server, (void)object, (void)rights, (void)out_handle;
    return TS_ERR_NOT_FOUND;
}

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop, (void)async;
    return NULL;
}

// Clients.
struct call {
    struct ts_request request; // first
    uint32_t n;
    bool done;
    ts_status_t status;
};

static ts_status_t pull(struct ts_request *request, void *buffer, size_t length, uint64_t offset,
                        size_t *out_bytes)
{
    memcpy(buffer, (const char *)&((struct call *)request)->n + offset, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t reply(struct ts_request *request, struct ts_reply *fields,
                         struct ts_object *object, enum ts_reply_bytes bytes)
{
    struct call *call = (struct call *)request;
    (void)object, (void)bytes;
    CHECK(!call->done);
    call->done = true;
    call->status = fields->status;
    return TS_OK;
}

static const struct ts_request_backend backend = {.pull = pull, .reply = reply};

static void ask(struct call *call, uint32_t n)
{
    *call = (struct call){.n = n};
    call->request = (struct ts_request){
        .backend = &backend, .object = &edu.root, .length = sizeof(n), .op = TS_OP_WRITE};
    ts_request_dispatch(&call->request);
}

int main(void)
{
    static struct call calls[4];
    const struct ts_event interrupt = {.status = TS_OK};
    edu.root.operations = &operations;
    ask(&calls[0], UINT32_MAX);
    CHECK_EQUAL(calls[0].status, TS_ERR_RANGE);
    CHECK(calls[0].done && !edu.timer.armed && registers[FACTORIAL / 4] == 0);
    // In the midst of others, which are served.
    ask(&calls[0], 5);
    ask(&calls[1], N_MAX + 1);
    ask(&calls[2], N_MAX);
    CHECK(!calls[0].done && registers[FACTORIAL / 4] == 5);
    on_interrupt(&edu.interrupt_wait, &interrupt);
    CHECK(calls[0].done && calls[0].status == TS_OK);
    CHECK(calls[1].done && calls[1].status == TS_ERR_RANGE);
    CHECK(!calls[2].done && registers[FACTORIAL / 4] == N_MAX);
    on_interrupt(&edu.interrupt_wait, &interrupt);
    CHECK(calls[2].done && calls[2].status == TS_OK && !edu.timer.armed);
    return 0;
}
