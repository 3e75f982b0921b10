// SPDX-License-Identifier: MIT
// The server framework over a fake kernel: one small server, asked through the port and, with the
// same handlers, in-process.
#include <string.h>
#include <tessera/lib/local.h>
#include <tessera/lib/server.h>
#include "tests/host/check.h"
#include "fake.h"

// A note: text that can be read and written; `accept` waits until something is written; `open`
// gives a new note.
struct note {
    struct ts_object object;
    char text[64];
    uint32_t length;
    struct ts_request *waiting;
    bool closed;
};

static struct note root, notes[8];
static unsigned made, cancels;
static const struct ts_operations note_operations;

static struct note *note_of(struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct note, object);
}

static void note_read(struct ts_request *request)
{
    struct note *note = note_of(request);
    ts_request_reply_bytes(request, note->text, note->length);
}

static void note_write(struct ts_request *request)
{
    struct note *note = note_of(request);
    uint32_t length = request->length < sizeof(note->text) ? request->length : sizeof(note->text);
    ts_status_t status = ts_request_pull(request, note->text, length, 0);
    note->length = status != TS_OK ? 0 : length;
    ts_request_reply(request, status, length);
    ts_object_signal(&note->object, 0, TS_SIGNAL_READABLE);
    if (note->waiting != NULL) {
        ts_request_reply(note->waiting, TS_OK, 7);
    }
    note->waiting = NULL;
}

static void note_open(struct ts_request *request)
{
    char path[16];
    size_t length;
    ts_status_t status = ts_request_path(request, path, sizeof(path), &length);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    struct note *note = &notes[made];
    note->object.operations = &note_operations;
    made += ts_request_reply_mint(request, &note->object, TS_RIGHT_READ, 0) == TS_OK;
}

// The same without asking whether the client got it.
static void note_create(struct ts_request *request)
{
    struct note *note = &notes[made++];
    note->object.operations = &note_operations;
    ts_request_give(request, &note->object, TS_RIGHT_READ, 0);
}

static void note_accept(struct ts_request *request)
{
    note_of(request)->waiting = request;
}

// More than is kept back.
static void note_get(struct ts_request *request)
{
    char bytes[TS_LOOP_COPY + 1] = {0};
    ts_request_reply_bytes(request, bytes, sizeof(bytes));
}

// Answers again when the first answer fails.
static void note_set(struct ts_request *request)
{
    ts_status_t status = ts_request_reply_now(request, TS_OK, 0, NULL, 0);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    }
}

static void note_cancel(struct ts_request *request)
{
    cancels++;
    note_of(request)->waiting = NULL;
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

static void note_closed(struct ts_object *object)
{
    TS_OBJECT_OF(object, struct note, object)->closed = true;
}

static const struct ts_operations note_operations = {.open = note_open,
                                                     .create = note_create,
                                                     .read = note_read,
                                                     .write = note_write,
                                                     .accept = note_accept,
                                                     .get = note_get,
                                                     .set = note_set,
                                                     .cancel = note_cancel,
                                                     .closed = note_closed};

static struct ts_loop loop;
static struct ts_server server;
static ts_handle_t root_handle;

static void start(uint32_t objects)
{
    fake_reset();
    memset(&root, 0, sizeof(root));
    memset(notes, 0, sizeof(notes));
    made = cancels = 0;
    root.object.operations = &note_operations;
    struct ts_server_limits limits = {.requests = 16, .objects = objects, .inbox_bytes = 8};
    CHECK_EQUAL(ts_loop_init(&loop, 8, 32, 16), TS_OK);
    CHECK_EQUAL(ts_server_init(&server, &loop, &limits), TS_OK);
    CHECK_EQUAL(ts_object_mint(&server, &root.object, TS_RIGHTS_ALL, &root_handle), TS_OK);
}

static void step(void)
{
    CHECK_EQUAL(ts_loop_step(&loop, TS_DEADLINE_NONE), TS_OK);
}

static void test_payload(void)
{
    char out[64];
    start(8);
    struct fake_request write = {
        .op = TS_OP_WRITE, .in = "twelve bytes", .in_length = 12}; // longer than the inbox
    fake_deliver(&write, root.object.oid);
    step();
    step(); // the answer was kept back until the next wait
    CHECK(write.answered && write.status == TS_OK && write.value == 12);
    struct fake_request read = {.op = TS_OP_READ, .out = out, .out_length = 64};
    fake_deliver(&read, root.object.oid);
    step();
    step();
    CHECK(read.answered && read.value == 12 && memcmp(out, "twelve bytes", 12) == 0);
    struct fake_request small = {.op = TS_OP_READ, .out = out, .out_length = 3};
    fake_deliver(&small, root.object.oid);
    step();
    step();
    CHECK(small.answered && small.value == 3); // cut to what the client has room for
}

// What would be kept in the last slot is refused: what is answered at once finds one.
static void test_last_slot(void)
{
    start(8);
    struct fake_request accepts[16];
    for (unsigned i = 0; i < 16; i++) {
        accepts[i] = (struct fake_request){.op = TS_OP_ACCEPT};
        fake_deliver(&accepts[i], root.object.oid);
        step();
    }
    step(); // the last one's answer goes out
    struct fake_request beat = {.op = TS_OP_GET, .arg = TS_PROPERTY_ALIVE};
    uint64_t alive = 0;
    beat.out = &alive;
    beat.out_length = sizeof(alive);
    fake_deliver(&beat, root.object.oid);
    step();
    step();
    for (unsigned i = 0; i < 15; i++) {
        CHECK(!accepts[i].answered);
    }
    CHECK(accepts[15].answered && accepts[15].status == TS_ERR_LIMIT && cancels == 1);
    CHECK(beat.answered && beat.status == TS_OK && alive == 1);
}

// The pulse has a slot of its own: clients have one less, and the last of theirs is free as ever.
static void test_pulse(void)
{
    ts_handle_t pulse = TS_HANDLE_NONE;
    uint64_t alive = 0;
    start(8);
    CHECK_EQUAL(ts_server_pulse(&server, &pulse), TS_OK);
    CHECK(pulse == FAKE_SERVED + server.pulse.oid && fake_objects[server.pulse.oid].reserve);
    CHECK(!fake_objects[root.object.oid].reserve);
    struct fake_request accepts[15];
    for (unsigned i = 0; i < 15; i++) {
        accepts[i] = (struct fake_request){.op = TS_OP_ACCEPT};
        fake_deliver(&accepts[i], root.object.oid);
        step();
    }
    step();
    CHECK(!accepts[13].answered && accepts[14].answered && accepts[14].status == TS_ERR_LIMIT);
    struct fake_request beat = {
        .op = TS_OP_GET, .arg = TS_PROPERTY_ALIVE, .out = &alive, .out_length = sizeof(alive)};
    fake_deliver(&beat, server.pulse.oid);
    step();
    step();
    CHECK(beat.answered && beat.status == TS_OK && alive == 1);
    struct fake_request any = {.op = TS_OP_READ}; // and it does nothing else
    fake_deliver(&any, server.pulse.oid);
    step();
    step();
    CHECK(any.answered && any.status == TS_ERR_UNSUPPORTED && server.kept == 14);
}

// One request, one answer: each round is one system call.
static void test_fast_path(void)
{
    start(8);
    for (int i = 0; i < 5; i++) {
        struct fake_request nothing = {.op = TS_OP_SYNC};
        fake_deliver(&nothing, root.object.oid);
        step();
        CHECK(!nothing.answered);
        fake_enters = fake_reply_waits = fake_replies = 0;
        step();
        CHECK(nothing.answered && nothing.status == TS_ERR_UNSUPPORTED);
        CHECK(fake_reply_waits == 1 && fake_enters == 0 && fake_replies == 1);
    }
}

// Several requests in a batch: their answers are submitted together.
static void test_batch(void)
{
    struct fake_request batch[6];
    start(8);
    for (int i = 0; i < 6; i++) {
        batch[i] = (struct fake_request){.op = TS_OP_WRITE, .in = "x", .in_length = 1};
        fake_deliver(&batch[i], root.object.oid);
    }
    step();
    CHECK_EQUAL(fake_objects[root.object.oid].signals, 0); // the signal goes with the answers
    fake_enters = fake_reply_waits = 0;
    step();
    for (int i = 0; i < 6; i++) {
        CHECK(batch[i].answered && batch[i].value == 1);
    }
    CHECK_EQUAL(fake_pending_count, 0); // and nothing that was not filled
    CHECK(fake_enters == 1 && fake_reply_waits == 0);
    CHECK_EQUAL(fake_objects[root.object.oid].signals, TS_SIGNAL_READABLE);
}

static void test_alive(void)
{
    uint64_t answer = 0;
    start(8);
    struct fake_request get = {
        .op = TS_OP_GET, .arg = TS_PROPERTY_ALIVE, .out = &answer, .out_length = 8};
    fake_deliver(&get, root.object.oid);
    step();
    step();
    CHECK(get.answered && get.status == TS_OK && answer == 1);
    get = (struct fake_request){.op = TS_OP_GET, .arg = TS_PROPERTY_ALIVE, .out_length = 0};
    fake_deliver(&get, root.object.oid);
    step();
    step();
    CHECK_EQUAL(get.status, TS_ERR_OVERFLOW);
}

static void test_kept(void)
{
    start(8);
    struct fake_request accept = {.op = TS_OP_ACCEPT};
    fake_deliver(&accept, root.object.oid);
    step();
    step();
    CHECK(!accept.answered && root.waiting);
    struct fake_request write = {.op = TS_OP_WRITE, .in = "x", .in_length = 1};
    fake_deliver(&write, root.object.oid);
    step();
    step();
    CHECK(accept.answered && accept.value == 7 && write.answered);

    accept = (struct fake_request){.op = TS_OP_ACCEPT};
    fake_deliver(&accept, root.object.oid);
    step();
    fake_cancel(&accept);
    fake_cancel(&accept); // at most one reaches the handler
    step();
    step();
    CHECK(accept.answered && accept.status == TS_ERR_CANCELLED && cancels == 1);
    fake_cancel(&accept); // answered already
    step();
    CHECK_EQUAL(cancels, 1);
}

static void test_objects(void)
{
    start(3); // root and two notes
    struct fake_request open[3];
    for (int i = 0; i < 3; i++) {
        open[i] = (struct fake_request){.op = TS_OP_OPEN, .in = "a", .in_length = 1};
        fake_deliver(&open[i], root.object.oid);
        step();
    }
    CHECK(open[0].status == TS_OK && open[0].result == TS_REPLY_MINT);
    CHECK(open[1].status == TS_OK && open[0].object != open[1].object);
    CHECK_EQUAL(open[2].status, TS_ERR_LIMIT);
    fake_close(open[0].object);
    step();
    CHECK(notes[0].closed && notes[0].object.server == NULL);
    open[2] = (struct fake_request){.op = TS_OP_OPEN, .in = "a", .in_length = 1};
    fake_deliver(&open[2], root.object.oid);
    step();
    CHECK(open[2].status == TS_OK && open[2].object == open[0].object);
}

// There is no place for an object that nobody asks about: the client is told, and it ends.
static void test_given_too_many(void)
{
    start(1); // the root
    struct fake_request create = {.op = TS_OP_CREATE};
    fake_deliver(&create, root.object.oid);
    step();
    step();
    CHECK(create.answered && create.status == TS_ERR_LIMIT);
    CHECK(made == 1 && notes[0].closed && notes[0].object.server == NULL);
}

// What is signalled of an object before its client has it goes out with it, and costs no call.
static void test_given_with_signal(void)
{
    start(8);
    struct fake_request create = {.op = TS_OP_CREATE};
    fake_deliver(&create, root.object.oid);
    step();
    CHECK(made == 1 && !create.answered);
    ts_object_signal(&notes[0].object, 0, TS_SIGNAL_READABLE);
    CHECK_EQUAL(ts_ring_staged(&loop.ring), 0);
    fake_enters = fake_reply_waits = 0;
    step();
    CHECK(create.answered && create.result == TS_REPLY_MINT);
    CHECK_EQUAL(fake_objects[create.object].signals, TS_SIGNAL_READABLE);
    CHECK(fake_reply_waits == 1 && fake_enters == 0);
}

// That an object is closed says nothing of requests that are kept.
static void test_closed_beside_kept(void)
{
    start(8);
    struct fake_request accept = {.op = TS_OP_ACCEPT};
    struct fake_request open = {.op = TS_OP_OPEN, .in = "a", .in_length = 1};
    fake_deliver(&accept, root.object.oid);
    fake_deliver(&open, root.object.oid);
    step();
    CHECK(open.answered && open.status == TS_OK);
    fake_close(open.object);
    step();
    step();
    CHECK(notes[0].closed && cancels == 0 && !accept.answered && root.waiting != NULL);
}

// All handles of an object end: of one that is not minted, or no longer, there are none.
static void test_revoked(void)
{
    start(8);
    notes[0].object.operations = &note_operations;
    ts_object_revoke(&notes[0].object);
    for (unsigned oid = 0; oid < FAKE_OBJECTS; oid++) {
        CHECK(!fake_objects[oid].revoked);
    }
    ts_handle_t handle;
    CHECK_EQUAL(ts_object_mint(&server, &notes[0].object, TS_RIGHTS_ALL, &handle), TS_OK);
    uint32_t oid = notes[0].object.oid;
    ts_object_revoke(&notes[0].object);
    CHECK(fake_objects[oid].revoked && !fake_objects[root.object.oid].revoked);
    fake_close(oid);
    step();
    CHECK(notes[0].closed);
    fake_objects[oid].revoked = false;
    ts_object_revoke(&notes[0].object);
    CHECK(!fake_objects[oid].revoked);
}

static void test_gone(void)
{
    start(8);
    struct fake_request open = {.op = TS_OP_OPEN, .in = "a", .in_length = 1, .gone = true};
    fake_deliver(&open, root.object.oid);
    step();
    CHECK(made == 0 && notes[0].object.server == NULL); // not minted, and its oid is free again
    struct fake_request nothing = {.op = TS_OP_SYNC, .gone = true};
    fake_deliver(&nothing, root.object.oid);
    step();
    step();
    struct fake_request read = {.op = TS_OP_SYNC};
    fake_deliver(&read, root.object.oid);
    step();
    step();
    CHECK(read.answered); // and the loop goes on
}

// An answer that fails is one all the same: its client gets the reason, and the slot is free.
static void test_failed_answers(void)
{
    char out[2][512];
    struct fake_request read[2];
    start(8);
    root.length = 4;
    struct fake_request get = {
        .op = TS_OP_GET, .out = out[0], .out_length = 512, .refuse = TS_ERR_FAULT};
    fake_deliver(&get, root.object.oid); // at once
    step();
    CHECK(get.answered && get.status == TS_ERR_FAULT);
    for (unsigned timed = 0; timed < 2; timed++) {
        struct ts_timer later = {.fired = NULL};
        if (timed) { // no wait and answer in one
            ts_timer_arm(&loop, &later, INT64_MAX);
        }
        for (unsigned i = 0; i < 2; i++) {
            read[i] = (struct fake_request){
                .op = TS_OP_READ, .out = out[i], .out_length = 8, .refuse = TS_ERR_LIMIT};
            fake_deliver(&read[i], root.object.oid);
        }
        step(); // the first one's goes out when the second one comes, the second one's with the
                // wait
        step();
        step();
        CHECK(read[0].answered && read[0].status == TS_ERR_LIMIT);
        CHECK(read[1].answered && read[1].status == TS_ERR_LIMIT);
        if (timed) {
            ts_timer_disarm(&loop, &later);
        }
    }
    struct fake_request set = {.op = TS_OP_SET, .refuse = TS_ERR_FAULT};
    fake_deliver(&set, root.object.oid);
    step();
    step();
    CHECK(set.answered && set.status == TS_ERR_FAULT);
    CHECK_EQUAL(server.kept, 0);
}

// What was staged for an object that is gone does not reach the next one of its oid.
// An answer that was submitted fails when its slot has the next request already, whose object is
// that one's client's.
static void test_late_failure(void)
{
    start(8);
    struct fake_request first = {.op = TS_OP_SYNC};
    fake_deliver(&first, root.object.oid);
    step();
    uint64_t failed = ts_async_data(loop.held.failed);
    step();
    CHECK(first.answered);
    struct fake_request second = {.op = TS_OP_CREATE};
    fake_deliver(&second, root.object.oid);
    CHECK_EQUAL(ts_request_id_slot(second.id), ts_request_id_slot(first.id));
    fake_complete(failed, TS_ERR_GONE, 0, 0);
    step();
    step();
    CHECK(second.answered && second.status == TS_OK && second.result == TS_REPLY_MINT);
    CHECK(made == 1 && !notes[0].closed);
    struct fake_request third = {.op = TS_OP_CREATE, .gone = true}; // it fails itself
    fake_deliver(&third, root.object.oid);
    fake_complete(failed, TS_ERR_GONE, 0, 0);
    step();
    step();
    CHECK(made == 2 && notes[1].closed && notes[1].object.server == NULL && !notes[0].closed);
}

static void test_stale_signal(void)
{
    start(3);
    struct fake_request open[2], write = {.op = TS_OP_WRITE, .in = "x", .in_length = 1};
    for (unsigned i = 0; i < 2; i++) {
        open[i] = (struct fake_request){.op = TS_OP_OPEN, .in = "a", .in_length = 1};
    }
    fake_deliver(&open[0], root.object.oid);
    step();
    fake_full = true;
    fake_deliver(&write, open[0].object); // its signal is staged, and stays so
    fake_close(open[0].object);
    fake_deliver(&open[1], root.object.oid);
    step();
    CHECK(open[1].answered && open[1].status == TS_OK && open[1].object == open[0].object);
    CHECK(ts_ring_staged(&loop.ring) > 0 && !write.answered);
    fake_full = false;
    step();
    CHECK(write.answered && ts_ring_staged(&loop.ring) == 0);
    CHECK(notes[1].object.signals == 0 && fake_objects[open[1].object].signals == 0);
}

static void test_hostile(void)
{
    char path[64];
    memset(path, 'p', sizeof(path));
    start(8);
    struct fake_request open = {.op = TS_OP_OPEN, .in = path, .in_length = sizeof(path)};
    fake_deliver(&open, root.object.oid);
    step();
    step();
    CHECK_EQUAL(open.status, TS_ERR_NAME_TOO_LONG);
    path[3] = '\0';
    open = (struct fake_request){.op = TS_OP_OPEN, .in = path, .in_length = 8};
    fake_deliver(&open, root.object.oid);
    step();
    step();
    CHECK_EQUAL(open.status, TS_ERR_ARGUMENT);
    for (unsigned op = 0; op < 256; op++) { // no handler, or one that copes
        struct fake_request any = {.op = op, .in = "", .out = path, .arg = UINT64_MAX};
        fake_deliver(&any, root.object.oid);
        step();
        step();
        CHECK(any.answered || op == TS_OP_ACCEPT);
    }
}

// ---- timers and own operations

static unsigned fired, completions;
static struct ts_timer timer;

static void timer_fired(struct ts_timer *which)
{
    CHECK(which == &timer && !which->armed);
    fired++;
}

static void async_done(struct ts_async *async, const struct ts_event *event)
{
    CHECK_EQUAL(async->busy, (event->flags & TS_EVENT_MORE) != 0);
    completions++;
}

static void test_loop(void)
{
    start(8);
    fired = completions = 0;
    timer = (struct ts_timer){.fired = timer_fired};
    fake_time(100);
    ts_timer_arm(&loop, &timer, 200);
    step();
    CHECK_EQUAL(fired, 0);
    fake_time(200);
    step();
    CHECK_EQUAL(fired, 1);

    struct ts_async async = {.done = async_done};
    struct ts_submission *s = ts_loop_begin(&loop, &async);
    CHECK(s && async.busy);
    ts_prepare_watch(s, root_handle, TS_SIGNAL_READABLE, ts_async_data(&async));
    step();
    CHECK(fake_pending_count == 1 && fake_pending.op == TS_OP_WAIT);
    fake_complete(ts_async_data(&async), TS_OK, 1, TS_EVENT_MORE);
    step();
    CHECK(completions == 1 && async.busy);
    ts_loop_cancel(&loop, &async);
    step();
    step();
    CHECK(completions == 2 && !async.busy);
}

static void async_again(struct ts_async *async, const struct ts_event *event)
{
    (void)event;
    if (++completions < 4) { // the next one is there already
        fake_complete(ts_async_data(async), TS_OK, 0, TS_EVENT_MORE);
    }
}

// Events that come while others are dispatched leave timers their turn.
static void test_late_events(void)
{
    struct ts_async async = {.done = async_again};
    start(8);
    fired = completions = 0;
    timer = (struct ts_timer){.fired = timer_fired};
    fake_time(200);
    ts_timer_arm(&loop, &timer, 200);
    fake_complete(ts_async_data(&async), TS_OK, 0, TS_EVENT_MORE);
    step();
    CHECK(completions == 1 && fired == 1);
    step();
    CHECK_EQUAL(completions, 2);
}

static void test_full_ring(void)
{
    struct ts_async asyncs[20];
    start(8);
    for (int i = 0; i < 20; i++) { // more than the ring has submissions: it submits by itself
        asyncs[i] = (struct ts_async){.done = async_done};
        struct ts_submission *s = ts_loop_begin(&loop, &asyncs[i]);
        CHECK(s);
        ts_prepare_wait(s, root_handle, 1, TS_DEADLINE_NONE, ts_async_data(&asyncs[i]));
    }
    step();
    CHECK_EQUAL(fake_pending_count, 20);
}

// ---- in-process

static void write_from_timer(struct ts_timer *which)
{
    (void)which;
    struct ts_local local = {0};
    struct ts_local_result result;
    struct ts_local_op write = {.op = TS_OP_WRITE, .in = "later", .in_length = 5};
    CHECK_EQUAL(ts_local_call(&local, &root.object, &write, &result), TS_OK);
}

static void test_local(void)
{
    start(8);
    struct ts_local local = {0};
    struct ts_local_result result;
    char out[32];
    root.object.server = NULL; // not minted: nobody but this program
    struct ts_local_op write = {.op = TS_OP_WRITE, .in = "local", .in_length = 5};
    CHECK_EQUAL(ts_local_call(&local, &root.object, &write, &result), TS_OK);
    CHECK_EQUAL(result.value, 5);
    struct ts_local_op read = {.op = TS_OP_READ, .out = out, .out_length = sizeof(out)};
    CHECK_EQUAL(ts_local_call(&local, &root.object, &read, &result), TS_OK);
    CHECK(result.value == 5 && memcmp(out, "local", 5) == 0);
    struct ts_local_op open = {
        .op = TS_OP_OPEN, .in = "n", .in_length = 1, .rights = TS_RIGHTS_ALL};
    CHECK_EQUAL(ts_local_call(&local, &root.object, &open, &result), TS_OK);
    CHECK(result.object == &notes[0].object && result.rights == TS_RIGHT_READ);
    ts_local_close(result.object);
    CHECK(notes[0].closed);
    struct ts_local_op sync = {.op = TS_OP_SYNC};
    CHECK_EQUAL(ts_local_call(&local, &root.object, &sync, &result), TS_ERR_UNSUPPORTED);

    struct ts_local_op accept = {.op =
                                     TS_OP_ACCEPT}; // kept: without a loop it cannot be waited for
    CHECK_EQUAL(ts_local_call(&local, &root.object, &accept, &result), TS_ERR_AGAIN);
    CHECK(cancels == 1 && root.waiting == NULL);
    local.loop = &loop;
    timer = (struct ts_timer){.fired = write_from_timer};
    fake_time(300);
    ts_timer_arm(&loop, &timer, 300);
    CHECK_EQUAL(ts_local_call(&local, &root.object, &accept, &result), TS_OK);
    CHECK_EQUAL(result.value, 7);
}

// A server may do without an inbox.
static void test_no_inbox(void)
{
    start(8);
    fake_reset();
    struct ts_server_limits limits = {.requests = 16, .objects = 8};
    CHECK_EQUAL(ts_loop_init(&loop, 8, 32, 16), TS_OK);
    CHECK_EQUAL(ts_server_init(&server, &loop, &limits), TS_OK);
    CHECK_EQUAL(ts_object_mint(&server, &root.object, TS_RIGHTS_ALL, &root_handle), TS_OK);
    fake_close(root.object.oid);
    step();
    CHECK(root.closed && server.inbox == NULL);
    ts_server_fini(&server);
}

// Port, ring and their memory are given back.
static void test_fini(void)
{
    start(8);
    unsigned before = fake_closed;
    ts_server_fini(&server);
    CHECK(fake_closed > before);
    before = fake_closed;
    ts_loop_fini(&loop);
    CHECK(fake_closed > before);
}

int main(void)
{
    test_payload();
    test_last_slot();
    test_pulse();
    test_fast_path();
    test_batch();
    test_alive();
    test_kept();
    test_objects();
    test_given_too_many();
    test_given_with_signal();
    test_closed_beside_kept();
    test_revoked();
    test_gone();
    test_failed_answers();
    test_late_failure();
    test_stale_signal();
    test_hostile();
    test_loop();
    test_late_events();
    test_full_ring();
    test_local();
    test_no_inbox();
    test_fini();
    fake_reset();
    return 0;
}
