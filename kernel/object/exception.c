// SPDX-License-Identifier: MIT
// An exception in a program ends it with a report: which, where, registers, and callers.
#include <object/exception.h>

#include <arch/user.h>
#include <log.h>
#include <mm/address_space.h>
#include <object/process.h>
#include <sched/sched.h>
#include <tessera/machine/frame.h>

#define BACKTRACE_MAX (sizeof(((struct ts_process_report *)0)->backtrace) / sizeof(uint64_t))

// Return addresses by frame pointer. The stack is the program's: every word may be anything, so the
// walk is bounded, goes upwards only, and ends at the first word that cannot be read.
static void backtrace(const struct arch_frame *frame, uint64_t out_addresses[BACKTRACE_MAX])
{
    vaddr_t base = arch_frame_base(frame);
    for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
        uint64_t next;
        if ((base & 7) != 0 ||
            get_user_u64(&next, base + offsetof(struct ts_frame, next)) != TS_OK ||
            get_user_u64(&out_addresses[i], base + offsetof(struct ts_frame, pc)) != TS_OK) {
            return;
        }
        if (out_addresses[i] == 0 || next <= base) {
            return;
        }
        base = next;
    }
}

_Noreturn void exception_end_process(const struct arch_frame *frame, uint32_t vector,
                                     uint64_t error, vaddr_t address)
{
    struct thread *thread = thread_current();
    struct process *process = thread->process;
    bool limit = address != 0 && space_fault_reason() != TS_ERR_FAULT;
    struct ts_process_report report = {
        .reason = limit ? TS_EXIT_LIMIT : TS_EXIT_FAULT,
        .status = limit ? TS_ERR_LIMIT : TS_ERR_FAULT,
        .fault = vector,
        .fault_code = (uint32_t)error,
        .fault_address = address,
    };
    arch_frame_export(frame, &report.registers);
    report.registers.thread_pointer = arch_thread_pointer(&thread->machine);
    backtrace(frame, report.backtrace);
    log_warn("process %lu (%s): %s: exception %u, error %#x, address %#lx, pc %#lx",
             (unsigned long)process->member.id, process->name,
             limit ? "memory limit reached" : "fault", vector, report.fault_code,
             (unsigned long)address, (unsigned long)arch_frame_pc(frame));
    process_end(process, &report);
    thread_exit();
}
