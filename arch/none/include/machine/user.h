// SPDX-License-Identifier: MIT
// See <arch/user.h>: each access is a fault.
#pragma once

static inline void user_access_begin(void)
{}

static inline void user_access_end(void)
{}

#define USER_READ(value, address, fault) \
    do {                                 \
        (void)(address), (void)(value);  \
        goto fault;                      \
    } while (0)
#define USER_WRITE(address, value, fault) \
    do {                                  \
        (void)(address), (void)(value);   \
        goto fault;                       \
    } while (0)

#define user_read_u8(value, address, fault)   USER_READ(value, address, fault)
#define user_read_u32(value, address, fault)  USER_READ(value, address, fault)
#define user_read_u64(value, address, fault)  USER_READ(value, address, fault)
#define user_write_u8(address, value, fault)  USER_WRITE(address, value, fault)
#define user_write_u32(address, value, fault) USER_WRITE(address, value, fault)
#define user_write_u64(address, value, fault) USER_WRITE(address, value, fault)
