// SPDX-License-Identifier: MIT
// TAP for programs in the guest (docs/testing.md): a list of named tests, each a function that
// checks with CHECK and its like and stops at the first that fails.
//
//   static void reads_back(void) { CHECK_EQUAL(value, 42); }
//   int main(void) { static const struct tap_test tests[] = {TAP(reads_back)}; return
//   TAP_RUN(tests); }
#pragma once

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

struct tap_test {
    const char *name;
    void (*run)(void);
};

#define TAP(function)       \
    {                       \
#function, function \
    }
#define TAP_RUN(tests) tap_run((tests), sizeof(tests) / sizeof((tests)[0]))

// Runs them all; the result is main's: 0 or 1. As the first program it ends the machine with that.
int tap_run(const struct tap_test *tests, size_t count);

// A line beside the test's own.
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The rest of the test is skipped. Only in the thread that runs the tests.
_Noreturn void tap_skip(const char *why);

// What the test says from here on holds while it is in time. A check that fails later than that may
// have been made too late, and the test begins anew, a few times at the most: what fails each time
// has failed. Of several times the first counts; 0: time has no part in what follows. What the test
// has made until then stays, so it must have no thread that goes on.
void tap_in_time(int64_t until);

// Others were faster, as they may be: the test begins anew, under the same conditions.
_Noreturn void tap_again(const char *why);

_Noreturn void tap_fail(const char *file, int line, const char *what, int64_t found,
                        int64_t expected);

#define CHECK(condition)                                    \
    do {                                                    \
        if (!(condition))                                   \
            tap_fail(__FILE__, __LINE__, #condition, 0, 1); \
    } while (0)

#define CHECK_EQUAL(found, expected)                                              \
    do {                                                                          \
        int64_t tap_found = (int64_t)(found), tap_expected = (int64_t)(expected); \
        if (tap_found != tap_expected)                                            \
            tap_fail(__FILE__, __LINE__, #found, tap_found, tap_expected);        \
    } while (0)

#define CHECK_OK(call) CHECK_EQUAL(call, 0)
