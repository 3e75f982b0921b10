// SPDX-License-Identifier: MIT
// The fast path: a synchronous operation on a served object whose server waits, and the server's
// answer with which it waits again, each as one pass from system call to system call: no timers, no
// queues, no scheduling decision.
//
// It is the general path (served.c, core/port.c, syscall/ring.c) with everything left out that
// cannot be the case, and takes the same steps on the same records: whoever looks at a port, a
// ring or a thread sees no difference. First everything is tested, under the locks that hold it
// still; until the last test nothing has been changed, so that any doubt ends in the general path.
// Then everything is done, and cannot fail.
//
// Both directions want: one CPU (the other thread last ran on this one and is blocked there in a
// system call), a port with one ring and a ring with one port (no choice to make, nobody else to
// look at), no notices, parked requests or events that would come first, no handles, vectors or
// deadlines, and nobody more important who is ready.
//
// Lock order, as everywhere: port, ring, run queue. The two threads are on this CPU's run queue,
// whose lock holds their states still.
#include <syscall/fast_parts.h>
#include <syscall/fast_path.h>

#include <arch/attribute.h>
#include <arch/cpu.h>
#include <arch/user.h>
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port_tables.h>
#include <core/ring_publish.h>
#include <object/port.h>
#include <object/process.h>
#include <object/ring.h>
#include <base/statistics.h>
#include <sched/run_queue.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <syscall/operation.h>
#include <syscall/submit.h>
#include <syscall/syscall.h>
#include <tessera/abi/operation.h>

#define NO_SLOT UINT32_MAX

// For what only some calls need: its registers are its own affair, so that the others do not pay by
// keeping theirs in memory. (It returns nothing: clang 14 preserves the result's register as well.)
#define OUT_OF_LINE ARCH_KEEPS_REGISTERS __attribute__((noinline)) static void

// The rest is one function each way, however large.
#define IN_LINE __attribute__((always_inline)) static inline

const struct fast_operation fast_operations[TS_OP_COUNT] = {
#define WORD(op, flags) TS_OP_WORD(op, ((flags) & ~TS_FLAG_VECTOR) | TS_FLAG_NOWAIT, 0, UINT32_MAX)
#define TS_OPERATION(NAME, name, number, needed, answers, flags, ring, payload, arg, result, fast, \
                     meaning)                                                                      \
    [number] = {.rights = TS_FAST_##fast == TS_FAST_BYTES ? (needed) : 0,                          \
                .word = TS_FAST_##fast == TS_FAST_BYTES ? WORD(number, flags) : 0},
#include <tessera/abi/operation.def>
#undef TS_OPERATION
#undef WORD
};

// The current thread can block: nobody has woken it or asked it to end. Its run queue is locked.
static bool can_block(const struct thread *thread)
{
    return !(thread->wake_pending | thread->stopping);
}

// A request that is more urgent than its server lends it its priority, until it is answered. The
// run queue is locked, and the server is in no queue. (environment_lend and environment_return)
OUT_OF_LINE lend(struct slot *slot, struct thread *server, uint8_t priority)
{
    object_body_get(&server->object);
    slot->borrower = server;
    thread_loan_add(server, priority);
    server->priority = thread_due_priority(server);
}

OUT_OF_LINE give_back(struct slot *slot, struct thread *server, uint8_t priority)
{
    slot->borrower = NULL;
    thread_loan_remove(server, priority);
    server->priority = thread_due_priority(server);
    object_body_put(&server->object);
}

// The current thread is blocked from here on and `next` returns to user mode.
static void switch_to(struct run_queue *queue, struct thread *current, struct thread *next,
                      void (*continuation)(void))
{
    current->machine.continuation = continuation;
    current->state = THREAD_IS_BLOCKED;
    run_queue_switch(queue, current, next);
}

// The way there -------------------------------------------------------------------------------

struct call {
    struct thread *client;
    struct thread *server;
    struct port *port;
    struct served *served;
    struct ring *ring;
    struct port_client *asker;
    ts_handle_t handle;
    ts_rights_t rights;
};

// The client's bytes, as many as the inbox takes; they lie in its own, present, address space.
OUT_OF_LINE copy_to_inbox(const struct port *port, const struct arch_frame *frame, bool *out_done)
{
    uint64_t length = arch_frame_argument(frame, 2);
    length = length < port->inbox_size ? length : port->inbox_size;
    *out_done = copy_from_user(port_inbox(port, port->slot_free), arch_frame_argument(frame, 1),
                               length) == TS_OK;
}

static bool fill_inbox(const struct port *port, const struct arch_frame *frame)
{
    bool done = true;
    if (port->inbox_size != 0 && ts_op_word_op(arch_frame_argument(frame, 0)) == TS_OP_WRITE &&
        arch_frame_argument(frame, 2) != 0) {
        copy_to_inbox(port, frame, &done);
    }
    return done;
}

// The record, as the general path fills it, and the event that tells the server of it.
IN_LINE void fill(const struct call *call, const struct arch_frame *frame, const struct slot *slot)
{
    struct request *request = &call->client->request;
    struct ring *ring = call->ring;
    uint64_t word = arch_frame_argument(frame, 0);
    uint64_t address = arch_frame_argument(frame, 1);
    uint64_t offset = arch_frame_argument(frame, 3), arg = arch_frame_argument(frame, 4);
    uint32_t length = (uint32_t)arch_frame_argument(frame, 2);
    uint32_t index = call->port->slot_free;
    bool to_server = ts_op_word_op(word) == TS_OP_WRITE;
    uint32_t in_length = to_server ? length : 0, out_length = to_server ? 0 : length;
    const struct ts_event event = {
        .user_data = ring->bindings[call->port->rings[0].index].cookie,
        .client = call->asker->number,
        .kind = TS_EVENT_REQUEST,
        .op = ts_op_word_op(word),
        .flags = ts_event_request_flags(ts_op_word_flags(word)),
        .value = ts_request_id(index, slot->generation),
        .extra = arg,
        .tag = call->served->tag,
        .oid = call->served->oid,
        .rights = call->rights,
        .length = in_length,
        .room = out_length,
        .offset = offset,
    };
    *ring_slot(ring) = event;
    request->home = HOME_PORT;
    request->op = ts_op_word_op(word);
    request->flags = ts_op_word_flags(word);
    request->rights = call->rights;
    request->priority = call->client->priority;
    request->in_handles = request->out_handles = 0;
    request->segments = 0;
    request->client_fault = false;
    request->event_flags = 0;
    request->handle = call->handle;
    request->slot = index;
    request->in_address = to_server ? address : 0;
    request->in_length = in_length;
    request->out_address = to_server ? 0 : address;
    request->out_length = out_length;
    request->offset = offset;
    request->arg = arg;
    request->value = 0;
    request->port = call->port;
    request->served = call->served;
    request->deadline = TS_DEADLINE_NONE;
}

// Whether the port would hand this request to its ring at once. Its lock is held.
static bool port_is_ready(struct call *call)
{
    struct port *port = call->port;
    call->asker = &port->clients[call->served->asker];
    // (A dead port has no ring.)
    return call->served->state == SERVED_LIVE && port->ring_count == 1 &&
           port->rings[0].ring != NULL && (port->queued | port->hungry_count) == 0 &&
           port->slot_free != NO_SLOT && call->asker->number == call->client->requester.client &&
           port_may_take(call->asker->requests, port->requests_left);
}

// Whether the ring's thread waits for this one event. Its lock is held.
static bool ring_is_ready(struct call *call, const struct cpu *cpu)
{
    struct ring *ring = call->ring;
    if (!ring->idle || ring->idle_cpu != cpu->id || !list_empty(&ring->pending) ||
        !ring_has_room(ring) || ring->event_tail + 1 - ring->event_head < ring->wanted) {
        return false;
    }
    call->server = ring->waiter;
    return true;
}

// Whether the two can change places. The run queue is locked.
static bool server_is_ready(const struct call *call, const struct run_queue *queue)
{
    const struct thread *server = call->server;
    return can_block(call->client) &&
           fast_is_blocked_here(server, queue->cpu, ring_wait_continue) &&
           run_queue_top(queue) <= (int)call->client->priority;
}

// All the effects. All locks are held.
IN_LINE void deliver(const struct call *call, const struct arch_frame *frame,
                     struct run_queue *queue)
{
    struct port *port = call->port;
    struct ring *ring = call->ring;
    struct thread *client = call->client, *server = call->server;
    struct slot *slot = &port->slots[port->slot_free];
    fill(call, frame, slot);
    port->slot_free = slot->next_free;
    slot->request = &client->request;
    slot->state = SLOT_DELIVERED;
    slot->client = call->served->asker;
    call->asker->requests++;
    port->requests_left--;
    client->asking = true;
    atomic_store_explicit(&client->completed, false, memory_order_relaxed);
    object_body_get(&port->object); // the record's
    request_set_state(&client->request, REQUEST_DELIVERED);
    ring->event_tail++;
    ring_publish_tail(ring);
    // What the server's system call returns with.
    ring_set_idle(ring, false);
    ring->entered = false;
    server->ring = NULL;
    arch_frame_set_result(arch_thread_frame(&server->machine), server->submitted,
                          ring->event_tail - ring->event_head);
    if (__builtin_expect(client->priority > server->own_priority, false)) {
        lend(slot, server, client->priority);
    }
    queue->giver = client;
    switch_to(queue, client, server, op_continue);
}

IN_LINE bool call_locked(struct call *call, const struct arch_frame *frame, struct cpu *cpu)
{
    struct run_queue *queue = cpu->queue;
    call->ring = call->port->rings[0].ring;
    spin_lock_off(&call->ring->lock);
    bool ready = ring_is_ready(call, cpu) && fill_inbox(call->port, frame);
    if (ready) {
        spin_lock_off(&queue->lock);
        ready = server_is_ready(call, queue);
        if (ready) {
            deliver(call, frame, queue);
        }
        spin_unlock_off(&queue->lock);
    }
    spin_unlock_off(&call->ring->lock);
    return ready;
}

// The word and the range are good, and the handle is one of a served object.
IN_LINE bool call_find(struct call *call, const struct arch_frame *frame,
                       const struct fast_operation *fast, struct handle_entry **out_entry,
                       uint64_t *out_word)
{
    uint64_t word = arch_frame_argument(frame, 0), length = arch_frame_argument(frame, 2);
    if ((word & ~fast->word) != 0 || arch_frame_argument(frame, 5) != 0 ||
        (length != 0 && !arch_user_range_ok(arch_frame_argument(frame, 1), length))) {
        return false;
    }
    call->handle = ts_op_word_handle(word);
    *out_entry = handle_find(call->client->requester.handles, call->handle, out_word);
    if (*out_entry == NULL || (fast->rights & ~(ts_rights_t)*out_word) != 0) {
        return false;
    }
    // That it is what the word was read with is seen when the port is locked.
    struct object *object = atomic_load_explicit(&(*out_entry)->object, memory_order_acquire);
    if (object == NULL || object->class != &served_class) {
        return false;
    }
    call->rights = (ts_rights_t)*out_word;
    call->served = served_of(object);
    call->port = call->served->port;
    return true;
}

void fast_path_call(struct arch_frame *frame, struct cpu *cpu, const struct fast_operation *fast)
{
    struct call call = {.client = cpu->current};
    struct handle_entry *entry;
    uint64_t word;
    if (!call_find(&call, frame, fast, &entry, &word)) {
        syscall_general(frame);
        return;
    }
    spin_lock_off(&call.port->object.lock);
    // Who closes the object's last handle needs the lock that we have: is it still there?
    bool done = atomic_load_explicit(&entry->word, memory_order_relaxed) == word &&
                port_is_ready(&call) && call_locked(&call, frame, cpu);
    spin_unlock_off(&call.port->object.lock);
    if (!done) {
        syscall_general(frame);
        return;
    }
    process_count(&call.client->process->requests_issued, 1);
    object_body_put(&call.ring->object); // the reference that the server's wait held
    arch_thread_return(&call.server->machine);
}

void fast_path_answer(struct arch_frame *frame, struct thread *thread)
{
    switch ((uint32_t)arch_frame_argument(frame, 0)) {
    case TS_OP_NOP: fast_answer(thread, frame, 0); break;
    case TS_OP_SIGNAL: fast_event_signal(thread, frame); break;
    case TS_OP_WAIT: fast_event_wait(thread, frame); break;
    default: syscall_general(frame);
    }
}

// The way back --------------------------------------------------------------------------------

struct answer {
    struct thread *server;
    struct thread *client;
    struct ring *ring;
    struct port *port;
    struct slot *slot;
    struct request *request;
    ts_status_t status;
};

IN_LINE bool answer_find(struct answer *answer, const struct arch_frame *frame)
{
    struct handle_table *table = answer->server->requester.handles;
    uint64_t handles = arch_frame_argument(frame, 0);
    uint64_t ring_word, port_word;
    answer->status = (ts_status_t)arch_frame_argument(frame, 2);
    if (answer->status > 0) {
        return false;
    }
    struct handle_entry *ring_entry = handle_find(table, ts_pair_low(handles), &ring_word);
    struct handle_entry *port_entry = handle_find(table, ts_pair_high(handles), &port_word);
    if (ring_entry == NULL || port_entry == NULL || (port_word & TS_RIGHT_MANAGE) == 0) {
        return false;
    }
    struct object *ring = fast_entry_object(ring_entry, ring_word);
    struct object *port = fast_entry_object(port_entry, port_word);
    if (ring == NULL || ring->class != &ring_class || port == NULL || port->class != &port_class) {
        return false;
    }
    answer->ring = ring_of(ring);
    answer->port = port_of(port);
    return true;
}

// Whether the id names a plain request of a thread, and nothing else is to be done in the port. (0,
// which only waits, names none: no generation is 0.) Its lock is held.
IN_LINE bool request_is_plain(struct answer *answer, uint64_t id)
{
    struct port *port = answer->port;
    uint32_t index = ts_request_id_slot(id);
    if (index >= port->slot_count || port->ring_count != 1 || port->rings[0].ring != answer->ring ||
        (port->queued | port->hungry_count) != 0) {
        return false;
    }
    struct slot *slot = &port->slots[index];
    struct request *request = slot->request;
    if (slot->borrower != NULL && slot->borrower != answer->server) {
        return false;
    }
    if (slot->state != SLOT_DELIVERED || slot->generation != ts_request_id_generation(id) ||
        slot->copying || request == NULL || request->requester->ring != NULL ||
        (request->in_handles | request->out_handles | request->client_fault) != 0 ||
        request->deadline != TS_DEADLINE_NONE) {
        return false;
    }
    answer->slot = slot;
    answer->request = request;
    answer->client = request->requester->thread;
    return true;
}

// Whether the server would wait in its ring now. Its lock is held.
static bool ring_would_wait(struct answer *answer)
{
    struct ring *ring = answer->ring;
    return !(ring->entered | ring->destroyed) && ring->binding_count == 1 &&
           answer->ring->user == answer->server && list_empty(&ring->pending) &&
           ring->shared->version == TS_RING_VERSION && ring_unread(ring) == 0;
}

// The payload, to the start of the client's range; at most to the end of a page.
OUT_OF_LINE copy_to_client(const struct request *request, uint64_t address, uint64_t length,
                           bool *out_done)
{
    uint64_t client_address;
    *out_done = length <= request->out_length && arch_user_range_ok(address, length) &&
                request_range(request, COPY_PUSH, 0, (uint32_t)length, &client_address) == length &&
                environment_copy(request->requester->space, client_address, address,
                                 (uint32_t)length, COPY_PUSH) == TS_OK;
}

static bool push_payload(const struct answer *answer, const struct arch_frame *frame)
{
    bool done = true;
    if (arch_frame_argument(frame, 5) != 0) {
        copy_to_client(answer->request, arch_frame_argument(frame, 4),
                       arch_frame_argument(frame, 5), &done);
    }
    return done;
}

static bool client_is_ready(const struct answer *answer, const struct run_queue *queue)
{
    const struct thread *client = answer->client;
    return can_block(answer->server) && fast_is_blocked_here(client, queue->cpu, op_continue) &&
           run_queue_top(queue) <= (int)client->priority;
}

// All the effects. All locks are held.
IN_LINE void finish(const struct answer *answer, const struct arch_frame *frame,
                    struct run_queue *queue)
{
    struct ring *ring = answer->ring;
    struct thread *client = answer->client, *server = answer->server;
    if (__builtin_expect(answer->slot->borrower != NULL, false)) {
        give_back(answer->slot, server, answer->request->priority);
    }
    // The client's system call returns.
    request_set_state(answer->request, REQUEST_FREE);
    client->asking = false;
    arch_frame_set_result(arch_thread_frame(&client->machine), answer->status,
                          arch_frame_argument(frame, 3));
    slot_release(answer->port, answer->slot, ts_request_id_slot(arch_frame_argument(frame, 1)));
    // The server waits.
    object_body_get(&ring->object);
    server->ring = answer->ring;
    server->submitted = 0;
    server->wait_for = 1;
    server->wait_until = TS_DEADLINE_NONE;
    ring->entered = true;
    ring->requester.priority = server->own_priority;
    ring->wanted = 1;
    ring->waiter = server;
    atomic_store_explicit(TS_ATOMIC(&ring->idle_cpu), queue->cpu->id, memory_order_relaxed);
    ring_set_idle(ring, true);
    switch_to(queue, server, client, ring_wait_continue);
}

IN_LINE bool answer_locked(struct answer *answer, const struct arch_frame *frame, struct cpu *cpu)
{
    struct run_queue *queue = cpu->queue;
    struct ring *ring = answer->ring;
    spin_lock_off(&ring->lock);
    bool ready = ring_would_wait(answer);
    if (ready) {
        spin_lock_off(&queue->lock);
        ready = client_is_ready(answer, queue) && push_payload(answer, frame);
        if (ready) {
            finish(answer, frame, queue);
        }
        spin_unlock_off(&queue->lock);
    }
    spin_unlock_off(&ring->lock);
    return ready;
}

void fast_path_reply_wait(struct arch_frame *frame)
{
    struct cpu *cpu = cpu_current();
    struct answer answer = {.server = cpu->current};
    if (atomic_load_explicit(&cpu->need_resched, memory_order_relaxed) != 0 ||
        !answer_find(&answer, frame)) {
        syscall_general(frame);
        return;
    }
    spin_lock_off(&answer.port->object.lock);
    bool done = request_is_plain(&answer, arch_frame_argument(frame, 1)) &&
                answer_locked(&answer, frame, cpu);
    spin_unlock_off(&answer.port->object.lock);
    if (!done) {
        syscall_general(frame);
        return;
    }
    process_count(&answer.server->process->requests_served, 1);
    object_body_put(&answer.port->object); // the reference that the record held
    arch_thread_return(&answer.client->machine);
}
