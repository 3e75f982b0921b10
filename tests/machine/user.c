// SPDX-License-Identifier: MIT
// User mode: entry, exit, exceptions, vector state.
#include "test.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <machine/apic.h>
#include <machine/features.h>
#include <machine/x86.h>
#include <panic.h>
#include <string.h>
#include <tessera/abi/status.h>

#define CODE     UINT64_C(0x400000)
#define DATA     UINT64_C(0x500000)
#define STACK    UINT64_C(0x600000)
#define CALL_END 100

#define PROGRAM(name) (CODE + (uint64_t)(name - user_code))

extern const char user_code[], user_code_end[], user_call[], user_start[], user_exceptions[],
    user_step[], user_vectors[], user_cleared[], user_pointer[], user_selectors[],
    user_selectors_none[], user_x87[], user_x87_none[];

struct program {
    struct arch_space space;
    struct arch_thread thread;
    void *data;       // the page at DATA
    uint64_t verdict; // 0 when it ended well
    bool ended;
};

static struct program programs[2];

static struct program *current(void)
{
    struct arch_thread *thread = cpu_current()->machine_thread;
    return thread == &programs[0].thread ? &programs[0] : &programs[1];
}

static void program_make(struct program *p, vaddr_t pc, uint64_t argument)
{
    static char areas[2][4096] __attribute__((aligned(ARCH_VECTOR_ALIGN)));
    vaddr_t top;
    paddr_t code = test_page(), data = test_page();
    memcpy(phys_to_virt(code), user_code, (size_t)(user_code_end - user_code));
    unsigned rw = ARCH_PROT_READ | ARCH_PROT_WRITE | ARCH_PROT_USER;
    KREQUIRE(arch_space_create(&p->space) == TS_OK);
    KREQUIRE(arch_space_map(&p->space, CODE, code, ARCH_PROT_EXECUTE | ARCH_PROT_USER,
                            ARCH_CACHE_WRITE_BACK) == TS_OK);
    KREQUIRE(arch_space_map(&p->space, DATA, data, rw, ARCH_CACHE_WRITE_BACK) == TS_OK);
    KREQUIRE(arch_space_map(&p->space, STACK - PAGE_SIZE, test_page(), rw, ARCH_CACHE_WRITE_BACK) ==
             TS_OK);
    KREQUIRE(arch_stack_create(&top) == TS_OK);
    KREQUIRE(arch_vector_size() <= sizeof(areas[0]));
    arch_thread_init(&p->thread, top, &p->space, areas[p - programs], NULL);
    arch_frame_start(arch_thread_frame(&p->thread), pc, STACK, argument);
    p->data = phys_to_virt(data);
    p->ended = false;
    p->verdict = 99;
}

static void program_drop(struct program *p)
{
    arch_thread_fini(&p->thread);
    arch_stack_destroy(p->thread.stack_top);
    while (arch_space_destroy_some(&p->space)) {
    }
}

static void program_run(struct program *p)
{
    arch_irq_disable();
    arch_thread_switch(&test_thread, &p->thread);
    arch_irq_enable();
}

// The end of a program, or not.
static bool end_call(struct arch_frame *frame)
{
    struct program *p = current();
    if (arch_frame_number(frame) == CALL_END) {
        p->ended = true;
        p->verdict = arch_frame_argument(frame, 0);
        arch_thread_resume(&test_thread);
    }
    return false;
}

static unsigned calls;
static bool arguments_ok;

static void call_checked(struct arch_frame *frame)
{
    end_call(frame);
    calls++;
    arguments_ok = arch_frame_number(frame) == 7 && arch_frame_is_syscall(frame) &&
                   arch_frame_is_user(frame) && arch_frame_stack(frame) == STACK &&
                   !arch_irq_enabled();
    for (unsigned i = 0; i < 6; i++) {
        arguments_ok = arguments_ok && arch_frame_argument(frame, i) == (i + 1) * 0x11;
    }
    arch_frame_set_result(frame, -5, 0x1234);
}

void test_user_call(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_checked;
    calls = 0;
    program_make(p, PROGRAM(user_call), 0);
    program_run(p);
    CHECK(p->ended && p->verdict == 0 && calls == 1 && arguments_ok);
    program_drop(p);
}

// The same when the thread blocks in the call, is resumed by its continuation, by the fast path,
// and with changed registers.
static unsigned way;

static void call_blocking(struct arch_frame *frame)
{
    end_call(frame);
    arch_frame_set_result(frame, -5, 0x1234);
    if (way == 2) {
        struct ts_registers registers;
        arch_frame_export(frame, &registers);
        registers.rcx = registers.rip; // as the CPU leaves it
        if (arch_frame_import(frame, &registers) != TS_OK) {
            return;
        }
    }
    if (way == 3) {
        cpu_current()->need_resched = CPU_THREAD_WORK;
        return;
    }
    arch_thread_resume(&test_thread);
}

static void reenter(void)
{
    arch_thread_return(&programs[0].thread); // as the IPC fast path does
}

void test_user_registers(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_blocking;
    for (way = 0; way < 4; way++) {
        program_make(p, PROGRAM(user_call), 0);
        program_run(p);
        if (way == 1) { // from a second program's system call
            program_make(&programs[1], PROGRAM(user_call), 0);
            programs[1].thread.continuation = reenter;
            program_run(&programs[1]);
            program_drop(&programs[1]);
        } else if (way != 3) {
            program_run(p);
        }
        CHECK(p->ended && p->verdict == 0);
        program_drop(p);
    }
    struct ts_registers bad = {.rip = TS_USER_END};
    struct arch_frame frame = {0};
    CHECK(arch_frame_import(&frame, &bad) == TS_ERR_ARGUMENT && frame.rip == 0);
    bad.rip = 0x1000;
    bad.rflags = UINT64_MAX;
    CHECK(arch_frame_import(&frame, &bad) == TS_OK && frame.cs == SELECTOR_USER_CODE);
    CHECK((frame.rflags & (UINT64_C(3) << 12)) == 0 && (frame.rflags & RFLAGS_IF)); // no IOPL
}

void test_user_start_registers(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_checked;
    program_make(p, PROGRAM(user_start), 0x5eed);
    program_run(p);
    CHECK(p->ended && p->verdict == 0);
    program_drop(p);
}

static uint32_t seen_vector;
static vaddr_t seen_address;

static void note_exception(struct arch_frame *frame, uint32_t vector, uint64_t error,
                           vaddr_t address)
{
    (void)error;
    KREQUIRE(arch_irq_enabled() && arch_frame_is_user(frame));
    KREQUIRE(frame == arch_thread_frame(cpu_current()->machine_thread));
    seen_vector = vector;
    seen_address = address;
    arch_irq_disable();
    arch_thread_resume(&test_thread);
}

void test_user_exceptions(void)
{
    static const struct {
        uint32_t vector;
        vaddr_t address;
    } expected[] = {
        {0, 0},
        {6, 0},
        {3, 0},
        {13, 0},
        {13, 0},
        {13, 0},
        {13, 0},
        {13, 0},
        {13, 0},
        {14, KERNEL_DIRECT_BASE},
        {14, UINT64_C(0xffffffff80200000)},
        {14, CODE},
        {14, STACK},
        {14, 0},
        {12, 0},
        {13, 0},
        {13, 0},
        {13, 0},
        {13, 0},
    };
    struct program *p = &programs[0];
    hooks.system_call = call_checked;
    hooks.exception = note_exception;
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        program_make(p, PROGRAM(user_exceptions) + 16 * i, 0);
        arch_thread_frame(&p->thread)->rsp = STACK - 64;
        seen_vector = 99;
        program_run(p);
        bool stack = expected[i].address == STACK;
        // QEMU 7.2 takes an impossible stack for a general protection fault.
        bool of_stack = expected[i].vector == 12 && seen_vector == 13;
        CHECK(seen_vector == expected[i].vector || of_stack);
        CHECK(seen_address == (stack ? STACK - 64 : expected[i].address));
        program_drop(p);
    }
    // A start at no address at all is the program's fault, not the kernel's.
    static const vaddr_t wild[] = {0, TS_USER_END, UINT64_C(0x8000000000000000), UINT64_MAX};
    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        program_make(p, wild[i], 0);
        seen_vector = 99;
        program_run(p);
        CHECK(seen_vector == 14);
        program_drop(p);
    }
    hooks.exception = NULL;
}

// Frames that IRET takes fault in the kernel, behind SWAPGS, or in user mode, by maker and model of
// the CPU: always the program's fault.
static const struct bad_frame {
    uint64_t rip, cs, ss;
} bad_frames[] = {
    {UINT64_C(1) << 47, SELECTOR_USER_CODE, SELECTOR_USER_DATA},
    {UINT64_C(0x8000000000000000), SELECTOR_USER_CODE, SELECTOR_USER_DATA},
    {0, SELECTOR_USER_CODE, 0},
    {0, SELECTOR_USER_CODE, SELECTOR_TSS | 3},
    {0, SELECTOR_TSS | 3, SELECTOR_USER_DATA},
    {0, SELECTOR_USER_CODE | 4, SELECTOR_USER_DATA},
    {0, 0xffff, SELECTOR_USER_DATA},
};

static void mend_frame(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address)
{
    (void)error, (void)address;
    KREQUIRE(arch_irq_enabled() && arch_frame_is_user(frame));
    KREQUIRE(frame == arch_thread_frame(cpu_current()->machine_thread));
    seen_vector = vector;
    frame->rip = PROGRAM(user_start);
    frame->cs = SELECTOR_USER_CODE;
    frame->ss = SELECTOR_USER_DATA;
}

void test_user_bad_frames(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_checked;
    hooks.exception = mend_frame;
    for (unsigned i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
        const struct bad_frame *bad = &bad_frames[i];
        program_make(p, PROGRAM(user_start), 0x5eed);
        struct arch_frame *frame = arch_thread_frame(&p->thread);
        frame->rip = bad->rip ? bad->rip : frame->rip;
        frame->cs = bad->cs;
        frame->ss = bad->ss;
        seen_vector = 99;
        program_run(p);
        CHECK(seen_vector == 13 && p->ended && p->verdict == 0); // no register was lost
        program_drop(p);
    }
    hooks.exception = NULL;
}

static unsigned single_steps;

static void count_step(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address)
{
    (void)frame, (void)error, (void)address;
    KREQUIRE(vector == 1 && arch_irq_enabled());
    single_steps++;
}

void test_user_step(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_checked;
    hooks.exception = count_step;
    calls = single_steps = 0;
    program_make(p, PROGRAM(user_step), 0);
    program_run(p);
    CHECK(p->ended && p->verdict == 0 && calls == 2 && single_steps >= 6);
    hooks.exception = NULL;
    program_drop(p);
}

static void slice_over(void)
{
    cpu_current()->need_resched = CPU_RESCHED;
}

static void leave_program(struct arch_frame *frame)
{
    (void)frame;
    arch_thread_resume(&test_thread); // its continuation: back to where it was
}

static void set_arguments(struct program *p, uint64_t second, uint64_t third)
{
    struct arch_frame *frame = arch_thread_frame(&p->thread);
    arch_frame_set_argument(frame, 1, second);
    arch_frame_set_argument(frame, 2, third);
}

void test_user_preempted_vectors(void)
{
    bool avx = cpu_features.xcr0 & 4;
    hooks.system_call = call_checked;
    hooks.timer = slice_over;
    hooks.exit_work = leave_program;
    for (unsigned i = 0; i < 2; i++) {
        program_make(&programs[i], PROGRAM(user_vectors), UINT64_C(0x1234567811112222) << i);
        set_arguments(&programs[i], avx, DATA);
    }
    for (unsigned i = 0; i < 40; i++) {
        arch_irq_disable();
        timer_arm(clock_now() + 300000);
        arch_thread_switch(&test_thread, &programs[i % 3 == 0].thread);
        arch_irq_enable();
    }
    hooks.exit_work = NULL;
    hooks.timer = NULL;
    for (unsigned i = 0; i < 2; i++) {
        CHECK(!programs[i].ended && *(uint64_t *)programs[i].data > 100);
        program_drop(&programs[i]);
    }
}

static void call_blocks(struct arch_frame *frame)
{
    end_call(frame);
    arch_frame_set_result(frame, 0, 0);
    arch_thread_resume(&test_thread);
}

void test_rule_m07_user_vectors_cleared(void)
{
    bool avx = cpu_features.xcr0 & 4;
    hooks.system_call = call_blocks;
    for (unsigned i = 0; i < 2; i++) {
        program_make(&programs[i], PROGRAM(user_cleared), UINT64_C(0x77777777) << i);
        set_arguments(&programs[i], avx, DATA);
    }
    for (unsigned round = 0; round < 2; round++) {
        program_run(&programs[0]);
        program_run(&programs[1]);
    }
    for (unsigned i = 0; i < 2; i++) {
        CHECK(programs[i].ended && programs[i].verdict == 0);
        program_drop(&programs[i]);
    }
}

void test_user_thread_pointer(void)
{
    hooks.system_call = call_blocks;
    for (unsigned i = 0; i < 2; i++) {
        program_make(&programs[i], PROGRAM(user_pointer), 0xabc);
        CHECK(arch_thread_set_pointer(&programs[i].thread, DATA) == TS_OK);
        CHECK(arch_thread_set_pointer(&programs[i].thread, TS_USER_END) == TS_ERR_ARGUMENT);
        CHECK(arch_thread_set_pointer(&programs[i].thread, UINT64_MAX) == TS_ERR_ARGUMENT);
        CHECK(arch_thread_pointer(&programs[i].thread) == DATA);
        *(uint64_t *)programs[i].data = 0xabc;
    }
    // The first clears its register between the second's two looks: that is its own affair.
    program_run(&programs[1]);
    program_run(&programs[0]);
    program_run(&programs[0]);
    program_run(&programs[1]);
    program_run(&programs[1]);
    program_run(&programs[0]);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(programs[i].ended && programs[i].verdict == 0);
        program_drop(&programs[i]);
    }
}

void test_rule_m07_user_selectors_cleared(void)
{
    hooks.system_call = call_blocks;
    program_make(&programs[0], PROGRAM(user_selectors), 0);
    program_make(&programs[1], PROGRAM(user_selectors_none), 0);
    program_run(&programs[0]);
    program_run(&programs[1]);
    program_run(&programs[0]);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(programs[i].ended && programs[i].verdict == 0);
        program_drop(&programs[i]);
    }
}

// For a thread that has been away and keeps all of its state.
void test_rule_m07_user_x87_pointers_cleared(void)
{
    hooks.system_call = call_blocks;
    hooks.timer = slice_over;
    hooks.exit_work = leave_program;
    program_make(&programs[0], PROGRAM(user_x87), 0);
    program_make(&programs[1], PROGRAM(user_x87_none), 0);
    set_arguments(&programs[1], 0, DATA);
    for (unsigned i = 0; i < 40 && !programs[1].ended; i++) {
        arch_irq_disable();
        timer_arm(clock_now() + 300000);
        arch_thread_switch(&test_thread, &programs[1].thread);
        arch_thread_switch(&test_thread, &programs[0].thread);
        arch_irq_enable();
    }
    hooks.exit_work = NULL;
    hooks.timer = NULL;
    CHECK(!programs[0].ended && !programs[1].ended && *(uint64_t *)programs[1].data > 100);
    program_drop(&programs[0]);
    program_drop(&programs[1]);
}

static _Atomic bool nmi_enough;

static void send_nmis(void *apic)
{
    while (!nmi_enough) {
        apic_send_nmi((uint32_t)(uintptr_t)apic);
    }
}

// NMIs hit a program and what the kernel does around it, and nobody notices.
void test_user_nmi(void)
{
    struct program *p = &programs[0];
    hooks.system_call = call_blocks;
    uint64_t before = cpu_current()->arch.spurious;
    unsigned wrong = 0;
    nmi_enough = false;
    test_run_on(1, send_nmis, (void *)(uintptr_t)cpu_current()->arch.apic_id);
    for (unsigned i = 0; i < 200; i++) {
        program_make(p, PROGRAM(user_pointer), 0xabc);
        *(uint64_t *)p->data = 0xabc;
        CHECK(arch_thread_set_pointer(&p->thread, DATA) == TS_OK);
        for (unsigned call = 0; call < 3; call++) {
            program_run(p);
        }
        wrong += !p->ended || p->verdict != 0;
        program_drop(p);
    }
    nmi_enough = true;
    test_join(1);
    CHECK(wrong == 0 && cpu_current()->arch.spurious > before);
}
