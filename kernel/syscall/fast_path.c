// SPDX-License-Identifier: MIT
// The fast path: a synchronous operation on a served object whose server waits, and the server's
// answer with which it waits again, each as one pass from system call to system call: no timers, no
// queues, no scheduling decision.
//
// What is done with port, ring, slot and record is core/port_direct.h's, which the model runs as
// well. Here are the registers, the run queue and the switch: two threads of this CPU change
// places, if nobody more important is ready. Vectors, deadlines, and handles that are sent are the
// general path's (served.c, core/port.c, syscall/ring.c), as is every doubt.
//
// The two threads are on this CPU's run queue, whose lock holds their states still; it is taken
// after those of port and ring.
#include <syscall/fast_parts.h>
#include <syscall/fast_pass.h>
#include <syscall/fast_path.h>

#include <arch/attribute.h>
#include <arch/cpu.h>
#include <arch/user.h>
#include <core/handle_table.h>
#include <core/port_direct.h>
#include <object/port.h>
#include <object/process.h>
#include <object/ring.h>
#include <sched/run_queue.h>
#include <sched/sched.h>
#include <syscall/operation.h>
#include <syscall/submit.h>
#include <syscall/syscall.h>
#include <tessera/abi/operation.h>

const struct fast_operation fast_operations[TS_OP_COUNT] = {
#define WORD(op, flags) TS_OP_WORD(op, ((flags) & ~TS_FLAG_VECTOR) | TS_FLAG_NOWAIT, 0, UINT32_MAX)
#define TS_OPERATION(NAME, name, number, needed, answers, flags, ring, payload, arg, result, fast, \
                     meaning)                                                                      \
    [number] = {.rights = TS_FAST_##fast == TS_FAST_BYTES ? (needed) : 0,                          \
                .gives = TS_FAST_##fast == TS_FAST_HANDLE ? (needed) : 0,                          \
                .word = TS_FAST_##fast == TS_FAST_BYTES ? WORD(number, flags) : 0},
#include <tessera/abi/operation.def>
#undef TS_OPERATION
#undef WORD
};

// ---- The two threads

// (environment_lend and environment_return)
void fast_lend(struct slot *slot, struct thread *server, uint8_t priority)
{
    object_body_get(&server->object);
    slot->borrower = server;
    thread_loan_add(server, priority);
    server->priority = thread_due_priority(server);
}

ARCH_KEEPS_REGISTERS __attribute__((noinline)) static void give_back(struct slot *slot,
                                                                     struct thread *server,
                                                                     uint8_t priority)
{
    slot->borrower = NULL;
    thread_loan_remove(server, priority);
    server->priority = thread_due_priority(server);
    object_body_put(&server->object);
}

// A server that was woken and has not run since is as good as one that waits: it has what woke it
// to read, and the request behind that. It is taken out of the queue.
void fast_take_woken(struct run_queue *queue, const struct ring *ring, struct thread **out_server)
{
    struct thread *server = atomic_load_explicit(TS_ATOMIC(&ring->user), memory_order_relaxed);
    bool woken = ring->entered && server != NULL && !server->stopping &&
                 fast_is_woken_here(server, queue->cpu, ring_wait_continue) && server->ring == ring;
    if (woken) {
        run_queue_leave(queue, server);
    }
    *out_server = woken ? server : NULL;
}

// ---- The way there

// (The lock is fast_call_hold()'s.)
DIRECT_INLINE void call_change(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct thread *client = pass_of(direct)->client;
    client->asking = true;
    atomic_store_explicit(&client->completed, false, memory_order_relaxed);
    fast_call_switch(pass_of(direct), op_continue);
}

// The served object that a handle names, if it has these rights, as its entry says while it has
// that word: that it has is seen when the port is locked.
DIRECT_INLINE struct served *find_served(const struct thread *client, uint64_t word,
                                         ts_rights_t rights, struct handle_entry **out_entry,
                                         uint64_t *out_word)
{
    *out_entry = handle_find(client->requester.handles, ts_op_word_handle(word), out_word);
    if (*out_entry == NULL || (rights & ~(ts_rights_t)*out_word) != 0) {
        return NULL;
    }
    struct object *object = atomic_load_explicit(&(*out_entry)->object, memory_order_acquire);
    return object == NULL || object->class != &served_class ? NULL : served_of(object);
}

// What a call asks besides its flags: no deadline, and memory that is the user's.
DIRECT_INLINE bool call_is_plain(const struct arch_frame *frame, uint64_t other_bits)
{
    uint64_t length = arch_frame_argument(frame, 2);
    return other_bits == 0 && arch_frame_argument(frame, 5) == 0 &&
           (length == 0 || arch_user_range_ok(arch_frame_argument(frame, 1), length));
}

DIRECT_INLINE void call_fill(struct thread *client, const struct arch_frame *frame,
                             ts_rights_t rights, bool to_server)
{
    uint64_t word = arch_frame_argument(frame, 0);
    const struct request_terms terms = {
        .op = ts_op_word_op(word),
        .flags = ts_op_word_flags(word),
        .rights = rights,
        .priority = client->priority,
        .handle = ts_op_word_handle(word),
        .offset = arch_frame_argument(frame, 3),
        .arg = arch_frame_argument(frame, 4),
        .deadline = TS_DEADLINE_NONE,
    };
    request_fill(&client->request, &terms);
    request_set_range(&client->request, to_server, arch_frame_argument(frame, 1),
                      (uint32_t)arch_frame_argument(frame, 2));
}

void fast_path_call(struct arch_frame *frame, struct cpu *cpu, const struct fast_operation *fast)
{
    struct pass pass = {.queue = cpu->queue, .client = cpu->current};
    struct handle_entry *entry;
    uint64_t word = arch_frame_argument(frame, 0), entry_word;
    struct served *served = NULL;
    if (call_is_plain(frame, word & ~fast->word)) {
        served = find_served(pass.client, word, fast->rights, &entry, &entry_word);
    }
    if (served == NULL) {
        syscall_general(frame);
        return;
    }
    pass.direct.request = &pass.client->request;
    call_fill(pass.client, frame, (ts_rights_t)entry_word, ts_op_word_op(word) == TS_OP_WRITE);
    if (!direct_call(&pass.direct, served, entry, entry_word, fast_call_hold, call_change)) {
        request_set_state(pass.direct.request, REQUEST_FREE);
        syscall_general(frame);
        return;
    }
    fast_call_leave(&pass);
}

// A path there, and a handle back: the handle's slot is there before anything is asked.
__attribute__((noinline)) static void call_for_handle(struct arch_frame *frame,
                                                      struct thread *client, ts_rights_t needed)
{
    struct pass pass = {.queue = run_queue_here(), .client = client};
    struct request *request = pass.direct.request = &client->request;
    struct handle_entry *entry;
    uint64_t word = arch_frame_argument(frame, 0), entry_word;
    uint64_t known = TS_OP_WORD(0xff, TS_FLAG_NOWAIT, TS_RIGHTS_ALL, UINT32_MAX);
    struct served *served = NULL;
    ts_handle_t reserved;
    if (call_is_plain(frame, word & ~known) && arch_frame_argument(frame, 2) <= TS_PATH_MAX) {
        served = find_served(client, word, needed, &entry, &entry_word);
    }
    if (served == NULL || handle_reserve(client->requester.handles, &reserved) != TS_OK) {
        syscall_general(frame);
        return;
    }
    call_fill(client, frame, (ts_rights_t)entry_word & ts_op_word_rights(word), true);
    request->out_handles = 1;
    request->reserved[0] = reserved;
    if (!direct_call(&pass.direct, served, entry, entry_word, fast_call_hold, call_change)) {
        request_set_state(request, REQUEST_FREE);
        handle_release(client->requester.handles, reserved);
        syscall_general(frame);
        return;
    }
    fast_call_leave(&pass);
}

// No lock is needed but the table's, and what the last handle of a served object takes, which is
// bounded. What the end of a kernel object takes need not be: interrupts are on for that.
__attribute__((noinline)) static void close_handle(struct arch_frame *frame, struct thread *thread)
{
    struct handle held;
    ts_handle_t handle = ts_op_word_handle(arch_frame_argument(frame, 0));
    ts_status_t status = handle_remove(thread->requester.handles, handle, &held);
    if (status == TS_OK && held.object->class == &served_class) {
        object_handle_put(held);
    } else if (status == TS_OK) {
        arch_irq_enable();
        object_handle_put(held);
        arch_irq_disable();
    }
    process_count(&thread->process->requests_issued, 1);
    arch_frame_set_result(frame, status, 0);
}

// pull and push of at most a page, which is as long as interrupts may wait. No reference is needed,
// since they are off. What is wrong is found once more by the general path, and told.
__attribute__((noinline)) static void copy_page(struct arch_frame *frame, struct thread *thread,
                                                enum copy_direction direction)
{
    uint64_t address = arch_frame_argument(frame, 1), length = arch_frame_argument(frame, 2), word;
    struct handle_entry *entry = handle_find(
        thread->requester.handles, ts_op_word_handle(arch_frame_argument(frame, 0)), &word);
    struct object *object = NULL;
    if (entry != NULL && (word & TS_RIGHT_MANAGE) != 0) {
        object = fast_entry_object(entry, word);
    }
    if (object == NULL || object->class != &port_class || arch_frame_argument(frame, 5) != 0 ||
        length > TS_PAGE_SIZE || !arch_user_range_ok(address, length) ||
        !port_copy_short(port_of(object), arch_frame_argument(frame, 4), direction, address,
                         (uint32_t)length, arch_frame_argument(frame, 3))) {
        syscall_general(frame);
        return;
    }
    fast_answer(thread, frame, length);
}

void fast_path_answer(struct arch_frame *frame, struct thread *thread)
{
    uint32_t word = (uint32_t)arch_frame_argument(frame, 0);
    switch (word) {
    case TS_OP_NOP: fast_answer(thread, frame, 0); break;
    case TS_OP_SIGNAL: fast_event_signal(thread, frame); break;
    case TS_OP_WAIT: fast_event_wait(thread, frame); break;
    case TS_OP_CLOSE: close_handle(frame, thread); break;
    case TS_OP_PULL: copy_page(frame, thread, COPY_PULL); break;
    case TS_OP_PUSH: copy_page(frame, thread, COPY_PUSH); break;
    default: {
        ts_rights_t needed = fast_operations[ts_op_word_op(word)].gives; // of those there are
        if (needed != 0) {
            call_for_handle(frame, thread, needed);
        } else {
            syscall_general(frame);
        }
    }
    }
}

// ---- The way back

DIRECT_INLINE bool answer_hold(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct pass *pass = pass_of(direct);
    struct run_queue *queue = pass->queue;
    struct thread *client = pass->client = direct->request->requester->thread;
    spin_lock_off(&queue->lock);
    bool ready = fast_can_block(pass->server) && direct->ring->user == pass->server &&
                 fast_is_blocked_here(client, queue->cpu, op_continue) &&
                 run_queue_top(queue) <= (int)client->priority;
    if (!ready) {
        spin_unlock_off(&queue->lock);
    }
    return ready;
}

// (The lock is answer_hold()'s.)
DIRECT_INLINE void answer_change(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct pass *pass = pass_of(direct);
    struct thread *server = pass->server;
    if (__builtin_expect(direct->slot->borrower != NULL, false)) {
        give_back(direct->slot, server, direct->request->priority);
    }
    direct_wait_on(direct->ring, pass->queue->cpu->id);
    pass->client->asking = false;
    server->ring = direct->ring;
    server->submitted = 0;
    server->wait_for = 1;
    server->wait_until = TS_DEADLINE_NONE;
    direct->ring->requester.priority = server->own_priority;
    fast_switch_to(pass->queue, server, pass->client, ring_wait_continue);
    spin_unlock_off(&pass->queue->lock);
}

// A server answers by the same two handles again and again: they are looked up when others come.
ARCH_KEEPS_REGISTERS __attribute__((noinline)) static void serves_look_up(struct thread *server,
                                                                          uint64_t handles)
{
    struct handle_table *table = server->requester.handles;
    struct thread_serves *serves = &server->serves;
    serves->ring = handle_find(table, ts_pair_low(handles), &serves->ring_word);
    serves->port = handle_find(table, ts_pair_high(handles), &serves->port_word);
    bool good =
        serves->ring != NULL && serves->port != NULL && (serves->port_word & TS_RIGHT_MANAGE) != 0;
    serves->handles = good ? handles : 0;
}

// The server's ring and port, by handles that are both in the first argument.
DIRECT_INLINE bool answer_find(struct pass *pass, const struct arch_frame *frame)
{
    const struct thread_serves *serves = &pass->server->serves;
    uint64_t handles = arch_frame_argument(frame, 0);
    if (__builtin_expect(serves->handles != handles, false)) {
        serves_look_up(pass->server, handles);
    }
    if (serves->handles == 0) {
        return false;
    }
    struct object *ring = fast_entry_object(serves->ring, serves->ring_word);
    struct object *port = fast_entry_object(serves->port, serves->port_word);
    if (ring == NULL || ring->class != &ring_class || port == NULL || port->class != &port_class) {
        return false;
    }
    pass->direct.ring = ring_of(ring);
    pass->direct.port = port_of(port);
    return true;
}

// The client's system call returns. No lock is held.
_Noreturn DIRECT_INLINE void answer_leave(struct pass *pass, ts_status_t status, uint64_t value)
{
    arch_frame_set_result(arch_thread_frame(&pass->client->machine), status, value);
    process_count(&pass->server->process->requests_served, 1);
    object_body_put(&pass->direct.port->object); // the reference that the record held
    arch_thread_return(&pass->client->machine);
}

// The answer mints an object: its tag, number, rights and signals are where the bytes would be.
__attribute__((noinline)) static void answer_mint(struct arch_frame *frame, struct thread *server,
                                                  struct ring *ring, struct port *port)
{
    struct pass pass = {
        .direct = {.ring = ring, .port = port}, .queue = run_queue_here(), .server = server};
    const struct reply reply = reply_of_registers(frame);
    const struct direct_answer answer = {.id = reply.id, .mints = &reply};
    if (!reply_registers_are_good(&reply) ||
        !direct_answer(&pass.direct, &answer, server, answer_hold, answer_change)) {
        syscall_general(frame);
        return;
    }
    // The client is this CPU's thread already: its table stays.
    struct request *request = pass.direct.request;
    request_install_results(request);
    request_set_state(request, REQUEST_FREE);
    answer_leave(&pass, TS_OK, request->value);
}

// The answer has bytes.
__attribute__((noinline)) static void answer_bytes(struct arch_frame *frame, struct thread *server,
                                                   struct ring *ring, struct port *port)
{
    struct pass pass = {
        .direct = {.ring = ring, .port = port}, .queue = run_queue_here(), .server = server};
    const struct direct_answer answer = {.id = arch_frame_argument(frame, 1),
                                         .address = arch_frame_argument(frame, 4),
                                         .length = arch_frame_argument(frame, 5)};
    if (arch_user_range_ok(answer.address, answer.length) &&
        direct_answer(&pass.direct, &answer, server, answer_hold, answer_change)) {
        answer_leave(&pass, (ts_status_t)arch_frame_argument(frame, 2),
                     arch_frame_argument(frame, 3));
    }
    fast_ring_reply_wait(frame, ring, port);
}

void fast_path_reply_wait(struct arch_frame *frame)
{
    struct cpu *cpu = cpu_current();
    struct pass pass = {.queue = cpu->queue, .server = cpu->current};
    int64_t status = (int64_t)arch_frame_argument(frame, 2);
    const struct direct_answer answer = {.id = arch_frame_argument(frame, 1)};
    bool found = answer_find(&pass, frame);
    bool may_switch = atomic_load_explicit(&cpu->need_resched, memory_order_relaxed) == 0;
    if (found && may_switch && status == (int64_t)ts_reply_word(TS_OK, TS_REPLY_MINT)) {
        answer_mint(frame, pass.server, pass.direct.ring, pass.direct.port);
    } else if (!found || status > 0 || status < INT32_MIN) {
        syscall_general(frame);
    } else if (may_switch && arch_frame_argument(frame, 5) != 0) {
        answer_bytes(frame, pass.server, pass.direct.ring, pass.direct.port);
    } else {
        if (may_switch &&
            direct_answer(&pass.direct, &answer, pass.server, answer_hold, answer_change)) {
            answer_leave(&pass, (ts_status_t)status, arch_frame_argument(frame, 3));
        }
        fast_ring_reply_wait(frame, pass.direct.ring, pass.direct.port);
    }
}
