// SPDX-License-Identifier: MIT
// How much a configuration may hold. What is more is refused by name.
#pragma once

#define CONFIG_BYTES     32768u // of the file
#define CONFIG_HOSTS     32u    // besides the default one
#define CONFIG_NAMES     64u    // of all hosts
#define CONFIG_REDIRECTS 256u   // of all hosts, as those below
#define CONFIG_CACHES    128u
#define CONFIG_ERRORS    64u
#define CONFIG_PATH      256u // bytes of a path, pattern or target
#define CONFIG_VALUE     128u // bytes of a Cache-Control
#define CONFIG_MESSAGE   240u // bytes of what is told about an error, with its zero

// The access log: bytes of one, and how many older ones are kept.
#define CONFIG_LOG_LEAST (8u << 10)
#define CONFIG_LOG_MOST  (1u << 20)
#define CONFIG_LOGS_KEPT 9u
#define CONFIG_LOGS_MOST (4u << 20) // bytes of all of them

// At the same time: the one in force, one that is read, and others while a request of theirs waits
// for a file.
#define CONFIGS 4u
