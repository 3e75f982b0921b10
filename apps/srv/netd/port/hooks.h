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
