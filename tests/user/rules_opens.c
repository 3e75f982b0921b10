// SPDX-License-Identifier: MIT
// Opens whose client is killed, or whose handle is revoked, in the middle: asked by a system call,
// which goes straight to a server that waits on the same CPU and back with the object that it
// mints, and by a ring in runs. Rules D01, H09, H12, Q08 and Q19 of docs/invariants.md. The program
// starts itself again as the one that is killed.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM  "test/rules_opens"
#define INBOX    64u
#define REQUESTS 24u
#define OBJECTS  48u // oid 0 is the root, which all others are opened by
#define RUN      8u  // opens that a ring submits at once
#define RIGHTS   (TS_RIGHT_READ | TS_RIGHT_WAIT)
#define KILLS    16u
#define REVOKES  200u

// ---- The server, in a thread of its own: whatever is opened is there

static struct server {
    struct ts_ring_queue ring;
    struct ts_thread thread;
    ts_handle_t port;
    bool used[OBJECTS];                   // minted and not closed
    _Atomic uint32_t minted, closed, cut; // cut: answers that came too late
    _Atomic uint32_t wrong;               // line of what must never be
} server;

#define MUST(condition)              \
    do {                             \
        if (!(condition)) {          \
            server.wrong = __LINE__; \
        }                            \
    } while (0)

static uint32_t free_oid(void)
{
    uint32_t oid = 1;
    while (oid < OBJECTS && server.used[oid]) {
        oid++;
    }
    return oid;
}

// Answers with a new object, and waits in the same call if that has arrived.
static void mint(uint64_t id)
{
    uint32_t oid = free_oid();
    ts_status_t status = TS_ERR_LIMIT;
    if (oid < OBJECTS) {
        server.used[oid] = true; // its CLOSED may come with the call
        server.minted++;
        status =
            ts_ring_mint_wait(&server.ring, server.port, id, oid, ts_reply_object(oid, RIGHTS, 0));
    }
    if (status == TS_OK) {
        return;
    }
    MUST(status == TS_ERR_GONE || status == TS_ERR_LIMIT);
    if (oid < OBJECTS) {
        server.used[oid] = false;
        server.minted--;
    }
    server.cut += status == TS_ERR_GONE;
    const struct ts_reply refusal = {.id = id, .status = TS_ERR_LIMIT};
    (void)ts_port_reply(server.port, &refusal); // GONE, if it was
}

static void serve(void *argument)
{
    struct ts_event event;
    (void)argument;
    for (;;) {
        if (!ts_ring_next(&server.ring, &event)) {
            MUST(ts_ring_enter(&server.ring, 1, TS_DEADLINE_NONE) == TS_OK);
            continue;
        }
        if (event.kind == TS_EVENT_POST) {
            return;
        }
        if (event.kind == TS_EVENT_CLOSED && event.oid != 0) {
            MUST(event.oid < OBJECTS && server.used[event.oid] && event.tag == event.oid);
            server.used[event.oid % OBJECTS] = false;
            server.closed++;
        }
        if (event.kind == TS_EVENT_REQUEST) {
            MUST(event.op == TS_OP_OPEN);
            mint(event.value);
        }
    }
}

static void server_begin(void)
{
    ts_handle_t memory;
    void *at;
    memset(&server, 0, sizeof(server));
    CHECK_OK(ts_memory_allocate(REQUESTS * INBOX, 0, &memory, &at));
    CHECK_OK(ts_ring_create(&server.ring, 8, 64, 8));
    CHECK_OK(ts_port_create(REQUESTS, OBJECTS, memory, INBOX, &server.port));
    CHECK_OK(ts_port_bind(server.port, server.ring.handle, 0));
    CHECK_OK(ts_thread_start(&server.thread, serve, NULL, 16384, 0, TS_PRIORITY_NORMAL));
    ts_close(memory);
}

static void server_end(void)
{
    CHECK_OK(ts_op(server.ring.handle, &(struct ts_op){.op = TS_OP_POST}, NULL));
    CHECK_OK(ts_thread_join(&server.thread, patience()));
    ts_close(server.port);
    ts_ring_destroy(&server.ring);
}

static ts_handle_t root_new(void)
{
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status;
    ts_time_t until = patience();
    while ((status = ts_port_mint(server.port, 0, 0, TS_RIGHTS_ALL, &root)) == TS_ERR_EXISTS &&
           ts_clock_now() < until) {
        ts_thread_yield(); // a request of the one before keeps it
    }
    CHECK_OK(status);
    return root;
}

static ts_status_t open_one(ts_handle_t root, ts_handle_t *out_object)
{
    uint64_t value = 0;
    const struct ts_op open = {.op = TS_OP_OPEN, .rights = RIGHTS, .address = "a/b/c", .length = 5};
    ts_status_t status = ts_op(root, &open, &value);
    *out_object = (ts_handle_t)value;
    return status;
}

// All that was minted is closed again, and nothing went wrong.
static void check_nothing_is_left(void)
{
    ts_time_t until = patience();
    while (server.minted != server.closed && ts_clock_now() < until) {
        ts_sleep_until(in_ms(1));
    }
    CHECK_EQUAL(server.wrong, 0);
    CHECK_EQUAL(server.closed, server.minted);
}

// ---- Those who open, without end

static void open_by_calls(ts_handle_t root)
{
    ts_handle_t object;
    while (open_one(root, &object) == TS_OK) {
        ts_close(object);
    }
}

static void prepare_one(struct ts_ring_queue *ring, ts_handle_t root)
{
    ts_prepare_open(ts_ring_slot(ring), root, "a/b/c", 5, 0, RIGHTS, TS_DEADLINE_NONE, 1);
}

static void open_by_runs(ts_handle_t root)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    unsigned under_way = RUN;
    ts_status_t status = ts_ring_create(&ring, 2 * RUN, 2 * RUN, 2 * RUN);
    for (unsigned i = 0; status == TS_OK && i < RUN; i++) {
        prepare_one(&ring, root);
    }
    while (status == TS_OK && under_way > 0) {
        status = ts_ring_enter(&ring, under_way, TS_DEADLINE_NONE);
        while (ts_ring_next(&ring, &event)) {
            if (event.status == TS_OK) {
                ts_close((ts_handle_t)event.value);
                prepare_one(&ring, root);
            } else {
                under_way--;
            }
        }
    }
    ts_ring_destroy(&ring);
}

// ---- Killed

static ts_handle_t start(const char *how, ts_handle_t root)
{
    const char *arguments[] = {"rules_opens", how, NULL};
    struct ts_spawn_handle handles[] = {{"root", root, TS_RIGHTS_ALL, false}};
    const struct ts_spawn spawn = {
        .name = how, .arguments = arguments, .handles = handles, .handle_count = 1};
    ts_handle_t child;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    return child;
}

static void end_of(ts_handle_t child)
{
    struct ts_process_report report;
    CHECK_OK(ts_process_kill(child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_KILLED);
    ts_close(child);
}

// While the server has the request: it hears of the end, its answer is GONE and mints nothing.
static void rule_q08_killed_before_the_answer(void)
{
    static struct pair pair;
    static const char *const hows[] = {"calls", "runs"};
    for (unsigned round = 0; round < 4; round++) {
        pair_begin(&pair, PAIR_REQUESTS, INBOX);
        ts_handle_t child = start(hows[round / 2], pair.object), object;
        uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
        end_of(child);
        bool told = round % 2 == 0;
        while (told && pair_event_among(&pair, TS_EVENT_CANCEL).value != id) {
            ; // another one of the run
        }
        CHECK_EQUAL(
            ts_ring_mint_wait(&pair.server, pair.port, id, 7, ts_reply_object(1, RIGHTS, 0)),
            TS_ERR_GONE);
        CHECK_OK(ts_port_mint(pair.port, 1, 8, RIGHTS, &object)); // the oid is free
        ts_close(object);
        CHECK_EQUAL(pair_event_among(&pair, TS_EVENT_CLOSED).tag, 8);
        pair_end(&pair);
    }
}

static void kill_at_any_moment(const char *how)
{
    server_begin();
    for (unsigned round = 0; round < KILLS; round++) {
        ts_handle_t root = root_new(), object;
        uint32_t before = server.minted;
        ts_handle_t child = start(how, root);
        ts_time_t until = patience();
        while (server.minted == before && ts_clock_now() < until) {
            ts_sleep_until(in_ms(1)); // until it is at it
        }
        for (volatile unsigned spin = 0; spin < round * 997; spin++) {
            ;
        }
        end_of(child);
        check_nothing_is_left();
        for (unsigned i = 0; i < RUN; i++) {
            CHECK_OK(open_one(root, &object)); // it serves on
            ts_close(object);
        }
        ts_close(root);
        check_nothing_is_left();
    }
    tap_note("%u minted, %u answers too late", server.minted, server.cut);
    server_end();
}

static void rule_d01_killed_amid_opens(void)
{
    kill_at_any_moment("calls");
}

static void rule_d01_killed_amid_runs(void)
{
    kill_at_any_moment("runs");
}

// ---- Revoked

static struct opener {
    struct ts_thread thread;
    void (*open)(ts_handle_t root);
    _Atomic ts_handle_t root; // 0: the end
    atomic_uint round, done;
} opener;

static void open_on(void *argument)
{
    (void)argument;
    for (unsigned round = 1;; round++) {
        while (atomic_load(&opener.round) < round) {
            ts_thread_yield();
        }
        if (atomic_load(&opener.root) == TS_HANDLE_NONE) {
            return;
        }
        opener.open(atomic_load(&opener.root)); // until it is revoked
        atomic_store(&opener.done, round);
    }
}

static void refuse_next(struct pair *pair)
{
    struct ts_event event;
    (void)ts_ring_enter(&pair->server, 1, in_ms(1));
    if (ts_ring_next(&pair->server, &event)) {
        CHECK_EQUAL(event.kind, TS_EVENT_REQUEST);
        pair_reply(pair, event.value, TS_ERR_NOT_FOUND, 0);
    }
}

// While the server has the request: the client gets what is minted, and nothing more.
static void rule_h09_revoked_before_the_answer(void)
{
    static struct pair pair;
    static void (*const ways[])(ts_handle_t) = {open_by_calls, open_by_runs};
    for (unsigned way = 0; way < 2; way++) {
        pair_begin(&pair, 2 * PAIR_REQUESTS, INBOX);
        opener = (struct opener){.open = ways[way], .root = pair.object, .round = 1};
        CHECK_OK(ts_thread_start(&opener.thread, open_on, NULL, 32768, 0, TS_PRIORITY_NORMAL));
        uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
        CHECK_OK(ts_port_revoke(pair.port, 0));
        if (way == 0) {
            CHECK_OK(
                ts_ring_mint_wait(&pair.server, pair.port, id, 7, ts_reply_object(1, RIGHTS, 0)));
            CHECK_EQUAL(pair_event(&pair, TS_EVENT_CLOSED).tag, 7);
        } else {
            ts_time_t until = patience();
            pair_reply(&pair, id, TS_ERR_NOT_FOUND, 0);
            while (atomic_load(&opener.done) == 0 && ts_clock_now() < until) {
                refuse_next(&pair); // those of the run that came before
            }
        }
        atomic_store(&opener.root, TS_HANDLE_NONE);
        atomic_store(&opener.round, 2);
        CHECK_OK(ts_thread_join(&opener.thread, patience()));
        pair_end(&pair);
    }
}

static void revoke_at_any_moment(void (*open)(ts_handle_t root))
{
    server_begin();
    opener = (struct opener){.open = open};
    CHECK_OK(ts_thread_start(&opener.thread, open_on, NULL, 32768, 0, TS_PRIORITY_NORMAL));
    for (unsigned round = 1; round <= REVOKES; round++) {
        ts_handle_t root = root_new();
        uint32_t before = server.minted;
        ts_time_t until = patience();
        atomic_store(&opener.root, root);
        atomic_store(&opener.round, round);
        while (server.minted == before && ts_clock_now() < until) {
            ts_thread_yield();
        }
        for (volatile unsigned spin = 0; spin < round * 97 % 5000; spin++) {
            ;
        }
        CHECK_OK(ts_port_revoke(server.port, 0));
        while (atomic_load(&opener.done) < round && ts_clock_now() < until) {
            ts_thread_yield();
        }
        CHECK_EQUAL(atomic_load(&opener.done), round);
        ts_close(root);
        check_nothing_is_left();
    }
    atomic_store(&opener.root, TS_HANDLE_NONE);
    atomic_store(&opener.round, REVOKES + 1);
    CHECK_OK(ts_thread_join(&opener.thread, patience()));
    tap_note("%u minted", server.minted);
    CHECK_EQUAL(server.cut, 0); // nobody died
    server_end();
}

static void rule_h09_revoked_amid_opens(void)
{
    revoke_at_any_moment(open_by_calls);
}

static void rule_h09_revoked_amid_runs(void)
{
    revoke_at_any_moment(open_by_runs);
}

static int child_main(const char *how)
{
    ts_handle_t root = ts_named_handle("root");
    if (strcmp(how, "calls") == 0) {
        open_by_calls(root);
    } else {
        open_by_runs(root);
    }
    return 1; // they end by a kill
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_q08_killed_before_the_answer), TAP(rule_d01_killed_amid_opens),
        TAP(rule_d01_killed_amid_runs),         TAP(rule_h09_revoked_before_the_answer),
        TAP(rule_h09_revoked_amid_opens),       TAP(rule_h09_revoked_amid_runs),
    };
    return argc > 1 ? child_main(argv[1]) : TAP_RUN(tests);
}
