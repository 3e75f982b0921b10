// SPDX-License-Identifier: MIT
// No memory of programs: each access is a fault.
#include <arch/user.h>

#include <tessera/abi/status.h>

ts_status_t copy_from_user(void *to, vaddr_t from, size_t length)
{
    return TS_ERR_FAULT;
}

ts_status_t copy_to_user(vaddr_t to, const void *from, size_t length)
{
    return TS_ERR_FAULT;
}

ts_status_t get_user_u8(uint8_t *out_value, vaddr_t from)
{
    return TS_ERR_FAULT;
}

ts_status_t get_user_u32(uint32_t *out_value, vaddr_t from)
{
    return TS_ERR_FAULT;
}

ts_status_t get_user_u64(uint64_t *out_value, vaddr_t from)
{
    return TS_ERR_FAULT;
}

ts_status_t put_user_u8(vaddr_t to, uint8_t value)
{
    return TS_ERR_FAULT;
}

ts_status_t put_user_u32(vaddr_t to, uint32_t value)
{
    return TS_ERR_FAULT;
}

ts_status_t put_user_u64(vaddr_t to, uint64_t value)
{
    return TS_ERR_FAULT;
}

ts_status_t compare_exchange_user_u32(vaddr_t at, uint32_t expected, uint32_t desired,
                                      uint32_t *out_old)
{
    return TS_ERR_FAULT;
}
