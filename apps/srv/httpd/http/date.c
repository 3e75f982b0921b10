// SPDX-License-Identifier: MIT
#include "date.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "SunMonTueWedThuFriSat";

#define SECONDS_PER_DAY 86400

struct date {
    int64_t year;
    unsigned month, day; // from 1
    unsigned hour, minute, second;
};

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Years are counted from
// March, so that the leap day is a year's last; 400 years are 146,097 days.
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_seconds(int64_t seconds, struct date *out_date, unsigned *out_weekday)
{
    int64_t days = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    *out_weekday = (unsigned)(((days + 4) % 7 + 7) % 7); // 1970-01-01 was a Thursday
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    out_date->day = (unsigned)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    out_date->month = (unsigned)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    out_date->year = year_of_era + era * 400 + (out_date->month <= 2);
    out_date->hour = (unsigned)(rest / 3600);
    out_date->minute = (unsigned)(rest / 60 % 60);
    out_date->second = (unsigned)(rest % 60);
}

static void write_clock(struct writer *writer, const struct date *date)
{
    write_digits(writer, date->hour, 2);
    write_string(writer, ":");
    write_digits(writer, date->minute, 2);
    write_string(writer, ":");
    write_digits(writer, date->second, 2);
}

// Seconds that have a year of four digits; others are shown as the nearest that has.
static int64_t printable(int64_t seconds)
{
    const int64_t last = INT64_C(253402300799); // 9999-12-31 23:59:59
    return seconds < 0 ? 0 : seconds > last ? last : seconds;
}

static void write_fixdate(struct writer *writer, int64_t seconds)
{
    struct date date;
    unsigned weekday;
    date_from_seconds(seconds, &date, &weekday);
    write_text(writer, (struct text){day_names + 3 * weekday, 3});
    write_string(writer, ", ");
    write_digits(writer, date.day, 2);
    write_string(writer, " ");
    write_text(writer, (struct text){month_names + 3 * (date.month - 1), 3});
    write_string(writer, " ");
    write_digits(writer, (uint64_t)date.year, 4);
    write_string(writer, " ");
    write_clock(writer, &date);
    write_string(writer, " GMT");
}

static void write_log_date(struct writer *writer, int64_t seconds)
{
    struct date date;
    unsigned weekday;
    date_from_seconds(seconds, &date, &weekday);
    write_digits(writer, date.day, 2);
    write_string(writer, "/");
    write_text(writer, (struct text){month_names + 3 * (date.month - 1), 3});
    write_string(writer, "/");
    write_digits(writer, (uint64_t)date.year, 4);
    write_string(writer, ":");
    write_clock(writer, &date);
    write_string(writer, " +0000");
}

// The same few seconds are written over and over: the present one, and files' dates.
#define CACHED 32

struct cached_date {
    int64_t seconds;
    uint8_t length; // 0: none
    char text[31];
};

static void write_cached(struct writer *writer, struct cached_date cache[CACHED], int64_t seconds,
                         void (*write)(struct writer *, int64_t))
{
    seconds = printable(seconds);
    struct cached_date *cached = &cache[seconds % CACHED];
    if (cached->length == 0 || cached->seconds != seconds) {
        struct writer fresh = writer_make(cached->text, sizeof(cached->text));
        write(&fresh, seconds);
        cached->seconds = seconds;
        cached->length = (uint8_t)fresh.length;
    }
    write_text(writer, (struct text){cached->text, cached->length});
}

void date_write(struct writer *writer, int64_t seconds)
{
    static struct cached_date cache[CACHED];
    write_cached(writer, cache, seconds, write_fixdate);
}

void date_write_log(struct writer *writer, int64_t seconds)
{
    static struct cached_date cache[CACHED];
    write_cached(writer, cache, seconds, write_log_date);
}

// Exactly `digits` digits off the front.
static bool take_digits(struct text *text, unsigned digits, unsigned *out_value)
{
    struct text field = {text->data, digits};
    uint64_t value;
    if (text->length < digits || !text_take_number(&field, &value) || field.length != 0) {
        return false;
    }
    text->data += digits;
    text->length -= digits;
    *out_value = (unsigned)value;
    return true;
}

// One of the names of three letters; its number from 0.
static bool take_name(struct text *text, const char *names, unsigned count, unsigned *out_index)
{
    for (unsigned i = 0; text->length >= 3 && i < count; i++) {
        if (text_equal((struct text){text->data, 3}, (struct text){names + 3 * i, 3})) {
            text->data += 3;
            text->length -= 3;
            *out_index = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct text *text, unsigned *out_month)
{
    unsigned index;
    if (!take_name(text, month_names, 12, &index)) {
        return false;
    }
    *out_month = index + 1;
    return true;
}

static bool take_clock(struct text *text, struct date *date)
{
    return take_digits(text, 2, &date->hour) && text_take(text, ':') &&
           take_digits(text, 2, &date->minute) && text_take(text, ':') &&
           take_digits(text, 2, &date->second);
}

static bool take_year(struct text *text, struct date *date)
{
    unsigned year;
    if (!take_digits(text, 4, &year)) {
        return false;
    }
    date->year = year;
    return true;
}

// " GMT" and then nothing.
static bool take_zone(struct text text)
{
    return text_equal(text, TEXT(" GMT"));
}

// After the weekday: ", 06 Nov 1994 08:49:37 GMT"
static bool parse_fixdate(struct text text, struct date *date)
{
    return text_take(&text, ',') && text_take(&text, ' ') && take_digits(&text, 2, &date->day) &&
           text_take(&text, ' ') && take_month(&text, &date->month) && text_take(&text, ' ') &&
           take_year(&text, date) && text_take(&text, ' ') && take_clock(&text, date) &&
           take_zone(text);
}

// After the weekday's first three letters: "day, 06-Nov-94 08:49:37 GMT"
static bool parse_rfc850(struct text text, int64_t now, struct date *date)
{
    while (text.length > 0 && text.data[0] >= 'a' && text.data[0] <= 'z') {
        text_take(&text, text.data[0]);
    }
    unsigned year;
    if (!(text_take(&text, ',') && text_take(&text, ' ') && take_digits(&text, 2, &date->day) &&
          text_take(&text, '-') && take_month(&text, &date->month) && text_take(&text, '-') &&
          take_digits(&text, 2, &year) && text_take(&text, ' ') && take_clock(&text, date) &&
          take_zone(text))) {
        return false;
    }
    // A year that seems more than 50 years ahead is the last one in the past with these digits.
    struct date today;
    unsigned weekday;
    date_from_seconds(printable(now), &today, &weekday);
    date->year = today.year / 100 * 100 + year;
    if (date->year > today.year + 50) {
        date->year -= 100;
    }
    return true;
}

// After the weekday: " Nov  6 08:49:37 1994"
static bool parse_asctime(struct text text, struct date *date)
{
    if (!text_take(&text, ' ') || !take_month(&text, &date->month) || !text_take(&text, ' ')) {
        return false;
    }
    unsigned digits = text_take(&text, ' ') ? 1 : 2;
    return take_digits(&text, digits, &date->day) && text_take(&text, ' ') &&
           take_clock(&text, date) && text_take(&text, ' ') && take_year(&text, date) &&
           text.length == 0;
}

static bool date_valid(const struct date *date)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date->month < 1 || date->month > 12) {
        return false;
    }
    bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
    unsigned last = lengths[date->month - 1] + (date->month == 2 && leap);
    return date->day >= 1 && date->day <= last && date->hour < 24 && date->minute < 60 &&
           date->second <= 60; // 60: a leap second
}

bool date_parse(struct text text, int64_t now, int64_t *out_seconds)
{
    struct date date = {0};
    unsigned weekday;
    if (!take_name(&text, day_names, 7, &weekday)) {
        return false;
    }
    if (!parse_fixdate(text, &date) && !parse_asctime(text, &date) &&
        !parse_rfc850(text, now, &date)) {
        return false;
    }
    if (!date_valid(&date)) {
        return false;
    }
    *out_seconds = days_from_date(date.year, date.month, date.day) * SECONDS_PER_DAY +
                   date.hour * 3600 + date.minute * 60 + date.second;
    return true;
}
