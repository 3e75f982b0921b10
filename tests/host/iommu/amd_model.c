// SPDX-License-Identifier: MIT
// See amd_model.h.
#include "amd_model.h"

#include <string.h>

#include <arch/boot.h>
#include <arch/iommu.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <cpu.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/descriptors.h>
#include <machine/features.h>
#include <machine/iommu.h>
#include <machine/irqflags.h>
#include <machine/x86.h>
#include <panic.h>
#include <tessera/abi/status.h>
#include "amd_registers.h"
#include "device.h"
#include "tests/host/check.h"

#define CACHED  4096u
#define ENTRIES 65536u
#define SHOWN   (1u << 31) // of the status register
#define RING    4096u

// What each unit has; `model_at` is the one that is meant.
static _Alignas(0x4000) char registers[MODEL_UNITS][0x4000];
static _Alignas(PAGE_SIZE) char ram[24 << 20];
static uint32_t ram_used;
static uint8_t configuration[MODEL_UNITS][256];
static uint32_t selected;
static bool booting = true;
static uint32_t status[MODEL_UNITS];      // that is cleared by writing 1
static uint16_t last_source[MODEL_UNITS]; // of the last access
static uint64_t last_address[MODEL_UNITS];

uint8_t model_io_apic = 7;
bool model_forgets_all = true, model_deaf, model_no_memory;
unsigned model_units = 1, model_at, model_slow;
void (*model_logged)(void);
static bool interrupt; // it has sent one
unsigned model_faults;
struct dma_fault model_fault;
int64_t model_tables;
struct boot_info boot_info;
struct acpi_info acpi;
struct cpu_features cpu_features;

static struct {
    uint64_t words[4];
    bool cached;
} devices[MODEL_UNITS][ENTRIES];

static struct {
    uint16_t id;
    uint64_t page, entry;
} pages[MODEL_UNITS][CACHED];
static uint32_t page_count[MODEL_UNITS];

// ---- The machine

static uint64_t *reg(uint32_t offset)
{
    return (uint64_t *)(void *)(registers[model_at] + offset);
}

volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache)
{
    (void)prot, (void)cache;
    unsigned unit = (unsigned)((address - MODEL_REGISTERS) / sizeof(registers[0]));
    CHECK(unit < model_units && bytes == sizeof(registers[0]));
    return registers[unit];
}

paddr_t boot_page_alloc(uint64_t bytes, uint64_t alignment)
{
    ram_used = (ram_used + (uint32_t)alignment - 1) & ~((uint32_t)alignment - 1);
    char *start = ram + ram_used;
    ram_used += (uint32_t)bytes;
    CHECK(ram_used <= sizeof(ram));
    memset(start, 0, bytes);
    return virt_to_phys(start);
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

ts_status_t dma_table_alloc(struct device_hold *owner, paddr_t *out_page)
{
    (void)owner;
    if (model_no_memory) {
        return TS_ERR_LIMIT;
    }
    *out_page = virt_to_phys(aligned_alloc(PAGE_SIZE, PAGE_SIZE));
    memset(phys_to_virt(*out_page), 0, PAGE_SIZE);
    model_tables++;
    return TS_OK;
}

void dma_table_free(struct device_hold *owner, paddr_t page)
{
    (void)owner;
    model_tables--;
    free(phys_to_virt(page)); // what still looks into it is seen
}

void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

struct cpu *cpu_by_id(uint32_t id)
{
    static struct cpu first = {.arch = {.apic_id = 5}};
    CHECK_EQUAL(id, 0);
    return &first;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
    if (model_logged != NULL) {
        model_logged();
    }
}

_Noreturn void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    exit(1);
}

void kernel_dma_fault(const struct dma_fault *fault)
{
    model_faults++;
    model_fault = *fault;
}

// Where the selected register is; NULL: not a unit's.
static uint8_t *configuration_at(void)
{
    for (unsigned i = 0; i < model_units; i++) {
        if ((selected >> 8 & 0xffff) == MODEL_FUNCTION(i)) {
            return configuration[i] + (selected & 0xfc);
        }
    }
    return NULL;
}

void x86_out32(uint16_t port, uint32_t value)
{
    if (port == 0xcf8) {
        selected = value;
    } else if (configuration_at() != NULL) {
        memcpy(configuration_at(), &value, 4);
    }
}

uint32_t x86_in32(uint16_t port)
{
    uint32_t value = 0x1af41af4; // every function is there
    CHECK_EQUAL(port, 0xcfc);
    if (configuration_at() != NULL) {
        memcpy(&value, configuration_at(), 4);
    }
    return value;
}

// ---- Look-ups

static const uint64_t *device(uint16_t source)
{
    if (!devices[model_at][source].cached) {
        uint64_t base = *reg(AMD_DEVICE_TABLE);
        CHECK_EQUAL(base & PAGE_MASK, ENTRIES * 32 / PAGE_SIZE - 1);
        memcpy(devices[model_at][source].words,
               (char *)phys_to_virt(base & ~PAGE_MASK) + source * 32u, 32);
        devices[model_at][source].cached = true;
    }
    return devices[model_at][source].words;
}

// The entry that an address leads to, its rights narrowed by those above.
static uint64_t walk(const uint64_t *entry, uint64_t address)
{
    uint64_t found = entry[0], rights = found;
    unsigned level = found >> 9 & 7;
    if (level < 6 && address >> (12 + 9 * level)) {
        return 0;
    }
    for (; level > 0; level = found >> 9 & 7) {
        uint64_t *table = phys_to_virt(found & 0x000ffffffffff000);
        found = table[address >> (3 + 9 * level) & 511];
        CHECK((found & UINT64_C(0x1ff0000000000000)) == 0); // reserved
        if (!(found & 1)) {
            return 0;
        }
        CHECK((found >> 9 & 7) == level - 1);
        rights &= found;
    }
    return (found & 0x000ffffffffff000) | (rights & (UINT64_C(3) << 61));
}

static uint64_t page_look(const uint64_t *entry, uint64_t address)
{
    uint16_t id = (uint16_t)entry[1];
    for (uint32_t i = 0; i < page_count[model_at]; i++) {
        if (pages[model_at][i].id == id && pages[model_at][i].page == address >> 12) {
            return pages[model_at][i].entry;
        }
    }
    uint64_t found = walk(entry, address);
    if (page_count[model_at] == CACHED) {
        page_count[model_at] = 0;
    }
    pages[model_at][page_count[model_at]].id = id;
    pages[model_at][page_count[model_at]].page = address >> 12;
    pages[model_at][page_count[model_at]++].entry = found;
    return found;
}

// ---- Commands

static void forget_pages(uint16_t id, bool all)
{
    for (uint32_t i = 0; i < page_count[model_at];) {
        if (all || pages[model_at][i].id == id) {
            pages[model_at][i] = pages[model_at][--page_count[model_at]];
        } else {
            i++;
        }
    }
}

static void command_run(const uint64_t *command)
{
    uint64_t low = command[0] & ~(UINT64_C(0xf) << 60);
    switch (command[0] >> 60) {
    case 1: *(uint64_t *)phys_to_virt(low & ~UINT64_C(7)) = command[1]; break;
    case 2: devices[model_at][(uint16_t)low].cached = false; break;
    case 3:
        CHECK_EQUAL(command[1], UINT64_C(0x7ffffffffffff003));
        forget_pages((uint16_t)(low >> 32), false);
        break;
    case 5: break; // the model remembers no interrupts' entries
    case 8:
        CHECK(model_forgets_all);
        for (uint32_t i = 0; i < ENTRIES; i++) {
            devices[model_at][i].cached = false;
        }
        forget_pages(0, true);
        break;
    default: CHECK(!"a command that is known");
    }
}

// A write to the register is known by what it lacks of what it shows.
static void status_show(void)
{
    uint64_t on = *reg(AMD_CONTROL) & AMD_CONTROL_ENABLE ? *reg(AMD_CONTROL) : 0;
    uint32_t seen = (uint32_t)*reg(AMD_STATUS);
    if (!(seen & SHOWN)) {
        status[model_at] &= ~seen;
    }
    *reg(AMD_STATUS) = SHOWN | status[model_at] | (on & AMD_CONTROL_EVENTS ? 8u : 0) |
                       (on & AMD_CONTROL_COMMANDS ? 16u : 0);
}

static void unit_work(void)
{
    status_show();
    while ((*reg(AMD_STATUS) & 16) && *reg(AMD_COMMAND_HEAD) != *reg(AMD_COMMAND_TAIL)) {
        uint64_t *commands = phys_to_virt(*reg(AMD_COMMANDS) & 0x000ffffffffff000);
        CHECK_EQUAL(*reg(AMD_COMMANDS) >> 56, 8);
        command_run(&commands[*reg(AMD_COMMAND_HEAD) / 8]);
        *reg(AMD_COMMAND_HEAD) = (*reg(AMD_COMMAND_HEAD) + 16) % RING;
        const uint64_t *entry = device(last_source[model_at]);
        if (entry[0] >> 9 & 7) {
            (void)page_look(entry, last_address[model_at]);
        }
    }
}

static struct {
    uint64_t *at, low;
    unsigned waits;
} unwritten; // the first word of an event that is shown already

// What hardware does by itself.
void arch_cpu_relax(void)
{
    if (unwritten.at != NULL && --unwritten.waits == 0) {
        *unwritten.at = unwritten.low;
        unwritten.at = NULL;
    }
    unsigned before = model_at;
    for (model_at = 0; model_at < model_units; model_at++) {
        unit_work();
    }
    model_at = before;
}

// ---- Events

static void event_add(uint64_t low, uint64_t address)
{
    uint64_t tail = *reg(AMD_EVENT_TAIL), next = (tail + 16) % RING;
    uint64_t *events = phys_to_virt(*reg(AMD_EVENTS) & 0x000ffffffffff000);
    status_show();
    if (!(*reg(AMD_CONTROL) & AMD_CONTROL_EVENTS) || (status[model_at] & AMD_STATUS_OVERFLOW)) {
        return;
    }
    if (next == *reg(AMD_EVENT_HEAD)) {
        status[model_at] |= AMD_STATUS_OVERFLOW;
    } else {
        if (model_slow > 0) {
            CHECK(unwritten.at == NULL);
            unwritten.at = &events[tail / 8];
            unwritten.low = low;
            unwritten.waits = model_slow;
        } else {
            events[tail / 8] = low;
        }
        events[tail / 8 + 1] = address;
        *reg(AMD_EVENT_TAIL) = next;
        status[model_at] |= AMD_STATUS_INTERRUPT;
    }
    status_show();
    if (*reg(AMD_CONTROL) & AMD_CONTROL_INTERRUPT) {
        CHECK_EQUAL(configuration[model_at][0x52] & 1, 1);
        CHECK_EQUAL(configuration[model_at][0x55] >> 4, 5); // to the CPU with APIC id 5
        CHECK_EQUAL(configuration[model_at][0x5c], VECTOR_DMA_FAULT);
        interrupt = true;
    }
}

// ---- Devices

static void take_interrupt(void)
{
    if (interrupt && !model_deaf) {
        interrupt = false;
        iommu_interrupt();
    }
}

bool model_access(uint16_t source, uint64_t address, bool write)
{
    const uint64_t *entry = device(source);
    last_source[model_at] = source;
    last_address[model_at] = address;
    if (!(*reg(AMD_CONTROL) & AMD_CONTROL_ENABLE) || !(entry[0] & 1)) {
        return true;
    }
    bool translated = entry[0] >> 9 & 7;
    uint64_t found = !(entry[0] & 2) ? 0 : translated ? page_look(entry, address) : entry[0];
    if (found >> (write ? 62 : 61) & 1) {
        CHECK(!translated || (found & 0x000ffffffffff000) == (address & ~PAGE_MASK));
        return true;
    }
    if (!(entry[1] >> 34 & 1)) {
        event_add(UINT64_C(2) << 60 | (uint64_t)write << 53 | source, address);
    }
    take_interrupt();
    return false;
}

unsigned model_message(uint16_t source, uint32_t data)
{
    const uint64_t *entry = device(source);
    if (!(*reg(AMD_CONTROL) & AMD_CONTROL_ENABLE) || !(entry[2] & 1)) {
        return data & 0xff;
    }
    uint64_t index = data & 0x7ff;
    uint32_t found = 0;
    if (entry[2] >> 60 == 2 && index < 1u << (entry[2] >> 1 & 15)) {
        uint32_t *table = phys_to_virt(entry[2] & 0x000fffffffffffc0);
        found = table[index];
    }
    if (!(found & 1) && !(entry[2] >> 5 & 1)) {
        event_add(UINT64_C(2) << 60 | UINT64_C(1) << 51 | source, index);
    }
    take_interrupt();
    return found & 1 ? found >> 16 & 0xff : 0;
}

void model_noise(void)
{
    event_add(UINT64_C(6) << 60, 0x1000);
}

// Firmware has left it on, with a table that lets everything through and what it was used for in
// memory.
static void firmware_use(void)
{
    static _Alignas(PAGE_SIZE) char table[ENTRIES * 32]; // of each unit
    *reg(AMD_DEVICE_TABLE) = virt_to_phys(table) | (sizeof(table) / PAGE_SIZE - 1);
    *reg(AMD_CONTROL) = AMD_CONTROL_ENABLE;
    for (uint32_t source = 0; source < ENTRIES; source++) {
        CHECK(model_access((uint16_t)source, 0x1000, true));
    }
    for (uint16_t id = 0; id < 8; id++) {
        pages[model_at][page_count[model_at]].id = id;
        pages[model_at][page_count[model_at]].page = MODEL_OLD_PAGE >> 12;
        pages[model_at][page_count[model_at]++].entry = MODEL_OLD_PAGE | UINT64_C(3) << 61;
    }
}

// It is an IOMMU, which remembers what is absent.
static void unit_start(void)
{
    uint8_t *space = configuration[model_at];
    space[0x06] = 0x10;
    space[0x34] = 0x40;
    space[0x40] = 0x0f;
    space[0x41] = 0x50;
    space[0x42] = 3;
    space[0x43] = 4;
    space[0x50] = 5; // messages, with addresses of 64 bits
    space[0x52] = 0x80;
    *reg(AMD_FEATURES) = model_forgets_all ? AMD_FEATURE_FORGET_ALL : 0;
    firmware_use();
}

void model_start(const void *table, uint32_t length)
{
    struct acpi_table none = {0}, ivrs = {table, length};
    boot_info.range_count = 1;
    boot_info.ranges[0] = (struct boot_range){virt_to_phys(ram), sizeof(ram), BOOT_MEMORY_RAM};
    acpi.io_apic_count = 1;
    acpi.io_apic[0].id = model_io_apic;
    for (model_at = 0; model_at < model_units; model_at++) {
        unit_start();
    }
    model_at = 0;
    iommu_init(&none, &ivrs);
    booting = false;
}
