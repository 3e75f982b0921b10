// SPDX-License-Identifier: MIT
// See caller.h.
#include <object/caller.h>
#include <object/process.h>

struct handle_table *caller_handles(void)
{
    return &process_current()->handles;
}

struct account *caller_account(void)
{
    return process_current()->account;
}

struct list *caller_pins(void)
{
    return &process_current()->pins;
}

const char *caller_name(void)
{
    return process_current()->name;
}
