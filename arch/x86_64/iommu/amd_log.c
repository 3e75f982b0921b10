// SPDX-License-Identifier: MIT
// What an AMD-Vi unit reports: a ring of events in memory, and an interrupt.
#include "amd.h"

#include "amd_registers.h"
#include "device.h"

#include <arch/cpu.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/iommu.h>
#include <machine/x86.h>

#define LENGTH        256u // events, a page
#define RING_MASK     (LENGTH * 16 - 1)
#define PATIENCE      10000u // reads of memory or a register: less than a millisecond
#define STATUS_OFFSET 6u     // in configuration space
#define STATUS_LIST   0x10u
#define LIST          0x34u
#define LIST_MAX      48u
#define MESSAGE       5u // the capability's number
#define MESSAGE_ON    1u
#define MESSAGE_WIDE  0x80u
#define MESSAGE_COUNT 0x70u
#define ADDRESS       0xfee00000u

#define EVENT_CODE(e)    ((e)[0] >> 60)
#define EVENT_DEVICE(e)  ((uint16_t)(e)[0])
#define EVENT_MESSAGE(e) ((e)[0] >> 51 & 1)
#define EVENT_WRITE(e)   ((e)[0] >> 53 & 1)

enum {
    ENTRY_ILLEGAL = 1,
    PAGE_FAULT = 2,
    ENTRY_ERROR = 3,
    TABLE_ERROR = 4,
    REQUEST_ILLEGAL = 8,
    PAGE_REQUEST = 9 // a request for a page, which nobody may send
};

#define DROPPED UINT64_MAX // an event that nobody wants any more

// ---- Its interrupt

static uint8_t byte_of(const struct amd *u, uint32_t offset)
{
    return config_read((uint8_t)(u->source >> 8), (uint8_t)u->source, (uint8_t)offset);
}

static void write_at(const struct amd *u, uint32_t offset, uint32_t value)
{
    config_write((uint8_t)(u->source >> 8), (uint8_t)u->source, (uint8_t)offset, value);
}

static uint8_t capability_find(const struct amd *u, uint8_t number)
{
    uint8_t at = byte_of(u, STATUS_OFFSET) & STATUS_LIST ? byte_of(u, LIST) & 0xfc : 0;
    for (unsigned steps = 0; at >= 0x40 && steps < LIST_MAX; steps++) {
        if (byte_of(u, at) == number) {
            return at;
        }
        at = byte_of(u, at + 1u) & 0xfc;
    }
    return 0;
}

bool amd_message_set(const struct amd *u, uint32_t vector, uint32_t apic_id)
{
    uint8_t at = capability_find(u, MESSAGE);
    if (!at || apic_id > 0xff) {
        return false;
    }
    uint32_t head = MESSAGE | (uint32_t)byte_of(u, at + 1u) << 8;
    uint32_t control = byte_of(u, at + 2u) | (uint32_t)byte_of(u, at + 3u) << 8;
    bool wide = control & MESSAGE_WIDE;
    control &= ~(MESSAGE_COUNT | MESSAGE_ON);
    write_at(u, at, head | control << 16);
    write_at(u, at + 4u, ADDRESS | apic_id << 12);
    if (wide) {
        write_at(u, at + 8u, 0);
    }
    write_at(u, at + (wide ? 12u : 8u), vector);
    write_at(u, at, head | (control | MESSAGE_ON) << 16);
    return true;
}

// ---- The ring

// Some chips show that an event is there before they have written it. What has been waited for it
// is taken off `*patience`.
static volatile uint64_t *event_at(const struct amd *u, uint32_t at, uint32_t *patience)
{
    volatile uint64_t *event = u->events[at / 16];
    for (; EVENT_CODE(event) == 0 && *patience > 0; --*patience) {
        arch_cpu_relax();
    }
    return event;
}

// Whether it names a function; others are of the unit itself.
static bool is_of_function(uint64_t code)
{
    return code == ENTRY_ILLEGAL || code == PAGE_FAULT || code == ENTRY_ERROR ||
           code == TABLE_ERROR || code == REQUEST_ILLEGAL || code == PAGE_REQUEST;
}

// Takes the next event out.
static bool event_take(struct amd *u, uint64_t *out)
{
    if ((amd_read32(u, AMD_EVENT_TAIL) & RING_MASK) == u->head) {
        return false;
    }
    uint32_t patience = PATIENCE;
    volatile uint64_t *event = event_at(u, u->head, &patience);
    out[0] = event[0];
    out[1] = event[1];
    event[0] = 0;
    event[1] = 0;
    u->head = (u->head + 16) & RING_MASK;
    amd_write32(u, AMD_EVENT_HEAD, u->head);
    return true;
}

bool amd_fault_next(struct amd *u, uint32_t *at, struct iommu_fault *out)
{
    uint64_t event[2];
    for (; *at < LENGTH && event_take(u, event); ++*at) {
        uint64_t code = EVENT_CODE(event);
        if (event[0] == DROPPED) {
            continue;
        }
        if (!is_of_function(code)) {
            log_error("iommu: the unit at %#lx reports %#lx, %#lx", (unsigned long)u->unit.place,
                      (unsigned long)event[0], (unsigned long)event[1]);
            continue;
        }
        *out = (struct iommu_fault){.address = event[1] & ~PAGE_MASK,
                                    .source = EVENT_DEVICE(event),
                                    .reason = (uint8_t)code,
                                    .write = code == PAGE_FAULT && EVENT_WRITE(event),
                                    .message = code == PAGE_FAULT && EVENT_MESSAGE(event)};
        ++*at;
        return true;
    }
    return false;
}

// Drops those of a function (IOMMU_NO_SOURCE: of all that are blocked) that nobody is to be ended
// for any more.
static void drop(struct amd *u, uint32_t source)
{
    uint32_t tail = amd_read32(u, AMD_EVENT_TAIL) & RING_MASK, patience = PATIENCE;
    for (uint32_t at = u->head; at != tail; at = (at + 16) & RING_MASK) {
        volatile uint64_t *event = event_at(u, at, &patience);
        uint16_t of = EVENT_DEVICE(event);
        if (is_of_function(EVENT_CODE(event)) &&
            (source == IOMMU_NO_SOURCE ? amd_entry_blocked(u, of) : source == of)) {
            event[0] = DROPPED;
        }
    }
}

void amd_faults_drop(struct amd *u, uint16_t source)
{
    drop(u, source);
}

// Empties the ring; it is off meanwhile. After an overflow it reports nothing until that was done.
static void log_restart(struct amd *u)
{
    amd_write64(u, AMD_CONTROL, u->control & ~AMD_CONTROL_EVENTS);
    for (uint32_t tries = 0;
         (amd_read32(u, AMD_STATUS) & AMD_STATUS_EVENTS_RUN) && tries < PATIENCE; tries++) {
        arch_cpu_relax();
    }
    amd_write32(u, AMD_STATUS, AMD_STATUS_OVERFLOW | AMD_STATUS_INTERRUPT);
    u->head = 0;
    amd_write64(u, AMD_EVENT_HEAD, 0);
    amd_write64(u, AMD_EVENT_TAIL, 0);
    amd_write64(u, AMD_CONTROL, u->control);
}

// What the ring has of others that are admitted stays: the next admission takes it, and that
// restarts the ring if it ran over (amd_fault_more).
void amd_faults_on(struct amd *u)
{
    if (!(u->control & AMD_CONTROL_INTERRUPT)) {
        drop(u, IOMMU_NO_SOURCE);
        u->control |= AMD_CONTROL_INTERRUPT;
        amd_write64(u, AMD_CONTROL, u->control);
    }
}

void amd_faults_off(struct amd *u)
{
    u->control &= ~AMD_CONTROL_INTERRUPT;
    amd_write64(u, AMD_CONTROL, u->control);
}

bool amd_fault_more(struct amd *u)
{
    irqflags_t flags = spin_lock(&u->unit.lock);
    uint32_t status = amd_read32(u, AMD_STATUS);
    amd_write32(u, AMD_STATUS, AMD_STATUS_INTERRUPT);
    bool more = (amd_read32(u, AMD_EVENT_TAIL) & RING_MASK) != u->head;
    if (!more && (status & AMD_STATUS_OVERFLOW)) {
        log_restart(u);
    }
    spin_unlock(&u->unit.lock, flags);
    return more;
}
