// SPDX-License-Identifier: MIT
// The hardware's side of an AMD-Vi unit. See amd.h; its log of events is in amd_log.c.
#include "amd.h"

#include "amd_registers.h"
#include "device.h"

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <log.h>
#include <panic.h>

#define BUFFER_LENGTH 256u // commands, a page
#define BUFFER_CODE   (UINT64_C(8) << 56)
#define BATCH         128u
#define PATIENCE      20000000u // reads of a register: seconds

#define DEVICES_CODE (AMD_DEVICES * 32u / PAGE_SIZE - 1)

#define CAPABILITY_ID      0x0fu
#define CAPABILITY_KIND    3u // of the third byte: an IOMMU
#define CAPABILITY_ABSENTS 4u // of the last byte: it remembers what was not there

#define WAIT              (UINT64_C(1) << 60)
#define FORGET_DEVICE     (UINT64_C(2) << 60)
#define FORGET_PAGES      (UINT64_C(3) << 60)
#define FORGET_INTERRUPTS (UINT64_C(5) << 60)
#define FORGET_ALL        (UINT64_C(8) << 60)
#define WAIT_STORE        1u
#define ALL_PAGES         UINT64_C(0x7ffffffffffff003) // and the tables

static bool status_becomes(const struct amd *u, uint32_t bits, bool on)
{
    for (uint32_t tries = 0; tries < PATIENCE; tries++) {
        if ((amd_read32(u, AMD_STATUS) & bits) == (on ? bits : 0)) {
            return true;
        }
        arch_cpu_relax();
    }
    log_error("iommu: the unit at %#lx does not answer", (unsigned long)u->unit.place);
    return false;
}

bool amd_open(struct amd *u, const struct ivrs_unit *said, paddr_t ram_end)
{
    uint8_t bus = (uint8_t)(said->source >> 8), devfn = (uint8_t)said->source;
    uint8_t at = (uint8_t)said->capability;
    *u = (struct amd){.unit = {.kind = &amd_kind,
                               .place = said->registers,
                               .place_end = said->registers + AMD_REGISTERS,
                               .segment = said->segment,
                               .levels = ram_end <= UINT64_C(1) << 39 ? 3 : 4,
                               .ids = UINT16_MAX},
                      .source = said->source,
                      .capability = at,
                      .flags = said->flags};
    u->unit.width = u->unit.levels == 3 ? 39 : 48;
    spin_init(&u->unit.lock, "iommu");
    u->registers =
        arch_device_map(said->registers, AMD_REGISTERS, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
    u->features = u->registers != NULL ? amd_read64(u, AMD_FEATURES) : UINT64_MAX;
    if (said->segment != 0) {
        return true; // it stays off: its function is out of reach
    }
    if (u->features == UINT64_MAX || config_read(bus, devfn, at) != CAPABILITY_ID ||
        (config_read(bus, devfn, (uint8_t)(at + 2)) & 7) != CAPABILITY_KIND) {
        log_error("iommu: the unit at %#lx (%lx) is not of a kind that is known",
                  (unsigned long)u->unit.place, (unsigned long)u->features);
        return false;
    }
    u->unit.caches_absent = config_read(bus, devfn, (uint8_t)(at + 3)) & CAPABILITY_ABSENTS;
    return true;
}

// ---- Commands

static void command_add(struct amd *u, uint64_t low, uint64_t high)
{
    volatile uint64_t *command = u->commands[u->tail];
    command[0] = low;
    command[1] = high;
    u->tail = (u->tail + 1) % BUFFER_LENGTH;
}

// Has the commands worked off. What is not forgotten by then could still be reached: no way to go
// on.
static void commands_run(struct amd *u)
{
    paddr_t answer = virt_to_phys((void *)(uintptr_t)&u->done);
    command_add(u, WAIT | answer | WAIT_STORE, ++u->ticket);
    atomic_thread_fence(memory_order_seq_cst);
    amd_write32(u, AMD_COMMAND_TAIL, u->tail * 16);
    for (uint32_t tries = 0; u->done != u->ticket; tries++) {
        if (tries == PATIENCE) {
            panic("iommu: the unit at %#lx does not answer (%#x)", (unsigned long)u->unit.place,
                  amd_read32(u, AMD_STATUS));
        }
        arch_cpu_relax();
    }
}

static void command(struct amd *u, uint64_t low, uint64_t high)
{
    if (u->started) {
        command_add(u, low, high);
        commands_run(u);
    }
}

void amd_forget_device(struct amd *u, uint16_t source)
{
    command(u, FORGET_DEVICE | source, 0);
}

void amd_forget_interrupts(struct amd *u, uint16_t source)
{
    command(u, FORGET_INTERRUPTS | source, 0);
}

void amd_forget_pages(struct amd *u, uint16_t id)
{
    command(u, FORGET_PAGES | (uint64_t)id << 32, ALL_PAGES);
}

// For units of the first years, which have no command for it. Ids of domains are as many as
// functions.
static void forget_each(struct amd *u)
{
    for (uint32_t i = 0; i < AMD_DEVICES; i++) {
        command_add(u, FORGET_DEVICE | i, 0);
        command_add(u, FORGET_INTERRUPTS | i, 0);
        if (i % (BATCH / 2) == BATCH / 2 - 1) {
            commands_run(u);
        }
    }
    for (uint32_t i = 0; i < AMD_DEVICES; i++) {
        command_add(u, FORGET_PAGES | (uint64_t)i << 32, ALL_PAGES);
        if (i % BATCH == BATCH - 1) {
            commands_run(u);
        }
    }
}

void amd_forget_all(struct amd *u)
{
    if (u->features & AMD_FEATURE_FORGET_ALL) {
        command(u, FORGET_ALL, 0);
    } else if (u->started) {
        forget_each(u);
    }
}

// ---- Taking over

bool amd_prepare(struct amd *u)
{
    if (u->unit.segment != 0) {
        log_error("iommu: the unit at %#lx is of segment %u: it is not used",
                  (unsigned long)u->unit.place, u->unit.segment);
        return false;
    }
    amd_write64(u, AMD_CONTROL, 0);
    if (!status_becomes(u, AMD_STATUS_RUN, false)) {
        return false;
    }
    u->commands = phys_to_virt(boot_page_alloc(PAGE_SIZE, PAGE_SIZE));
    u->events = phys_to_virt(boot_page_alloc(PAGE_SIZE, PAGE_SIZE));
    amd_write64(u, AMD_DEVICE_TABLE, virt_to_phys(u->entries) | DEVICES_CODE);
    amd_write64(u, AMD_COMMANDS, virt_to_phys(u->commands) | BUFFER_CODE);
    amd_write64(u, AMD_EVENTS, virt_to_phys(u->events) | BUFFER_CODE);
    amd_write64(u, AMD_EXCLUSION, 0);
    amd_write64(u, AMD_COMMAND_HEAD, 0);
    amd_write64(u, AMD_COMMAND_TAIL, 0);
    amd_write64(u, AMD_EVENT_HEAD, 0);
    amd_write64(u, AMD_EVENT_TAIL, 0);
    return true;
}

bool amd_start(struct amd *u)
{
    // As firmware says: tunnelling, passing of posted writes, isochronous traffic.
    u->control = AMD_CONTROL_ENABLE | AMD_CONTROL_EVENTS | AMD_CONTROL_COHERENT |
                 AMD_CONTROL_COMMANDS | (u->flags & 1u) << 1 | (u->flags & 6u) << 7 |
                 (u->flags & 8u) << 8;
    irqflags_t flags = spin_lock(&u->unit.lock);
    amd_write64(u, AMD_CONTROL, u->control);
    u->started = status_becomes(u, AMD_STATUS_RUN, true);
    amd_forget_all(u);
    spin_unlock(&u->unit.lock, flags);
    return u->started;
}
