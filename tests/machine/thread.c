// SPDX-License-Identifier: MIT
// Threads, requests between CPUs, locks.
#include "test.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <machine/paging.h>
#include <panic.h>
#include <spinlock.h>
#include <string.h>
#include <tessera/abi/status.h>

static struct arch_thread other, third;
static unsigned steps;

static bool thread_make(struct arch_thread *thread, void (*entry)(void))
{
    vaddr_t top;
    if (arch_stack_create(&top) != TS_OK) {
        return false;
    }
    arch_thread_init(thread, top, NULL, NULL, entry);
    return true;
}

static void thread_drop(struct arch_thread *thread)
{
    arch_thread_fini(thread);
    arch_stack_destroy(thread->stack_top);
}

static void bounce(void)
{
    // Values in registers that have to survive the switch.
    for (unsigned i = 0;; i++) {
        KREQUIRE(!arch_irq_enabled() && cpu_current()->machine_thread == &other);
        KREQUIRE(i == steps);
        steps++;
        arch_thread_switch(&other, &test_thread);
    }
}

void test_switch(void)
{
    CHECK(thread_make(&other, bounce));
    steps = 0;
    arch_irq_disable();
    for (unsigned i = 0; i < 1000; i++) {
        KREQUIRE(steps == i);
        arch_thread_switch(&test_thread, &other);
    }
    arch_irq_enable();
    CHECK(steps == 1000 && cpu_current()->machine_thread == &test_thread);
    CHECK(!arch_thread_on_cpu(&other) && arch_thread_on_cpu(&test_thread));
    thread_drop(&other);
}

static void give_back(void)
{
    steps++;
    arch_thread_resume(&test_thread);
}

static void pass_on(void)
{
    char *here = __builtin_frame_address(0);
    KREQUIRE((vaddr_t)here < other.stack_top && other.stack_top - (vaddr_t)here < 512);
    steps++;
    other.continuation = give_back; // a thread that blocks, to be entered elsewhere
    arch_thread_resume(&third);
}

void test_resume(void)
{
    CHECK(thread_make(&other, pass_on) && thread_make(&third, give_back));
    steps = 0;
    arch_irq_disable();
    arch_thread_switch(&test_thread, &other); // other -> third -> test
    KREQUIRE(steps == 2);
    arch_thread_switch(&test_thread, &other); // its new continuation, from the top of its stack
    arch_irq_enable();
    CHECK(steps == 3);
    thread_drop(&other);
    thread_drop(&third);
}

static _Atomic uint64_t spins;
static unsigned preemptions;

static void spin_for_ever(void)
{
    arch_irq_enable();
    for (;;) {
        spins++;
    }
}

static void slice_over(void)
{
    cpu_current()->need_resched = CPU_RESCHED;
}

static void preempt_other(void)
{
    if (cpu_current()->machine_thread == &other) {
        preemptions++;
        arch_thread_switch(&other, &test_thread);
    }
}

void test_preempt(void)
{
    CHECK(thread_make(&other, spin_for_ever));
    hooks.timer = slice_over;
    hooks.preempt = preempt_other;
    preemptions = 0;
    spins = 0;
    for (unsigned i = 0; i < 20; i++) {
        arch_irq_disable();
        timer_arm(clock_now() + 200000);
        arch_thread_switch(&test_thread, &other);
        arch_irq_enable();
        CHECK(preemptions == i + 1);
    }
    CHECK(spins > 0);
    hooks.timer = NULL;
    hooks.preempt = NULL;
    thread_drop(&other);
}

// A thread that is given from CPU to CPU the moment it leaves: the taker has to wait until the
// giver is off its stack.
#define MIGRATIONS 2000u

static struct arch_thread carriers[2]; // what each CPU runs when it does not run `other`
static _Atomic uint32_t owner;         // CPU that may run `other`, 2: nobody any more
static _Atomic uint32_t moves;

static void travel(void)
{
    for (;;) {
        uint32_t here = cpu_current()->id;
        KREQUIRE(owner == here);
        uint32_t next = ++moves == MIGRATIONS ? 2 : 1 - here;
        owner = next; // from here on the other CPU may want this stack
        arch_thread_switch(&other, &carriers[here]);
        KREQUIRE(cpu_current()->id == 1 - here);
    }
}

static void carry(uint32_t id)
{
    while (owner != 2) {
        if (owner == id) {
            arch_thread_switch(&carriers[id], &other);
        }
        arch_smp_serve();
        arch_cpu_relax();
    }
}

static void carry_main_0(void)
{
    carry(0);
    arch_thread_resume(&test_thread);
}

static struct arch_thread back; // the second CPU's way back to the runner
static void carry_main_1(void)
{
    carry(1);
    arch_thread_resume(&back);
}

static void carry_second(void *argument)
{
    (void)argument;
    arch_irq_disable();
    // The runner of this CPU stands on its boot stack, which is the switch stack: move it.
    arch_thread_resume(&back);
}

static _Atomic bool second_done;

static void second_main(void)
{
    if (owner != 2) {
        back.continuation = second_main;
        arch_thread_resume(&carriers[1]);
    }
    test_forget(1); // it never returns from its work
    second_done = true;
    kernel_cpu_main();
}

void test_migrate(void)
{
    CHECK(thread_make(&other, travel) && thread_make(&back, second_main));
    CHECK(thread_make(&carriers[0], carry_main_0) && thread_make(&carriers[1], carry_main_1));
    moves = 0;
    owner = 0;
    second_done = false;
    test_run_on(1, carry_second, NULL);
    arch_irq_disable();
    arch_thread_switch(&test_thread, &carriers[0]);
    arch_irq_enable();
    while (!second_done) {
        arch_cpu_relax();
    }
    CHECK(moves == MIGRATIONS);
    // `other` and `back` keep their stacks: the second CPU lives on the latter.
}

void test_stack_reuse(void)
{
    enum { COUNT = 40 };
    static vaddr_t tops[COUNT];
    uint32_t before = hooks.pages;
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK(arch_stack_create(&tops[i]) == TS_OK && !(tops[i] & 15));
        memset((void *)(tops[i] - KERNEL_STACK_SIZE), 0x11, KERNEL_STACK_SIZE);
        vaddr_t guard = tops[i] - KERNEL_STACK_SIZE - PAGE_SIZE;
        CHECK(arch_space_query(arch_kernel_space(), guard, NULL, NULL) == TS_ERR_NOT_FOUND);
        for (unsigned j = 0; j < i; j++) {
            CHECK(tops[i] != tops[j]);
        }
    }
    uint32_t most = hooks.pages;
    for (unsigned i = 0; i < COUNT; i++) {
        arch_stack_destroy(tops[i]);
    }
    CHECK(hooks.pages < most); // some are kept, not all
    vaddr_t again;
    CHECK(arch_stack_create(&again) == TS_OK);
    arch_stack_destroy(again);
    CHECK(hooks.pages - before <= 32 * ARCH_STACK_PAGES);
}

#define FLUSHES 100u

// Flushing: the other CPU reads a word through a mapping which changes under it.
static vaddr_t window;
static _Atomic bool stop;
static _Atomic uint64_t reads, wrong;
static _Atomic uint64_t wanted; // the value that has to be read now; 0: being changed

static void reader(void *argument)
{
    (void)argument;
    while (!stop) {
        uint64_t before = wanted;
        uint64_t value = *(volatile uint64_t *)window;
        if (before && wanted == before) {
            wrong += value != before;
            reads++;
        }
    }
}

void test_flush(void)
{
    paddr_t pages[2] = {test_page(), test_page()};
    CHECK(kernel_window_alloc(PAGE_SIZE, &window) == TS_OK);
    *(uint64_t *)phys_to_virt(pages[0]) = 1;
    *(uint64_t *)phys_to_virt(pages[1]) = 2;
    CHECK(arch_space_map(arch_kernel_space(), window, pages[0], ARCH_PROT_READ,
                         ARCH_CACHE_WRITE_BACK) == TS_OK);
    stop = false;
    wanted = 1;
    test_run_on(1, reader, NULL);
    while (!reads) {
        arch_cpu_relax();
    }
    struct arch_flush flush;
    arch_flush_begin(&flush, arch_kernel_space());
    for (unsigned i = 0; i < FLUSHES; i++) {
        wanted = 0;
        CHECK(arch_space_remap(arch_kernel_space(), window, pages[~i & 1], ARCH_PROT_READ,
                               &flush) == TS_OK);
        flush.count = i % 10 == 9 ? ARCH_FLUSH_MAX + 1 : flush.count; // both kinds
        arch_flush_commit(&flush);
        wanted = (~i & 1) + 1;
        uint64_t seen = reads;
        while (reads == seen) {
            arch_cpu_relax();
        }
    }
    stop = true;
    test_join(1);
    CHECK(wrong == 0 && reads >= FLUSHES);
}

static struct arch_space lazy;
static _Atomic bool loaded;

static void load_lazy(void *argument)
{
    (void)argument;
    arch_irq_disable();
    arch_space_load(&lazy);
    arch_irq_enable();
    loaded = true;
}

void test_leave_space(void)
{
    uint32_t before = hooks.tables;
    CHECK(arch_space_create(&lazy) == TS_OK);
    loaded = false;
    test_run_on(1, load_lazy, NULL);
    test_join(1);
    CHECK(loaded && cpu_by_id(1)->arch.root == lazy.root);
    while (arch_space_destroy_some(&lazy)) {
    }
    CHECK(cpu_by_id(1)->arch.root == kernel_space.root && hooks.tables == before);
}

static _Atomic bool in_section, ticket_taken;

static void reading(void *argument)
{
    (void)argument;
    arch_irq_disable();
    in_section = true;
    ts_time_t end = INT64_MAX;
    while (clock_now() < end) {
        if (ticket_taken && end == INT64_MAX) {
            end = clock_now() + 5000000;
        }
        arch_smp_serve(); // as a waiter for a lock does: this is not quiescence
        arch_cpu_relax();
    }
    in_section = false;
    arch_irq_enable();
}

void test_quiesce(void)
{
    test_run_on(1, reading, NULL);
    while (!in_section) {
        arch_cpu_relax();
    }
    uint64_t ticket = arch_quiesce_begin();
    CHECK(!arch_quiesce_done(ticket));
    ticket_taken = true;
    arch_quiesce();
    CHECK(!in_section && arch_quiesce_done(ticket));
    test_join(1);
}

static struct spinlock lock = SPINLOCK_INIT("test");
static uint64_t counted;

#define ROUNDS 10000u

static void count(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        irqflags_t flags = spin_lock(&lock);
        counted = counted + 1;
        if (i % 4096 == 0) { // a flush under a lock that others spin on
            struct arch_flush flush;
            arch_flush_begin(&flush, arch_kernel_space());
            flush.addresses[flush.count++] = window;
            arch_flush_commit(&flush);
        }
        spin_unlock(&lock, flags);
    }
}

void test_spinlock(void)
{
    counted = 0;
    for (uint32_t i = 1; i < cpu_count(); i++) {
        test_run_on(i, count, NULL);
    }
    count(NULL);
    for (uint32_t i = 1; i < cpu_count(); i++) {
        test_join(i);
    }
    CHECK(counted == (uint64_t)ROUNDS * cpu_count());
    CHECK(arch_irq_enabled());
    irqflags_t flags = spin_lock(&lock);
    bool off = !arch_irq_enabled();
    spin_unlock(&lock, flags);
    CHECK(off && arch_irq_enabled());
}
