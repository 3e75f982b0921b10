// SPDX-License-Identifier: MIT
// Included by lwIP's sources: the hooks that lwipopts.h names.
#pragma once

#include <lwip/ip_addr.h>

#include "yield.h"

// Initial sequence number (RFC 6528): a keyed hash of the connection, moving on with time.
u32_t platform_tcp_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                       u16_t remote_port);

// Where a connection is in the table of connections: keyed, so that nobody outside can choose
// connections that meet there.
u32_t platform_tcp_hash(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                        u16_t remote_port);

// stream_early.c: whether the connection may take this data, which lies in the window and, `early`,
// not at its beginning. What it may not is as if it had not arrived.
struct pbuf;
struct tcp_pcb;
int stream_may_keep(struct tcp_pcb *pcb, const struct pbuf *data, int early);

// stream_yield.c: a backlog is full. Whether somebody of it made room for the newcomer.
struct tcp_pcb_listen;
int stream_backlog_full(struct tcp_pcb_listen *listener, const ip_addr_t *newcomer);

// fragments.c: of the datagrams that are not whole yet that which makes room, but not this one.
// NULL: there is none.
struct ip_hdr;
struct ip_reassdata;
struct ip6_reassdata;
struct ip_reassdata *fragments_yield4(struct ip_reassdata *list, const struct ip_hdr *but);
struct ip6_reassdata *fragments_yield6(struct ip6_reassdata *list, const struct ip6_reassdata *but);

// guard.c: whether an offer or acknowledgement of a DHCP server can be meant. Address and mask are
// in network order, mask 0: none was given; lease in seconds.
int guard_dhcp(const ip_addr_t *server, u32_t address, u32_t mask, u32_t lease);

// guard.c: a connection to the port made room for the next before it was complete.
void guard_half_open_dropped(u16_t port);
