// SPDX-License-Identifier: MIT
// The hardware's side of a VT-d unit. See vtd.h.
#include "vtd.h"

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <log.h>
#include <panic.h>

#define REG_CAPABILITY    0x08u
#define REG_EXTENDED      0x10u
#define REG_COMMAND       0x18u
#define REG_STATUS        0x1cu
#define REG_ROOT          0x20u
#define REG_FAULT_STATUS  0x34u
#define REG_FAULT_CONTROL 0x38u
#define REG_FAULT_DATA    0x3cu
#define REG_FAULT_ADDRESS 0x40u
#define REG_FAULT_UPPER   0x44u
#define REG_PROTECTED     0x64u
#define REG_QUEUE_TAIL    0x88u
#define REG_QUEUE         0x90u
#define REG_REMAP_TABLE   0xb8u

// Bits of command and status.
#define TRANSLATE     (1u << 31)
#define SET_ROOT      (1u << 30)
#define FLUSH_BUFFER  (1u << 27)
#define USE_QUEUE     (1u << 26)
#define REMAP         (1u << 25)
#define SET_REMAP     (1u << 24)
#define COMPATIBILITY (1u << 23)
#define LASTING       0x96ffffffu // all but those that start something

#define CAPABILITY_IDS(c)      ((c)&7)
#define CAPABILITY_FLUSH       (UINT64_C(1) << 4)
#define CAPABILITY_PROTECTED   (UINT64_C(3) << 5)
#define CAPABILITY_CACHING     (UINT64_C(1) << 7)
#define CAPABILITY_LEVELS(c)   ((c) >> 8 & 0x1f)
#define CAPABILITY_WIDTH(c)    (((c) >> 16 & 0x3f) + 1)
#define CAPABILITY_FAULT_AT(c) (((c) >> 24 & 0x3ff) * 16)
#define CAPABILITY_FAULTS(c)   (((c) >> 40 & 0xff) + 1)
#define LEVELS_3               2u
#define LEVELS_4               4u

#define EXTENDED_COHERENT    (UINT64_C(1) << 0)
#define EXTENDED_QUEUE       (UINT64_C(1) << 1)
#define EXTENDED_REMAP       (UINT64_C(1) << 3)
#define EXTENDED_IDS         (UINT64_C(1) << 4)
#define EXTENDED_PAGES_AT(e) (((e) >> 8 & 0x3ff) * 16) // two registers that make it forget pages
#define PAGES_BYTES          16u

#define FORGET_CONTEXTS  0x1u
#define FORGET_PAGES     0x2u
#define FORGET_INTERRUPT 0x4u
#define WAIT             0x5u
#define GLOBAL           (1u << 4)
#define OF_DOMAIN        (2u << 4)
#define DRAIN            (3u << 6)
#define OF_INDEX         (1u << 4)
#define WAIT_STATUS      (1u << 5)

#define QUEUE_LENGTH   256u
#define REMAP_SIZE     7u // 2^(7 + 1) entries
#define REMAP_EXTENDED (1u << 11)
#define PROTECT_ENABLE (1u << 31)
#define FAULT_MASKED   (1u << 31)
#define FAULT_VALID    (UINT64_C(1) << 63)
#define FAULT_READ     (UINT64_C(1) << 62)
#define FAULT_PENDING  3u    // status: records are there, records were lost
#define FAULT_CLEAR    0x7du // status: what is cleared by writing 1

#define REASON_REMAP  0x20u
#define REASON_REMAPS 0x27u

#define MESSAGE_ADDRESS 0xfee00000u
#define CACHE_LINE      64u
#define PATIENCE        20000000u // reads of a register: seconds

static uint32_t read32(const struct vtd *u, uint32_t offset)
{
    return *(volatile uint32_t *)(u->registers + offset);
}

static void write32(const struct vtd *u, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(u->registers + offset) = value;
}

static uint64_t read64(const struct vtd *u, uint32_t offset)
{
    return *(volatile uint64_t *)(u->registers + offset);
}

static void write64(const struct vtd *u, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(u->registers + offset) = value;
}

static bool status_becomes(const struct vtd *u, uint32_t bit, bool on)
{
    for (uint32_t tries = 0; tries < PATIENCE; tries++) {
        if (((read32(u, REG_STATUS) & bit) != 0) == on) {
            return true;
        }
        arch_cpu_relax();
    }
    log_error("iommu: the unit at %#lx does not answer", (unsigned long)u->unit.place);
    return false;
}

// Switches one thing on or off and waits until it is.
static bool command(const struct vtd *u, uint32_t bit, bool on)
{
    uint32_t lasting = read32(u, REG_STATUS) & LASTING;
    write32(u, REG_COMMAND, on ? lasting | bit : lasting & ~bit);
    return status_becomes(u, bit, on);
}

static bool registers_map(struct vtd *u)
{
    u->registers = arch_device_map(u->unit.place, PAGE_SIZE, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
    if (u->registers == NULL) {
        return false;
    }
    u->capability = read64(u, REG_CAPABILITY);
    u->extended = read64(u, REG_EXTENDED);
    uint64_t end = CAPABILITY_FAULT_AT(u->capability) + CAPABILITY_FAULTS(u->capability) * 16;
    // Not all of them are used here, but none is anybody else's.
    uint64_t pages_end = EXTENDED_PAGES_AT(u->extended) + PAGES_BYTES;
    uint64_t last = end > pages_end ? end : pages_end;
    u->unit.place_end = u->unit.place + (last > PAGE_SIZE ? last : PAGE_SIZE);
    if (end > PAGE_SIZE) {
        u->registers = arch_device_map(u->unit.place, end, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
    }
    return u->registers != NULL;
}

bool vtd_open(struct vtd *u, const struct dmar_unit *said, paddr_t ram_end)
{
    *u = (struct vtd){
        .unit = {.kind = &vtd_kind, .place = said->registers, .segment = said->segment}};
    spin_init(&u->unit.lock, "iommu");
    uint64_t levels = registers_map(u) ? CAPABILITY_LEVELS(u->capability) : 0;
    u->unit.levels = (levels & LEVELS_3) && ram_end <= UINT64_C(1) << 39 ? 3
                     : (levels & LEVELS_4)                               ? 4
                                                                         : 0;
    if (!u->unit.levels || !(u->extended & EXTENDED_QUEUE) || u->capability == UINT64_MAX) {
        log_error("iommu: the unit at %#lx (%lx, %lx) is not of a kind that is known",
                  (unsigned long)u->unit.place, (unsigned long)u->capability,
                  (unsigned long)u->extended);
        return false;
    }
    uint8_t most = (uint8_t)CAPABILITY_WIDTH(u->capability);
    uint8_t width = u->unit.levels == 3 ? 39 : 48;
    u->unit.width = most < width ? most : width;
    uint32_t bits = 4 + 2 * (uint32_t)CAPABILITY_IDS(u->capability);
    u->unit.ids = bits >= 16 ? UINT16_MAX : (uint16_t)(1u << bits);
    u->unit.caches_absent = u->capability & CAPABILITY_CACHING;
    return true;
}

bool vtd_can_remap(const struct vtd *u)
{
    return u->extended & EXTENDED_REMAP;
}

bool vtd_can_extend(const struct vtd *u)
{
    return u->extended & EXTENDED_IDS;
}

void vtd_write_back(const struct vtd *u, const volatile void *start, size_t bytes)
{
    if (u->extended & EXTENDED_COHERENT) {
        atomic_thread_fence(memory_order_seq_cst);
        return;
    }
    const volatile char *at = (const volatile char *)((uintptr_t)start & ~(CACHE_LINE - 1ul));
    for (; at < (const volatile char *)start + bytes; at += CACHE_LINE) {
        __asm__ volatile("clflush %0" : : "m"(*at) : "memory");
    }
    __asm__ volatile("mfence" : : : "memory");
}

// ---- The queue

static void queue_add(struct vtd *u, uint64_t low, uint64_t high)
{
    volatile uint64_t *entry = u->queue[u->tail];
    entry[0] = low;
    entry[1] = high;
    vtd_write_back(u, entry, sizeof(u->queue[0]));
    u->tail = (u->tail + 1) % QUEUE_LENGTH;
}

// Has the queue worked off. What is not forgotten by then could still be reached: no way to go on.
static void queue_run(struct vtd *u)
{
    u->done = 0;
    queue_add(u, WAIT | WAIT_STATUS | UINT64_C(1) << 32, virt_to_phys((void *)(uintptr_t)&u->done));
    write32(u, REG_QUEUE_TAIL, u->tail * 16);
    for (uint32_t tries = 0; !u->done; tries++) {
        if (tries == PATIENCE) {
            panic("iommu: the unit at %#lx does not answer (%#x)", (unsigned long)u->unit.place,
                  read32(u, REG_FAULT_STATUS));
        }
        arch_cpu_relax();
    }
}

// Chips of the first years keep writes to their tables in a buffer of their own.
static void buffer_flush(const struct vtd *u)
{
    if (u->capability & CAPABILITY_FLUSH) {
        write32(u, REG_COMMAND, (read32(u, REG_STATUS) & LASTING) | FLUSH_BUFFER);
        KREQUIRE(status_becomes(u, FLUSH_BUFFER, false));
    }
}

void vtd_forget_contexts(struct vtd *u)
{
    buffer_flush(u);
    queue_add(u, FORGET_CONTEXTS | GLOBAL, 0);
    queue_run(u);
}

void vtd_forget_pages(struct vtd *u, uint32_t id)
{
    buffer_flush(u);
    queue_add(u, FORGET_PAGES | OF_DOMAIN | DRAIN | (uint64_t)id << 16, 0);
    queue_run(u);
}

void vtd_forget_interrupt(struct vtd *u, uint32_t index)
{
    buffer_flush(u);
    queue_add(u, FORGET_INTERRUPT | OF_INDEX | (uint64_t)index << 32, 0);
    queue_run(u);
}

// ---- Taking over

bool vtd_prepare(struct vtd *u)
{
    static const uint32_t left_on[] = {REMAP, TRANSLATE, USE_QUEUE, COMPATIBILITY};
    for (unsigned i = 0; i < sizeof(left_on) / sizeof(left_on[0]); i++) {
        if ((read32(u, REG_STATUS) & left_on[i]) && !command(u, left_on[i], false)) {
            return false;
        }
    }
    write32(u, REG_FAULT_CONTROL, FAULT_MASKED);
    u->root = phys_to_virt(boot_page_alloc(PAGE_SIZE, PAGE_SIZE));
    u->queue = phys_to_virt(boot_page_alloc(QUEUE_LENGTH * sizeof(u->queue[0]), PAGE_SIZE));
    vtd_write_back(u, u->root, PAGE_SIZE);
    write64(u, REG_ROOT, virt_to_phys(u->root));
    if (!command(u, SET_ROOT, true)) {
        return false;
    }
    write64(u, REG_QUEUE_TAIL, 0);
    write64(u, REG_QUEUE, virt_to_phys(u->queue));
    if (!command(u, USE_QUEUE, true)) {
        return false;
    }
    irqflags_t flags = spin_lock(&u->unit.lock);
    queue_add(u, FORGET_CONTEXTS | GLOBAL, 0);
    queue_run(u); // first these, or the hardware could come to remember pages by them again
    queue_add(u, FORGET_PAGES | GLOBAL | DRAIN, 0);
    queue_run(u);
    struct iommu_fault old;
    for (uint32_t at = 0; vtd_fault_next(u, &at, &old);) {
    }
    (void)vtd_fault_more(u);
    spin_unlock(&u->unit.lock, flags);
    return true;
}

bool vtd_translate(struct vtd *u)
{
    bool on = command(u, TRANSLATE, true);
    // Firmware may have closed memory to all devices in a coarser way until somebody takes over.
    if (on && (u->capability & CAPABILITY_PROTECTED)) {
        write32(u, REG_PROTECTED, read32(u, REG_PROTECTED) & ~PROTECT_ENABLE);
    }
    return on;
}

bool vtd_remap(struct vtd *u, paddr_t table, bool extended)
{
    write64(u, REG_REMAP_TABLE, table | (extended ? REMAP_EXTENDED : 0) | REMAP_SIZE);
    if (!command(u, SET_REMAP, true)) {
        return false;
    }
    irqflags_t flags = spin_lock(&u->unit.lock);
    queue_add(u, FORGET_INTERRUPT, 0);
    queue_run(u);
    spin_unlock(&u->unit.lock, flags);
    return command(u, REMAP, true);
}

// ---- Faults

void vtd_faults_off(const struct vtd *u)
{
    write32(u, REG_FAULT_CONTROL, FAULT_MASKED);
}

void vtd_faults_on(struct vtd *u, uint32_t vector, uint32_t apic_id)
{
    write32(u, REG_FAULT_DATA, vector);
    write32(u, REG_FAULT_ADDRESS, MESSAGE_ADDRESS | (apic_id & 0xff) << 12);
    write32(u, REG_FAULT_UPPER, apic_id & ~0xffu);
    write32(u, REG_FAULT_CONTROL, 0);
}

bool vtd_fault_next(struct vtd *u, uint32_t *at, struct iommu_fault *out)
{
    for (; *at < CAPABILITY_FAULTS(u->capability); ++*at) {
        uint32_t record = (uint32_t)CAPABILITY_FAULT_AT(u->capability) + *at * 16;
        uint64_t high = read64(u, record + 8);
        if (high & FAULT_VALID) {
            *out = (struct iommu_fault){.address = read64(u, record) & ~PAGE_MASK,
                                        .source = (uint16_t)high,
                                        .reason = (uint8_t)(high >> 32),
                                        .write = !(high & FAULT_READ)};
            out->message = out->reason >= REASON_REMAP && out->reason < REASON_REMAPS;
            write32(u, record + 12, (uint32_t)(FAULT_VALID >> 32));
            ++*at;
            return true;
        }
    }
    return false;
}

void vtd_faults_drop(struct vtd *u, uint16_t source)
{
    for (uint32_t at = 0; at < CAPABILITY_FAULTS(u->capability); at++) {
        uint32_t record = (uint32_t)CAPABILITY_FAULT_AT(u->capability) + at * 16;
        uint64_t high = read64(u, record + 8);
        if ((high & FAULT_VALID) && (uint16_t)high == source) {
            write32(u, record + 12, (uint32_t)(FAULT_VALID >> 32));
        }
    }
}

bool vtd_fault_more(const struct vtd *u)
{
    write32(u, REG_FAULT_STATUS, FAULT_CLEAR);
    return read32(u, REG_FAULT_STATUS) & FAULT_PENDING;
}
