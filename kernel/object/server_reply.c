// SPDX-License-Identifier: MIT
// See server_reply.h.
#include <object/server_reply.h>

#include <arch/user.h>
#include <cpu.h>
#include <object/process.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <tessera/abi/kind.h>

// The first `count` handles to be moved are the server's again.
static void reply_return_handles(struct handle_table *table, struct server_reply *reply,
                                 unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (reply->handles[i] != TS_HANDLE_NONE) {
            handle_transit_return(table, reply->handles[i], reply->fields.moved[i]);
        }
        reply->fields.moved[i].object = NULL;
    }
}

// Takes what is to be moved out of the table. On failure nothing is.
static ts_status_t reply_take_handles(struct handle_table *table, struct server_reply *reply)
{
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        if (reply->handles[i] == TS_HANDLE_NONE) {
            continue;
        }
        ts_status_t status = handle_transit(table, reply->handles[i], &reply->fields.moved[i]);
        if (status != TS_OK) {
            reply_return_handles(table, reply, i);
            return status;
        }
    }
    return TS_OK;
}

static void reply_settle_handles(struct handle_table *table, struct server_reply *reply, bool moved)
{
    if (!moved) {
        reply_return_handles(table, reply, TS_CALL_HANDLES);
        return;
    }
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        if (reply->handles[i] != TS_HANDLE_NONE) {
            handle_transit_commit(table, reply->handles[i]);
        }
    }
}

static ts_status_t reply_check(const struct server_reply *reply)
{
    bool moves = reply->fields.result == TS_REPLY_MOVE || reply->fields.result == TS_REPLY_REDIRECT;
    if (moves != (reply->handles[0] != TS_HANDLE_NONE) || reply->fields.status > 0) {
        return TS_ERR_ARGUMENT;
    }
    return reply->length > TS_LENGTH_MAX ? TS_ERR_ARGUMENT : TS_OK;
}

static ts_status_t reply_push(struct port *port, const struct server_reply *reply)
{
    uint32_t bytes;
    if (!arch_user_range_ok(reply->address, reply->length)) {
        return TS_ERR_FAULT;
    }
    return port_copy(port, reply->fields.id, COPY_PUSH, reply->address, reply->length, 0, &bytes);
}

static bool has_handles(const struct server_reply *reply)
{
    return (reply->handles[0] | reply->handles[1] | reply->handles[2] | reply->handles[3]) !=
           TS_HANDLE_NONE;
}

static void reply_withdraw_handles(struct server_reply *reply)
{
    reply->fields.result = TS_REPLY_NONE;
    for (unsigned i = 0; i < TS_CALL_HANDLES; i++) {
        reply->handles[i] = TS_HANDLE_NONE;
    }
}

ts_status_t server_reply_give(struct port *port, struct server_reply *reply, bool hand_over)
{
    struct thread *thread = thread_current();
    struct handle_table *table = thread->requester.handles;
    ts_status_t status = reply_check(reply);
    if (status == TS_OK && reply->length != 0) {
        status = reply_push(port, reply);
    }
    // Gone: port_reply frees the slot of a client that was cut off.
    if (status != TS_OK && status != TS_ERR_CLIENT_FAULT && status != TS_ERR_GONE) {
        return status;
    }
    bool faulted = status == TS_ERR_CLIENT_FAULT;
    if (faulted) { // the client hears of its fault and gets nothing: the server keeps what it gave
        reply_withdraw_handles(reply);
    }
    bool handles = has_handles(reply);
    status = handles ? reply_take_handles(table, reply) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    struct request *request;
    irqflags_t flags = arch_irq_save();
    status = port_reply(port, &reply->fields, &request);
    if (handles) {
        reply_settle_handles(table, reply, status == TS_OK);
    }
    if (status == TS_OK) {
        thread->handing_over = hand_over;
        request_complete(request);
        thread->handing_over = false;
        process_count(&thread->process->requests_served, 1);
    }
    arch_irq_restore(flags);
    return status == TS_OK && faulted ? TS_ERR_CLIENT_FAULT : status;
}

ts_status_t server_reply_by_call(struct port *port, const struct operation *operation)
{
    struct ts_reply given;
    if (operation->length != sizeof(given)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&given, operation->address, sizeof(given));
    if (status != TS_OK) {
        return status;
    }
    if ((given.signals != 0 && given.result != TS_REPLY_MINT) ||
        (given.signals & ~TS_SIGNALS_ALL) != 0 || (given.rights & ~TS_RIGHTS_ALL) != 0) {
        return TS_ERR_ARGUMENT;
    }
    bool moves = given.result == TS_REPLY_MOVE || given.result == TS_REPLY_REDIRECT;
    struct server_reply reply = {
        .fields = {.id = given.id,
                   .status = given.status,
                   .result = given.result,
                   .value = given.value,
                   .oid = given.object,
                   .tag = given.tag,
                   .signals = given.signals,
                   .rights = given.rights},
        .address = given.address,
        .length = given.length,
        .handles = {moves ? given.object : TS_HANDLE_NONE, given.handles[0], given.handles[1],
                    given.handles[2]},
    };
    return server_reply_give(port, &reply, false);
}

ts_status_t server_reply_by_submission(struct port *port, const struct operation *operation)
{
    uint32_t result = ts_reply_word_result(operation->arg2);
    bool moves = result == TS_REPLY_MOVE || result == TS_REPLY_REDIRECT;
    struct server_reply reply = {
        .fields = {.id = operation->arg,
                   .status = ts_reply_word_status(operation->arg2),
                   .result = result,
                   .value = operation->offset,
                   .oid = operation->aux,
                   .tag = (uint64_t)operation->deadline,
                   .rights = operation->rights},
        .address = operation->address,
        .length = operation->length,
        .handles = {moves ? operation->aux : TS_HANDLE_NONE},
    };
    return server_reply_give(port, &reply, false);
}
