// SPDX-License-Identifier: MIT
// Addresses of the protocol and of lwIP.
#pragma once

#include <stdbool.h>

#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <tessera/lib/status.h>
#include <tessera/proto/net.h>

// What a socket was created as decides which addresses it may use.
enum address_kind { ADDRESS_V4, ADDRESS_V6_ONLY, ADDRESS_DUAL };

static inline u8_t address_type(enum address_kind kind)
{
    return kind == ADDRESS_V4     ? IPADDR_TYPE_V4
           : kind == ADDRESS_DUAL ? IPADDR_TYPE_ANY
                                  : IPADDR_TYPE_V6;
}

// From a client, checked. FAMILY_NONE gives "any" of the kind. TS_ERR_ARGUMENT: malformed;
// TS_ERR_ADDRESS: not of this kind, or an interface that does not exist.
TS_MUST_USE ts_status_t address_take(const struct ts_net_address *address, enum address_kind kind,
                                     ip_addr_t *out_ip, u16_t *out_port);

// For a client of a socket of this kind.
struct ts_net_address address_make(const ip_addr_t *ip, u16_t port, enum address_kind kind);

// Sixteen bytes, IPv4 as ::ffff:a.b.c.d.
void address_bytes16(const ip_addr_t *ip, uint8_t out_bytes[16]);

// What an error of lwIP is called here.
TS_MUST_USE ts_status_t address_error(err_t error);
