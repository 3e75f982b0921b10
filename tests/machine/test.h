// SPDX-License-Identifier: MIT
// Between the runner, the hooks and the tests of the machine layer.
#pragma once

#include <arch/hooks.h>
#include <arch/thread.h>
#include <cpu.h>

// Ends the test with a diagnostic line when the condition is false.
#define CHECK(condition)                                    \
    do {                                                    \
        if (!(condition)) {                                 \
            test_fail(__FILE_NAME__, __LINE__, #condition); \
            return;                                         \
        }                                                   \
    } while (0)

void test_fail(const char *file, int line, const char *what);

// Runs function(argument) on another CPU, with interrupts on; test_join waits for its end.
void test_run_on(uint32_t cpu, void (*function)(void *argument), void *argument);
void test_join(uint32_t cpu);
void test_forget(uint32_t cpu); // the work will not come back: the CPU waits for more elsewhere

// The thread that runs the tests.
extern struct arch_thread test_thread;

// What the hooks do and saw.
struct hooks {
    void (*system_call)(struct arch_frame *frame);
    void (*exit_work)(struct arch_frame *frame);
    void (*preempt)(void);
    void (*timer)(void);
    ts_status_t (*page_fault)(vaddr_t address, unsigned fault);
    void (*exception)(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address);
    _Atomic uint32_t tables, pages; // given out and not come back
};
extern struct hooks hooks;

// Takes the free memory over from the early allocator.
void hooks_init(void);

// A page of memory, zeroed, for ever.
paddr_t test_page(void);

// The tests, by file.
void test_string(void);
void test_format(void);
void test_clock(void);
void test_timer(void);
void test_map(void);
void test_map_refusals(void);
void test_range(void);
void test_space_tables(void);
void test_copy(void);
void test_copy_faults(void);
void test_copy_resolved(void);
void test_switch(void);
void test_resume(void);
void test_preempt(void);
void test_migrate(void);
void test_stack_reuse(void);
void test_flush(void);
void test_leave_space(void);
void test_quiesce(void);
void test_spinlock(void);
void test_user_call(void);
void test_user_registers(void);
void test_user_start_registers(void);
void test_user_exceptions(void);
void test_user_step(void);
void test_user_preempted_vectors(void);
void test_rule_m07_user_vectors_cleared(void);
void test_rule_m07_user_selectors_cleared(void);
void test_rule_m07_user_x87_pointers_cleared(void);
void test_user_thread_pointer(void);
void test_user_bad_frames(void);
void test_user_nmi(void);
void test_interrupts(void);
void test_log(void);
