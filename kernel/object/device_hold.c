// SPDX-License-Identifier: MIT
// See device_hold.h.
#include <object/device_hold.h>

#include <arch/iommu.h>
#include <log.h>
#include <mm/account.h>
#include <mm/page.h>
#include <object/caller.h>
#include <object/memory.h>
#include <object/process.h>
#include <panic.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <tessera/abi/status.h>
#include <tessera/abi/word.h>

static bool end_step(struct work *work);

static _Atomic uint64_t admissions; // how many there were: each has a number of its own

ts_status_t hold_init(struct device_hold *hold, struct object *domain, uint64_t device)
{
    spin_init(&hold->lock, "device hold");
    hold->domain = domain;
    hold->users = 1;
    hold->end.step = end_step;
    hold->shut = TS_OK;
    ts_status_t status = arch_dma_held(device) ? arch_dma_create(device, hold, &hold->dma) : TS_OK;
    if (status != TS_ERR_UNSUPPORTED) {
        return status;
    }
    hold->shut = status;
    return TS_OK;
}

void hold_fini(struct device_hold *hold)
{
    KASSERT(hold->driver == NULL);
    arch_dma_destroy(hold->dma);
    if (hold->payer != NULL) {
        account_put(hold->payer);
    }
}

bool hold_use(struct device_hold *hold)
{
    irqflags_t flags = spin_lock(&hold->lock);
    bool live = hold->users != 0;
    if (live) {
        hold->users++;
    }
    spin_unlock(&hold->lock, flags);
    return live;
}

void hold_unuse(struct device_hold *hold)
{
    struct arch_dma *last = NULL;
    irqflags_t flags = spin_lock(&hold->lock);
    if (--hold->users == 0) {
        last = hold->dma;
        hold->dma = NULL;
    }
    spin_unlock(&hold->lock, flags);
    arch_dma_destroy(last);
}

// ---- Driving

// The caller pays for the tables, unless some are left that another pays for. Lock held.
static void payer_set(struct device_hold *hold)
{
    struct account *account = caller_account();
    if (hold->payer == account || hold->tables != 0) {
        return;
    }
    if (hold->payer != NULL) {
        account_put(hold->payer);
    }
    account_get(account);
    hold->payer = account;
}

static ts_status_t admit(struct device_hold *hold)
{
    // If it ends meanwhile either that comes later, and blocks it, or it is closed already.
    ts_status_t status = arch_dma_admit(hold->dma, hold->admission);
    if (status != TS_OK) {
        hold_block(hold);
        hold_release(hold);
    }
    irqflags_t flags = spin_lock(&hold->lock);
    hold->admitting = false;
    spin_unlock(&hold->lock, flags);
    return status;
}

ts_status_t hold_drive(struct device_hold *hold)
{
    struct process *self = process_current();
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&hold->lock);
    bool first = hold->driver == NULL && hold->shut == TS_OK && !hold->admitting;
    if (first) {
        object_get(&self->object);
        hold->driver = self;
        hold->admission = atomic_fetch_add_explicit(&admissions, 1, memory_order_relaxed) + 1;
        hold->admitting = hold->dma != NULL;
        payer_set(hold);
    } else if (hold->driver != self || hold->admitting) {
        // (Another thread of the driver: what is not admitted yet may fail, and then nobody
        // drives.)
        status = hold->shut != TS_OK ? hold->shut : TS_ERR_BUSY;
    }
    spin_unlock(&hold->lock, flags);
    return first && hold->dma != NULL ? admit(hold) : status;
}

bool hold_driven(struct device_hold *hold)
{
    return atomic_load_explicit(TS_ATOMIC(&hold->driver), memory_order_relaxed) != NULL;
}

bool hold_driven_by(struct device_hold *hold, const struct address_space *space)
{
    irqflags_t flags = spin_lock(&hold->lock);
    bool driven = hold->driver != NULL && hold->driver->space == space;
    spin_unlock(&hold->lock, flags);
    return driven;
}

void hold_block(struct device_hold *hold)
{
    if (hold->dma == NULL) {
        return;
    }
    arch_dma_block(hold->dma);
    arch_dma_flush(hold->dma); // gives the tables back if nothing is mapped
}

void hold_release(struct device_hold *hold)
{
    irqflags_t flags = spin_lock(&hold->lock);
    struct process *driver = hold->driver;
    hold->driver = NULL;
    spin_unlock(&hold->lock, flags);
    if (driver != NULL) {
        object_put(&driver->object);
    }
}

void hold_end(struct device_hold *hold)
{
    irqflags_t flags = spin_lock(&hold->lock);
    hold->shut = TS_ERR_GONE;
    spin_unlock(&hold->lock, flags);
    if (hold->dma == NULL) {
        return;
    }
    arch_dma_close(hold->dma);
    arch_dma_flush(hold->dma); // gives the tables back if nothing is mapped
}

// ---- What it reaches

ts_status_t hold_table_alloc(struct device_hold *owner, paddr_t *out_page)
{
    struct page *page;
    irqflags_t flags = spin_lock(&owner->lock);
    ts_status_t status = owner->payer == NULL ? TS_ERR_GONE : account_charge(owner->payer, 1);
    if (status == TS_OK) {
        owner->tables++;
    }
    spin_unlock(&owner->lock, flags);
    if (status != TS_OK) {
        return status;
    }
    status = page_alloc(PAGE_ALLOC_ZERO, &page);
    if (status == TS_OK) {
        *out_page = page_address(page);
    } else {
        hold_table_free(owner, 0);
    }
    return status;
}

void hold_table_free(struct device_hold *owner, paddr_t page)
{
    irqflags_t flags = spin_lock(&owner->lock);
    owner->tables--;
    account_uncharge(owner->payer, 1);
    spin_unlock(&owner->lock, flags);
    if (page != 0) {
        page_put(page_find(page));
    }
}

ts_status_t hold_map(struct device_hold *hold, struct memory *memory, uint64_t offset,
                     uint64_t pages, uint64_t *inout_mapped)
{
    ts_status_t status = TS_OK;
    for (; hold->dma != NULL && *inout_mapped < pages; ++*inout_mapped) {
        struct page *page;
        status = thread_is_stopping()
                     ? TS_ERR_INTERRUPTED
                     : memory_page_get(memory, offset + *inout_mapped * PAGE_SIZE, &page);
        if (status != TS_OK) {
            break;
        }
        status = arch_dma_map(hold->dma, page_address(page));
        page_put(page);
        if (status != TS_OK) {
            break;
        }
    }
    return status;
}

void hold_unmap(struct device_hold *hold, struct memory *memory, uint64_t offset, uint64_t mapped)
{
    if (hold->dma == NULL || mapped == 0) {
        return;
    }
    for (uint64_t i = 0; i < mapped; i++) {
        struct page *page;
        // It is there: it was when it was mapped, and fixed memory loses no page.
        if (memory_page_get(memory, offset + i * PAGE_SIZE, &page) == TS_OK) {
            arch_dma_unmap(hold->dma, page_address(page));
            page_put(page);
        }
    }
    arch_dma_flush(hold->dma);
}

// ---- Faults

static void fault_log(const struct dma_fault *fault, const char *driver)
{
    const char *what = fault->message ? "sent an interrupt that it does not have"
                       : fault->write ? "wrote where nothing is pinned for it"
                                      : "read where nothing is pinned for it";
    uint32_t id = (uint32_t)fault->device;
    log_warn("device %02x:%02x.%x %s (%#lx, reason %u): blocked; %s%s", ts_device_id_bus(id),
             ts_device_id_slot(id), ts_device_id_function(id), what, fault->address, fault->reason,
             driver != NULL ? "ended is its driver " : "it has no driver",
             driver != NULL ? driver : "");
}

void hold_fault_of_nobody(const struct dma_fault *fault)
{
    fault_log(fault, NULL);
}

void hold_fault(struct device_hold *hold, const struct dma_fault *fault)
{
    irqflags_t flags = spin_lock(&hold->lock);
    // The present driver answers for what the device has done since, not for those before.
    struct process *driver = hold->admission == fault->admission ? hold->driver : NULL;
    // One that still waits for its end and drives no more has ended by itself.
    struct process *gone = hold->ending;
    bool fresh = driver != NULL && driver != gone;
    fault_log(fault, driver != NULL ? driver->name : NULL);
    if (fresh) {
        object_get(&driver->object);
        hold->ending = driver;
        hold->fault = *fault;
        if (gone == NULL) {
            object_get(hold->domain);
        }
    }
    spin_unlock(&hold->lock, flags);
    if (fresh && gone == NULL) {
        reaper_queue(&hold->end);
    } else if (fresh) {
        object_put(&gone->object);
    }
}

// In the reaper: an interrupt is no place for ending a process.
static bool end_step(struct work *work)
{
    struct device_hold *hold = list_entry(work, struct device_hold, end);
    irqflags_t flags = spin_lock(&hold->lock);
    struct process *driver = hold->ending;
    const struct ts_process_report report = {.reason = TS_EXIT_DMA,
                                             .fault = hold->fault.reason,
                                             .fault_code = hold->fault.write,
                                             .fault_address = hold->fault.address};
    hold->ending = NULL;
    spin_unlock(&hold->lock, flags);
    process_end(driver, &report);
    object_put(&driver->object);
    object_put(hold->domain);
    return false;
}
