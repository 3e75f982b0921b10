// SPDX-License-Identifier: MIT
// See shape.h.
#include "shape.h"

#include <string.h>
#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>
#include <tessera/abi/signal.h>

// What operation.def says: how the arguments of an operation are chosen follows from it.
static const struct rule {
    uint8_t answers, payload, arg, result;
} rules[TS_OP_COUNT] = {
#define TS_OPERATION(NAME, name, number, rights, who, flags, ring_flags, bytes, meant, value, ...) \
    [number] = {TS_ANSWERS_##who, TS_PAYLOAD_##bytes, TS_ARG_##meant, TS_RESULT_##value},
#include <tessera/abi/operation.def>
#undef TS_OPERATION
};

// An operation that there is not is like a read.
static const struct rule unknown = {TS_ANSWERS_ANY, TS_PAYLOAD_FROM, TS_ARG_NONE, TS_RESULT_NONE};

// The sort of object that an operation is for, mostly.
static enum sort sort_of(enum ts_operation op, const struct rule *rule)
{
    switch (rule->answers) {
    case TS_ANSWERS_PORT: return SORT_PORT;
    case TS_ANSWERS_RING: return SORT_STALE;
    case TS_ANSWERS_OBJECT: return rule->arg == TS_ARG_VALUE ? SORT_RING : SORT_EVENT;
    case TS_ANSWERS_KERNEL:
        if (rule->result == TS_RESULT_HANDLE) {
            return SORT_MEMORY;
        }
        return rule->arg != TS_ARG_NONE ? SORT_EVENT : SORT_STALE; // not one to close
    default: break;
    }
    if (op == TS_OP_LIST) {
        return SORT_JOB;
    }
    bool bytes = rule->payload == TS_PAYLOAD_TO || rule->payload == TS_PAYLOAD_FROM;
    return bytes || rule->arg == TS_ARG_METHOD ? SORT_MEMORY : SORT_SERVED;
}

// A buffer or a length, at an offset.
static bool has_offset(const struct rule *rule)
{
    return rule->arg == TS_ARG_REQUEST || rule->arg == TS_ARG_LENGTH ||
           (rule->answers == TS_ANSWERS_ANY && rule->arg == TS_ARG_NONE &&
            (rule->payload == TS_PAYLOAD_TO || rule->payload == TS_PAYLOAD_FROM));
}

static uint32_t some_length(struct actor *actor)
{
    static const uint16_t lengths[] = {1, 8, 64, 256, 4095, 4096, 4097, 8192};
    return one_in(actor, 8) ? (uint32_t)some_number(actor) : ONE_OF(actor, lengths);
}

static void shape_path(struct actor *actor, struct ts_submission *shape)
{
    static const char *const paths[] = {"a", "a/b", "..", "/", "1", "18446744073709551615", ""};
    const char *path = ONE_OF(actor, paths);
    char *at = area_place(actor, 64);
    memcpy(at, path, strlen(path));
    shape->address = (uintptr_t)at;
    shape->length = (uint32_t)strlen(path);
    shape->arg = ts_open_arg(below(actor, 64), below(actor, 4));
}

// What goes to a server, with up to four handles. Half are right but for what others do to it.
static void shape_sent(struct actor *actor, struct ts_submission *shape)
{
    struct ts_call *call = area_place(actor, sizeof(*call));
    bool right = one_in(actor, 2);
    *call = (struct ts_call){
        .in_address = right ? (uintptr_t)area_place(actor, 256) : some_address(actor),
        .out_address = right ? (uintptr_t)area_place(actor, 256) : some_address(actor),
        .in_length = right ? (uint32_t)below(actor, 257) : some_length(actor),
        .out_length = right ? (uint32_t)below(actor, 257) : some_length(actor),
        .method = (uint32_t)shape->arg,
        .out_handles = (uint8_t)below(actor, right ? 2 : 6)};
    if (shape->op != TS_OP_CALL) {
        call->out_handles = 0;
    }
    call->in_handles = (uint8_t)(shape->op == TS_OP_CALL ? below(actor, right ? 2 : 5) : 1);
    for (unsigned i = 0; i < TS_CALL_HANDLES && i < call->in_handles; i++) {
        call->in_handle[i] = some_handle(actor);
    }
    shape->address = (uintptr_t)call;
    shape->length = sizeof(*call);
}

static void shape_property(struct actor *actor, struct ts_submission *shape)
{
    static const uint8_t properties[] = {
#define TS_PROPERTY(name, number, right, meaning) TS_PROPERTY_##name,
#include <tessera/abi/property.def>
#undef TS_PROPERTY
        0, 255};
    shape->arg = ONE_OF(actor, properties);
    uint64_t *value = area_place(actor, 256);
    shape->address = (uintptr_t)value;
    shape->length = shape->op == TS_OP_SET ? 8 : 256;
    if (shape->op == TS_OP_GET) {
        shape->handle = some_handle(actor);
        return;
    }
    switch (below(actor, 4)) {
    case 0:
        shape->arg = TS_PROPERTY_SIZE;
        *value = some_size(actor);
        break;
    case 1:
        shape->arg = TS_PROPERTY_JOB_LIMITS;
        shape->handle = pool_pick(actor, SORT_JOB);
        shape->length = sizeof(struct ts_job_limits);
        for (unsigned i = 0; i < 3; i++) {
            value[i] = some_number(actor);
        }
        break;
    default: // also the fs base of this thread: not one to keep
        if (shape->arg == TS_PROPERTY_THREAD_POINTER) {
            shape->arg = TS_PROPERTY_THREAD_PRIORITY;
        }
        shape->handle = some_handle(actor);
        *value = some_number(actor);
        break;
    }
}

static void shape_reply(struct actor *actor, struct ts_submission *shape)
{
    static const int8_t statuses[] = {0, 0, TS_ERR_NOT_FOUND, TS_ERR_VERSION, 1};
    uint32_t result = (uint32_t)below(actor, 6);
    shape->arg = request_pick(actor);
    shape->offset = some_number(actor);
    shape->address = some_address(actor);
    shape->length = one_in(actor, 2) ? 0 : some_length(actor);
    bool handle = result == TS_REPLY_MOVE || result == TS_REPLY_REDIRECT;
    shape->aux = handle ? some_handle(actor) : (uint32_t)below(actor, 8);
    shape->arg2 = ts_reply_word((int32_t)ONE_OF(actor, statuses), result);
    shape->rights = (uint16_t)(one_in(actor, 2) ? TS_RIGHTS_ALL : actor_next(actor));
}

static void shape_oid(struct actor *actor, struct ts_submission *shape)
{
    if (shape->op == TS_OP_SIGNAL && one_in(actor, 2)) {
        shape->handle = pool_pick(actor, SORT_PORT);
    }
    shape->arg = one_in(actor, 8) ? some_number(actor) : below(actor, 6);
    shape->offset = actor_next(actor) & ts_signal_change(TS_SIGNALS_ALL, TS_SIGNALS_ALL);
}

static void shape_ring(struct actor *actor, struct ts_submission *shape)
{
    shape->handle = TS_HANDLE_NONE;
    shape->arg = shape->op == TS_OP_CANCEL ? below(actor, 32) : some_number(actor);
    if (shape->op == TS_OP_TIMEOUT && one_in(actor, 4)) {
        shape->flags = TS_FLAG_MULTI;
    }
    if (shape->op == TS_OP_CANCEL && one_in(actor, 2)) {
        shape->flags = TS_FLAG_FORCE;
    }
    if (shape->op != TS_OP_FUTEX_WAIT) {
        return;
    }
    shape->offset = one_in(actor, 2) ? 0 : some_number(actor);
    if (one_in(actor, 2)) { // it may outlive the memory
        shape->address = mapping_pick(actor);
        shape->deadline = TS_DEADLINE_NONE;
    }
}

static void shape_call_of(struct actor *actor, const struct rule *rule, struct ts_submission *shape)
{
    if (rule->arg != TS_ARG_METHOD) {
        shape_sent(actor, shape);
    } else if (one_in(actor, 3)) {
        shape->handle = handle_like(actor, SORT_SERVED);
        shape_sent(actor, shape);
    } else {
        shape_method(actor, shape);
    }
}

static void shape_arg(struct actor *actor, const struct rule *rule, struct ts_submission *shape)
{
    switch (rule->arg) {
    case TS_ARG_PROPERTY: shape_property(actor, shape); break;
    case TS_ARG_SIGNALS:
        shape->handle = some_handle(actor);
        shape->arg = one_in(actor, 2) ? TS_SIGNALS_ALL : some_number(actor);
        break;
    case TS_ARG_HANDLE: shape->arg = some_handle(actor); break;
    case TS_ARG_REQUEST:
        if (shape->op == TS_OP_REPLY) {
            shape_reply(actor, shape);
        } else {
            shape->arg = request_pick(actor);
        }
        break;
    case TS_ARG_OID: shape_oid(actor, shape); break;
    default: break;
    }
}

static void shape_form(struct actor *actor, const struct rule *rule, struct ts_submission *shape)
{
    if (rule->answers == TS_ANSWERS_RING) {
        shape_ring(actor, shape);
    } else if (rule->payload == TS_PAYLOAD_PATH) {
        shape_path(actor, shape);
    } else if (rule->payload == TS_PAYLOAD_CALL) {
        shape_call_of(actor, rule, shape);
    } else {
        shape_arg(actor, rule, shape);
    }
}

// One field is not what it should be.
static void shape_spoil(struct actor *actor, struct ts_submission *shape)
{
    switch (below(actor, 8)) {
    case 0: shape->handle = some_handle(actor); break;
    case 1: shape->flags ^= (uint8_t)(1u << below(actor, 8)); break;
    case 2: shape->length = (uint32_t)some_number(actor); break;
    case 3: shape->address = some_address(actor); break;
    case 4: shape->offset = some_number(actor); break;
    case 5: shape->arg = some_number(actor); break;
    case 6: shape->arg2 = some_number(actor); break;
    default: shape->rights = (uint16_t)actor_next(actor); break;
    }
}

void shape_operation(struct actor *actor, enum ts_operation op, struct ts_submission *out_shape)
{
    const struct rule *rule = op < TS_OP_COUNT ? &rules[op] : &unknown;
    *out_shape = (struct ts_submission){.op = (uint8_t)op,
                                        .rights = TS_RIGHTS_ALL,
                                        .user_data = below(actor, 32),
                                        .address = some_address(actor),
                                        .length = some_length(actor),
                                        .deadline = some_deadline(actor)};
    out_shape->handle = handle_like(actor, sort_of(op, rule));
    if (has_offset(rule)) {
        out_shape->offset = one_in(actor, 2) ? 0 : some_number(actor);
    }
    if (has_offset(rule) && rule->answers == TS_ANSWERS_ANY && one_in(actor, 2)) {
        out_shape->handle = some_handle(actor);
    }
    if (op == TS_OP_WRITE && one_in(actor, 32)) {
        out_shape->flags = TS_FLAG_VECTOR;
    }
    shape_form(actor, rule, out_shape);
    if (one_in(actor, 4)) {
        shape_spoil(actor, out_shape);
    }
    // The log is the tester's console: it is read only.
    if (op == TS_OP_DUPLICATE) {
        out_shape->handle = some_handle(actor);
    }
    if (op == TS_OP_DUPLICATE && one_in(actor, 2)) {
        out_shape->rights = (uint16_t)actor_next(actor) & TS_RIGHTS_ALL;
    }
}

void shape_any(struct actor *actor, struct ts_submission *out_shape)
{
    shape_operation(actor, (enum ts_operation)below(actor, TS_OP_COUNT + 1), out_shape);
}

static bool gives_handle(uint8_t op)
{
    return op < TS_OP_COUNT && rules[op].result == TS_RESULT_HANDLE;
}

// The handle that an operation gave, unless it cannot be found again; else 0.
static ts_handle_t given_handle(const struct ts_submission *shape, struct ts_result result)
{
    if (result.status != TS_OK) {
        return TS_HANDLE_NONE;
    }
    if (gives_handle(shape->op)) {
        return result.value <= UINT32_MAX ? (ts_handle_t)result.value : TS_HANDLE_NONE;
    }
    uint64_t at = shape->address - (uintptr_t)area;
    if (shape->op != TS_OP_CALL || at > AREA_SIZE - sizeof(struct ts_call) || at % 8 != 0) {
        return TS_HANDLE_NONE;
    }
    const struct ts_call *call = (const struct ts_call *)(uintptr_t)shape->address;
    return call->out_handles != 0 ? call->out_handle[0] : TS_HANDLE_NONE;
}

void shape_call(struct actor *actor, const struct ts_submission *shape)
{
    uint64_t address = shape->address, length = shape->length, arg = shape->arg;
    if (shape->op == TS_OP_REPLY && !one_in(actor, 8)) {
        struct ts_reply *reply = area_place(actor, sizeof(*reply));
        *reply = (struct ts_reply){.id = arg,
                                   .status = ts_reply_word_status(shape->arg2),
                                   .result = ts_reply_word_result(shape->arg2),
                                   .value = shape->offset,
                                   .address = address,
                                   .length = shape->length,
                                   .object = shape->aux,
                                   .tag = 1,
                                   .rights = shape->rights,
                                   .handles = {0, one_in(actor, 8) ? some_handle(actor) : 0, 0}};
        address = (uintptr_t)reply;
        length = sizeof(*reply);
    }
    struct ts_result result = actor_saw(
        actor,
        ts_sys_op(ts_op_word(shape->op, shape->flags, shape->rights & TS_RIGHTS_ALL, shape->handle),
                  address, length, shape->offset, arg, shape->deadline));
    ts_handle_t given = given_handle(shape, result);
    if (given != TS_HANDLE_NONE) {
        pool_keep_any(actor, given);
    }
}
