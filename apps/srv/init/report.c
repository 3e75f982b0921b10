// SPDX-License-Identifier: MIT
// What the log says when a service ended.
#include "report.h"
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/process.h>

#define NAME_OF(name) TEXT_OF(name)
#define TEXT_OF(name) #name

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

// All of the machine's, four a line.
static void log_registers(const struct service *service, const struct ts_process_report *report)
{
#define TS_REGISTER(name) {#name, report->registers.name},
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
#include <tessera/machine/register.def>
    };
#undef TS_REGISTER
    char line[100];
    size_t length = 0;
    ts_log("%s %016lx = %s+%lx  thread pointer %lx", NAME_OF(TS_REGISTER_PC), ts_report_pc(report),
           service->config->name, ts_report_pc(report) - service->bias,
           report->registers.thread_pointer);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        length += ts_format(line + length, sizeof(line) - length, " %-3s %016lx", registers[i].name,
                            registers[i].value);
        if (i % 4 == 3 || i + 1 == sizeof(registers) / sizeof(registers[0])) {
            ts_log("%s", line + 1);
            length = 0;
        }
    }
}

void report_end(const struct service *service, const struct ts_process_report *report)
{
    const char *name = service->name;
    ts_time_t ran = ts_clock_now() - service->started;
    unsigned seconds = (unsigned)(ran / TS_SECOND);
    switch (report->reason) {
    case TS_EXIT_STATUS:
        if (report->status == TS_INIT_EXIT_NO_DEVICE) {
            ts_log("%s: this machine has no device for it", name);
            break;
        }
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
