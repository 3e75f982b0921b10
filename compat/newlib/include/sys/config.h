// SPDX-License-Identifier: MIT
#pragma once

// Every thread has its own struct _reent, found through __getreent().
#define __DYNAMIC_REENT__

#define _READ_WRITE_RETURN_TYPE  _ssize_t
#define _READ_WRITE_BUFSIZE_TYPE __size_t

// Descriptors that select() can name: as many as a process may have (compat/posix/fd.h).
#define FD_SETSIZE 1024

#include_next <sys/config.h>
