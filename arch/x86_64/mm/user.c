// SPDX-License-Identifier: MIT
#include <arch/user.h>

#include <tessera/abi/status.h>

size_t user_copy(void *to, const void *from, size_t length);

static ts_status_t copy(void *to, const void *from, size_t length)
{
    user_access_begin();
    size_t left = user_copy(to, from, length);
    user_access_end();
    return left ? TS_ERR_FAULT : TS_OK;
}

ts_status_t copy_from_user(void *to, vaddr_t from, size_t length)
{
    return arch_user_range_ok(from, length) ? copy(to, (const void *)from, length) : TS_ERR_FAULT;
}

ts_status_t copy_to_user(vaddr_t to, const void *from, size_t length)
{
    return arch_user_range_ok(to, length) ? copy((void *)to, from, length) : TS_ERR_FAULT;
}

static bool word_ok(vaddr_t address, size_t size)
{
    return !(address & (size - 1)) && arch_user_range_ok(address, size);
}

#define GET_USER(bits)                                                    \
    ts_status_t get_user_u##bits(uint##bits##_t *out_value, vaddr_t from) \
    {                                                                     \
        if (!word_ok(from, bits / 8)) {                                   \
            return TS_ERR_FAULT;                                          \
        }                                                                 \
        uint##bits##_t value;                                             \
        user_access_begin();                                              \
        user_read_u##bits(value, from, fault);                            \
        user_access_end();                                                \
        *out_value = value;                                               \
        return TS_OK;                                                     \
fault:                                                                    \
        user_access_end();                                                \
        return TS_ERR_FAULT;                                              \
    }

#define PUT_USER(bits)                                             \
    ts_status_t put_user_u##bits(vaddr_t to, uint##bits##_t value) \
    {                                                              \
        if (!word_ok(to, bits / 8)) {                              \
            return TS_ERR_FAULT;                                   \
        }                                                          \
        user_access_begin();                                       \
        user_write_u##bits(to, value, fault);                      \
        user_access_end();                                         \
        return TS_OK;                                              \
fault:                                                             \
        user_access_end();                                         \
        return TS_ERR_FAULT;                                       \
    }

GET_USER(8)
GET_USER(32)
GET_USER(64)
PUT_USER(8)
PUT_USER(32)
PUT_USER(64)

ts_status_t compare_exchange_user_u32(vaddr_t at, uint32_t expected, uint32_t desired,
                                      uint32_t *out_old)
{
    if (!word_ok(at, sizeof(uint32_t))) {
        return TS_ERR_FAULT;
    }
    uint32_t old = expected;
    user_access_begin();
    __asm__ goto("772: lock cmpxchgl %[v], (%[at])\n" USER_FIXUP("772b", "%l[fault]")
                 : "+a"(old)
                 : [at] "r"(at), [v] "r"(desired)
                 : "memory", "cc"
                 : fault);
    user_access_end();
    *out_old = old;
    return TS_OK;
fault:
    user_access_end();
    return TS_ERR_FAULT;
}
