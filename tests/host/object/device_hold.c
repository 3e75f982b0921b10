// SPDX-License-Identifier: MIT
// Devices that are held: which driver answers for a fault, when it is told late, and what an
// admission does that is late for the end of its domain. The test is the machine, with one device
// whose context is one word, and the rest of the kernel.
#include "../check.h"

#include <arch/iommu.h>
#include <log.h>
#include <mm/account.h>
#include <mm/page.h>
#include <object/caller.h>
#include <object/device_hold.h>
#include <object/memory.h>
#include <object/process.h>
#include <sched/sched.h>
#include <tessera/abi/status.h>

#define DEVICE 8u

// ---- The machine

struct arch_dma {
    struct device_hold *owner;
    bool closed;
    uint64_t admission, mapped;
};

static struct arch_dma *context; // what the device reaches; NULL: nothing
static void (*before_admission)(void);
static ts_status_t refusal; // of the next admission

bool arch_dma_held(uint64_t device)
{
    return device == DEVICE;
}

ts_status_t arch_dma_create(uint64_t device, struct device_hold *owner, struct arch_dma **out_dma)
{
    CHECK(device == DEVICE);
    *out_dma = calloc(1, sizeof(struct arch_dma));
    (*out_dma)->owner = owner;
    return TS_OK;
}

void arch_dma_block(struct arch_dma *dma)
{
    context = context == dma ? NULL : context;
}

void arch_dma_close(struct arch_dma *dma)
{
    dma->closed = true;
    arch_dma_block(dma);
}

void arch_dma_destroy(struct arch_dma *dma)
{
    if (dma != NULL) {
        arch_dma_block(dma);
    }
    free(dma);
}

ts_status_t arch_dma_admit(struct arch_dma *dma, uint64_t admission)
{
    void (*meanwhile)(void) = before_admission;
    before_admission = NULL;
    if (meanwhile != NULL) {
        meanwhile();
    }
    if (dma->closed) {
        return TS_ERR_GONE;
    }
    ts_status_t refused = refusal;
    refusal = TS_OK;
    if (refused != TS_OK) {
        return refused;
    }
    CHECK(admission != 0);
    dma->admission = admission;
    context = dma;
    return TS_OK;
}

ts_status_t arch_dma_map(struct arch_dma *dma, paddr_t page)
{
    (void)page;
    dma->mapped++;
    return TS_OK;
}

void arch_dma_unmap(struct arch_dma *dma, paddr_t page)
{
    (void)page;
    CHECK(dma->mapped-- > 0);
}

void arch_dma_flush(struct arch_dma *dma)
{
    CHECK(dma != NULL);
}

// The device does what it may not, and is stopped; it is told later.
static struct dma_fault fault(void)
{
    struct dma_fault fault = {.device = DEVICE,
                              .admission = context != NULL ? context->admission : 0};
    context = NULL;
    return fault;
}

// ---- The rest of the kernel

static struct process drivers[2], *ended;
static struct work *queued;
static struct thread thread;
static struct page page;

struct thread *arch_cpu_thread(void)
{
    return &thread;
}

struct account *caller_account(void)
{
    return NULL;
}

void process_end(struct process *process, const struct ts_process_report *report)
{
    CHECK(report->reason == TS_EXIT_DMA && ended == NULL);
    ended = process;
}

void reaper_queue(struct work *work)
{
    CHECK(queued == NULL);
    queued = work;
}

void object_get(struct object *object)
{
    atomic_fetch_add(&object->references, 1);
}

void object_put(struct object *object)
{
    CHECK(atomic_fetch_sub(&object->references, 1) > 0);
}

void account_get(struct account *account)
{
    (void)account;
}

void account_put(struct account *account)
{
    (void)account;
}

ts_status_t account_charge(struct account *account, uint64_t pages)
{
    (void)account, (void)pages;
    return TS_OK;
}

void account_uncharge(struct account *account, uint64_t pages)
{
    (void)account, (void)pages;
}

ts_status_t page_alloc(unsigned flags, struct page **out_page)
{
    (void)flags, (void)out_page;
    return TS_ERR_MEMORY;
}

void page_put(struct page *one)
{
    CHECK(one == &page);
}

struct page *page_find(paddr_t address)
{
    (void)address;
    return NULL;
}

static unsigned pages_left = UINT32_MAX; // until the thread is to stop

ts_status_t memory_page_get(struct memory *memory, uint64_t offset, struct page **out_page)
{
    (void)memory, (void)offset;
    thread.stopping = --pages_left == 0;
    *out_page = &page;
    return TS_OK;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

// ---- Tests

static struct object domains[2];
static struct device_hold holds[2];

static void make(unsigned i)
{
    holds[i] = (struct device_hold){0};
    CHECK_EQUAL(hold_init(&holds[i], &domains[i], DEVICE), TS_OK);
}

static ts_status_t drive(unsigned hold, unsigned driver)
{
    thread.process = &drivers[driver];
    CHECK(hold_use(&holds[hold]));
    ts_status_t status = hold_drive(&holds[hold]);
    hold_unuse(&holds[hold]);
    return status;
}

static void end(unsigned i)
{
    hold_end(&holds[i]);
    hold_release(&holds[i]);
    hold_unuse(&holds[i]);
}

static void driver_dies(unsigned i)
{
    hold_block(&holds[i]);
    hold_release(&holds[i]);
}

static struct process *reap(void)
{
    struct work *work = queued;
    queued = NULL;
    ended = NULL;
    if (work != NULL) {
        CHECK(!work->step(work));
    }
    return ended;
}

static void finish(unsigned i)
{
    hold_fini(&holds[i]);
    CHECK(domains[i].references == 0 && context == NULL);
    CHECK(drivers[0].object.references == 0 && drivers[1].object.references == 0);
}

static void test_fault(void)
{
    make(0);
    CHECK_EQUAL(drive(0, 0), TS_OK);
    struct dma_fault told = fault();
    hold_fault(&holds[0], &told);
    hold_fault(&holds[0], &told);
    CHECK(reap() == &drivers[0]);
    driver_dies(0);
    end(0);
    finish(0);
}

// Between the interrupt and the reaper the driver goes, and another process drives.
static void test_end_is_for_who_did_it(void)
{
    make(0);
    CHECK_EQUAL(drive(0, 0), TS_OK);
    struct dma_fault told = fault();
    hold_fault(&holds[0], &told);
    driver_dies(0);
    CHECK_EQUAL(drive(0, 1), TS_OK);
    CHECK(reap() == &drivers[0]);
    driver_dies(0);
    end(0);
    finish(0);
}

// The same, and the device of that one faults as well before the reaper comes.
static void test_second_driver_is_ended_too(void)
{
    make(0);
    CHECK_EQUAL(drive(0, 0), TS_OK);
    struct dma_fault told = fault();
    hold_fault(&holds[0], &told);
    driver_dies(0); // by itself: it needs no end
    CHECK_EQUAL(drive(0, 1), TS_OK);
    struct dma_fault second = fault();
    hold_fault(&holds[0], &second);
    CHECK(reap() == &drivers[1]);
    driver_dies(0);
    end(0);
    finish(0);
}

// Between the record and its telling the driver goes, and another process drives.
static void test_fault_of_another_admission(void)
{
    make(0);
    CHECK_EQUAL(drive(0, 0), TS_OK);
    struct dma_fault told = fault(), again = fault();
    driver_dies(0);
    CHECK_EQUAL(drive(0, 1), TS_OK);
    hold_fault(&holds[0], &told);
    hold_fault(&holds[0], &again);
    CHECK(reap() == NULL && context == holds[0].dma);
    driver_dies(0);
    end(0);
    make(1); // and the same for another domain
    CHECK_EQUAL(drive(1, 1), TS_OK);
    hold_fault(&holds[1], &told);
    CHECK(reap() == NULL);
    end(1);
    finish(0);
    finish(1);
}

static void next_has_it(void)
{
    end(0);
    make(1);
    CHECK_EQUAL(drive(1, 1), TS_OK);
    thread.process = &drivers[0];
}

// A thread says DRIVE and is held up until its domain has ended and the next driver has the device.
static void test_late_admission(void)
{
    make(0);
    before_admission = next_has_it;
    CHECK_EQUAL(drive(0, 0), TS_ERR_GONE);
    CHECK(context != NULL && context == holds[1].dma);
    end(1);
    finish(0);
    finish(1);
}

static ts_status_t other_status;

static void other_thread_drives(void)
{
    other_status = drive(0, 0);
}

// While one thread's DRIVE is about to fail another's does not say that it drives.
static void test_refused_admission(void)
{
    make(0);
    before_admission = other_thread_drives;
    refusal = TS_ERR_LIMIT;
    CHECK_EQUAL(drive(0, 0), TS_ERR_LIMIT);
    CHECK(!hold_driven(&holds[0]) && context == NULL);
    CHECK_EQUAL(other_status, TS_ERR_BUSY);
    CHECK_EQUAL(drive(0, 1), TS_OK);
    CHECK_EQUAL(drive(0, 1), TS_OK);
    CHECK(context == holds[0].dma);
    driver_dies(0);
    end(0);
    finish(0);
}

// A thread that is to stop does not go on with a million pages first.
static void test_stop(void)
{
    uint64_t mapped = 0;
    make(0);
    CHECK_EQUAL(drive(0, 0), TS_OK);
    pages_left = 10;
    CHECK_EQUAL(hold_map(&holds[0], NULL, 0, 1u << 20, &mapped), TS_ERR_INTERRUPTED);
    CHECK_EQUAL(mapped, 10);
    pages_left = UINT32_MAX;
    hold_unmap(&holds[0], NULL, 0, mapped);
    CHECK_EQUAL(holds[0].dma->mapped, 0);
    end(0);
    finish(0);
}

int main(void)
{
    test_fault();
    test_end_is_for_who_did_it();
    test_second_driver_is_ended_too();
    test_fault_of_another_admission();
    test_late_admission();
    test_refused_admission();
    test_stop();
    return 0;
}
