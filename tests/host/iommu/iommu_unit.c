// SPDX-License-Identifier: MIT
// One VT-d unit: what it has been told when, and what it tells. The test is the hardware, which
// works whenever the CPU waits for it, and the kernel above.
#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <cpu.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/descriptors.h>
#include <machine/features.h>
#include <machine/iommu.h>
#include <machine/x86.h>
#include <panic.h>
#include <string.h>
#include <tessera/abi/status.h>
#include "device.h"
#include "tests/host/check.h"
#include "vtd.h"

#define RAM       0x400000u
#define REGISTERS 0xfed90000u
#define RESERVED  0xf0000000u
#define RECORDS   4u
#define RECORD_AT 0x100u
#define SOURCE    0x0018u // 00:03.0
#define OTHER     0x0020u
#define HELD_BACK 0x00f8u // 00:1f.0, with a region of the firmware's
#define BOLD      0x00f0u // 00:1e.0, whose region is the unit's registers

_Alignas(4096) char world_ram[RAM];
struct boot_info boot_info = {.ranges = {{0, RAM, BOOT_MEMORY_RAM}}, .range_count = 1};
struct cpu_features cpu_features;
struct acpi_info acpi;

// ---- The hardware

_Alignas(4096) static uint8_t registers[4096];
static bool forgotten[256]; // by number of domain, since it was last set to false
static bool contexts_forgotten;

static uint32_t *reg32(uint32_t offset)
{
    return (uint32_t *)(void *)(registers + offset);
}

static uint64_t *reg64(uint32_t offset)
{
    return (uint64_t *)(void *)(registers + offset);
}

static void descriptor(const uint64_t *words)
{
    unsigned kind = words[0] & 15;
    if (kind == 1) {
        contexts_forgotten = true;
    }
    if (kind == 2) {
        for (unsigned i = 0; i < 256; i++) {
            forgotten[i] |= (words[0] >> 4 & 3) == 1 || (words[0] >> 16 & 0xffff) == i;
        }
        CHECK((words[0] >> 6 & 3) == 3); // what is under way is done as well
    }
    if (kind == 5) {
        *(uint32_t *)phys_to_virt(words[1]) = (uint32_t)(words[0] >> 32);
    }
}

void arch_cpu_relax(void)
{
    static uint32_t head;
    uint32_t command = *reg32(0x18), *status = reg32(0x1c);
    if (!(command & 1u << 26)) {
        head = 0;
    }
    *status = (command & 0x86000000u) | (command & 1u << 30) | (*status & 1u << 30);
    for (; (command & 1u << 26) && head != *reg32(0x88); head = (head + 16) % 4096) {
        descriptor((uint64_t *)(void *)((char *)phys_to_virt(*reg64(0x90)) + head));
    }
    // A record is cleared by a write of one to its highest bit.
    for (unsigned i = 0; i < RECORDS; i++) {
        if (*reg32(RECORD_AT + 16 * i + 12) == 1u << 31) {
            *reg64(RECORD_AT + 16 * i + 8) = 0;
        }
    }
}

// The function reaches for a page that it may not.
static void record(unsigned at, uint16_t source)
{
    *reg64(RECORD_AT + 16 * at) = 0x5000;
    *reg64(RECORD_AT + 16 * at + 8) = UINT64_C(1) << 63 | UINT64_C(5) << 32 | source;
}

// The context entry of a function.
static const uint64_t *entry(uint16_t source)
{
    const uint64_t *root = phys_to_virt(*reg64(0x20));
    CHECK(root[2 * (source >> 8)] & 1);
    const uint64_t *table = phys_to_virt(root[2 * (source >> 8)] & ~UINT64_C(0xfff));
    return &table[2 * (source & 0xff)];
}

static unsigned config_reads;

void x86_out32(uint16_t port, uint32_t value)
{
    (void)port, (void)value;
    config_reads++;
}

uint32_t x86_in32(uint16_t port)
{
    (void)port;
    return 0x00010000; // a bridge, to bus 0: nothing is behind it
}

volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache)
{
    (void)prot, (void)cache;
    CHECK(address == REGISTERS && bytes <= sizeof(registers));
    return registers;
}

// ---- The kernel

static paddr_t next_page = 0x100000;
static bool booting = true;
static uint64_t tables; // given out to drivers
static unsigned told_count;
static struct dma_fault told; // the last

paddr_t boot_page_alloc(uint64_t bytes, uint64_t align)
{
    paddr_t page = (next_page + align - 1) & ~(align - 1);
    next_page = page + bytes;
    CHECK(next_page <= RAM);
    memset(world_ram + page, 0, bytes);
    return page;
}

bool boot_memory_active(void)
{
    return booting;
}

ts_status_t kernel_page_alloc(paddr_t *out_page)
{
    *out_page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    return TS_OK;
}

void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

ts_status_t dma_table_alloc(struct device_hold *owner, paddr_t *out_page)
{
    CHECK(owner != NULL);
    tables++;
    return kernel_page_alloc(out_page);
}

static uint32_t freed_of; // the domain that tables may be freed of

void dma_table_free(struct device_hold *owner, paddr_t page)
{
    CHECK(owner != NULL && page != 0 && tables-- > 0);
    CHECK(forgotten[freed_of]); // before it is anybody else's
    memset(phys_to_virt(page), 0xff, PAGE_SIZE);
}

void kernel_dma_fault(const struct dma_fault *fault)
{
    told = *fault;
    told_count++;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

struct cpu *cpu_by_id(uint32_t id)
{
    static struct cpu cpu;
    CHECK(id == 0);
    return &cpu;
}

// ---- Tests

static struct device_hold *const owner = (struct device_hold *)(void *)world_ram;

static struct arch_dma *make(uint16_t source)
{
    struct arch_dma *dma;
    CHECK(arch_dma_create(source, owner, &dma) == TS_OK);
    freed_of = dma->id;
    return dma;
}

static struct arch_dma *admitted(uint16_t source, uint64_t admission)
{
    struct arch_dma *dma = make(source);
    CHECK(arch_dma_admit(dma, admission) == TS_OK);
    CHECK((entry(source)[0] & 1) && entry(source)[1] >> 8 == dma->id);
    return dma;
}

static void destroy(struct arch_dma *dma)
{
    freed_of = dma->id;
    arch_dma_destroy(dma);
}

static void start(void)
{
    static uint8_t table[48 + 16 + 24 + 8 + 24 + 8];
    const uint64_t unit = REGISTERS, first = RESERVED, last = RESERVED + 0x1fff;
    const uint64_t unit_last = REGISTERS + 0xfff;
    table[48 + 2] = 16;
    table[48 + 4] = 1; // all
    memcpy(table + 48 + 8, &unit, 8);
    table[64] = 1;
    table[64 + 2] = 32;
    memcpy(table + 64 + 8, &first, 8);
    memcpy(table + 64 + 16, &last, 8);
    memcpy(table + 88, (uint8_t[]){DMAR_ENDPOINT, 8, 0, 0, 0, 0, 0x1f, 0}, 8);
    table[96] = 1;
    table[96 + 2] = 32;
    memcpy(table + 96 + 8, &unit, 8);
    memcpy(table + 96 + 16, &unit_last, 8);
    memcpy(table + 120, (uint8_t[]){DMAR_ENDPOINT, 8, 0, 0, 0, 0, 0x1e, 0}, 8);
    // 16 bits of number, 48 of address, four records.
    *reg64(0x08) = 6 | 4u << 8 | UINT64_C(47) << 16 | (uint64_t)(RECORD_AT / 16) << 24 |
                   (uint64_t)(RECORDS - 1) << 40;
    *reg64(0x10) = 1 | 2 | (uint64_t)(4096 / 16 + 1) << 8; // it forgets pages by the next page
    record(0, OTHER);                                      // from before our time
    struct acpi_table dmar = {table, sizeof(table)}, ivrs = {0};
    iommu_init(&dmar, &ivrs);
    CHECK(arch_dma_held(SOURCE) && (*reg32(0x1c) & 1u << 31));
    CHECK(contexts_forgotten && told_count == 0);
    booting = false;
}

static void test_registers_are_the_kernels(void)
{
    CHECK(iommu_has_registers(REGISTERS, 1) && iommu_has_registers(0, REGISTERS + 1));
    CHECK(!(entry(BOLD)[0] & 1)); // whatever firmware says
    CHECK(!iommu_has_registers(REGISTERS - 4096, 4096));
    CHECK(iommu_has_registers(REGISTERS + 4096, 4096));
    CHECK(!iommu_has_registers(REGISTERS + 8192, 4096));
}

static void test_reserved(void)
{
    CHECK(entry(HELD_BACK)[0] & 1);
    unsigned before = config_reads;
    struct arch_dma *dma = admitted(HELD_BACK, 1);
    CHECK(tables == 4 && dma->reserved && told_count == 0);
    destroy(dma);
    CHECK(tables == 0 && !(entry(HELD_BACK)[0] & 1));
    CHECK(config_reads == before); // these ports are the PCI server's by now
}

// No table and no page is anybody else's before the hardware has forgotten it.
static void test_tables(void)
{
    struct arch_dma *dma = admitted(SOURCE, 1);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(arch_dma_map(dma, 0x200000) == TS_OK);
    }
    CHECK(tables == 4);
    memset(forgotten, 0, sizeof(forgotten));
    arch_dma_unmap(dma, 0x200000);
    arch_dma_unmap(dma, 0x200000);
    CHECK(tables == 4 && dma->given_back == 0);
    arch_dma_unmap(dma, 0x200000);
    CHECK(tables == 4 && dma->given_back != 0);
    arch_dma_flush(dma);
    CHECK(tables == 1);
    CHECK(arch_dma_map(dma, UINT64_C(1) << 48) == TS_ERR_RANGE);
    contexts_forgotten = false;
    memset(forgotten, 0, sizeof(forgotten));
    arch_dma_block(dma);
    CHECK(contexts_forgotten && forgotten[dma->id] && !(entry(SOURCE)[0] & 1));
    arch_dma_flush(dma);
    CHECK(tables == 0);
    destroy(dma);
}

static void test_fault(void)
{
    struct arch_dma *dma = admitted(SOURCE, 7);
    told_count = 0;
    record(1, SOURCE);
    iommu_interrupt();
    CHECK(told_count == 1 && told.admission == 7 && told.device == SOURCE && told.write);
    CHECK(entry(SOURCE)[0] == VTD_CONTEXT_NO_FAULT);
    record(2, SOURCE); // what was on the way
    iommu_interrupt();
    CHECK(told_count == 2 && told.admission == 0);
    destroy(dma);
}

// What a device did for one driver is not told of the next.
static void test_record_of_the_one_before(void)
{
    struct arch_dma *dma = admitted(SOURCE, 1);
    record(3, SOURCE);
    destroy(dma);
    told_count = 0;
    dma = admitted(SOURCE, 2);
    iommu_interrupt();
    CHECK(told_count == 0 && (entry(SOURCE)[0] & 1));
    destroy(dma);
}

// A unit that was masked has records of which no interrupt will tell: the next admission does.
static void test_masked(void)
{
    struct arch_dma *dma = admitted(SOURCE, 1);
    for (told_count = 0; told_count < 64;) {
        unsigned before = told_count;
        record(0, OTHER); // messages, say, which no context stops
        iommu_interrupt();
        CHECK(told_count == before + 1);
    }
    CHECK(*reg32(0x38) == 1u << 31);
    record(1, SOURCE);
    iommu_interrupt();
    CHECK(told_count == 64);
    struct arch_dma *next = admitted(OTHER, 2);
    CHECK(told_count == 65 && told.admission == 1 && *reg32(0x38) == 0);
    CHECK(entry(SOURCE)[0] == VTD_CONTEXT_NO_FAULT);
    destroy(dma);
    destroy(next);
}

// Held up in DRIVE until its domain has ended and another has the device.
static void test_late_admission(void)
{
    struct arch_dma *late = make(SOURCE);
    arch_dma_close(late);
    struct arch_dma *dma = admitted(SOURCE, 2);
    CHECK(arch_dma_admit(late, 1) == TS_ERR_GONE);
    arch_dma_block(late);
    CHECK((entry(SOURCE)[0] & 1) && entry(SOURCE)[1] >> 8 == dma->id);
    destroy(late);
    CHECK(entry(SOURCE)[0] & 1);
    destroy(dma);
    CHECK(tables == 0);
}

int main(void)
{
    start();
    test_registers_are_the_kernels();
    test_reserved();
    test_tables();
    test_fault();
    test_record_of_the_one_before();
    test_masked();
    test_late_admission();
    return 0;
}
