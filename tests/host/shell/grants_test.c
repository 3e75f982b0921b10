// SPDX-License-Identifier: MIT
// Which rights programs get by /etc/rights, and without one that can be understood.
#include "shell.h"

#include <stdio.h>
#include <string.h>
#include <tessera/abi/right.h>
#include <tessera/abi/types.h>

#include "tests/host/check.h"

#define ALL            ((uint32_t)TS_RIGHTS_ALL)
#define ALWAYS         (ALL & ~(uint32_t)(TS_RIGHT_MANAGE | TS_RIGHT_SHARE))
#define ALL_BUT(right) (ALL & ~(uint32_t)TS_RIGHT_##right)

static char text[256]; // of the file; empty: there is none

// In place of fopen().
FILE *open_rights(const char *path, const char *mode)
{
    CHECK(strcmp(path, "/etc/rights") == 0);
    return text[0] ? fmemopen(text, strlen(text), mode) : NULL;
}

static void read_file(const char *lines)
{
    snprintf(text, sizeof(text), "%s", lines);
    grants_init();
}

static void test_lines(void)
{
    read_file("# words\nkeep control manage\nkeep log read\n\ngive /bin/log log # this one\n");
    CHECK_EQUAL(grants_rights("/bin/spy", "control"), ALL_BUT(MANAGE));
    CHECK_EQUAL(grants_rights("/bin/spy", "log"), ALL_BUT(READ));
    CHECK_EQUAL(grants_rights("/bin/log", "log"), (uint32_t)TS_RIGHTS_SAME);
    CHECK_EQUAL(grants_rights("/bin/log", "control"), ALL_BUT(MANAGE));
    CHECK_EQUAL(grants_rights("/bin/spy", "root"), ALL);
}

// A program with a line that gives more than it should, gets less.
static void check_nothing_is_given(void)
{
    CHECK_EQUAL(grants_rights("/bin/log", "control"), ALWAYS);
    CHECK_EQUAL(grants_rights("/bin/log", "root"), ALWAYS);
    CHECK_EQUAL(grants_rights("/bin/log", "log"), ALWAYS & ALL_BUT(READ));
}

static void test_not_understood(void)
{
    read_file("give /bin/log log\nkeep log reed\n");
    check_nothing_is_given();
    read_file("");
    check_nothing_is_given();
}

int main(void)
{
    test_lines();
    test_not_understood();
    return 0;
}
