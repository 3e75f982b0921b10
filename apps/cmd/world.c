// SPDX-License-Identifier: MIT
#include <tessera/abi/right.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include "command.h"

static const struct {
    const char *name;
    ts_rights_t right;
} names[] = {
#define TS_RIGHT(name, bit, meaning) {#name, TS_RIGHT_##name},
#include <tessera/abi/right.def>
#undef TS_RIGHT
};

// As /etc/init.conf writes it.
static void print_right(const char *name)
{
    putchar(' ');
    for (; *name; name++) {
        putchar(*name | 0x20);
    }
}

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "world\nPrints what a program started here has: the names of its handles, "
                  "and its\nrights on each.\n");
    command_no_arguments(argc, argv);
    const char *name;
    ts_handle_t handle;
    for (uint32_t i = 0; ts_named_handle_at(i, &name, &handle); i++) {
        ts_rights_t rights;
        if (ts_rights(handle, &rights) != TS_OK) {
            continue;
        }
        printf("%-10s", name);
        for (size_t r = 0; r < sizeof(names) / sizeof(names[0]); r++) {
            if (rights & names[r].right) {
                print_right(names[r].name);
            }
        }
        putchar('\n');
    }
    return command_end(0);
}
