// SPDX-License-Identifier: MIT
// Every conversion of kernel/core/time.h and of the user library's clock.h over the whole range of
// its types: the ends, both sides of every power of two, and random ones of every size. Results are
// compared with exact ones of 128 bits. UBSan watches.
#include <tests/host/check.h>

#include <core/time.h>
#include <string.h>
#include <tessera/lib/clock.h>

#define SAMPLES 3000

typedef __int128 wide;

static int64_t samples[SAMPLES]; // in order

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void samples_make(void)
{
    unsigned count = 0;
    samples[count++] = INT64_MAX;
    samples[count++] = INT64_MIN;
    for (unsigned bit = 0; bit < 63; bit++) {
        for (int off = -2; off <= 2; off++) {
            int64_t power = INT64_C(1) << bit;
            samples[count++] = power + off;
            samples[count++] = -power - off;
            samples[count++] = INT64_MAX - power + (off < 0 ? off : 0);
        }
    }
    while (count < SAMPLES) {
        uint64_t random = random_next() >> random_below(64);
        samples[count++] = (int64_t)(random_below(2) ? random : 0 - random);
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), compare);
}

static int64_t clamp(wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

static uint64_t clamp_unsigned(wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

static void sums_saturate(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        for (unsigned turn = 0; turn < 200; turn++) {
            int64_t a = samples[i], b = samples[random_below(SAMPLES)];
            CHECK_EQUAL(time_add(a, b), clamp((wide)a + b));
            CHECK_EQUAL(ts_time_add(a, b), time_add(a, b));
        }
    }
}

static void wholes_and_rests_saturate(void)
{
    static const ts_time_t units[] = {TS_MICROSECOND, TS_MILLISECOND, TS_SECOND};
    for (unsigned i = 0; i < SAMPLES; i++) {
        for (unsigned unit = 0; unit < 3; unit++) {
            int64_t rest = (int64_t)(random_next() >> random_below(64) >> 1);
            wide whole = clamp((wide)samples[i] * units[unit]);
            int64_t expected = clamp(whole + (whole == INT64_MIN ? 0 : rest));
            int64_t found = ts_time_of(samples[i], units[unit], rest);
            if ((wide)samples[i] * units[unit] >= INT64_MIN) {
                CHECK_EQUAL(found, expected);
            } else {
                CHECK_EQUAL(found, INT64_MIN);
            }
        }
    }
}

// A tick is the first at whose start the deadline has passed; no tick's start is negative.
static void ticks_are_not_early(void)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        ts_time_t deadline = samples[i];
        uint64_t tick = time_tick_of(deadline);
        CHECK(tick >= last && tick <= UINT64_C(1) << 53);
        last = tick;
        CHECK((wide)tick << TIME_TICK_SHIFT >= deadline);
        CHECK(tick == 0 || (wide)(tick - 1) << TIME_TICK_SHIFT < deadline);
        ts_time_t start = time_of_tick(tick);
        CHECK(start >= 1 && start >= deadline);
        CHECK_EQUAL(time_tick_of(start), tick == 0 ? 1 : tick);
        CHECK_EQUAL(time_of_tick((uint64_t)samples[i]),
                    samples[i] == 0 ? 1 : clamp((wide)(uint64_t)samples[i] << TIME_TICK_SHIFT));
    }
}

// The machine's clock: 32.32 factors for counters from 10 MHz to 16 GHz.
static void counts_are_exact(uint64_t factor)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t value = (uint64_t)samples[i];
        wide product = (wide)((unsigned __int128)value * factor >> TIME_SCALE_SHIFT);
        CHECK(time_scale(value, factor) == clamp_unsigned(product));
        if (samples[i] < 0) {
            continue; // no deadline; and the order ends here
        }
        uint64_t count = time_unscale(value, factor);
        CHECK(count >= last);
        last = count;
        if (count == UINT64_MAX) { // longer than the counter counts
            CHECK(time_scale(UINT64_MAX - 1, factor) < value);
            continue;
        }
        CHECK(time_scale(count, factor) >= value); // not early
        CHECK(count == 0 || time_scale(count - 1, factor) < value);
    }
}

static void spans_of_counts_saturate(uint64_t hz)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t counts = (uint64_t)samples[i];
        CHECK(time_of_counts(counts, hz) ==
              clamp_unsigned((wide)((unsigned __int128)counts * TIME_NS_PER_S / hz)));
    }
}

static void counters(void)
{
    static const uint64_t rates[] = {10000000,   10000019,   24000000,    1000000000,
                                     1193182000, 2999999999, 16000000000, 15999999999};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        counts_are_exact((uint64_t)(((unsigned __int128)TIME_NS_PER_S << 32) / rates[i]));
        spans_of_counts_saturate(rates[i]);
    }
    spans_of_counts_saturate(1);
}

// The next time is after now, in step, and no time is counted twice or left out.
static void rule_t02_what_was_missed_is_counted(void)
{
    for (unsigned turn = 0; turn < 200000; turn++) {
        ts_time_t due = (ts_time_t)(random_next() >> 1 >> random_below(63));
        ts_time_t period = (ts_time_t)(random_next() >> 1 >> random_below(63)) | 1;
        ts_time_t now = (ts_time_t)(random_next() >> 1 >> random_below(63));
        uint64_t times;
        ts_time_t next = time_next(due, period, now, &times);
        CHECK(times >= 1);
        CHECK_EQUAL(next, clamp(due + (wide)times * period));
        CHECK(next > now || next == INT64_MAX);
        CHECK(times == 1 || due + (wide)(times - 1) * period <= now);
    }
}

int main(void)
{
    samples_make();
    sums_saturate();
    wholes_and_rests_saturate();
    ticks_are_not_early();
    counters();
    rule_t02_what_was_missed_is_counted();
    return 0;
}
