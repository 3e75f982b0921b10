// SPDX-License-Identifier: MIT
// What every operation goes through: what the kernel answers for all objects, kernel objects.
// served.c has what goes to a server.
#include <syscall/operation.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <core/handle_table.h>
#include <core/port.h>
#include <object/process.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <tessera/abi/object.h>
#include <tessera/abi/signal.h>

// Rights that depend on more than the operation's number.
static ts_rights_t rights_needed(const struct operation *operation)
{
    ts_rights_t needed = operation_rules[operation->op].rights;
    if (operation->op == TS_OP_MAP) {
        needed |= operation->rights & (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_EXECUTE);
    }
    return needed;
}

static bool has_any(ts_rights_t rights, ts_rights_t wanted)
{
    return (rights & wanted) != 0;
}

// The second half of rights, of which one of several is enough.
static bool rights_suffice(const struct operation *operation, ts_rights_t rights)
{
    if (operation->op == TS_OP_SYNC) {
        return has_any(rights, TS_RIGHT_READ | TS_RIGHT_WRITE);
    }
    if (operation->op == TS_OP_SET) {
        return operation->arg == TS_PROPERTY_POSITION
                   ? has_any(rights, TS_RIGHT_READ | TS_RIGHT_WRITE)
                   : has_any(rights, TS_RIGHT_WRITE | TS_RIGHT_MANAGE);
    }
    return true;
}

// ---- What the kernel answers for every object

// A further count of a served object while the handle is there. Interrupts off.
static bool served_share(struct handle_table *table, ts_handle_t handle, struct served *served)
{
    // As port_issue does: a close of the handle needs this lock to drop its count.
    spin_lock_off(&served->port->object.lock);
    bool there = handle_still(table, handle, &served->object);
    served->count += there;
    spin_unlock_off(&served->port->object.lock);
    return there;
}

// A further handle while the handle is there. An object whose last handle goes at this moment
// must not come back to life: what ends it has begun. Interrupts off.
static bool handle_share(struct handle_table *table, ts_handle_t handle, struct object *object)
{
    if (object->class == &served_class) {
        return served_share(table, handle, served_of(object));
    }
    if (!object_try_get(object)) {
        return false;
    }
    unsigned handles = atomic_load_explicit(&object->handles, memory_order_relaxed);
    while (handles != 0) {
        if (atomic_compare_exchange_weak_explicit(&object->handles, &handles, handles + 1,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return true;
        }
    }
    object_put(object);
    return false;
}

static ts_status_t answer_duplicate(struct handle_table *table, struct operation *operation)
{
    struct handle from;
    irqflags_t flags = arch_irq_save();
    ts_status_t status = handle_lookup(table, operation->handle, TS_RIGHT_DUPLICATE, &from);
    if (status == TS_OK && !handle_share(table, operation->handle, from.object)) {
        status = TS_ERR_HANDLE;
    }
    arch_irq_restore(flags);
    if (status == TS_OK) {
        operation->result =
            (struct handle){.object = from.object, .rights = from.rights & operation->rights};
    }
    return status;
}

static ts_status_t answer_close(struct handle_table *table, const struct operation *operation)
{
    struct handle held;
    ts_status_t status = handle_remove(table, operation->handle, &held);
    if (status == TS_OK) {
        object_handle_put(held);
    }
    return status;
}

static ts_status_t answer_same(struct handle_table *table, struct operation *operation)
{
    struct handle a, b;
    if (operation->arg > UINT32_MAX) {
        return TS_ERR_HANDLE;
    }
    irqflags_t flags = arch_irq_save();
    ts_status_t status = handle_lookup(table, operation->handle, 0, &a);
    if (status == TS_OK) {
        status = handle_lookup(table, (ts_handle_t)operation->arg, 0, &b);
    }
    operation->value = status == TS_OK && a.object == b.object;
    arch_irq_restore(flags);
    return status;
}

// What a wait holds of its object (object_wait).
static ts_status_t wait_hold(struct handle_table *table, ts_handle_t handle,
                             struct object **out_object)
{
    struct handle held;
    irqflags_t flags = arch_irq_save();
    ts_status_t status = handle_lookup(table, handle, TS_RIGHT_WAIT, &held);
    if (status == TS_OK) {
        struct object *object = held.object;
        bool held = object->class == &served_class ? served_share(table, handle, served_of(object))
                                                   : object_body_try_get(object);
        status = held ? TS_OK : TS_ERR_HANDLE;
        *out_object = object;
    }
    arch_irq_restore(flags);
    return status;
}

// The waiter is a record: of the thread, or of the ring.
static enum outcome start_wait(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    struct object *object;
    if (operation->arg == 0 || (operation->arg & ~(uint64_t)TS_SIGNALS_ALL) != 0) {
        *out_status = TS_ERR_ARGUMENT;
        return OUTCOME_ANSWERED;
    }
    *out_status = wait_hold(asked->thread->requester.handles, operation->handle, &object);
    if (*out_status != TS_OK) {
        return OUTCOME_ANSWERED;
    }
    struct request *request = asked_record(asked);
    if (request == NULL) {
        object_wait_over(object);
        return OUTCOME_NO_RECORD;
    }
    asked->thread->asking = asked->ring == NULL;
    object_wait(object, request, (ts_signals_t)operation->arg);
    return OUTCOME_ISSUED;
}

static enum outcome start_kernel(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    struct handle_table *table = asked->thread->requester.handles;
    switch (operation->op) {
    case TS_OP_WAIT: return start_wait(asked, out_status);
    case TS_OP_NOP: *out_status = TS_OK; break;
    case TS_OP_DUPLICATE: *out_status = answer_duplicate(table, operation); break;
    case TS_OP_CLOSE: *out_status = answer_close(table, operation); break;
    default: *out_status = answer_same(table, operation); break;
    }
    return OUTCOME_ANSWERED;
}

// Properties which the kernel answers for all objects, served ones too.
static bool is_kernel_property(const struct operation *operation)
{
    return operation->op == TS_OP_GET &&
           (operation->arg == TS_PROPERTY_KIND || operation->arg == TS_PROPERTY_SIGNALS ||
            operation->arg == TS_PROPERTY_RIGHTS);
}

static ts_status_t answer_property(struct handle_table *table, struct operation *operation)
{
    struct handle held;
    uint64_t value = 0;
    irqflags_t flags = arch_irq_save();
    ts_status_t status = handle_lookup(table, operation->handle, 0, &held);
    if (status == TS_OK) {
        if (operation->arg == TS_PROPERTY_KIND) {
            value = held.object->class->kind;
        } else if (operation->arg == TS_PROPERTY_SIGNALS) {
            value = atomic_load_explicit(&held.object->signals, memory_order_acquire);
        } else {
            value = held.rights;
        }
        // Else it was closed meanwhile, and what was read may be the oid's next object's.
        if (!handle_still(table, operation->handle, held.object)) {
            status = TS_ERR_HANDLE;
        }
    }
    arch_irq_restore(flags);
    return status != TS_OK ? status : operation_get_u64(operation, value);
}

// ---- Kernel objects

// Puts a result into the caller's table. A call's goes to its structure as well, if it has room
// for handles.
static ts_status_t install_result(struct asked *asked)
{
    struct operation *operation = &asked->operation;
    ts_handle_t handle;
    ts_status_t status =
        handle_install(asked->thread->requester.handles, operation->result, &handle);
    if (status != TS_OK) {
        object_handle_put(operation->result);
        return status;
    }
    if (operation->op != TS_OP_CALL) {
        operation->value = handle;
        return TS_OK;
    }
    vaddr_t call = operation->address;
    uint8_t room;
    operation->value = operation->value == 0 ? handle : operation->value;
    if (get_user_u8(&room, call + offsetof(struct ts_call, out_handles)) != TS_OK || room == 0) {
        return TS_OK;
    }
    // (The handle is there whether or not the structure still is.)
    (void)put_user_u32(call + offsetof(struct ts_call, out_handle), handle);
    return TS_OK;
}

static ts_status_t run_kernel_object(struct asked *asked, struct handle held)
{
    struct operation *operation = &asked->operation;
    const struct object_class *class = held.object->class;
    if (class->operate == NULL) {
        return TS_ERR_UNSUPPORTED;
    }
    if (operation_rules[operation->op].answers == TS_ANSWERS_PORT && class->kind != TS_KIND_PORT) {
        return TS_ERR_KIND;
    }
    operation->handle_rights = held.rights;
    return class->operate(held.object, operation);
}

// Tells where the object lives, with a reference if that is the kernel.
static inline ts_status_t look_up(struct asked *asked, ts_rights_t needed, struct handle *out,
                                  bool *out_served)
{
    const struct operation *operation = &asked->operation;
    irqflags_t flags = arch_irq_save();
    ts_status_t status =
        handle_lookup(asked->thread->requester.handles, operation->handle, needed, out);
    if (status == TS_OK && !rights_suffice(operation, out->rights)) {
        status = TS_ERR_RIGHTS;
    }
    *out_served = status == TS_OK && out->object->class == &served_class;
    if (status == TS_OK && !*out_served && !object_body_try_get(out->object)) {
        status = TS_ERR_HANDLE;
    }
    arch_irq_restore(flags);
    return status;
}

static enum outcome start_object(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    ts_rights_t needed = rights_needed(operation);
    struct handle held;
    bool served;
    *out_status = look_up(asked, needed, &held, &served);
    if (*out_status != TS_OK) {
        return OUTCOME_ANSWERED;
    }
    if (served) {
        return served_start(asked, needed, out_status);
    }
    *out_status = run_kernel_object(asked, held);
    object_body_put(held.object);
    return OUTCOME_ANSWERED;
}

enum outcome operation_start(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    enum outcome outcome = OUTCOME_ANSWERED;
    if (operation->length > TS_LENGTH_MAX || (operation->rights & ~TS_RIGHTS_ALL) != 0) {
        *out_status = TS_ERR_ARGUMENT;
    } else if (operation_rules[operation->op].answers == TS_ANSWERS_KERNEL) {
        outcome = start_kernel(asked, out_status);
    } else if (is_kernel_property(operation)) {
        *out_status = answer_property(asked->thread->requester.handles, operation);
    } else {
        outcome = start_object(asked, out_status);
    }
    if (outcome == OUTCOME_ANSWERED && *out_status == TS_OK && operation->result.object != NULL) {
        *out_status = install_result(asked);
    }
    return outcome;
}
