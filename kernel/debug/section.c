// SPDX-License-Identifier: MIT
// Sections with interrupts off: see section.h.
//
// A place is where a section began and where it ended. The table keeps, of each place at which one
// was long, the longest, with the callers of its end.
#include <section.h>

#include <arch/cpu.h>
#include <arch/debug.h>
#include <cpu.h>
#include <log.h>
#include <panic.h>
#include <base/symbol.h>

#if TS_DEBUG

#define LONG_TICKS  UINT64_C(5000)
#define PLACES      64u
#define TRAIL       6u // of the callers of the end
#define OWN         2u // return addresses of this file's functions before those
#define REPORT_MOST 8u

struct place {
    uint64_t from, to, ticks;
    uint64_t trail[TRAIL]; // callers of the end, unless it is the way to user mode
    bool reported;
};

static struct place places[PLACES];
static _Atomic bool busy; // places; a CPU that finds it so leaves them alone
static _Atomic uint64_t longest, reported;

void section_leave(void); // entry.S: to user mode

__attribute__((noinline)) void section_begin(void)
{
    struct cpu *cpu = cpu_current();
    if (cpu->off_since != 0) {
        return;
    }
    cpu->off_from = (uint64_t)__builtin_return_address(0);
    cpu->off_since = arch_counter();
}

// The place's entry, the one with the shortest section if it is new and the table full.
static struct place *place_find(uint64_t from, uint64_t to)
{
    struct place *shortest = &places[0];
    for (unsigned i = 0; i < PLACES; i++) {
        if (places[i].from == from && places[i].to == to) {
            return &places[i];
        }
        if (places[i].ticks < shortest->ticks) {
            shortest = &places[i];
        }
    }
    return shortest;
}

// Without the functions of this file.
static void trail_keep(struct place *place)
{
    uint64_t trail[OWN + TRAIL];
    unsigned count = arch_backtrace(NULL, trail, OWN + TRAIL);
    for (unsigned i = OWN; i < count; i++) {
        place->trail[i - OWN] = trail[i];
    }
}

static void place_note(uint64_t from, uint64_t to, uint64_t ticks, bool trail)
{
    if (atomic_exchange_explicit(&busy, true, memory_order_acquire)) {
        return;
    }
    struct place *place = place_find(from, to);
    if (ticks > place->ticks) {
        *place = (struct place){.from = from, .to = to, .ticks = ticks};
        if (trail) {
            trail_keep(place);
        }
    }
    atomic_store_explicit(&busy, false, memory_order_release);
}

static void longest_note(uint64_t ticks)
{
    uint64_t before = atomic_load_explicit(&longest, memory_order_relaxed);
    while (ticks > before &&
           !atomic_compare_exchange_weak_explicit(&longest, &before, ticks, memory_order_relaxed,
                                                  memory_order_relaxed)) {
        ;
    }
}

static void end(uint64_t to, bool trail)
{
    struct cpu *cpu = cpu_current();
    if (cpu->off_since == 0) {
        return;
    }
    uint64_t ticks = arch_counter() - cpu->off_since;
    if (ticks >= LONG_TICKS && !panic_active()) {
        longest_note(ticks);
        place_note(cpu->off_from, to, ticks, trail);
    }
    cpu->off_since = 0;
}

void section_end(void)
{
    end((uint64_t)__builtin_return_address(0), true);
}

void section_leave(void)
{
    end((uint64_t)__builtin_return_address(0), false);
}

uint64_t section_longest(void)
{
    return atomic_load_explicit(&longest, memory_order_relaxed);
}

// Takes the longest that was not reported since `busy` was clear; its ticks are 0 if there is none.
static struct place place_take(void)
{
    struct place *place = NULL, found = {0};
    irqflags_t flags = arch_irq_save();
    if (!atomic_exchange_explicit(&busy, true, memory_order_acquire)) {
        for (unsigned i = 0; i < PLACES; i++) {
            if (!places[i].reported && (place == NULL || places[i].ticks > place->ticks)) {
                place = &places[i];
            }
        }
        if (place != NULL) {
            found = *place;
            place->reported = true;
        }
        atomic_store_explicit(&busy, false, memory_order_release);
    }
    arch_irq_restore(flags);
    return found;
}

static void log_address(const char *what, uint64_t address)
{
    uint64_t offset = 0;
    const char *name = symbol_find(address - 1, &offset);
    log_info("  %s %s + %#lx", what, name != NULL ? name : "?", (unsigned long)offset + 1);
}

void section_report(void)
{
    uint64_t ticks = section_longest();
    if (atomic_exchange_explicit(&reported, ticks, memory_order_relaxed) >= ticks) {
        return;
    }
    for (unsigned i = 0; i < REPORT_MOST; i++) {
        struct place place = place_take();
        if (place.ticks == 0) {
            return;
        }
        log_info("section: interrupts were off for %lu ticks", (unsigned long)place.ticks);
        log_address("from", place.from);
        log_address("to", place.to);
        for (unsigned j = 0; j < TRAIL && place.trail[j] != 0; j++) {
            log_address("in", place.trail[j]);
        }
    }
}

#endif
