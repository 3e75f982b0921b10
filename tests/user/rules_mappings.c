// SPDX-License-Identifier: MIT
// Rules M04, M11 and M12 of docs/invariants.md: what the kernel maps of a program's memory, and
// memory whose size changes meanwhile. The program starts itself again in a job with a limit.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define PROGRAM "test/rules_mappings"
#define PAGE    ((uint64_t)4096)
#define GIB     ((uint64_t)1 << 30)
#define SLOTS   8u // which one client may take

static ts_handle_t memory_of(uint64_t bytes)
{
    ts_handle_t memory;
    CHECK_OK(ts_memory_create(bytes, 0, &memory));
    return memory;
}

static void *map_of(ts_handle_t memory, uint64_t offset, uint64_t length)
{
    void *at;
    CHECK_OK(ts_memory_map(memory, NULL, length, offset, TS_MAP_READ | TS_MAP_WRITE, &at));
    return at;
}

static ts_status_t resize(ts_handle_t memory, uint64_t bytes)
{
    return ts_set_u64(memory, TS_PROPERTY_SIZE, bytes);
}

static uint64_t size_of(ts_handle_t memory)
{
    uint64_t size;
    CHECK_OK(ts_get_u64(memory, TS_PROPERTY_SIZE, &size));
    return size;
}

// A port that was closed lets go of its inbox when its teardown is through.
static void resize_at_last(ts_handle_t memory, uint64_t bytes)
{
    ts_time_t until = patience();
    ts_status_t status;
    while ((status = resize(memory, bytes)) == TS_ERR_BUSY && ts_clock_now() < until) {
        ts_thread_yield();
    }
    CHECK_OK(status);
}

static ts_status_t port_of(ts_handle_t inbox, uint32_t slots, uint32_t bytes, ts_handle_t *out_port)
{
    return ts_port_create(slots, 4, inbox, bytes, out_port);
}

// Writes of a page, as many as the port has slots, all of which are delivered.
static void deliver(ts_handle_t port, unsigned slots)
{
    static char payload[PAGE];
    struct ts_ring_queue client, server;
    struct ts_event event;
    ts_handle_t object;
    memset(payload, 0x41, sizeof(payload));
    CHECK_OK(ts_ring_create(&client, 64, 64, 64));
    CHECK_OK(ts_ring_create(&server, 64, 64, 64));
    CHECK_OK(ts_port_bind(port, server.handle, 1));
    CHECK_OK(ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object));
    for (unsigned i = 0; i < slots; i++) {
        ts_prepare_write(ts_ring_slot(&client), object, payload, PAGE, 0, TS_DEADLINE_NONE, i);
    }
    CHECK_OK(ts_ring_submit(&client));
    for (unsigned got = 0; got < slots; got += ts_ring_next(&server, &event)) {
        if (ts_ring_unread(&server) == 0) {
            CHECK_OK(ts_ring_enter(&server, 1, patience()));
        }
    }
    ts_ring_destroy(&client);
    ts_close(object);
    ts_close(port);
    ts_ring_destroy(&server);
}

static void check_pages(const char *at, unsigned count, char value)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQUAL(at[i * PAGE], value);
    }
}

// ---- M11

static void rule_m11_the_size_stays_while_the_kernel_maps(void)
{
    ts_handle_t memory = memory_of(PAGE), first, second, third;
    CHECK_OK(port_of(memory, 1, 64, &first));
    CHECK_EQUAL(resize(memory, SLOTS * PAGE), TS_ERR_BUSY);
    CHECK_EQUAL(resize(memory, 2 * PAGE), TS_ERR_BUSY);
    CHECK_EQUAL(resize(memory, 0), TS_ERR_BUSY);
    CHECK_OK(resize(memory, PAGE)); // which it has
    CHECK_EQUAL(size_of(memory), PAGE);
    CHECK_EQUAL(port_of(memory, SLOTS, PAGE, &second), TS_ERR_RANGE);
    CHECK_EQUAL(port_of(memory, 5, 1024, &second), TS_ERR_RANGE);
    CHECK_OK(port_of(memory, 4, 1024, &second));
    ts_close(first);
    CHECK_OK(port_of(memory, 64, 64, &third)); // whether the first one is still there or not
    CHECK_EQUAL(resize(memory, 2 * PAGE), TS_ERR_BUSY);
    ts_close(second);
    ts_close(third);
    resize_at_last(memory, 0);
    CHECK_EQUAL(port_of(memory, 1, 64, &first), TS_ERR_RANGE);
    CHECK_OK(resize(memory, SLOTS * PAGE));
    CHECK_OK(port_of(memory, SLOTS, PAGE, &first));
    ts_close(first);
    ts_close(memory);
}

// What is delivered lies in the inbox, however its memory was to grow, and nowhere else.
static void rule_m11_an_inbox_is_all_that_is_written(void)
{
    enum { OTHERS = 128 };
    void *others;
    ts_handle_t memory = memory_of(PAGE), first, second, third;
    CHECK_OK(ts_memory_commit(memory, 0, PAGE));
    CHECK_OK(port_of(memory, 1, 64, &first));
    CHECK_OK(ts_memory_allocate(OTHERS * PAGE, 0, NULL, &others));
    for (unsigned i = 0; i < OTHERS; i++) {
        memset((char *)others + i * PAGE, 0x5a, PAGE);
    }
    (void)resize(memory, SLOTS * PAGE);
    if (port_of(memory, SLOTS, PAGE, &second) == TS_OK) {
        deliver(second, SLOTS);
    }
    check_pages(others, OTHERS, 0x5a);
    ts_close(first);
    resize_at_last(memory, SLOTS * PAGE);
    CHECK_OK(port_of(memory, SLOTS, PAGE, &third));
    deliver(third, SLOTS);
    const char *inbox = map_of(memory, 0, SLOTS * PAGE);
    check_pages(inbox, SLOTS, 0x41);
    check_pages(others, OTHERS, 0x5a);
    CHECK_OK(ts_memory_unmap((void *)inbox, SLOTS * PAGE));
    CHECK_OK(ts_memory_unmap(others, OTHERS * PAGE));
    ts_close(memory);
}

static void rule_m11_a_view_is_mapped_as_far_as_it_goes(void)
{
    ts_handle_t memory = memory_of(8 * PAGE), view, inner, port;
    char *at = map_of(memory, 0, 8 * PAGE);
    CHECK_OK(ts_memory_view(memory, 2 * PAGE, 4 * PAGE, &view)); // pages 2 to 5
    CHECK_OK(ts_memory_view(view, PAGE, 2 * PAGE, &inner));      // pages 3 and 4
    CHECK_EQUAL(port_of(inner, 3, PAGE, &port), TS_ERR_RANGE);
    CHECK_EQUAL(resize(inner, PAGE), TS_ERR_UNSUPPORTED);
    CHECK_OK(port_of(inner, 2, PAGE, &port));
    CHECK_EQUAL(resize(memory, 6 * PAGE), TS_ERR_BUSY); // beyond the view, but it is one mapping
    CHECK_OK(resize(memory, 9 * PAGE)); // longer is no harm: the pages of the part stay
    ts_close(inner);                    // the port needs no handle of it
    deliver(port, 2);
    check_pages(at, 3, 0);
    check_pages(at + 3 * PAGE, 2, 0x41);
    check_pages(at + 5 * PAGE, 3, 0);
    // The memory below becomes shorter than the view, then longer again.
    resize_at_last(memory, 4 * PAGE);
    CHECK_EQUAL(port_of(view, 1, 64, &port), TS_ERR_RANGE);
    CHECK_OK(resize(memory, 6 * PAGE));
    CHECK_OK(port_of(view, 4, PAGE, &port));
    ts_close(port);
    CHECK_OK(ts_memory_unmap(at, 8 * PAGE));
    ts_close(view);
    ts_close(memory);
}

static volatile bool over;

static void flip(void *argument)
{
    ts_handle_t memory = *(const ts_handle_t *)argument;
    while (!over) {
        (void)resize(memory, PAGE);
        for (volatile unsigned i = 0; i < 3000; i++) {
            ; // long enough for the loser of the race to see it
        }
        (void)resize(memory, SLOTS * PAGE);
    }
}

// Another thread changes the size all the time: a port that could be made has its whole inbox.
static void rule_m11_a_race_for_the_size_has_one_winner(void)
{
    static struct ts_thread other;
    ts_handle_t memory = memory_of(SLOTS * PAGE), port;
    ts_time_t until = in_ms(1500), limit = patience();
    unsigned made = 0;
    over = false;
    CHECK_OK(ts_thread_start(&other, flip, &memory, 32768, 0, TS_PRIORITY_NORMAL));
    while (ts_clock_now() < (made == 0 ? limit : until) && made < 400) {
        ts_status_t status = port_of(memory, SLOTS, PAGE, &port);
        CHECK(status == TS_OK || status == TS_ERR_RANGE || status == TS_ERR_BUSY);
        if (status != TS_OK) {
            continue;
        }
        made++;
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQUAL(size_of(memory), SLOTS * PAGE);
        }
        ts_close(port);
    }
    over = true;
    CHECK_OK(ts_thread_join(&other, patience()));
    tap_note("%u ports", made);
    CHECK(made > 0);
    ts_close(memory);
}

// A ring's memory is the kernel's to size, and is written where the kernel has it, whatever its
// owner unmaps.
static void rule_m11_a_rings_memory_cannot_be_changed(void)
{
    struct ts_ring_queue ring, again;
    struct ts_event event;
    CHECK_OK(ts_ring_create(&ring, 32, 32, 32));
    CHECK_EQUAL(resize(ring.handle, PAGE), TS_ERR_UNSUPPORTED);
    CHECK_OK(ts_memory_unmap(ring.header, ring.mapped_size));
    void *at;
    CHECK_OK(
        ts_memory_map(ring.handle, NULL, ring.mapped_size, 0, TS_MAP_READ | TS_MAP_WRITE, &at));
    CHECK_OK(ts_ring_attach(&again, at, ring.mapped_size));
    again.handle = ring.handle;
    again.mapped_size = ring.mapped_size;
    ts_prepare_timeout(ts_ring_slot(&again), ts_clock_now(), 7);
    CHECK_OK(ts_ring_enter(&again, 1, patience()));
    CHECK(ts_ring_next(&again, &event) && event.user_data == 7);
    CHECK_EQUAL(ts_memory_map(ring.handle, NULL, ring.mapped_size + PAGE, 0, TS_MAP_READ, &at),
                TS_ERR_RANGE);
    ts_ring_destroy(&again);
}

// ---- M12

static uint64_t pages_charged(void)
{
    struct ts_process_statistics statistics;
    CHECK_OK(ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics));
    return statistics.pages;
}

// Whether many inboxes that are too large are refused, in no time.
static bool refuses_fast(ts_handle_t memory)
{
    ts_handle_t port;
    ts_time_t begin = ts_clock_now();
    for (unsigned i = 0; i < 32; i++) {
        if (port_of(memory, 1, 64, &port) != TS_ERR_LIMIT) {
            return false;
        }
    }
    return ts_clock_now() - begin <= 10 * TS_SECOND;
}

// In the child, whose job has 3,000 pages: an inbox of 60 GiB costs an error and no time.
static int vast(void)
{
    ts_handle_t memory, port;
    if (ts_memory_create(60 * GIB, 0, &memory) != TS_OK) {
        return 1;
    }
    for (uint64_t at = 0; at < 60; at += 20) {
        if (ts_memory_commit(memory, at * GIB, PAGE) != TS_OK) {
            return 2;
        }
    }
    uint64_t before = pages_charged();
    unsigned slow = 0;
    while (slow < 3 && !refuses_fast(memory)) {
        slow++; // the machine, or the kernel
    }
    if (slow == 3) {
        return 3;
    }
    if (pages_charged() > before + 1) { // a page is kept for small things
        return 5;
    }
    // What there is room for is had, and paid for: its pages, their tree, and the window's tables.
    ts_handle_t fitting;
    if (ts_memory_create(2000 * PAGE, 0, &fitting) != TS_OK ||
        port_of(fitting, 2000, PAGE, &port) != TS_OK) {
        return 6;
    }
    if (pages_charged() < before + 2000 + 2000 / 512) {
        return 7;
    }
    return port_of(memory, 1, 64, &port) == TS_ERR_LIMIT ? 42 : 8;
}

static void rule_m12_a_kernel_mapping_is_paid_for_first(void)
{
    const char *arguments[] = {"rules_mappings", "vast", NULL};
    struct ts_spawn spawn = {.name = "vast", .arguments = arguments};
    struct ts_process_report report;
    ts_handle_t child;
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &(struct ts_job_limits){.pages = 3000},
                           &spawn.job));
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_process_wait(child, in_ms(60000), &report));
    CHECK_EQUAL(report.status, 42);
    ts_close(child);
    job_check_empty(spawn.job);
    ts_close(spawn.job);
}

// ---- M04

static bool readable(const void *at)
{
    static ts_handle_t sink;
    size_t done;
    if (sink == TS_HANDLE_NONE) {
        sink = memory_of(PAGE);
    }
    ts_status_t status = ts_write(sink, at, 1, 0, TS_DEADLINE_NONE, &done);
    CHECK(status == TS_OK || status == TS_ERR_FAULT);
    return status == TS_OK;
}

// Very many regions map the memory, one page each, some of them touched.
static void rule_m04_any_number_of_regions_is_cut_off(void)
{
    enum { REGIONS = 12000, KEPT = 100 };
    static char *at[REGIONS];
    ts_handle_t memory = memory_of(REGIONS * PAGE), other;
    uint64_t there;
    for (unsigned i = 0; i < REGIONS; i++) {
        at[i] = map_of(memory, i * PAGE, PAGE);
        if (i % 7 == 0) {
            *at[i] = 1;
        }
    }
    // Another process maps the very last page, whose region is looked at last or first.
    CHECK_OK(ts_process_create(ts_named_handle(TS_NAME_JOB), "other", &other));
    CHECK_OK(ts_process_map(other, memory, 0, PAGE, (REGIONS - 1) * PAGE, TS_MAP_READ, &there));
    CHECK_EQUAL(resize(memory, KEPT * PAGE), TS_ERR_BUSY);
    CHECK_EQUAL(size_of(memory), REGIONS * PAGE);
    CHECK_EQUAL(*at[REGIONS - 2 - (REGIONS - 2) % 7], 1); // nothing was done
    CHECK_OK(ts_process_unmap(other, there, PAGE));
    CHECK_OK(ts_process_map(other, memory, 0, PAGE, (KEPT - 1) * PAGE, TS_MAP_READ, &there));
    CHECK_OK(resize(memory, KEPT * PAGE));
    for (unsigned i = 0; i < REGIONS; i += 7) {
        CHECK(readable(at[i]) == (i < KEPT));
    }
    CHECK_OK(resize(memory, REGIONS * PAGE)); // and what comes back is empty
    for (unsigned i = 0; i < REGIONS; i += 7) {
        CHECK_EQUAL(*at[i], i < KEPT);
    }
    for (unsigned i = 0; i < REGIONS; i++) {
        CHECK_OK(ts_memory_unmap(at[i], PAGE));
    }
    ts_close(other);
    ts_close(memory);
}

// Maps, splits, unmaps and touches, while the size changes.
static void churn(void *argument)
{
    ts_handle_t memory = *(const ts_handle_t *)argument;
    void *at;
    size_t done;
    while (!over) {
        if (ts_memory_map(memory, NULL, 16 * PAGE, 16 * PAGE, TS_MAP_READ | TS_MAP_WRITE, &at) !=
            TS_OK) {
            continue; // it has just these 16 pages, or is about to lose more
        }
        for (unsigned i = 0; i < 16; i += 3) {
            (void)ts_read(memory, (char *)at + i * PAGE, 1, 0, TS_DEADLINE_NONE,
                          &done); // a write, by the kernel
        }
        (void)ts_memory_protect((char *)at + 5 * PAGE, PAGE, TS_MAP_READ);
        (void)ts_memory_unmap((char *)at + 9 * PAGE, 2 * PAGE);
        (void)ts_memory_unmap(at, 16 * PAGE);
    }
}

static void rule_m04_regions_may_come_and_go_meanwhile(void)
{
    static struct ts_thread other;
    ts_handle_t memory = memory_of(32 * PAGE);
    volatile char *at = map_of(memory, 0, 32 * PAGE);
    ts_time_t until = in_ms(1000);
    over = false;
    CHECK_OK(ts_thread_start(&other, churn, &memory, 32768, 0, TS_PRIORITY_NORMAL));
    while (ts_clock_now() < until) {
        at[31 * PAGE] = 1;
        CHECK_OK(resize(memory, 20 * PAGE)); // all mappings are of this process
        CHECK(!readable((const char *)at + 31 * PAGE) && readable((const char *)at + 19 * PAGE));
        CHECK_OK(resize(memory, 32 * PAGE));
        CHECK_EQUAL(at[31 * PAGE], 0);
    }
    over = true;
    CHECK_OK(ts_thread_join(&other, patience()));
    CHECK_OK(ts_memory_unmap((void *)at, 32 * PAGE));
    ts_close(memory);
}

static void rule_m04_pages_far_apart_are_given_back(void)
{
    ts_handle_t memory = memory_of((uint64_t)1 << 40);
    uint64_t before = pages_charged();
    for (unsigned i = 12; i < 40; i++) {
        CHECK_OK(ts_memory_commit(memory, (uint64_t)1 << i, PAGE));
    }
    CHECK(pages_charged() >= before + 28);
    CHECK_OK(resize(memory, PAGE));
    CHECK(pages_charged() <= before + 1); // a page is kept for small things
    ts_close(memory);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(rule_m04_pages_far_apart_are_given_back), // first: nothing else is on its way back
        TAP(rule_m04_any_number_of_regions_is_cut_off),
        TAP(rule_m04_regions_may_come_and_go_meanwhile),
        TAP(rule_m11_the_size_stays_while_the_kernel_maps),
        TAP(rule_m11_an_inbox_is_all_that_is_written),
        TAP(rule_m11_a_view_is_mapped_as_far_as_it_goes),
        TAP(rule_m11_a_race_for_the_size_has_one_winner),
        TAP(rule_m11_a_rings_memory_cannot_be_changed),
        TAP(rule_m12_a_kernel_mapping_is_paid_for_first),
    };
    return argc > 1 && strcmp(argv[1], "vast") == 0 ? vast() : TAP_RUN(tests);
}
