// SPDX-License-Identifier: MIT
// Included by lwIP's sources: the hooks that lwipopts.h names.
#pragma once

#include <lwip/ip_addr.h>

// Initial sequence number (RFC 6528): a keyed hash of the connection, moving on with time.
u32_t platform_tcp_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                       u16_t remote_port);

// Where a connection is in the table of connections: keyed, so that nobody outside can choose
// connections that meet there.
u32_t platform_tcp_hash(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                        u16_t remote_port);

// guard.c: whether an offer or acknowledgement of a DHCP server can be meant. Address and mask are
// in network order, mask 0: none was given; lease in seconds.
int guard_dhcp(const ip_addr_t *server, u32_t address, u32_t mask, u32_t lease);

// A connection to the port made room for the next before it was complete.
void guard_half_open_dropped(u16_t port);
