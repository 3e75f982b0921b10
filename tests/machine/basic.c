// SPDX-License-Identifier: MIT
// Memory functions, formats, log, clock, timer, interrupt numbers.
#include "test.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/smp.h>
#include <tessera/format/text.h>
#include <log.h>
#include <string.h>
#include <tessera/abi/status.h>

#define AREA 1200u

// An emulator on a busy machine may stand still for seconds.
#define PATIENCE ((ts_time_t)20000000000)

static uint8_t area[AREA], expected[AREA];

static void areas_fill(void)
{
    for (unsigned i = 0; i < AREA; i++) {
        area[i] = expected[i] = (uint8_t)(i * 7 + 3);
    }
}

static bool areas_same(void)
{
    for (unsigned i = 0; i < AREA; i++) {
        if (area[i] != expected[i]) {
            return false;
        }
    }
    return true;
}

static void move_expected(unsigned to, unsigned from, unsigned length)
{
    uint8_t copy[AREA];
    for (unsigned i = 0; i < length; i++) {
        copy[i] = expected[from + i];
    }
    for (unsigned i = 0; i < length; i++) {
        expected[to + i] = copy[i];
    }
}

void test_string(void)
{
    static const unsigned lengths[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 64, 100, 255, 256, 257, 500};
    for (unsigned l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        unsigned length = lengths[l];
        for (unsigned offset = 0; offset < 9; offset++) {
            areas_fill();
            move_expected(600 + offset, 3, length);
            CHECK(memcpy(area + 600 + offset, area + 3, length) == area + 600 + offset);
            CHECK(areas_same());
            areas_fill();
            move_expected(20 + offset, 20, length);
            CHECK(memmove(area + 20 + offset, area + 20, length) == area + 20 + offset);
            CHECK(areas_same());
            areas_fill();
            move_expected(20, 20 + offset, length);
            memmove(area + 20, area + 20 + offset, length);
            CHECK(areas_same());
            areas_fill();
            for (unsigned i = 0; i < length; i++) {
                expected[30 + offset + i] = 0x9c;
            }
            CHECK(memset(area + 30 + offset, 0x39c, length) == area + 30 + offset);
            CHECK(areas_same());
        }
    }
    CHECK(memcmp("abc", "abd", 3) < 0 && memcmp("abc", "abd", 2) == 0);
    CHECK(memcmp("\xff", "\x01", 1) > 0 && memcmp("", "x", 0) == 0);
    CHECK(strlen("four") == 4 && !strcmp("a", "a") && strcmp("a", "b") < 0);
    CHECK(!strncmp("abc", "abd", 2) && strncmp("abc", "ab", 3) > 0);
}

void test_format(void)
{
    char text[64];
    CHECK(ts_format(text, sizeof(text), "%5d|%-5d|%05d", -42, 42, 42) == 17);
    CHECK(!strcmp(text, "  -42|42   |00042"));
    ts_format(text, sizeof(text), "%#lx %X %lu %c %%", 0xfeedUL, 0xbeefu, ~0UL, 'z');
    CHECK(!strcmp(text, "0xfeed BEEF 18446744073709551615 z %"));
    ts_format(text, sizeof(text), "%.*s|%5s|%-4s|", 2, "abc", "x", "y");
    CHECK(!strcmp(text, "ab|    x|y   |"));
    CHECK(ts_format(text, 4, "%s", "abcdef") == 3 && !strcmp(text, "abc"));
    long most_negative = (long)(1UL << 63);
    ts_format(text, sizeof(text), "%ld %p", most_negative, (void *)16);
    CHECK(!strcmp(text, "-9223372036854775808 0x10"));
}

void test_log(void)
{
    uint64_t cursor = log_end();
    log_append("test", "one\ntwo\x1b[2J", 11);
    char text[128];
    size_t length = log_read(&cursor, text, sizeof(text) - 1);
    text[length] = '\0';
    CHECK(length > 15 && !strcmp(text + length - 18, "test: one?two?[2J\n"));
    CHECK(cursor == log_end() && log_read(&cursor, text, sizeof(text)) == 0);
    uint64_t ahead = cursor + 1000;
    CHECK(log_read(&ahead, text, sizeof(text)) == 0);
}

void test_clock(void)
{
    ts_time_t last = clock_now();
    for (unsigned i = 0; i < 10000; i++) {
        ts_time_t now = clock_now();
        CHECK(now >= last);
        last = now;
    }
    ts_time_t start = clock_now();
    arch_delay_us(2000);
    ts_time_t took = clock_now() - start;
    CHECK(took >= 1999000 && took < PATIENCE);
    struct ts_clock clock;
    arch_clock_describe(&clock);
    uint64_t ns =
        (uint64_t)((unsigned __int128)(arch_counter() - clock.base_counter) * clock.multiplier >>
                   clock.shift);
    CHECK((int64_t)ns >= start && (int64_t)ns <= clock_now());
    CHECK(clock.realtime_offset > (int64_t)1700000000 * 1000000000);
}

static _Atomic unsigned ticks;
static ts_time_t tick_at;

static void tick(void)
{
    tick_at = clock_now();
    ticks++;
}

void test_timer(void)
{
    hooks.timer = tick;
    for (unsigned i = 1; i <= 20; i++) {
        ticks = 0;
        arch_irq_disable();
        ts_time_t deadline = clock_now() + i * 100000;
        timer_arm(deadline);
        while (!ticks) {
            arch_cpu_idle();
        }
        arch_irq_enable();
        CHECK(ticks == 1 && tick_at + 1000 >= deadline);
    }
    // Disarmed, it does not fire; again where the emulator was stopped until it had.
    for (bool in_time = false; !in_time;) {
        ticks = 0;
        arch_irq_disable();
        ts_time_t deadline = clock_now() + 1000000;
        timer_arm(deadline);
        timer_arm(TS_DEADLINE_NONE);
        in_time = clock_now() < deadline;
        arch_irq_enable();
        arch_delay_us(5000);
        CHECK(!in_time || ticks == 0);
    }
    ticks = 0;
    arch_irq_disable();
    timer_arm(TS_DEADLINE_PAST); // in the past: at once
    arch_irq_enable();
    for (ts_time_t end = clock_now() + PATIENCE; !ticks && clock_now() < end;) {
        arch_cpu_relax();
    }
    CHECK(ticks == 1);
    hooks.timer = NULL;
}

void test_interrupts(void)
{
    uint32_t number, other, data;
    uint64_t address;
    CHECK(arch_interrupt_line_count() >= 24);
    CHECK(arch_interrupt_line(4, TS_LINE_LEGACY, 0, &number) == TS_OK);
    CHECK(arch_interrupt_line(4, TS_LINE_LEGACY, 0, &other) == TS_ERR_BUSY);
    CHECK(arch_interrupt_line(16, TS_LINE_LEGACY, 0, &other) == TS_ERR_RANGE);
    CHECK(arch_interrupt_line(1u << 20, 0, 0, &other) == TS_ERR_RANGE);
    arch_interrupt_unmask(number);
    arch_interrupt_mask(number);
    arch_interrupt_free(number);
    CHECK(arch_interrupt_line(4, TS_LINE_LEGACY, 0, &number) == TS_OK);
    arch_interrupt_free(number);
    uint32_t count = 0, given[ARCH_INTERRUPT_MAX + 1];
    while (arch_interrupt_message(0, 0, &given[count], &address, &data) == TS_OK) {
        CHECK(address >> 20 == 0xfee && data >= 0x30 && data < 0xf0);
        CHECK(given[count] < ARCH_INTERRUPT_MAX);
        count++;
    }
    CHECK(count == ARCH_INTERRUPT_MAX);
    while (count) {
        arch_interrupt_free(given[--count]);
    }
}
