// SPDX-License-Identifier: MIT
#pragma once

// Every thread has its own struct _reent, found through __getreent().
#define __DYNAMIC_REENT__

#define _READ_WRITE_RETURN_TYPE _ssize_t
#define _READ_WRITE_BUFSIZE_TYPE __size_t

#include_next <sys/config.h>
