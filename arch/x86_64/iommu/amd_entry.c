// SPDX-License-Identifier: MIT
// AMD-Vi's device table: an entry of four words for each number that an access can bear; and what
// else the common code wants of a unit. Each unit has its own: in it the functions of others are
// blocked, whose invalidations it does not see.
//
// An entry that is not valid lets everything through: so each is valid from the first on. A blocked
// one says that nothing is translated, and gives no right.
#include "amd.h"

#include "device.h"

#include <arch/boot.h>
#include <arch/memory.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>

// The first word: rights, root, levels. A root with none and no rights: blocked.
#define BLOCKED     3u // valid, as is its translation
#define LEVELS(n)   ((uint64_t)(n) << 9)
#define READ        (UINT64_C(1) << 61)
#define WRITE       (UINT64_C(1) << 62)
#define SILENT      (UINT64_C(1) << 34) // the second word: no events for its accesses
#define MANAGE(n)   ((uint64_t)(n) << 40)
#define MANAGE_MASK MANAGE(3)

// The third word: interrupts.
#define INTERRUPTS_HELD   1u
#define INTERRUPTS_LENGTH (8u << 1)           // 2^8 entries
#define INTERRUPTS_SILENT (UINT64_C(1) << 5)  // no events for those that are not in the table
#define INTERRUPTS_REMAP  (UINT64_C(2) << 60) // those in the table are let through
#define INTERRUPTS_ROOT   UINT64_C(0x000fffffffffffc0)
#define INTERRUPTS_PASS(s) \
    ((uint64_t)((s)&7u) << 56 | (uint64_t)((s) >> 6 & 3u) << 62) // firmware's setting

// Entries of the tables of pages.
#define PRESENT    1u
#define COUNT_LOW  0x1feu // bits 1 to 8
#define COUNT_HIGH (UINT64_C(1) << 63)
#define NEXT_LEVEL (1u << 9)

void amd_entries_init(struct amd *u)
{
    u->entries = phys_to_virt(boot_page_alloc(AMD_DEVICES * sizeof(u->entries[0]), PAGE_SIZE));
    for (uint32_t i = 0; i < AMD_DEVICES; i++) {
        u->entries[i][0] = BLOCKED;
        u->entries[i][1] = u->entries[i][2] = u->entries[i][3] = 0;
    }
}

void amd_entry_setting(struct amd *u, uint16_t source, uint8_t setting)
{
    u->entries[source][1] |= MANAGE(IVRS_SETTING_MANAGE(setting));
    u->entries[source][2] |= INTERRUPTS_PASS(setting);
}

// A word that the hardware may be reading.
static void word_set(struct amd *u, uint16_t source, unsigned word, uint64_t value)
{
    *(volatile uint64_t *)&u->entries[source][word] = value;
    atomic_thread_fence(memory_order_seq_cst);
}

static void silence(struct amd *u, uint16_t source, bool silent)
{
    uint64_t *entry = u->entries[source];
    word_set(u, source, 1, (entry[1] & MANAGE_MASK) | (silent ? SILENT : 0));
    word_set(u, source, 2, (entry[2] & ~INTERRUPTS_SILENT) | (silent ? INTERRUPTS_SILENT : 0));
}

static bool block(struct iommu *unit, uint16_t source, bool silent)
{
    struct amd *u = amd_of(unit);
    word_set(u, source, 0, BLOCKED);
    silence(u, source, silent);
    amd_forget_device(u, source);
    return true;
}

bool amd_entry_blocked(const struct amd *u, uint16_t source)
{
    return u->entries[source][0] == BLOCKED;
}

static bool admit(struct iommu *unit, uint16_t source, paddr_t root, uint16_t id)
{
    struct amd *u = amd_of(unit);
    silence(u, source, false);
    word_set(u, source, 1, (u->entries[source][1] & MANAGE_MASK) | id);
    word_set(u, source, 0, BLOCKED | LEVELS(unit->levels) | root | READ | WRITE);
    amd_forget_device(u, source);
    return true;
}

// ---- Interrupts

void amd_entries_remap(struct amd *u)
{
    for (uint32_t i = 0; i < AMD_DEVICES; i++) {
        word_set(u, (uint16_t)i, 2, u->entries[i][2] | INTERRUPTS_HELD);
    }
}

uint32_t *amd_interrupts(const struct amd *u, uint16_t source)
{
    paddr_t table = u->entries[source][2] & INTERRUPTS_ROOT;
    return table ? phys_to_virt(table) : NULL;
}

bool amd_interrupts_make(struct amd *u, uint16_t source)
{
    paddr_t page = amd_interrupts(u, source) != NULL ? 0 : table_page();
    if (page) {
        word_set(u, source, 2,
                 u->entries[source][2] | page | INTERRUPTS_LENGTH | INTERRUPTS_HELD |
                     INTERRUPTS_REMAP);
        amd_forget_device(u, source);
    }
    return amd_interrupts(u, source) != NULL;
}

// ---- The unit

static bool prepare(struct iommu *unit)
{
    return amd_prepare(amd_of(unit));
}

static bool translate(struct iommu *unit)
{
    return amd_message_set(amd_of(unit), VECTOR_DMA_FAULT, iommu_fault_cpu()) &&
           amd_start(amd_of(unit));
}

// It looks into the CPU's caches.
static void write_back(const struct iommu *unit, const volatile void *start, size_t bytes)
{
    (void)unit, (void)start, (void)bytes;
    atomic_thread_fence(memory_order_seq_cst);
}

static void forget_pages(struct iommu *unit, uint16_t id)
{
    amd_forget_pages(amd_of(unit), id);
}

static void faults_on(struct iommu *unit, uint32_t vector, uint32_t apic_id)
{
    (void)vector, (void)apic_id; // it was told at boot
    amd_faults_on(amd_of(unit));
}

static void faults_off(struct iommu *unit)
{
    amd_faults_off(amd_of(unit));
}

static bool fault_next(struct iommu *unit, uint32_t *at, struct iommu_fault *out)
{
    return amd_fault_next(amd_of(unit), at, out);
}

static void faults_drop(struct iommu *unit, uint16_t source)
{
    amd_faults_drop(amd_of(unit), source);
}

static bool fault_more(struct iommu *unit)
{
    return amd_fault_more(amd_of(unit));
}

static uint64_t count_of(uint64_t entry)
{
    return (entry & COUNT_LOW) >> 1 | entry >> 63 << 8;
}

static uint64_t count_bits(uint64_t count)
{
    return (count << 1 & COUNT_LOW) | count >> 8 << 63;
}

const struct iommu_kind amd_kind = {.name = "AMD-Vi",
                                    .format = {.present = PRESENT,
                                               .page = PRESENT | READ | WRITE,
                                               .table = PRESENT | READ | WRITE,
                                               .level = NEXT_LEVEL,
                                               .counts = COUNT_LOW | COUNT_HIGH,
                                               .count_of = count_of,
                                               .count_bits = count_bits},
                                    .prepare = prepare,
                                    .translate = translate,
                                    .write_back = write_back,
                                    .block = block,
                                    .admit = admit,
                                    .forget_pages = forget_pages,
                                    .faults_on = faults_on,
                                    .faults_off = faults_off,
                                    .fault_next = fault_next,
                                    .faults_drop = faults_drop,
                                    .fault_more = fault_more};
