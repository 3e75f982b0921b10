// SPDX-License-Identifier: MIT
// Operations on served objects: a record is filled with what the server may see and touch, and
// issued. All that can fail comes before; what was reserved by then is given back.
#include <syscall/operation.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <base/statistics.h>
#include <sched/run_queue.h>

// One range, which must be the user's.
static ts_status_t fill_plain(struct request *request, const struct operation *operation,
                              enum ts_op_payload payload)
{
    if (operation->length != 0 && !arch_user_range_ok(operation->address, operation->length)) {
        return TS_ERR_FAULT;
    }
    if (payload == TS_PAYLOAD_PATH && operation->length > TS_PATH_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    request_set_range(request, payload != TS_PAYLOAD_FROM, operation->address, operation->length);
    return TS_OK;
}

// Up to 16 ranges, read once. Interrupts on.
static ts_status_t fill_vector(struct request *request, const struct operation *operation,
                               enum ts_op_payload payload)
{
    uint32_t count = operation->length;
    uint64_t total = 0;
    if (count == 0 || count > TS_SEGMENTS_MAX) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status =
        copy_from_user(request->segment, operation->address, count * sizeof(struct ts_segment));
    if (status != TS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct ts_segment *segment = &request->segment[i];
        if (segment->length > TS_LENGTH_MAX) {
            return TS_ERR_ARGUMENT;
        }
        if (segment->length != 0 && !arch_user_range_ok(segment->address, segment->length)) {
            return TS_ERR_FAULT;
        }
        total += segment->length;
    }
    if (total > TS_LENGTH_MAX) {
        return TS_ERR_ARGUMENT;
    }
    request->segments = (uint8_t)count;
    request_set_range(request, payload != TS_PAYLOAD_FROM, 0, (uint32_t)total);
    return TS_OK;
}

// rename and link may bring a handle, share must, and none of them takes bytes or handles back.
static bool call_fits(uint8_t op, const struct ts_call *call)
{
    if (call->in_handles > TS_CALL_HANDLES || call->out_handles > TS_CALL_HANDLES ||
        call->reserved != 0 || call->in_length > TS_LENGTH_MAX ||
        call->out_length > TS_LENGTH_MAX) {
        return false;
    }
    if (op == TS_OP_CALL) {
        return true;
    }
    return call->out_handles == 0 && call->out_length == 0 &&
           (op == TS_OP_SHARE ? call->in_handles == 1 : call->in_handles <= 1);
}

// The call structure, read once. The handles to send are noted, not yet marked.
static ts_status_t fill_call(struct request *request, const struct operation *operation)
{
    struct ts_call call;
    if (operation->length != sizeof(call)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(&call, operation->address, sizeof(call));
    if (status != TS_OK) {
        return status;
    }
    if (!call_fits(operation->op, &call)) {
        return TS_ERR_ARGUMENT;
    }
    if ((call.in_length != 0 && !arch_user_range_ok(call.in_address, call.in_length)) ||
        (call.out_length != 0 && !arch_user_range_ok(call.out_address, call.out_length))) {
        return TS_ERR_FAULT;
    }
    request->in_address = call.in_address;
    request->in_length = call.in_length;
    request->out_address = call.out_address;
    request->out_length = call.out_length;
    request->in_handles = call.in_handles;
    request->out_handles = call.out_handles;
    if (operation->op == TS_OP_CALL) {
        request->arg = call.method;
    }
    for (unsigned i = 0; i < call.in_handles; i++) {
        request->sent[i] = call.in_handle[i];
    }
    request->call_address = operation->address + offsetof(struct ts_call, out_handle);
    return TS_OK;
}

static ts_status_t fill_payload(struct request *request, const struct operation *operation)
{
    enum ts_op_payload payload = operation_rules[operation->op].payload;
    if (payload == TS_PAYLOAD_NONE) {
        return TS_OK;
    }
    if (payload == TS_PAYLOAD_CALL) {
        return fill_call(request, operation);
    }
    if ((operation->flags & TS_FLAG_VECTOR) != 0) {
        return fill_vector(request, operation, payload);
    }
    return fill_plain(request, operation, payload);
}

static void release_results(struct handle_table *table, struct request *request, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        handle_release(table, request->reserved[i]);
    }
}

// Slots for results, and the handles to send. With an error nothing stays reserved or marked.
static ts_status_t reserve_handles(struct handle_table *table, struct request *request)
{
    ts_status_t status = TS_OK;
    unsigned reserved = 0, marked = 0;
    while (status == TS_OK && reserved < request->out_handles) {
        status = handle_reserve(table, &request->reserved[reserved]);
        reserved += status == TS_OK;
    }
    while (status == TS_OK && marked < request->in_handles) {
        status = handle_transit(table, request->sent[marked], &request->sent_held[marked]);
        marked += status == TS_OK;
    }
    // What is placed under a name stays reachable beside the giver, which must be able to copy it.
    if (status == TS_OK && request->op == TS_OP_SHARE &&
        (request->sent_held[0].rights & TS_RIGHT_DUPLICATE) == 0) {
        status = TS_ERR_RIGHTS;
    }
    if (status == TS_OK) {
        return TS_OK;
    }
    release_results(table, request, reserved);
    request_sent_return(request, marked);
    return status;
}

// The last look at the handle, and the issue, in one section with interrupts off.
static ts_status_t issue(struct asked *asked, struct request *request, ts_rights_t needed)
{
    struct thread *thread = asked->thread;
    uint64_t word;
    ts_status_t status = TS_ERR_HANDLE;
    irqflags_t flags = arch_irq_save();
    struct handle_entry *entry =
        handle_find(thread->requester.handles, asked->operation.handle, &word);
    struct object *object =
        entry == NULL ? NULL : atomic_load_explicit(&entry->object, memory_order_acquire);
    if (object != NULL && (needed & ~(ts_rights_t)word) != 0) {
        status = TS_ERR_RIGHTS;
    } else if (object != NULL && object->class == &served_class) { // else closed and used again
        status = TS_OK;
    }
    if (status == TS_OK) {
        request->rights = (ts_rights_t)word;
        if (operation_rules[request->op].gives_handle) {
            request->rights &= asked->operation.rights;
        }
        // A thread that waits for one server can give it the CPU; a ring's owner goes on.
        bool waits = asked->ring == NULL;
        thread->asking = waits;
        thread->handing_over = waits;
        statistics_add(STATISTIC_REQUESTS, 1);
        struct port *port = served_of(object)->port; // stays readable: interrupts are off
        port_issue(request, served_of(object), entry, word);
        thread->handing_over = false;
        if (waits && request_state(request) <= REQUEST_DELIVERED &&
            run_queue_turn_is_given(thread)) {
            port_give_turn(port);
        }
    }
    arch_irq_restore(flags);
    return status;
}

enum outcome served_start(struct asked *asked, ts_rights_t needed, ts_status_t *out_status)
{
    const struct operation_rule *rule = &operation_rules[asked->operation.op];
    struct handle_table *table = asked->thread->requester.handles;
    *out_status = TS_ERR_UNSUPPORTED;
    if (rule->answers != TS_ANSWERS_ANY) {
        return OUTCOME_ANSWERED;
    }
    struct request *request = asked_record(asked);
    if (request == NULL) {
        return OUTCOME_NO_RECORD;
    }
    request->out_handles = rule->gives_handle;
    *out_status = fill_payload(request, &asked->operation);
    bool handles = (request->in_handles | request->out_handles) != 0;
    if (*out_status == TS_OK && handles) {
        *out_status = reserve_handles(table, request);
    }
    if (*out_status == TS_OK) {
        *out_status = issue(asked, request, needed);
        if (*out_status == TS_OK) {
            return OUTCOME_ISSUED;
        }
        release_results(table, request, request->out_handles);
        request_sent_return(request, request->in_handles);
    }
    asked_record_drop(asked, request);
    return OUTCOME_ANSWERED;
}
