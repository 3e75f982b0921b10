// SPDX-License-Identifier: MIT
// The battery-backed clock (MC146818), read once at boot. Its century is not portable; years are
// taken as 2000 to 2099.
#include <machine/apic.h>

#include <machine/x86.h>

#define PORT_INDEX 0x70
#define PORT_DATA  0x71

#define REG_STATUS_A 0x0a
#define REG_STATUS_B 0x0b
#define UPDATING     0x80
#define BINARY       0x04
#define HOURS_24     0x02

#define READS_MAX 100000

static const uint8_t registers[6] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09};
enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, FIELDS };

static uint8_t read(uint8_t reg)
{
    x86_out8(PORT_INDEX, reg | 0x80); // the high bit keeps NMI off the index register
    return x86_in8(PORT_DATA);
}

static bool read_fields(uint8_t *fields)
{
    for (unsigned i = 0; read(REG_STATUS_A) & UPDATING; i++) {
        if (i == READS_MAX) {
            return false;
        }
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        fields[i] = read(registers[i]);
    }
    return true;
}

static unsigned decimal(uint8_t value, uint8_t mode)
{
    return mode & BINARY ? value : (unsigned)((value >> 4) * 10 + (value & 15));
}

// Days from 1970-01-01 to the given day: years counted from March, so that a leap day comes last.
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month > 2 ? year : year - 1;
    unsigned m = (month + 9) % 12;
    return (int64_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1) - 719468;
}

int64_t rtc_read(void)
{
    // Two equal readings: no update fell between their registers.
    uint8_t f[FIELDS], again[FIELDS];
    bool same = false;
    for (unsigned tries = 0; tries < 8 && !same; tries++) {
        if (!read_fields(f) || !read_fields(again)) {
            return 0;
        }
        same = true;
        for (unsigned i = 0; i < FIELDS; i++) {
            same = same && f[i] == again[i];
        }
    }
    uint8_t mode = read(REG_STATUS_B);
    bool afternoon = !(mode & HOURS_24) && (f[HOUR] & 0x80);
    unsigned hour = decimal(f[HOUR] & 0x7f, mode);
    if (!(mode & HOURS_24)) {
        hour = hour % 12 + (afternoon ? 12 : 0);
    }
    unsigned second = decimal(f[SECOND], mode), minute = decimal(f[MINUTE], mode);
    unsigned day = decimal(f[DAY], mode), month = decimal(f[MONTH], mode);
    unsigned year = decimal(f[YEAR], mode);
    if (!same || second > 60 || minute > 59 || hour > 23 || !day || day > 31 || !month ||
        month > 12 || year > 99) {
        return 0;
    }
    return ((days_of(2000 + year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}
