// SPDX-License-Identifier: MIT
// What kernel/mm, memory objects and jobs use of the rest of the kernel, as far as they come here.
#include <arch/hooks.h>
#include <core/hooks.h>
#include <cpu.h>
#include <log.h>
#include <object/caller.h>
#include <object/device.h>
#include <object/domain.h>
#include <object/process.h>
#include <object/reaper.h>
#include <section.h>
#include <base/symbol.h>
#include <stdlib.h>

#include "tests/host/check.h"
#include "world.h"

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

ts_status_t world_space_create(struct account *account, struct address_space **out_space)
{
    uint64_t random[SPACE_AREAS];
    for (unsigned i = 0; i < SPACE_AREAS; i++) {
        random[i] = random_next();
    }
    return space_create(account, random, out_space);
}

uint64_t arch_clock_frequency(void)
{
    return 1000000000;
}

uint64_t section_longest(void)
{
    return 0;
}

void section_report(void)
{}

ts_time_t clock_now(void)
{
    return 1;
}

void (*world_queued)(void);

void reaper_queue(struct work *work)
{
    if (world_queued != NULL) {
        world_queued();
    }
    while (work->step(work)) {
        ;
    }
}

ts_status_t kernel_page_fault(vaddr_t address, unsigned fault)
{
    return space_fault_current(address, fault);
}

__attribute__((weak)) uint64_t domain_quarantined(void)
{
    return 0;
}

__attribute__((weak)) struct device *device_use(struct device *device)
{
    return device;
}

__attribute__((weak)) void device_unuse(struct device *device)
{
    (void)device;
}

void process_kill(struct process *process)
{
    (void)process;
}

struct process *process_of_object(struct object *object)
{
    return (struct process *)object;
}

void environment_retire(struct object *object)
{
    object->class->destroy(object);
}

bool environment_handles_charge(struct handle_table *table, uint32_t count)
{
    (void)table;
    (void)count;
    return true;
}

void environment_handles_uncharge(struct handle_table *table, uint32_t count)
{
    (void)table;
    (void)count;
}

void *environment_page_get(struct handle_table *table, ts_status_t *out_status)
{
    (void)table;
    *out_status = TS_ERR_MEMORY;
    return NULL;
}

__attribute__((weak)) struct account *caller_account(void)
{
    return NULL;
}

// Nothing here has waiters, so nothing of this is reached.
#define UNREACHED(signature) \
    signature                \
    {                        \
        abort();             \
    }
UNREACHED(void environment_page_put(__attribute__((unused)) struct handle_table *table,
                                    __attribute__((unused)) void *page))
UNREACHED(void environment_wake_ring(__attribute__((unused)) struct ring *ring))
UNREACHED(void *environment_lend(__attribute__((unused)) struct ring *ring,
                                 __attribute__((unused)) uint8_t priority))
UNREACHED(void environment_return(__attribute__((unused)) void *borrower,
                                  __attribute__((unused)) uint8_t priority))
UNREACHED(void environment_give_turn(__attribute__((unused)) struct ring *ring))
UNREACHED(void environment_wake_thread(__attribute__((unused)) struct request *request))
UNREACHED(bool environment_futex_remove(__attribute__((unused)) struct request *request))
UNREACHED(uint32_t environment_cpu(void))
UNREACHED(void environment_relax(void))
UNREACHED(void timer_stop_busy(__attribute__((unused)) struct timer *timer))

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
    (void)timer, (void)expired;
    abort();
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    (void)timer, (void)deadline;
    abort();
}

const char *symbol_find(vaddr_t address, uint64_t *out_offset)
{
    (void)address, (void)out_offset;
    return NULL;
}
