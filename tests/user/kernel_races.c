// SPDX-License-Identifier: MIT
// Threads that meet in the kernel at a bad moment: less important ones that are preempted where
// others wait for them.
#include "lib/pair.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>

#define LOW    8u // the main thread is at TS_PRIORITY_NORMAL
#define WAITS  16u
#define ROUNDS 1200u
#define NS_MAX 400000 // what a signal with all its waits lasts, at the most

static void rest(int64_t ns)
{
    static uint32_t word;
    (void)ts_sys_futex_wait((uintptr_t)&word, 0, (uint64_t)ts_deadline_in(ns));
}

static struct teller {
    struct ts_thread thread;
    ts_handle_t port;
    _Atomic uint64_t told;
    atomic_bool over;
} teller;

static void tell(void *argument)
{
    (void)argument;
    while (!atomic_load(&teller.over)) {
        (void)!ts_port_signal(teller.port, 0, 0, TS_SIGNAL_READABLE);
        (void)!ts_port_signal(teller.port, 0, TS_SIGNAL_READABLE, 0);
        atomic_fetch_add(&teller.told, 1);
    }
}

// Rings with waits end while the less important thread that ends these waits is stopped somewhere:
// the end of a ring must not go on, and keep it from running, until it has run.
static void rule_d12_a_rings_end_waits_for_nobody_less_important(void)
{
    ts_handle_t object;
    struct ts_ring_queue ring;
    CHECK_OK(ts_port_create(4, 4, TS_HANDLE_NONE, 0, &teller.port));
    CHECK_OK(ts_port_mint(teller.port, 0, 0, TS_RIGHTS_ALL, &object));
    CHECK_OK(ts_thread_start(&teller.thread, tell, NULL, 16384, 0, LOW));
    for (unsigned round = 0; round < ROUNDS; round++) {
        CHECK_OK(ts_ring_create(&ring, WAITS, WAITS, WAITS));
        for (unsigned i = 0; i < WAITS; i++)
            ts_prepare_wait(ts_ring_slot(&ring), object, TS_SIGNAL_READABLE, 0, i);
        CHECK_OK(ts_ring_submit(&ring));
        rest(NS_MAX / ROUNDS * (round * 7 % ROUNDS));
        ts_ring_destroy(&ring);
    }
    uint64_t before = atomic_load(&teller.told);
    ts_time_t limit = in_ms(5000);
    while (atomic_load(&teller.told) == before && ts_clock_now() < limit)
        rest(1000000);
    CHECK(atomic_load(&teller.told) != before);
    atomic_store(&teller.over, true);
    CHECK_OK(ts_thread_join(&teller.thread, in_ms(5000)));
    ts_close(object);
    ts_close(teller.port);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_d12_a_rings_end_waits_for_nobody_less_important),
    };
    return TAP_RUN(tests);
}
