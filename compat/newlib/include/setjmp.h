// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <sys/_sigset.h>
#include_next <setjmp.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef sigsetjmp
typedef struct {
    jmp_buf __registers;
    int __masked; // __mask is restored
    __sigset_t __mask;
} sigjmp_buf[1];

// The mask is kept beside the registers: sigsetjmp must be a macro, since a function's frame
// would be gone when siglongjmp returns into it.
void __sigjmp_save(sigjmp_buf, int);
#define sigsetjmp(env, save) (__sigjmp_save((env), (save)), setjmp((env)->__registers))
void siglongjmp(sigjmp_buf, int) __attribute__((noreturn));
#endif

int _setjmp(jmp_buf) __attribute__((returns_twice));
void _longjmp(jmp_buf, int) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
