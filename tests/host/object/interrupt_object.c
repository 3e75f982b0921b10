// SPDX-License-Identifier: MIT
// Interrupt objects: when their line is armed and when it is masked. Operations come when they
// like, the last close among them: an operation holds a reference and no handle.
#include "../check.h"

#include <arch/hooks.h>
#include <arch/interrupt.h>
#include <arch/smp.h>
#include <log.h>
#include <object/body.h>
#include <object/device.h>
#include <object/interrupt.h>
#include <base/statistics.h>
#include <object/transfer.h>
#include <stdarg.h>
#include <string.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/status.h>

#define LINE 5u

// The machine: one line, which has number 0.
static bool masked = true, used;

ts_status_t arch_interrupt_line(uint32_t line, unsigned flags, uint32_t cpu,
                                uint32_t *out_interrupt)
{
    (void)flags, (void)cpu;
    CHECK(line == LINE && !used && masked);
    used = true;
    *out_interrupt = 0;
    return TS_OK;
}

ts_status_t arch_interrupt_message(uint32_t device, uint32_t cpu, uint32_t *out_interrupt,
                                   uint64_t *out_address, uint32_t *out_data)
{
    (void)device, (void)cpu, (void)out_interrupt, (void)out_address, (void)out_data;
    return TS_ERR_LIMIT;
}

void arch_interrupt_free(uint32_t interrupt)
{
    CHECK(interrupt == 0 && used);
    used = false;
    masked = true;
}

void arch_interrupt_mask(uint32_t interrupt)
{
    CHECK(interrupt == 0 && used);
    masked = true;
}

void arch_interrupt_unmask(uint32_t interrupt)
{
    CHECK(interrupt == 0 && used);
    masked = false;
}

// The rest of the kernel.
static ts_time_t now = 1;
struct statistics statistics_cpu[CPU_MAX];

ts_time_t clock_now(void)
{
    return now;
}

struct cpu *arch_cpu_self(void)
{
    static struct cpu cpu;
    return &cpu;
}

uint32_t cpu_count(void)
{
    return 1;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

ts_status_t operation_get_u64(struct operation *operation, uint64_t value)
{
    operation->value = value;
    return TS_OK;
}

void *body_create(struct account *payer, size_t size, const struct object_class *class,
                  ts_status_t *out_status)
{
    CHECK(payer == NULL);
    struct object *object = calloc(1, size);
    object->class = class;
    *out_status = TS_OK;
    return object;
}

void body_destroy(struct object *object, size_t size)
{
    (void)size;
    free(object);
}

static void (*when_signalled)(struct object *object);

void object_signal(struct object *object, ts_signals_t clear, ts_signals_t set, uint64_t count)
{
    object->signals = (object->signals & ~clear) | set;
    object->count += count;
    if (when_signalled != NULL && set == TS_SIGNAL_ERROR) {
        when_signalled(object);
    }
}

// Whose the line is: some address, which is only handed on.
static unsigned uses;
#define WHOSE ((struct device *)(void *)&uses)

struct device *device_use(struct device *device)
{
    CHECK(device == WHOSE);
    uses++;
    return device;
}

void device_unuse(struct device *device)
{
    CHECK(device == WHOSE && uses > 0);
    CHECK(!used); // the line is free: nothing of it is left
    uses--;
}

static ts_status_t acknowledge(struct object *object)
{
    struct operation operation = {.op = TS_OP_ACK};
    return interrupt_class.operate(object, &operation);
}

static struct object *line_make(void)
{
    struct object *object;
    CHECK_EQUAL(interrupt_create_line(NULL, LINE, 0, WHOSE, &object), TS_OK);
    CHECK_EQUAL(uses, 1);
    CHECK(masked);
    return object;
}

static void line_close(struct object *object)
{
    interrupt_class.unhandled(object);
    CHECK(masked);
}

static void line_destroy(struct object *object)
{
    interrupt_class.destroy(object);
    CHECK(masked && !used && uses == 0);
}

// It fires until that is a storm.
static void storm(void)
{
    for (unsigned i = 0; i <= INTERRUPT_STORM; i++) {
        interrupt_came(0);
    }
}

static void test_armed_by_ack(void)
{
    struct object *object = line_make();
    CHECK_EQUAL(acknowledge(object), TS_OK);
    CHECK(!masked);
    interrupt_came(0);
    CHECK_EQUAL(object->signals, TS_SIGNAL_READABLE);
    line_close(object);
    line_destroy(object);
}

// Nobody is left to hear it: it stays masked, whatever was still on the way.
static void test_not_armed_after_close(void)
{
    struct object *object = line_make();
    CHECK_EQUAL(acknowledge(object), TS_OK);
    line_close(object);
    CHECK_EQUAL(acknowledge(object), TS_ERR_GONE);
    CHECK(masked);
    interrupt_came(0);
    CHECK_EQUAL(object->count, 0);
    line_destroy(object);
}

static void test_storm(void)
{
    struct object *object = line_make();
    CHECK_EQUAL(acknowledge(object), TS_OK);
    storm();
    CHECK(masked && (object->signals & TS_SIGNAL_ERROR) != 0);
    CHECK_EQUAL(acknowledge(object), TS_OK);
    CHECK(!masked && (object->signals & TS_SIGNAL_ERROR) == 0);
    storm();
    line_close(object);
    CHECK_EQUAL(acknowledge(object), TS_ERR_GONE);
    CHECK(masked);
    line_destroy(object);
}

static void acknowledge_at_once(struct object *object)
{
    when_signalled = NULL;
    object->signals &= ~TS_SIGNAL_ERROR; // as if it came just before the signal
    CHECK_EQUAL(acknowledge(object), TS_OK);
    object->signals |= TS_SIGNAL_ERROR;
}

// An ack between the mask and the signal of a storm: the signal is left over, and can be cleared.
static void test_ack_in_storm(void)
{
    struct object *object = line_make();
    CHECK_EQUAL(acknowledge(object), TS_OK);
    when_signalled = acknowledge_at_once;
    storm();
    CHECK(!masked && (object->signals & TS_SIGNAL_ERROR) != 0);
    CHECK_EQUAL(acknowledge(object), TS_OK);
    CHECK(!masked && (object->signals & TS_SIGNAL_ERROR) == 0);
    line_close(object);
    line_destroy(object);
}

int main(void)
{
    test_armed_by_ack();
    test_not_armed_after_close();
    test_storm();
    test_ack_in_storm();
    return 0;
}
