// SPDX-License-Identifier: MIT
// Start of programs with the POSIX layer: libc's state, standard streams, constructors, main.
// Stands before libtessera's ts_program_start when linking.
#include <reent.h>
#include <stdlib.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/start.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "file/path.h"
#include "core/posix.h"

// newlib's environment; replaced by the program's own table as soon as that exists.
extern char **environ;

typedef void (*constructor_t)(int, char **, char **);
extern constructor_t __preinit_array_start[], __preinit_array_end[];
extern constructor_t __init_array_start[], __init_array_end[];
extern void (*__fini_array_start[])(void), (*__fini_array_end[])(void);

// newlib wants them; what they did is in the arrays nowadays.
void _init(void);
void _fini(void);
void _init(void)
{}

void _fini(void)
{}

static void run_destructors(void)
{
    for (size_t i = (size_t)(__fini_array_end - __fini_array_start); i > 0; i--) {
        __fini_array_start[i - 1]();
    }
}

static void run_constructors(int argc, char **argv, char **envp)
{
    for (constructor_t *f = __preinit_array_start; f < __preinit_array_end; f++) {
        (*f)(argc, argv, envp);
    }
    for (constructor_t *f = __init_array_start; f < __init_array_end; f++) {
        (*f)(argc, argv, envp);
    }
}

// Called by ts_main_call with the tables that it made, in place of main itself.
static int main_prepare(int argc, char **argv, char **envp)
{
    environ = envp;
    posix_directory_init();
    descriptors_init();
    if (__fini_array_end - __fini_array_start > 0 && atexit(run_destructors) != 0) {
        return EXIT_FAILURE;
    }
    run_constructors(argc, argv, envp);
    return main(argc, argv, envp);
}

_Noreturn void ts_program_start(void)
{
    reent_init();
    exit(ts_main_call(main_prepare));
}
