// SPDX-License-Identifier: MIT
// What the operations of kernel objects need to know of the thread that asks. They run in the
// caller's context, preemptible.
#pragma once

#include <tessera/abi/types.h>

struct account;
struct handle_table;
struct list;

struct handle_table *caller_handles(void);
struct account *caller_account(void); // no reference is taken
struct list *caller_pins(void);       // of domain.c
const char *caller_name(void);        // the process's name, always terminated
