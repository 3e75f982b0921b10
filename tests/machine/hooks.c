// SPDX-License-Identifier: MIT
#include "test.h"

#include <arch/boot.h>
#include <arch/memory.h>
#include <panic.h>
#include <spinlock.h>
#include <string.h>
#include <tessera/abi/status.h>

#define POOL_PAGES 4096

struct hooks hooks;

static struct spinlock pool_lock = SPINLOCK_INIT("test pool");
static paddr_t pool[POOL_PAGES];
static uint32_t pool_count;

static void pool_fill(paddr_t base, uint64_t size, void *context)
{
    (void)context;
    KREQUIRE(base >= 0x10000 && !((base | size) & PAGE_MASK));
    for (uint64_t at = 0; at < size && pool_count < POOL_PAGES; at += PAGE_SIZE) {
        pool[pool_count++] = base + at;
    }
}

void hooks_init(void)
{
    boot_memory_iterate(pool_fill, NULL);
}

static paddr_t pool_take(void)
{
    irqflags_t flags = spin_lock(&pool_lock);
    KREQUIRE(pool_count);
    paddr_t page = pool[--pool_count];
    spin_unlock(&pool_lock, flags);
    memset(phys_to_virt(page), 0, PAGE_SIZE);
    return page;
}

static void pool_give(paddr_t page)
{
    irqflags_t flags = spin_lock(&pool_lock);
    KREQUIRE(pool_count < POOL_PAGES);
    memset(phys_to_virt(page), 0xa5, PAGE_SIZE);
    pool[pool_count++] = page;
    spin_unlock(&pool_lock, flags);
}

paddr_t test_page(void)
{
    return pool_take();
}

ts_status_t page_table_alloc(struct arch_space *space, paddr_t *out_page)
{
    (void)space;
    *out_page = pool_take();
    hooks.tables++;
    return TS_OK;
}

void page_table_free(struct arch_space *space, paddr_t page)
{
    (void)space;
    hooks.tables--;
    pool_give(page);
}

ts_status_t kernel_page_alloc(paddr_t *out_page)
{
    *out_page = pool_take();
    hooks.pages++;
    return TS_OK;
}

void kernel_page_free(paddr_t page)
{
    hooks.pages--;
    pool_give(page);
}

ts_status_t dma_table_alloc(struct device_hold *owner, paddr_t *out_page)
{
    (void)owner;
    return kernel_page_alloc(out_page);
}

void dma_table_free(struct device_hold *owner, paddr_t page)
{
    (void)owner;
    kernel_page_free(page);
}

void kernel_dma_fault(const struct dma_fault *fault)
{
    panic("device %lx reached for %lx", fault->device, fault->address);
}

void syscall_entry(struct arch_frame *frame)
{
    hooks.system_call(frame);
}

void kernel_exit_work(struct arch_frame *frame)
{
    cpu_current()->need_resched = 0;
    if (hooks.exit_work != NULL) {
        hooks.exit_work(frame);
    }
}

void kernel_preempt(void)
{
    cpu_current()->need_resched = 0;
    if (hooks.preempt != NULL) {
        hooks.preempt();
    }
}

ts_status_t kernel_page_fault(vaddr_t address, unsigned fault)
{
    return hooks.page_fault != NULL ? hooks.page_fault(address, fault) : TS_ERR_FAULT;
}

void user_exception(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address)
{
    if (hooks.exception == NULL) {
        panic_frame(frame, "exception %u, error %#lx, address %#lx", vector, error, address);
    }
    hooks.exception(frame, vector, error, address);
}

void kernel_interrupt(uint32_t interrupt)
{
    (void)interrupt;
}

void kernel_timer(void)
{
    if (hooks.timer != NULL) {
        hooks.timer();
    }
}
