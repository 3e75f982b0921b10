// SPDX-License-Identifier: MIT
// Interrupt objects. See interrupt.h.
//
// `table` says which object a number belongs to. It is read in interrupt context without a lock: an
// entry is cleared when the last handle closes, and the body goes to the reaper, which frees it
// after every CPU has been out of interrupt context.
//
// An operation holds a reference and no handle: it can come when the last handle has closed. So the
// line is armed and masked under a lock, and once closed it is never armed again.
#include <stdatomic.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/smp.h>
#include <log.h>
#include <object/body.h>
#include <object/device.h>
#include <object/interrupt.h>
#include <base/statistics.h>
#include <object/transfer.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/signal.h>
#include <tessera/abi/status.h>

#define STORM_WINDOW_NS 100000000

struct interrupt {
    struct object object;
    uint32_t number;
    struct device *device; // a use, or NULL
    struct spinlock lock;  // whether the line is masked, with what says why
    bool closed;           // the last handle is gone
    _Atomic bool stormed;  // written under the lock
    // Of the interrupt handler alone, which does not run on two CPUs for one number.
    uint32_t untaken; // fires in this window since the count was last taken
    ts_time_t window;
};

static _Atomic(struct interrupt *) table[ARCH_INTERRUPT_MAX];
static atomic_uint next_cpu;

static struct interrupt *interrupt_of(struct object *object)
{
    return list_entry(object, struct interrupt, object);
}

static void storm_begin(struct interrupt *interrupt)
{
    irqflags_t flags = spin_lock(&interrupt->lock);
    arch_interrupt_mask(interrupt->number);
    atomic_store_explicit(&interrupt->stormed, true, memory_order_relaxed);
    spin_unlock(&interrupt->lock, flags);
    object_signal(&interrupt->object, 0, TS_SIGNAL_ERROR, 0);
    log_warn("interrupt %u: storm, masked until it is acknowledged", interrupt->number);
}

// Whether this fire is one too many.
static bool storm_check(struct interrupt *interrupt)
{
    ts_signals_t signals = atomic_load_explicit(&interrupt->object.signals, memory_order_relaxed);
    if ((signals & TS_SIGNAL_READABLE) == 0) {
        interrupt->untaken = 0;
        return false;
    }
    if (interrupt->untaken == 0) {
        interrupt->window = clock_now();
    }
    if (++interrupt->untaken < INTERRUPT_STORM) {
        return false;
    }
    bool storm = clock_now() - interrupt->window < STORM_WINDOW_NS;
    interrupt->untaken = 0;
    return storm;
}

void interrupt_came(uint32_t number)
{
    statistics_add(STATISTIC_INTERRUPTS, 1);
    struct interrupt *interrupt = number < ARCH_INTERRUPT_MAX
                                      ? atomic_load_explicit(&table[number], memory_order_acquire)
                                      : NULL;
    if (interrupt == NULL || atomic_load_explicit(&interrupt->stormed, memory_order_relaxed)) {
        return;
    }
    if (storm_check(interrupt)) {
        storm_begin(interrupt);
    } else {
        object_signal(&interrupt->object, 0, TS_SIGNAL_READABLE, 1);
    }
}

// ERROR is cleared before the next storm can set it: so a storm is never without it for long.
static ts_status_t interrupt_arm(struct interrupt *interrupt)
{
    struct object *object = &interrupt->object;
    ts_signals_t signals = atomic_load_explicit(&object->signals, memory_order_relaxed);
    if ((signals & TS_SIGNAL_ERROR) != 0) {
        object_signal(object, TS_SIGNAL_ERROR, 0, 0);
    }
    irqflags_t flags = spin_lock(&interrupt->lock);
    bool closed = interrupt->closed;
    if (!closed) {
        atomic_store_explicit(&interrupt->stormed, false, memory_order_relaxed);
        arch_interrupt_unmask(interrupt->number);
    }
    spin_unlock(&interrupt->lock, flags);
    return closed ? TS_ERR_GONE : TS_OK;
}

static ts_status_t interrupt_operate(struct object *object, struct operation *operation)
{
    switch (operation->op) {
    case TS_OP_ACK: return interrupt_arm(interrupt_of(object));
    case TS_OP_GET:
        return operation->arg == TS_PROPERTY_EVENT_COUNT
                   ? operation_get_u64(operation, atomic_load_explicit(TS_ATOMIC(&object->count),
                                                                       memory_order_relaxed))
                   : TS_ERR_UNSUPPORTED;
    default: return TS_ERR_UNSUPPORTED;
    }
}

static void interrupt_unhandled(struct object *object)
{
    struct interrupt *interrupt = interrupt_of(object);
    irqflags_t flags = spin_lock(&interrupt->lock);
    interrupt->closed = true;
    arch_interrupt_mask(interrupt->number);
    atomic_store_explicit(&table[interrupt->number], NULL, memory_order_release);
    spin_unlock(&interrupt->lock, flags);
}

static void interrupt_destroy(struct object *object)
{
    struct interrupt *interrupt = interrupt_of(object);
    arch_interrupt_free(interrupt->number);
    device_unuse(interrupt->device);
    body_destroy(object, sizeof(*interrupt));
}

const struct object_class interrupt_class = {
    .kind = TS_KIND_INTERRUPT,
    .name = "interrupt",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE |
              TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .unhandled = interrupt_unhandled,
    .destroy = interrupt_destroy,
    .operate = interrupt_operate,
};

// CPUs take turns.
static uint32_t cpu_choose(void)
{
    return atomic_fetch_add_explicit(&next_cpu, 1, memory_order_relaxed) % cpu_count();
}

static struct interrupt *interrupt_make(struct account *account, ts_status_t *out_status)
{
    struct interrupt *interrupt =
        body_create(account, sizeof(*interrupt), &interrupt_class, out_status);
    if (interrupt != NULL) {
        spin_init(&interrupt->lock, "interrupt object");
    }
    return interrupt;
}

// What interrupt_unhandled() and interrupt_destroy() undo.
static struct object *interrupt_enter(struct interrupt *interrupt, struct device *device)
{
    interrupt->device = device_use(device);
    atomic_store_explicit(&table[interrupt->number], interrupt, memory_order_release);
    return &interrupt->object;
}

ts_status_t interrupt_create_line(struct account *account, uint32_t line, unsigned flags,
                                  struct device *device, struct object **out_interrupt)
{
    ts_status_t status;
    struct interrupt *interrupt = interrupt_make(account, &status);
    if (interrupt == NULL) {
        return status;
    }
    status = arch_interrupt_line(line, flags, cpu_choose(), &interrupt->number);
    if (status == TS_OK) {
        *out_interrupt = interrupt_enter(interrupt, device);
    } else {
        body_destroy(&interrupt->object, sizeof(*interrupt));
    }
    return status;
}

ts_status_t interrupt_create_message(struct account *account, uint32_t sender,
                                     struct device *device,
                                     struct ts_interrupt_message *out_message,
                                     struct object **out_interrupt)
{
    ts_status_t status;
    struct interrupt *interrupt = interrupt_make(account, &status);
    if (interrupt == NULL) {
        return status;
    }
    *out_message = (struct ts_interrupt_message){0};
    status = arch_interrupt_message(sender, cpu_choose(), &interrupt->number, &out_message->address,
                                    &out_message->data);
    if (status == TS_OK) {
        *out_interrupt = interrupt_enter(interrupt, device);
    } else {
        body_destroy(&interrupt->object, sizeof(*interrupt));
    }
    return status;
}
