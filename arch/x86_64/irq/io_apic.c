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

#define ENTRY_LOW    (1u << 13)
#define ENTRY_LEVEL  (1u << 15)
#define ENTRY_MASKED (1u << 16)

struct io_apic {
    volatile char *registers;
    uint32_t first, count; // global lines
    uint32_t source;       // as an IOMMU sees it
};

static struct io_apic controllers[ACPI_IO_APIC_MAX];
static uint32_t controller_count;

static uint32_t read(const struct io_apic *c, uint32_t reg)
{
    *(volatile uint32_t *)c->registers = reg;
    return *(volatile uint32_t *)(c->registers + 0x10);
}

static void write(const struct io_apic *c, uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)c->registers = reg;
    *(volatile uint32_t *)(c->registers + 0x10) = value;
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
        c->count = (read(c, REG_VERSION) >> 16 & 0xff) + 1;
        for (uint32_t line = 0; line < c->count; line++) {
            write(c, REG_TABLE + 2 * line, ENTRY_MASKED);
            write(c, REG_TABLE + 2 * line + 1, 0);
        }
        controller_count++;
    }
}

static const struct io_apic *find(uint32_t line)
{
    for (uint32_t i = 0; i < controller_count; i++) {
        const struct io_apic *c = &controllers[i];
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
    const struct io_apic *c = find(line);
    if (c == NULL || (apic > 0xff && !remap_wide())) {
        return false;
    }
    uint32_t reg = REG_TABLE + 2 * (line - c->first);
    uint32_t low = vector | ENTRY_MASKED | (flags & TS_LINE_LOW ? ENTRY_LOW : 0) |
                   (flags & TS_LINE_LEVEL ? ENTRY_LEVEL : 0);
    write(c, reg, ENTRY_MASKED);
    if (remap_active() && !remap_set(number, vector, apic, flags & TS_LINE_LEVEL, c->source)) {
        return false;
    }
    write(c, reg + 1, remap_active() ? remap_line_high(number) : apic << 24);
    write(c, reg, low);
    return true;
}

void io_apic_mask(uint32_t line, bool masked)
{
    const struct io_apic *c = find(line);
    if (c != NULL) {
        uint32_t reg = REG_TABLE + 2 * (line - c->first);
        uint32_t low = read(c, reg) & ~ENTRY_MASKED;
        write(c, reg, low | (masked ? ENTRY_MASKED : 0));
    }
}
