// SPDX-License-Identifier: MIT
// The line discipline, as a person at a terminal meets it.
#include "tests/host/check.h"

#include <drivers/console/tty.h>
#include <string.h>

static struct tty tty;

static void type(const char *text)
{
    for (; *text; text++) {
        tty_input(&tty, (uint8_t)*text);
    }
}

static void expect_shown(const char *text)
{
    static uint8_t shown[TTY_OUT + 1];
    size_t n = tty_output(&tty, shown, TTY_OUT);
    tty_sent(&tty, n);
    shown[n] = 0;
    if (n != strlen(text) || memcmp(shown, text, n) != 0) {
        fprintf(stderr, "shown '%s', expected '%s'\n", (char *)shown, text);
        exit(1);
    }
}

static void expect_read(size_t room, const char *text)
{
    uint8_t buffer[64];
    uint32_t consume;
    CHECK(tty_readable(&tty));
    size_t n = tty_peek(&tty, buffer, room, &consume);
    CHECK_EQUAL(n, strlen(text));
    CHECK(memcmp(buffer, text, n) == 0);
    uint8_t again[64];
    uint32_t consume2;
    CHECK(tty_peek(&tty, again, room, &consume2) == n && consume2 == consume); // only looked
    tty_consume(&tty, consume);
}

static void test_lines(void)
{
    tty_init(&tty);
    type("ls /");
    CHECK(!tty_readable(&tty));
    type("\r");
    expect_shown("ls /\r\n");
    expect_read(64, "ls /\n");
    CHECK(!tty_readable(&tty));
    type("one\ntwo\n");
    expect_read(64, "one\n"); // one line a read
    expect_read(2, "tw");
    expect_read(64, "o\n");
}

static void test_editing(void)
{
    tty_init(&tty);
    type("lz\b\x7fls\n");
    expect_shown("lz\b \b\b \bls\r\n");
    expect_read(64, "ls\n");
    type("one two  \x17x\x15y\n");
    expect_read(64, "y\n");
    expect_shown("one two  \b \b\b \b\b \b\b \b\b \bx\b \b\b \b\b \b\b \b\b \by\r\n");
    type("\b\b\n"); // nothing to erase
    expect_read(64, "\n");
    expect_shown("\r\n");
    type("a\xc3\xa4\x7f\n"); // a character of two bytes is one
    expect_read(64, "a\n");
    expect_shown("a\xc3\xa4\b \b\r\n");
    type("\x01\b\n");
    expect_shown("^A\b\b  \b\b\r\n");
    expect_read(64, "\n");
}

static void test_end_of_input(void)
{
    tty_init(&tty);
    type("abc\x04");
    expect_read(64, "abc");
    CHECK(!tty_readable(&tty));
    type("\x04");
    expect_read(64, "");
    CHECK(!tty_readable(&tty));
    type("x\n\x04");
    expect_read(64, "x\n");
    expect_read(64, "");
    type("ab\x04\x04");
    expect_read(2, "ab");
    expect_read(64, "");
}

static void test_events(void)
{
    tty_init(&tty);
    type("done\nhalf\x03");
    CHECK_EQUAL(tty_take_events(&tty), TS_CONSOLE_EVENT_INTERRUPT);
    CHECK_EQUAL(tty_take_events(&tty), 0);
    CHECK(!tty_readable(&tty));
    expect_shown("done\r\nhalf^C\r\n");
    type("\x1a\x1c");
    CHECK_EQUAL(tty_take_events(&tty), TS_CONSOLE_EVENT_SUSPEND | TS_CONSOLE_EVENT_QUIT);
    tty_set_mode(&tty, TS_CONSOLE_MODE_LINE);
    type("\x03\n");
    CHECK_EQUAL(tty_take_events(&tty), 0);
    expect_read(64, "\x03\n");
}

static void test_raw(void)
{
    tty_init(&tty);
    type("typed before");
    tty_set_mode(&tty, TS_CONSOLE_MODE_RAW);
    expect_read(64, "typed before");
    expect_shown("typed before");
    type("\x1b[A\r\x04\x03\x7f");
    expect_read(64, "\x1b[A\r\x04\x03\x7f");
    expect_shown("");
    CHECK_EQUAL(tty_write(&tty, (const uint8_t *)"a\nb", 3), 3);
    expect_shown("a\nb");
}

static void test_write(void)
{
    static uint8_t many[2 * TTY_OUT];
    tty_init(&tty);
    CHECK_EQUAL(tty_write(&tty, (const uint8_t *)"a\nb", 3), 3);
    expect_shown("a\r\nb");
    memset(many, '\n', sizeof(many));
    CHECK_EQUAL(tty_write(&tty, many, sizeof(many)), TTY_OUT / 2);
    CHECK(!tty_writable(&tty));
    CHECK_EQUAL(tty_write(&tty, many, 1), 0);
    type("typing goes on\n"); // without echo
    expect_read(64, "typing goes on\n");
    tty_sent(&tty, 2);
    CHECK(tty_writable(&tty));
}

static void test_too_much(void)
{
    tty_init(&tty);
    for (unsigned i = 0; i < TS_CONSOLE_LINE_MAX + 10; i++) {
        tty_input(&tty, 'x');
    }
    CHECK_EQUAL(tty.edit_length, TS_CONSOLE_LINE_MAX - 1);
    CHECK_EQUAL(tty.overruns, 11);
    type("\n");
    CHECK_EQUAL(tty.ready_tail - tty.ready_head, TS_CONSOLE_LINE_MAX);
    for (unsigned line = 0; line < 3; line++) {
        for (unsigned i = 0; i < 4000; i++) {
            tty_input(&tty, 'y');
        }
        type("\n");
    }
    CHECK(tty.ready_tail - tty.ready_head <= TTY_READY);
    CHECK(tty.overruns >= 4001); // whole lines are dropped
}

// Echo of what nobody reads leaves half of the queue to writers, whatever is typed.
static void test_echo_without_end(void)
{
    static uint8_t many[TTY_OUT];
    for (unsigned bells = 0; bells < 2; bells++) {
        tty_init(&tty);
        for (unsigned i = 0; i < 3 * TTY_OUT; i++) {
            tty_input(&tty, bells ? 'x' : i % 2 ? '\n' : 1);
        }
        CHECK(tty.out_tail - tty.out_head >= TTY_OUT / 2);
        CHECK(tty_write(&tty, many, sizeof(many)) >= TTY_OUT / 2 - 1);
    }
}

static void test_noise(void)
{
    tty_init(&tty);
    for (unsigned i = 0; i < 2000000; i++) {
        uint8_t buffer[64];
        uint32_t consume;
        switch (random_below(40)) {
        case 0: tty_set_mode(&tty, random_below(32)); break;
        case 1:
            if (tty_readable(&tty)) {
                tty_peek(&tty, buffer, 1 + random_below(64), &consume);
                CHECK(consume > 0);
                tty_consume(&tty, consume);
            }
            break;
        case 2: tty_sent(&tty, tty_output(&tty, buffer, sizeof(buffer))); break;
        case 3: tty_write(&tty, buffer, 0); break;
        default: tty_input(&tty, (uint8_t)random_below(256)); break;
        }
        CHECK(tty.ready_tail - tty.ready_head <= TTY_READY);
        CHECK(tty.out_tail - tty.out_head <= TTY_OUT);
        CHECK(tty.edit_length < TS_CONSOLE_LINE_MAX);
    }
}

int main(void)
{
    test_lines();
    test_editing();
    test_end_of_input();
    test_events();
    test_raw();
    test_write();
    test_too_much();
    test_echo_without_end();
    test_noise();
    return 0;
}
