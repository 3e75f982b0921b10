// SPDX-License-Identifier: MIT
// What the log says when a service ended.
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include "init.h"

// Addresses of the program itself, as in its .debug file, besides where they were.
static void log_backtrace(const struct service *service, const struct ts_process_report *report)
{
    for (size_t i = 0; i < sizeof(report->backtrace) / sizeof(report->backtrace[0]); i++) {
        uint64_t address = report->backtrace[i];
        if (!address) {
            break;
        }
        ts_log("called from %016lx = %s+%lx", (unsigned long)address, service->config->name,
               (unsigned long)(address - service->bias));
    }
}

static void log_registers(const struct service *service, const struct ts_process_report *report)
{
    const struct ts_registers *r = &report->registers;
    ts_log("rip %016lx = %s+%lx  rflags %lx  fs %lx", r->rip, service->config->name,
           r->rip - service->bias, r->rflags, r->thread_pointer);
    ts_log("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx, r->rdx);
    ts_log("rsi %016lx rdi %016lx rbp %016lx rsp %016lx", r->rsi, r->rdi, r->rbp, r->rsp);
    ts_log("r8  %016lx r9  %016lx r10 %016lx r11 %016lx", r->r8, r->r9, r->r10, r->r11);
    ts_log("r12 %016lx r13 %016lx r14 %016lx r15 %016lx", r->r12, r->r13, r->r14, r->r15);
}

void report_end(const struct service *service, const struct ts_process_report *report)
{
    const char *name = service->config->name;
    ts_time_t ran = ts_clock_now() - service->started;
    unsigned seconds = (unsigned)(ran / TS_SECOND);
    switch (report->reason) {
    case TS_EXIT_STATUS:
        ts_log("%s ended with status %d after %u s", name, report->status, seconds);
        break;
    case TS_EXIT_FAULT:
        ts_log("%s died after %u s: exception %u, code %x, at address %lx", name, seconds,
               report->fault, report->fault_code, (unsigned long)report->fault_address);
        break;
    case TS_EXIT_KILLED: ts_log("%s was killed after %u s", name, seconds); break;
    case TS_EXIT_LIMIT:
        ts_log("%s was over its memory limit after %u s, at address %lx", name, seconds,
               (unsigned long)report->fault_address);
        break;
    case TS_EXIT_DMA:
        ts_log("%s was ended after %u s: its device reached for %lx, which is not pinned", name,
               seconds, (unsigned long)report->fault_address);
        break;
    default: ts_log("%s ended after %u s", name, seconds); break;
    }
    if (report->reason == TS_EXIT_FAULT || report->reason == TS_EXIT_LIMIT) {
        log_registers(service, report);
        log_backtrace(service, report);
    }
}
