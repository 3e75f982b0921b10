// SPDX-License-Identifier: MIT
// The clock is the time stamp counter, the timer the local APIC's.
//
// Their rates come from CPUID where it tells; else both are measured together, once, against a
// timer whose rate is known: HPET, ACPI power-management timer, or the old interval timer.
#include <arch/clock.h>

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <core/time.h>
#include <cpu.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/apic.h>
#include <machine/features.h>
#include <machine/x86.h>
#include <panic.h>

#define SHIFT TIME_SCALE_SHIFT

#define MEASURE_NS    UINT64_C(2000000)
#define MEASURE_TRIES 10
#define SAMPLE_TRIES  5
#define READS_MAX     1000000

#define HPET_PERIOD  0x004 // femtoseconds a tick
#define HPET_CONFIG  0x010
#define HPET_COUNTER 0x0f0
#define FS_PER_NS    UINT64_C(1000000)
#define HPET_FS_MAX  UINT32_C(100000000) // the specification's limit
#define HPET_FS_MIN  UINT32_C(100000)    // faster than any: products of its rate fit

#define PM_TIMER_HZ UINT64_C(3579545)
#define PIT_HZ      UINT64_C(1193182)

#define HZ_MIN UINT64_C(10000000)
#define HZ_MAX UINT64_C(16000000000)
_Static_assert((TIME_NS_PER_S << SHIFT) / HZ_MIN < UINT64_C(1) << 48,
               "time_unscale() divides by it");
_Static_assert(HZ_MAX <= UINT64_MAX / TIME_NS_PER_S, "time_of_counts() multiplies it");

static uint64_t counter_base;
static uint64_t counter_hz;
static uint64_t ns_per_tick;  // 32.32
static uint64_t ticks_per_ns; // 32.32, of the counter
static uint64_t timer_per_ns; // 32.32, of the APIC timer
static volatile char *hpet;

static uint64_t ratio(uint64_t a, uint64_t b) // b < 2^32, or a < 2^32
{
    return (a / b << SHIFT) + (b >> SHIFT ? (a << SHIFT) / b : (a % b << SHIFT) / b);
}

ts_time_t clock_now(void)
{
    return (ts_time_t)time_scale(arch_counter() - counter_base, ns_per_tick);
}

uint64_t arch_clock_frequency(void)
{
    return counter_hz;
}

void arch_clock_describe(struct ts_clock *clock)
{
    clock->version = TS_CLOCK_VERSION;
    clock->base_counter = counter_base;
    clock->base_ns = 0;
    clock->multiplier = ns_per_tick;
    clock->shift = SHIFT;
    clock->reserved = 0;
    clock->realtime_offset = boot_info.realtime_offset;
    clock->slew_begin = clock->slew = 0;
}

void arch_delay_us(uint32_t microseconds)
{
    uint64_t start = arch_counter();
    uint64_t ticks = counter_hz ? time_scale(microseconds * UINT64_C(1000), ticks_per_ns)
                                : microseconds * UINT64_C(3000);
    while (arch_counter() - start < ticks) {
        arch_cpu_relax();
    }
}

// The reference timers: ticks so far, as a free-running count, and the rate.
struct reference {
    const char *name;
    uint64_t hz;
    uint64_t (*read)(void);
    uint64_t mask;
};

static uint64_t hpet_read(void)
{
    return *(volatile uint32_t *)(hpet + HPET_COUNTER);
}

static uint64_t pm_timer_read(void)
{
    return x86_in32(acpi.pm_timer);
}

// Channel 2 of the interval timer counts down from 0xffff; latch, then read two bytes.
static uint64_t pit_read(void)
{
    x86_out8(0x43, 0x80);
    uint32_t low = x86_in8(0x42);
    return 0xffff - (low | (uint32_t)x86_in8(0x42) << 8);
}

static bool hpet_start(struct reference *r)
{
    if (!acpi.hpet) {
        return false;
    }
    hpet = arch_device_map(acpi.hpet, 1024, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
    uint32_t period = hpet != NULL ? *(volatile uint32_t *)(hpet + HPET_PERIOD) : 0;
    if (period < HPET_FS_MIN || period > HPET_FS_MAX) {
        return false;
    }
    *(volatile uint32_t *)(hpet + HPET_CONFIG) |= 1;
    *r = (struct reference){"HPET", FS_PER_NS * TIME_NS_PER_S / period, hpet_read, UINT32_MAX};
    return true;
}

static void pit_start(struct reference *r)
{
    x86_out8(0x61, (uint8_t)((x86_in8(0x61) & ~2) | 1)); // gate on, speaker off
    x86_out8(0x43, 0xb0);                                // channel 2, both bytes, one shot
    x86_out8(0x42, 0xff);
    x86_out8(0x42, 0xff);
    *r = (struct reference){"PIT", PIT_HZ, pit_read, 0xffff};
}

// The three clocks at one moment. An emulator may be stopped between two reads, so of some tries
// the one counts that took the least time.
struct sample {
    uint64_t counter, reference, timer;
};

static struct sample sample_take(const struct reference *r)
{
    struct sample best = {0};
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = arch_counter();
        uint64_t reference = r->read(), timer = apic_read(APIC_TIMER_CURRENT);
        uint64_t width = arch_counter() - before;
        if (width < least) {
            least = width;
            best = (struct sample){before + width / 2, reference, timer};
        }
    }
    return best;
}

struct rates {
    uint64_t counter_hz, timer_hz;
};

// One measurement of about MEASURE_NS. A reference that does not move ends the wait after more
// reads than a real one takes; false then, or when the result makes no sense.
static bool measure_once(const struct reference *r, struct rates *out)
{
    uint64_t want = r->hz * MEASURE_NS / TIME_NS_PER_S, passed = 0, reads = 0;
    apic_timer_one_shot();
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    struct sample start = sample_take(r);
    do {
        passed = (r->read() - start.reference) & r->mask;
    } while (passed < want && ++reads < READS_MAX);
    struct sample end = sample_take(r);
    apic_write(APIC_TIMER_INITIAL, 0);
    passed = (end.reference - start.reference) & r->mask;
    if (passed < want || !end.timer) {
        return false;
    }
    out->counter_hz = (end.counter - start.counter) * r->hz / passed;
    out->timer_hz = (start.timer - end.timer) * r->hz / passed;
    return out->counter_hz >= HZ_MIN && out->counter_hz <= HZ_MAX && out->timer_hz;
}

static bool near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= a / 256;
}

// A stop in the midst of a measurement can make the reference wrap unseen: two in a row have to
// agree. On a machine that never runs undisturbed the last one has to do.
static bool measure(const struct reference *r, struct rates *out)
{
    struct rates last = {0};
    bool any = false;
    for (unsigned i = 0; i < MEASURE_TRIES; i++) {
        if (!measure_once(r, out)) {
            continue;
        }
        if (any && near(out->counter_hz, last.counter_hz) && near(out->timer_hz, last.timer_hz)) {
            return true;
        }
        last = *out;
        any = true;
    }
    *out = last;
    if (any) {
        log_warn("clock: %s measures unsteadily", r->name);
    }
    return any;
}

static uint64_t cpuid_hz(void)
{
    if (x86_cpuid(0, 0).eax < 0x15) {
        return 0;
    }
    struct cpuid c = x86_cpuid(0x15, 0); // crystal ecx, counter = crystal * ebx / eax
    uint64_t hz = c.eax && c.ebx ? (uint64_t)c.ecx * c.ebx / c.eax : 0;
    return hz >= HZ_MIN && hz <= HZ_MAX ? hz : 0;
}

static void calibrate(void)
{
    struct reference r;
    uint64_t timer_hz = 0;
    const char *how = "CPUID";
    counter_hz = cpuid_hz();
    if (!counter_hz || !cpu_features.tsc_deadline) {
        if (!hpet_start(&r)) {
            r = (struct reference){"PM timer", PM_TIMER_HZ, pm_timer_read, 0xffffff};
            if (!acpi.pm_timer) {
                pit_start(&r);
            }
        }
        struct rates rates;
        if (!measure(&r, &rates)) {
            pit_start(&r);
            if (!measure(&r, &rates)) {
                cannot_run("no timer of this machine runs (HPET, PM timer, PIT)");
            }
        }
        timer_hz = rates.timer_hz;
        if (!counter_hz) {
            counter_hz = rates.counter_hz;
            how = r.name;
        }
    }
    ns_per_tick = ratio(TIME_NS_PER_S, counter_hz);
    ticks_per_ns = ratio(counter_hz, TIME_NS_PER_S);
    timer_per_ns = ratio(timer_hz, TIME_NS_PER_S);
    log_info("clock: %lu kHz by %s, timer %s", (unsigned long)(counter_hz / 1000), how,
             cpu_features.tsc_deadline ? "by deadline" : "one-shot");
}

void clock_init(void)
{
    counter_base = arch_counter();
    calibrate();
    int64_t seconds;
    if (arch_rtc_read(&seconds)) {
        boot_info.realtime_offset = seconds * (int64_t)TIME_NS_PER_S - clock_now();
    }
    clock_cpu_init();
}

void clock_cpu_init(void)
{
    if (cpu_features.tsc_deadline) {
        apic_timer_deadline();
    } else {
        apic_timer_one_shot();
    }
}

// The very count at which clock_now() comes to the deadline: a factor for the way back would be
// early by more and more the longer the machine is up, and the interrupt come again and again.
static void timer_deadline(ts_time_t deadline)
{
    uint64_t ticks = 0;
    if (deadline && __builtin_add_overflow(counter_base,
                                           time_unscale((uint64_t)deadline, ns_per_tick), &ticks)) {
        ticks = UINT64_MAX;
    }
    x86_wrmsr(MSR_TSC_DEADLINE, ticks);
}

static void timer_count(ts_time_t deadline)
{
    uint64_t count = 0;
    if (deadline) {
        ts_time_t left = deadline - clock_now();
        count = left > 0 ? time_scale((uint64_t)left, timer_per_ns) : 0;
        count = count < UINT32_MAX ? count + 1 : UINT32_MAX;
    }
    apic_write(APIC_TIMER_INITIAL, (uint32_t)count);
}

void timer_arm(ts_time_t deadline)
{
    if (deadline < 0) {
        deadline = TS_DEADLINE_PAST;
    }
    if (cpu_features.tsc_deadline) {
        timer_deadline(deadline);
    } else {
        timer_count(deadline);
    }
}
