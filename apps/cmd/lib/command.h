// SPDX-License-Identifier: MIT
// What the small programs share.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <tessera/lib/status.h>

// Remembers the program's name and `usage` (lines, the first "NAME ARGUMENTS"); with the argument
// --help alone, prints them and exits.
void command_begin(int argc, char **argv, const char *usage);

// "usage: …" to standard error; status 2.
_Noreturn void command_usage(void);

// "NAME: what: message" of errno, or of a status. Both return 1, to be the exit status.
int command_error(const char *what);
int command_status(const char *what, ts_status_t status);

// Options are single letters before the first other argument ("--" ends them): a bit for each of
// `letters`, in that order. Anything else is a usage error. *index: the first other argument.
unsigned command_options(int argc, char **argv, const char *letters, int *index);

// For programs that take none: else a usage error.
void command_no_arguments(int argc, char **argv);

// Calls `each` for every file of argv from `index` on, "-" and no file at all being standard input.
// Exit status: 1 when a file could not be opened or `each` failed once.
int command_each(int argc, char **argv, int index,
                 int (*each)(FILE *file, const char *name, void *context), void *context);

// Flushes standard output; 1 with a message when something could not be written, else `status`.
int command_end(int status);

// A whole number. False: it is not one, or larger than `max`.
bool command_number(const char *text, uint64_t max, uint64_t *out);

// Joins a directory and a name; exits when there is no memory. To be freed.
char *command_join(const char *directory, const char *name);

// Last component of a path.
const char *command_base(const char *path);
