// SPDX-License-Identifier: MIT
// The log ring. `end` counts all bytes ever written; byte n is at n % LOG_SIZE while it is kept,
// which is while end - n <= LOG_SIZE. A reader that fell behind goes on after the next newline.
#include <log.h>

#include <arch/clock.h>
#include <arch/debug.h>
#include <debug/screen.h>
#include <tessera/format/text.h>
#include <panic.h>
#include <spinlock.h>
#include <string.h>
#include <tessera/abi/status.h>

#define LOG_SIZE    65536u
#define SCREEN_SIZE 4096u
#define LINE_MAX    256u
#define PIECE       8u   // bytes that are shown at a time
#define SHOW_MOST   512u // by one caller, which may have interrupts off; more than a line
#define LATE_NS     INT64_C(3000000000) // a serial line that takes nothing so long is not waited for

static struct spinlock log_lock = SPINLOCK_INIT("log");
static char ring[LOG_SIZE] LOCK_GUARDED_BY(log_lock);
static uint64_t end LOCK_GUARDED_BY(log_lock);
static bool serial_released, screen_released;
static void (*listener)(void);

// What is shown while it is written: a character on a serial line or a screen takes thousands of
// instructions, so no line is shown with the lock held. A CPU that finds none showing does it,
// piece by piece; it also shows what others write meanwhile, to a bound. What is left then, or what
// a serial line does not take now, is shown with the next line, or when the port is released.
struct mirror {
    const char *from; // a ring of `size` bytes
    uint32_t size;
    uint64_t shown, end; // counts of bytes
    ts_time_t stuck;     // since when nothing more is taken; 0: it is
    bool busy;
    size_t (*show)(const char *text, size_t length); // returns how many were taken
};

static size_t screen_show(const char *text, size_t length)
{
    screen_write(text, length);
    return length;
}

// The screen shows the kernel's own lines only: they are few, and to draw one is long.
static char screen_ring[SCREEN_SIZE];
static struct mirror serial_mirror LOCK_GUARDED_BY(log_lock) = {
    .from = ring, .size = LOG_SIZE, .show = arch_serial_write};
static struct mirror screen_mirror LOCK_GUARDED_BY(log_lock) = {
    .from = screen_ring, .size = SCREEN_SIZE, .show = screen_show};

static const char *const level_names[] = {"debug: ", "", "warning: ", "error: "};

static void ring_add(char *to, uint32_t size, uint64_t at, const char *text, size_t length)
    LOCK_REQUIRES(log_lock)
{
    size_t start = at % size;
    size_t first = length < size - start ? length : size - start;
    memcpy(to + start, text, first);
    memcpy(to, text + first, length - first);
}

// The next piece, or 0 when all is shown. The mirror is ours.
static size_t mirror_take(struct mirror *mirror, bool released, char piece[PIECE])
    LOCK_REQUIRES(log_lock)
{
    size_t length = 0;
    if (released || mirror->end - mirror->shown > mirror->size) {
        mirror->shown = mirror->end; // nobody is to see it, or it was overwritten
    }
    while (length < PIECE && mirror->shown + length < mirror->end) {
        piece[length] = mirror->from[(mirror->shown + length) % mirror->size];
        length++;
    }
    return length;
}

static void mirror_taken(struct mirror *mirror, size_t length, size_t done) LOCK_REQUIRES(log_lock)
{
    mirror->shown += done;
    if (done == length) {
        mirror->stuck = 0;
    } else if (mirror->stuck == 0 || done > 0) {
        mirror->stuck = clock_now();
    }
}

static void mirror_show(struct mirror *mirror, const bool *released)
{
    char piece[PIECE];
    irqflags_t flags = spin_lock(&log_lock);
    if (!mirror->busy) {
        mirror->busy = true;
        size_t length, done, all = 0;
        do {
            length = mirror_take(mirror, *released, piece);
            spin_unlock(&log_lock, flags);
            done = mirror->show(piece, length);
            flags = spin_lock(&log_lock);
            mirror_taken(mirror, length, done);
            all += done;
        } while (length > 0 && done == length && all < SHOW_MOST);
        mirror->busy = false;
    }
    spin_unlock(&log_lock, flags);
}

static void emit(const char *line, size_t length, bool on_screen)
{
    irqflags_t flags = spin_lock(&log_lock);
    ring_add(ring, LOG_SIZE, end, line, length);
    serial_mirror.end = end += length;
    if (on_screen) {
        ring_add(screen_ring, SCREEN_SIZE, screen_mirror.end, line, length);
        screen_mirror.end += length;
    }
    void (*tell)(void) = listener;
    spin_unlock(&log_lock, flags);
    if (!serial_released) {
        mirror_show(&serial_mirror, &serial_released);
    }
    if (on_screen && !screen_released) {
        mirror_show(&screen_mirror, &screen_released);
    }
    if (tell != NULL) {
        flags = arch_irq_save();
        tell();
        arch_irq_restore(flags);
    }
}

// "[seconds.microseconds] ", the seconds in at least five places. Programs write many lines: this
// is ts_format("[%5lu.%06lu] ") without its detours.
static size_t stamp(char *line)
{
    uint64_t us = (uint64_t)clock_now() / 1000, seconds = us / 1000000;
    uint32_t fraction = (uint32_t)(us % 1000000);
    size_t places = 5;
    for (uint64_t rest = seconds / 100000; rest != 0; rest /= 10) {
        places++;
    }
    line[0] = '[';
    for (size_t i = places; i > 0; i--, seconds /= 10) {
        line[i] = seconds != 0 || i == places ? (char)('0' + seconds % 10) : ' ';
    }
    line[places + 1] = '.';
    for (size_t i = 6; i > 0; i--, fraction /= 10) {
        line[places + 1 + i] = (char)('0' + fraction % 10);
    }
    line[places + 8] = ']';
    line[places + 9] = ' ';
    return places + 10;
}

static void clean(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            text[i] = '?';
        }
    }
}

// Copies what fits before the last byte of the line; returns its new length.
static size_t add(char *line, size_t at, const char *text, size_t length)
{
    size_t room = LINE_MAX - 1 - at;
    length = length < room ? length : room;
    memcpy(line + at, text, length);
    return at + length;
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX];
    size_t start = stamp(line);
    size_t length = start + ts_format(line + start, LINE_MAX - start, "%s", level_names[level]);
    va_list arguments;
    va_start(arguments, format);
    length += ts_format_v(line + length, LINE_MAX - length, format, arguments);
    va_end(arguments);
    clean(line + start, length - start);
    line[length++] = '\n'; // in place of the NUL
    emit(line, length, true);
}

void log_append(const char *source, const char *text, size_t length)
{
    char line[LINE_MAX];
    size_t start = stamp(line);
    size_t total = add(line, start, source, strlen(source));
    total = add(line, total, ": ", 2);
    total = add(line, total, text, length);
    clean(line + start, total - start);
    line[total++] = '\n';
    emit(line, total, false);
}

// Moves a cursor whose bytes are gone to the first line that is whole.
static uint64_t cursor_valid(uint64_t cursor) LOCK_REQUIRES(log_lock)
{
    if (cursor > end) {
        return end;
    }
    if (end - cursor <= LOG_SIZE) {
        return cursor;
    }
    cursor = end - LOG_SIZE;
    while (cursor < end && ring[cursor++ % LOG_SIZE] != '\n') {
    }
    return cursor;
}

// The lock is taken for a piece at a time, so that a large buffer does not keep interrupts off.
static size_t read_piece(uint64_t *cursor, char *to, size_t size)
{
    irqflags_t flags = spin_lock(&log_lock);
    uint64_t at = cursor_valid(*cursor);
    size_t length = end - at < size ? (size_t)(end - at) : size;
    for (size_t i = 0; i < length; i++) {
        to[i] = ring[(at + i) % LOG_SIZE];
    }
    *cursor = at + length;
    spin_unlock(&log_lock, flags);
    return length;
}

size_t log_read(uint64_t *cursor, char *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t length = read_piece(cursor, to + done, size - done < 512 ? size - done : 512);
        if (!length) {
            break;
        }
        done += length;
    }
    return done;
}

uint64_t log_end(void)
{
    irqflags_t flags = spin_lock(&log_lock);
    uint64_t value = end;
    spin_unlock(&log_lock, flags);
    return value;
}

void log_set_listener(void (*function)(void))
{
    irqflags_t flags = spin_lock(&log_lock);
    listener = function;
    spin_unlock(&log_lock, flags);
}

// Not while somebody shows: what it has in hand would come among what the new owner writes. Nor
// while something is left, unless nobody takes it.
static ts_status_t mirror_release(struct mirror *mirror, bool *released)
{
    mirror_show(mirror, released);
    irqflags_t flags = spin_lock(&log_lock);
    bool late = mirror->stuck != 0 && clock_now() - mirror->stuck > LATE_NS;
    bool wait = mirror->busy || (mirror->shown != mirror->end && !late);
    if (!wait) {
        *released = true;
    }
    spin_unlock(&log_lock, flags);
    return wait ? TS_ERR_AGAIN : TS_OK;
}

ts_status_t log_serial_release(void)
{
    return mirror_release(&serial_mirror, &serial_released);
}

ts_status_t log_screen_release(void)
{
    return mirror_release(&screen_mirror, &screen_released);
}
