// SPDX-License-Identifier: MIT
// The registers of a thread in user mode, as reports and debuggers see them, made from
// register.def. Programs for every machine go through the table, or use the names below.
#pragma once

#include <stdint.h>

struct ts_registers {
#define TS_REGISTER(name) uint64_t name;
#include <tessera/machine/register.def>
#undef TS_REGISTER
    uint64_t thread_pointer, reserved;
};

#define TS_REGISTER_PC   rip // the field that is the program counter
#define TS_REGISTER_MARK rax // the field that has what ts_process_trap() was given

// Exceptions, as ts_process_report.fault has them.
enum ts_exception {
    TS_EXCEPTION_DIVISION = 0,
    TS_EXCEPTION_INSTRUCTION = 6, // one that is not valid, as ts_process_trap() uses
    TS_EXCEPTION_MEMORY = 14,
};
