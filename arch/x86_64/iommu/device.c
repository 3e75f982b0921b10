// SPDX-License-Identifier: MIT
// The devices that IOMMUs hold: which unit has which, their context entries, their life.
//
// A context entry that is not present stops every access of its function. It becomes present when a
// driver is admitted, and absent when that driver goes or its device faults.
#include "device.h"

#include <arch/boot.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <machine/x86.h>
#include <string.h>
#include <tessera/abi/status.h>

#define DEVICES_MAX   256u // slot 0 is never used: hardware may keep id 0 for itself
#define RANGES_MAX    DMAR_SCOPES_MAX
#define FAULTS_LEFT   64u
#define CONFIG_SELECT 0xcf8
#define CONFIG_DATA   0xcfc
#define CONFIG_ENABLE 0x80000000u

// What a unit has of its segment.
struct range {
    struct vtd *unit;
    struct dmar_range functions;
};

static struct range ranges[RANGES_MAX];
static uint32_t range_count;
static const struct dmar *said;

// A region that a function goes on reaching. Looked up once: later the ports of configuration space
// are the PCI server's, and what bridges say of their buses is no longer the firmware's word.
struct reserved {
    const struct dmar_reserved *region;
    uint16_t source;
};

static struct reserved reserved[RANGES_MAX];
static uint32_t reserved_count;
static struct vtd *units;

static struct spinlock slots_lock = SPINLOCK_INIT("iommu devices");
static struct arch_dma slots[DEVICES_MAX];

bool memory_is_ours(paddr_t base, paddr_t end)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (range->kind == BOOT_MEMORY_RAM && range->base < end &&
            base < range->base + range->size) {
            return true;
        }
    }
    return false;
}

// Who has which device
// -----------------------------------------------------------------------------

static uint8_t config_read(uint8_t bus, uint8_t devfn, uint8_t offset)
{
    x86_out32(CONFIG_SELECT,
              CONFIG_ENABLE | (uint32_t)bus << 16 | (uint32_t)devfn << 8 | (offset & 0xfcu));
    return (uint8_t)(x86_in32(CONFIG_DATA) >> 8 * (offset & 3));
}

static bool matches(const struct dmar_range *r, uint16_t source)
{
    uint8_t bus = (uint8_t)(source >> 8), devfn = (uint8_t)source;
    return (r->bus == bus && r->devfn == devfn) ||
           (r->bridge && r->bus_from <= bus && bus <= r->bus_to);
}

static void ranges_init(const struct dmar *dmar)
{
    for (uint32_t u = 0; u < dmar->unit_count; u++) {
        const struct dmar_unit *unit = &dmar->units[u];
        for (uint32_t i = 0; i < unit->scope_count; i++) {
            const struct dmar_scope *scope = &dmar->scopes[unit->scope_first + i];
            struct range *range = &ranges[range_count];
            if (scope->kind != DMAR_ENDPOINT && scope->kind != DMAR_BRIDGE) {
                continue;
            }
            if (unit->segment == 0 && dmar_resolve(scope, config_read, &range->functions)) {
                range->unit = &units[u];
                range_count++;
            } else {
                log_warn("iommu: a device of the unit at %#lx is not found",
                         (unsigned long)unit->registers);
            }
        }
    }
}

static void reserved_init(const struct dmar_reserved *r, const struct dmar_scope *scopes)
{
    if (memory_is_ours(r->base, r->end) || machine_range_is_private(r->base, r->end - r->base)) {
        log_warn("iommu: firmware's region %#lx is memory or registers of ours: it is not mapped",
                 (unsigned long)r->base);
        return;
    }
    for (uint32_t i = 0; i < r->scope_count && r->segment == 0; i++) {
        struct dmar_range found;
        if (dmar_resolve(&scopes[r->scope_first + i], config_read, &found) && !found.bridge) {
            uint16_t source = (uint16_t)(found.bus << 8 | found.devfn);
            reserved[reserved_count++] = (struct reserved){r, source};
        }
    }
}

void devices_init(const struct dmar *dmar, struct vtd *all_units)
{
    said = dmar;
    units = all_units;
    ranges_init(dmar);
    for (uint32_t i = 0; i < dmar->reserved_count; i++) {
        reserved_init(&dmar->reserved[i], dmar->scopes);
    }
}

struct vtd *device_unit(uint64_t device)
{
    uint16_t segment = (uint16_t)(device >> 16);
    struct vtd *found = NULL;
    if (device >> 32) {
        return NULL;
    }
    for (uint32_t i = 0; i < range_count && !found; i++) {
        if (ranges[i].unit->segment == segment && matches(&ranges[i].functions, (uint16_t)device)) {
            found = ranges[i].unit;
        }
    }
    for (uint32_t u = 0; said && u < said->unit_count && !found; u++) {
        found = units[u].all && units[u].segment == segment ? &units[u] : NULL;
    }
    return found && found->on ? found : NULL;
}

bool arch_dma_held(uint64_t device)
{
    return device_unit(device);
}

// Context entries
// ----------------------------------------------------------------------------------

// The entry of a function; NULL: its bus has no table, and none can be made.
static uint64_t *context(struct vtd *unit, uint16_t source) LOCK_REQUIRES(unit->lock)
{
    uint64_t *bus = &unit->root[2 * (source >> 8)];
    if (!(*bus & VTD_ENTRY_PRESENT)) {
        paddr_t page;
        if (boot_memory_active()) {
            page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
        } else if (kernel_page_alloc(&page) != TS_OK) {
            return NULL;
        }
        page_zero(phys_to_virt(page));
        vtd_write_back(unit, phys_to_virt(page), PAGE_SIZE);
        *(volatile uint64_t *)bus = page | VTD_ENTRY_PRESENT;
        vtd_write_back(unit, bus, sizeof(*bus));
    }
    uint64_t *table = phys_to_virt(*bus & ~PAGE_MASK);
    return &table[2 * (source & 0xff)];
}

// Sets an entry that the hardware may be reading: absent while its halves do not fit together.
static void context_set(struct vtd *unit, uint64_t *entry, uint64_t low, uint64_t high)
{
    volatile uint64_t *words = entry;
    words[0] = 0;
    vtd_write_back(unit, entry, 2 * sizeof(*entry));
    words[1] = high;
    vtd_write_back(unit, entry, 2 * sizeof(*entry));
    words[0] = low;
    vtd_write_back(unit, entry, 2 * sizeof(*entry));
}

// No slot of this source is admitted any more; the hardware has forgotten it. Returns the admission
// of the one that was.
static uint64_t dismiss(struct vtd *unit, uint16_t source) LOCK_REQUIRES(unit->lock)
{
    uint64_t admission = 0;
    vtd_forget_contexts(unit);
    for (uint32_t i = 1; i < DEVICES_MAX; i++) {
        struct arch_dma *dma = &slots[i];
        if (dma->unit == unit && dma->source == source && atomic_load(&dma->admitted)) {
            vtd_forget_pages(unit, dma->id);
            atomic_store(&dma->admitted, false);
            admission = dma->admission;
        }
    }
    return admission;
}

uint64_t device_silence(struct vtd *unit, uint16_t source)
{
    uint64_t *entry = context(unit, source);
    if (!entry) {
        return 0;
    }
    context_set(unit, entry, VTD_CONTEXT_NO_FAULT, 0);
    return dismiss(unit, source);
}

static ts_status_t admit_locked(struct arch_dma *dma, uint64_t admission) LOCK_REQUIRES(dma->lock)
{
    struct vtd *unit = dma->unit;
    ts_status_t status = table_root(dma);
    if (status != TS_OK) {
        return status;
    }
    spin_lock_off(&unit->lock);
    uint64_t *entry = dma->closed ? NULL : context(unit, dma->source);
    status = entry ? TS_OK : dma->closed ? TS_ERR_GONE : TS_ERR_MEMORY;
    if (entry) {
        context_set(unit, entry, VTD_CONTEXT_NO_FAULT, 0);
        (void)dismiss(unit, dma->source);   // firmware's, or a driver's that it had before
        vtd_faults_drop(unit, dma->source); // nor does the next answer for what that one did
        context_set(unit, entry, virt_to_phys(dma->root) | VTD_ENTRY_PRESENT,
                    (uint64_t)dma->id << 8 | (unit->levels - 2u));
        vtd_forget_contexts(unit);
        vtd_forget_pages(unit, dma->id);
        atomic_store(&dma->admitted, true);
        dma->admission = admission;
        unit->faults_left = FAULTS_LEFT;
        if (dma->owner) {
            vtd_faults_on(unit, VECTOR_DMA_FAULT, iommu_fault_cpu());
        }
    }
    spin_unlock_off(&unit->lock);
    return status;
}

// Firmware's regions
// -------------------------------------------------------------------------------

// Maps what firmware's use of the device needs, or takes it out again. (It is not memory of ours,
// so no pin has any of it.)
static ts_status_t reserved_set(struct arch_dma *dma, bool mapped)
{
    ts_status_t status = TS_OK;
    for (uint32_t i = 0; i < reserved_count && dma->reserved != mapped; i++) {
        const struct dmar_reserved *r = reserved[i].region;
        if (reserved[i].source != dma->source) {
            continue;
        }
        for (paddr_t page = r->base; page < r->end && status == TS_OK; page += PAGE_SIZE) {
            if (mapped) {
                status = arch_dma_map(dma, page);
            } else {
                arch_dma_unmap(dma, page);
            }
        }
    }
    dma->reserved = mapped;
    if (status != TS_OK) {
        (void)reserved_set(dma, false);
    }
    return status;
}

// Whether the source has a region before this one in the list.
static bool reserved_before(uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (reserved[i].source == reserved[index].source) {
            return true;
        }
    }
    return false;
}

void devices_reserve(void)
{
    for (uint32_t i = 0; i < reserved_count; i++) {
        const struct dmar_reserved *r = reserved[i].region;
        uint16_t source = reserved[i].source;
        struct arch_dma *dma;
        log_info("iommu: %02x:%02x.%x reaches %#lx to %#lx, as firmware asks", source >> 8,
                 source >> 3 & 31u, source & 7u, (unsigned long)r->base, (unsigned long)r->end - 1);
        if (!reserved_before(i) && arch_dma_create(source, NULL, &dma) == TS_OK) {
            (void)arch_dma_admit(dma, 0);
        }
    }
}

// Life
// ---------------------------------------------------------------------------------------------

ts_status_t arch_dma_create(uint64_t device, struct device_hold *owner, struct arch_dma **out_dma)
{
    struct vtd *unit = device_unit(device);
    struct arch_dma *dma = NULL;
    if (!unit) {
        return TS_ERR_UNSUPPORTED;
    }
    irqflags_t flags = spin_lock(&slots_lock);
    for (uint32_t i = 1; i < DEVICES_MAX && i < unit->ids && !dma; i++) {
        if (!slots[i].unit) {
            dma = &slots[i];
            *dma = (struct arch_dma){.owner = owner, .source = (uint16_t)device, .id = (uint16_t)i};
            spin_init(&dma->lock, "iommu tables");
            dma->unit = unit;
        }
    }
    spin_unlock(&slots_lock, flags);
    *out_dma = dma;
    return dma ? TS_OK : TS_ERR_LIMIT;
}

ts_status_t arch_dma_admit(struct arch_dma *dma, uint64_t admission)
{
    ts_status_t status = reserved_set(dma, true);
    if (status == TS_OK) {
        irqflags_t flags = spin_lock(&dma->lock);
        status = admit_locked(dma, admission);
        spin_unlock_off(&dma->lock);
        if (dma->owner) {
            iommu_faults_take(dma->unit); // others', of which no interrupt told: it was masked
        }
        arch_irq_restore(flags);
    }
    return status;
}

static void block(struct arch_dma *dma, bool close)
{
    irqflags_t flags = spin_lock(&dma->unit->lock);
    dma->closed |= close;
    if (atomic_load(&dma->admitted)) {
        context_set(dma->unit, context(dma->unit, dma->source), 0, 0);
        (void)dismiss(dma->unit, dma->source);
    }
    spin_unlock(&dma->unit->lock, flags);
}

void arch_dma_block(struct arch_dma *dma)
{
    block(dma, false);
}

void arch_dma_close(struct arch_dma *dma)
{
    block(dma, true);
}

void arch_dma_destroy(struct arch_dma *dma)
{
    if (dma) {
        arch_dma_block(dma);
        (void)reserved_set(dma, false);
        arch_dma_flush(dma);
        irqflags_t flags = spin_lock(&slots_lock);
        dma->unit = NULL;
        spin_unlock(&slots_lock, flags);
    }
}
