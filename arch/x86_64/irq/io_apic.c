// SPDX-License-Identifier: MIT
// I/O APICs (Intel 82093AA): two registers, through which a table of 64-bit entries is reached.
#include "io_apic.h"

#include <arch/interrupt.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/apic.h>
#include <machine/iommu.h>

#define REG_VERSION 0x01u
#define REG_TABLE   0x10u

#define LINES_MAX 240u // more than any of them has

#define ENTRY_LOW    (1u << 13)
#define ENTRY_LEVEL  (1u << 15)
#define ENTRY_MASKED (1u << 16)

struct io_apic {
    volatile char *registers;
    uint32_t first, count; // global lines
    uint32_t source;       // as an IOMMU sees it
    // What its registers hold, since each access is slow, and a line is masked and unmasked for
    // each of its interrupts.
    uint32_t selected;
    uint32_t low[LINES_MAX]; // of each entry
};

static struct io_apic controllers[ACPI_IO_APIC_MAX];
static uint32_t controller_count;

static void select_register(struct io_apic *c, uint32_t reg)
{
    if (c->selected != reg) {
        *(volatile uint32_t *)c->registers = reg;
        c->selected = reg;
    }
}

static uint32_t read(struct io_apic *c, uint32_t reg)
{
    select_register(c, reg);
    return *(volatile uint32_t *)(c->registers + 0x10);
}

static void write(struct io_apic *c, uint32_t reg, uint32_t value)
{
    select_register(c, reg);
    *(volatile uint32_t *)(c->registers + 0x10) = value;
}

static void write_low(struct io_apic *c, uint32_t line, uint32_t value)
{
    c->low[line] = value;
    write(c, REG_TABLE + 2 * line, value);
}

static void write_high(struct io_apic *c, uint32_t line, uint32_t value)
{
    write(c, REG_TABLE + 2 * line + 1, value);
}

void io_apic_init(void)
{
    for (uint32_t i = 0; i < acpi.io_apic_count; i++) {
        struct io_apic *c = &controllers[controller_count];
        c->registers = arch_device_map(acpi.io_apic[i].address, PAGE_SIZE, ARCH_PROT_WRITE,
                                       ARCH_CACHE_UNCACHED);
        if (c->registers == NULL) {
            continue;
        }
        c->first = acpi.io_apic[i].first_line;
        c->source = remap_active() ? remap_io_apic_source(acpi.io_apic[i].id) : IOMMU_NO_SOURCE;
        c->selected = UINT32_MAX;
        c->count = (read(c, REG_VERSION) >> 16 & 0xff) + 1;
        c->count = c->count < LINES_MAX ? c->count : LINES_MAX;
        for (uint32_t line = 0; line < c->count; line++) {
            write_low(c, line, ENTRY_MASKED);
            write_high(c, line, 0);
        }
        controller_count++;
    }
}

bool io_apic_has_registers(paddr_t base, uint64_t bytes)
{
    for (uint32_t i = 0; i < acpi.io_apic_count; i++) {
        paddr_t page = acpi.io_apic[i].address & ~(paddr_t)PAGE_MASK;
        if (base < page + PAGE_SIZE && page < base + bytes) {
            return true;
        }
    }
    return false;
}

static struct io_apic *find(uint32_t line)
{
    for (uint32_t i = 0; i < controller_count; i++) {
        struct io_apic *c = &controllers[i];
        if (line >= c->first && line - c->first < c->count) {
            return c;
        }
    }
    return NULL;
}

uint32_t io_apic_line_count(void)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < controller_count; i++) {
        uint32_t last = controllers[i].first + controllers[i].count;
        end = last > end ? last : end;
    }
    return end;
}

bool io_apic_route(uint32_t line, unsigned flags, uint32_t apic, uint32_t vector, uint32_t number)
{
    struct io_apic *c = find(line);
    if (c == NULL || (apic > 0xff && !remap_wide())) {
        return false;
    }
    line -= c->first;
    uint32_t low = vector | ENTRY_MASKED | (flags & TS_LINE_LOW ? ENTRY_LOW : 0) |
                   (flags & TS_LINE_LEVEL ? ENTRY_LEVEL : 0);
    write_low(c, line, ENTRY_MASKED);
    if (remap_active() && !remap_set(number, vector, apic, flags & TS_LINE_LEVEL, c->source)) {
        return false;
    }
    write_high(c, line, remap_active() ? remap_line_high(number) : apic << 24);
    write_low(c, line, low);
    return true;
}

void io_apic_mask(uint32_t line, bool masked)
{
    struct io_apic *c = find(line);
    if (c != NULL) {
        line -= c->first;
        uint32_t low = c->low[line] & ~ENTRY_MASKED;
        write_low(c, line, low | (masked ? ENTRY_MASKED : 0));
    }
}
