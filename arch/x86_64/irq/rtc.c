// SPDX-License-Identifier: MIT
// The battery-backed clock (MC146818). Its century is not portable; years are taken as 2000 to
// 2099.
#include <arch/clock.h>

#include <core/time.h>
#include <machine/x86.h>
#include <spinlock.h>

#define PORT_INDEX 0x70
#define PORT_DATA  0x71

#define REG_STATUS_A 0x0a
#define REG_STATUS_B 0x0b
#define UPDATING     0x80
#define STOPPED      0x80 // of status B: no updates, while the fields are written
#define BINARY       0x04
#define HOURS_24     0x02
#define NOBODY       0xff // what is read where there is no such chip

#define UPDATE_NS  INT64_C(20000000) // an update takes 2.2 ms at the most
#define TRIES      8
#define YEAR_FIRST 2000
#define DAY_S      INT64_C(86400)

static const uint8_t registers[6] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09};
enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, FIELDS };

static struct spinlock lock = SPINLOCK_INIT("rtc"); // the index is one for all CPUs

static uint8_t read(uint8_t reg) LOCK_REQUIRES(lock)
{
    x86_out8(PORT_INDEX, reg | 0x80); // the high bit keeps NMI off the index register
    return x86_in8(PORT_DATA);
}

static void write(uint8_t reg, uint8_t value) LOCK_REQUIRES(lock)
{
    x86_out8(PORT_INDEX, reg | 0x80);
    x86_out8(PORT_DATA, value);
}

enum state { READY, BUSY, ABSENT };

// The fields and how they are to be read, if no update is under way.
static enum state read_now(uint8_t *fields, uint8_t *out_mode)
{
    irqflags_t flags = spin_lock(&lock);
    uint8_t status = read(REG_STATUS_A);
    bool ready = !(status & UPDATING);
    for (unsigned i = 0; ready && i < FIELDS; i++) {
        fields[i] = read(registers[i]);
    }
    *out_mode = read(REG_STATUS_B);
    spin_unlock(&lock, flags);
    return ready ? READY : status == NOBODY && *out_mode == NOBODY ? ABSENT : BUSY;
}

static bool read_fields(uint8_t *fields, uint8_t *out_mode)
{
    ts_time_t begin = clock_now();
    for (;;) {
        enum state state = read_now(fields, out_mode);
        if (state == READY) {
            return true;
        }
        if (state == ABSENT || clock_now() - begin > UPDATE_NS) {
            return false;
        }
    }
}

// Two equal readings: no update fell between their registers.
static bool read_same(uint8_t *fields, uint8_t *out_mode)
{
    uint8_t again[FIELDS];
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (!read_fields(fields, out_mode) || !read_fields(again, out_mode)) {
            return false;
        }
        bool same = true;
        for (unsigned i = 0; i < FIELDS; i++) {
            same = same && fields[i] == again[i];
        }
        if (same) {
            return true;
        }
    }
    return false;
}

static unsigned decimal(uint8_t value, uint8_t mode)
{
    return mode & BINARY ? value : (unsigned)((value >> 4) * 10 + (value & 15));
}

static uint8_t coded(unsigned value, uint8_t mode)
{
    return (uint8_t)(mode & BINARY ? value : value / 10 << 4 | value % 10);
}

// Days from 1970-01-01 to the given day: years counted from March, so that a leap day comes last.
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month > 2 ? year : year - 1;
    unsigned m = (month + 9) % 12;
    return (int64_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1) - 719468;
}

bool arch_rtc_read(int64_t *out_seconds)
{
    uint8_t f[FIELDS], mode;
    if (!read_same(f, &mode)) {
        return false;
    }
    bool afternoon = !(mode & HOURS_24) && (f[HOUR] & 0x80);
    unsigned hour = decimal(f[HOUR] & 0x7f, mode);
    if (!(mode & HOURS_24)) {
        hour = hour % 12 + (afternoon ? 12 : 0);
    }
    unsigned second = decimal(f[SECOND], mode), minute = decimal(f[MINUTE], mode);
    unsigned day = decimal(f[DAY], mode), month = decimal(f[MONTH], mode);
    unsigned year = decimal(f[YEAR], mode);
    if (second > 60 || minute > 59 || hour > 23 || !day || day > 31 || !month || month > 12 ||
        year > 99) {
        return false;
    }
    *out_seconds =
        ((days_of(YEAR_FIRST + year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

// The fields of a time; false: of another century.
static bool fields_of(int64_t seconds, unsigned fields[FIELDS])
{
    int64_t first = days_of(YEAR_FIRST, 1, 1);
    if (seconds < first * DAY_S || seconds >= days_of(YEAR_FIRST + 100, 1, 1) * DAY_S) {
        return false;
    }
    int64_t days = seconds / DAY_S;
    unsigned rest = (unsigned)(seconds % DAY_S), year = (unsigned)(days - first) / 366, month = 1;
    while (days_of(YEAR_FIRST + year + 1, 1, 1) <= days) {
        year++;
    }
    while (month < 12 && days_of(YEAR_FIRST + year, month + 1, 1) <= days) {
        month++;
    }
    fields[SECOND] = rest % 60;
    fields[MINUTE] = rest / 60 % 60;
    fields[HOUR] = rest / 3600;
    fields[DAY] = (unsigned)(days - days_of(YEAR_FIRST + year, month, 1)) + 1;
    fields[MONTH] = month;
    fields[YEAR] = year;
    return true;
}

bool arch_rtc_write(int64_t seconds)
{
    unsigned fields[FIELDS];
    if (!fields_of(seconds, fields)) {
        return false;
    }
    irqflags_t flags = spin_lock(&lock);
    uint8_t mode = read(REG_STATUS_B);
    bool here = mode != NOBODY;
    for (unsigned i = 0; here && i < FIELDS; i++) {
        uint8_t value = coded(fields[i], mode);
        if (i == HOUR && !(mode & HOURS_24)) {
            unsigned hour = fields[HOUR] % 12 == 0 ? 12 : fields[HOUR] % 12;
            value = coded(hour, mode) | (fields[HOUR] >= 12 ? 0x80 : 0);
        }
        if (i == 0) {
            write(REG_STATUS_B, mode | STOPPED);
        }
        write(registers[i], value);
    }
    if (here) {
        write(REG_STATUS_B, mode & (uint8_t)~STOPPED);
    }
    spin_unlock(&lock, flags);
    return here;
}
