// SPDX-License-Identifier: MIT
// How a program gets from its first instruction to main.
//
//   _start            arch/<machine>/user/crt0.S: aligns the stack
//   ts_image_start    image.c: the program relocates itself, protects what was
//                     relocated, reads the bootstrap block, gets its thread-local storage
//   ts_program_start  here for native programs, compat/crt/start.c for those with the POSIX layer
//                     (whose library stands first when linking): libc's state, then main
#pragma once

#include <tessera/abi/bootstrap.h>
#include <tessera/lib/status.h>

// Ends the process with TS_ERR_EXECUTABLE when the image is not one that can be started.
_Noreturn void ts_image_start(const struct ts_bootstrap *block);

_Noreturn void ts_program_start(void);

int main(int argc, char **argv, char **envp);

// Calls main, or what stands for it, with the tables argv and envp made from the bootstrap block.
int ts_main_call(int (*function)(int, char **, char **));

// Thread-local storage is laid out by arch/<machine>/user/tls.c.
//
// What each thread's begins as: `size` bytes, of which `initial_size` are in the image and the
// others are zero; `align` is at least 16. Without a call programs have none.
void ts_thread_local_set(const void *initial, size_t initial_size, size_t size, size_t align);

// Bytes, with room for alignment, that one thread's thread-local storage takes.
size_t ts_thread_local_size(void);

// Initialises `storage` (ts_thread_local_size() bytes, any alignment) with the program's initial
// values. The result is what thread_start takes as thread-pointer base.
uint64_t ts_thread_local_init(void *storage);
