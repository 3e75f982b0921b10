// SPDX-License-Identifier: MIT
#include <arch/frame.h>

#include <tessera/abi/status.h>
#include <tessera/machine/address.h>

void arch_frame_start(struct arch_frame *frame, vaddr_t pc, vaddr_t stack, uint64_t argument)
{
    *frame = (struct arch_frame){.pc = pc, .stack = stack, .arguments = {argument}};
}

void arch_frame_export(const struct arch_frame *frame, struct ts_registers *out_registers)
{
    *out_registers = (struct ts_registers){.pc = frame->pc, .sp = frame->stack};
}

ts_status_t arch_frame_import(struct arch_frame *frame, const struct ts_registers *registers)
{
    if (registers->pc >= TS_USER_END) {
        return TS_ERR_ARGUMENT;
    }
    *frame = (struct arch_frame){.pc = registers->pc, .stack = registers->sp};
    return TS_OK;
}
