// SPDX-License-Identifier: MIT
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/start.h>

// The tables go on the stack of a frame that is only left at the end of the process. Their sizes
// are those of the block, which ts_bootstrap_init has checked.
int ts_main_call(int (*function)(int, char **, char **))
{
    uint32_t argc = ts_argument_count();
    uint32_t envc = ts_bootstrap_block()->environment_count;
    char **strings = __builtin_alloca(((size_t)argc + envc + 2) * sizeof(*strings));
    for (uint32_t i = 0; i < argc; i++) {
        strings[i] = (char *)(uintptr_t)ts_argument(i);
    }
    strings[argc] = NULL;
    char **envp = strings + argc + 1;
    for (uint32_t i = 0; i < envc; i++) {
        envp[i] = (char *)(uintptr_t)ts_environment(i);
    }
    envp[envc] = NULL;
    return function((int)argc, strings, envp);
}
