// SPDX-License-Identifier: MIT
#include "address.h"

#include <string.h>

#include <lwip/netif.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool all_zero(const uint8_t *bytes, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static void set_v4(const uint8_t bytes[4], ip_addr_t *out_ip)
{
    u32_t word;
    memcpy(&word, bytes, sizeof(word));
    ip_addr_set_ip4_u32_val(*out_ip, word);
}

static ts_status_t take_v6(const struct ts_net_address *address, enum address_kind kind,
                           ip_addr_t *out_ip)
{
    if (memcmp(address->address, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        if (kind != ADDRESS_DUAL) {
            return TS_ERR_ADDRESS;
        }
        set_v4(address->address + 12, out_ip);
        return TS_OK;
    }
    ip_addr_set_zero_ip6(out_ip);
    memcpy(ip_2_ip6(out_ip)->addr, address->address, 16);
    ip6_addr_clear_zone(ip_2_ip6(out_ip));
    if (address->scope != 0) {
        if (address->scope > 255 || netif_get_by_index((u8_t)address->scope) == NULL) {
            return TS_ERR_ADDRESS;
        }
        ip6_addr_set_zone(ip_2_ip6(out_ip), (u8_t)address->scope);
    }
    return TS_OK;
}

ts_status_t address_take(const struct ts_net_address *address, enum address_kind kind,
                         ip_addr_t *out_ip, u16_t *out_port)
{
    *out_port = address->port;
    switch (address->family) {
    case TS_NET_FAMILY_NONE:
        if (address->scope != 0 || !all_zero(address->address, 16)) {
            return TS_ERR_ARGUMENT;
        }
        break;
    case TS_NET_FAMILY_V4:
        if (address->scope != 0 || !all_zero(address->address + 4, 12)) {
            return TS_ERR_ARGUMENT;
        }
        if (kind != ADDRESS_V4) {
            return TS_ERR_ADDRESS;
        }
        set_v4(address->address, out_ip);
        return TS_OK;
    case TS_NET_FAMILY_V6:
        if (kind == ADDRESS_V4) {
            return TS_ERR_ADDRESS;
        }
        if (!all_zero(address->address, 16) || address->scope != 0) {
            return take_v6(address, kind, out_ip);
        }
        break;
    default: return TS_ERR_ARGUMENT;
    }
    if (kind == ADDRESS_V4) {
        ip_addr_set_any(0, out_ip);
    } else if (kind == ADDRESS_DUAL) {
        ip_addr_copy(*out_ip, *IP_ANY_TYPE);
    } else {
        ip_addr_set_any(1, out_ip);
    }
    return TS_OK;
}

void address_bytes16(const ip_addr_t *ip, uint8_t out_bytes[16])
{
    if (IP_IS_V6_VAL(*ip)) {
        memcpy(out_bytes, ip_2_ip6(ip)->addr, 16);
        return;
    }
    memset(out_bytes, 0, 16);
    u32_t word = ip_addr_get_ip4_u32(ip);
    if (IP_IS_V4_VAL(*ip) && word != 0) {
        memcpy(out_bytes, mapped_prefix, sizeof(mapped_prefix));
        memcpy(out_bytes + 12, &word, sizeof(word));
    }
}

struct ts_net_address address_make(const ip_addr_t *ip, u16_t port, enum address_kind kind)
{
    struct ts_net_address address = {.port = port};
    if (kind == ADDRESS_V4) {
        u32_t word = ip_addr_get_ip4_u32(ip);
        address.family = TS_NET_FAMILY_V4;
        memcpy(address.address, &word, sizeof(word));
        return address;
    }
    address.family = TS_NET_FAMILY_V6;
    address_bytes16(ip, address.address);
    if (IP_IS_V6_VAL(*ip)) {
        address.scope = ip6_addr_zone(ip_2_ip6(ip));
    }
    return address;
}

ts_status_t address_error(err_t error)
{
    switch (error) {
    case ERR_OK: return TS_OK;
    case ERR_MEM:
    case ERR_BUF: return TS_ERR_LIMIT;
    case ERR_TIMEOUT: return TS_ERR_TIMED_OUT;
    case ERR_RTE: return TS_ERR_UNREACHABLE;
    case ERR_INPROGRESS: return TS_ERR_IN_PROGRESS;
    case ERR_WOULDBLOCK: return TS_ERR_AGAIN;
    case ERR_USE: return TS_ERR_ADDRESS_IN_USE;
    case ERR_ALREADY: return TS_ERR_IN_PROGRESS;
    case ERR_ISCONN: return TS_ERR_CONNECTED;
    case ERR_CONN: return TS_ERR_NOT_CONNECTED;
    case ERR_ABRT: return TS_ERR_TIMED_OUT; // lwIP gave up
    case ERR_RST: return TS_ERR_RESET;
    case ERR_CLSD: return TS_ERR_PEER_CLOSED;
    default: return TS_ERR_ARGUMENT;
    }
}
