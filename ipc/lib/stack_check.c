// SPDX-License-Identifier: MIT
// The end of a program whose stack is not what it was. It needs nothing, since every file needs it.
void __stack_chk_fail(void);

// The compiler calls it at the end of a function whose canary has changed. The stack is not to be
// trusted: the exception's report names this function, and nothing else of the program runs.
void __stack_chk_fail(void)
{
    __builtin_trap();
}
