// SPDX-License-Identifier: MIT
// How lwIP is built into netd: raw API, no threads, both IP versions, tuned for few large windows
// rather than for small memory. What is not mentioned has lwIP's own default.
#pragma once

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0

// Memory: all from heap.c, which bounds the whole; account.h divides it between clients.
void *heap_allocate(__SIZE_TYPE__ size);
void *heap_allocate_zeroed(__SIZE_TYPE__ count, __SIZE_TYPE__ size);
void heap_free(void *memory);
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define mem_clib_malloc heap_allocate
#define mem_clib_calloc heap_allocate_zeroed
#define mem_clib_free   heap_free
#define MEM_ALIGNMENT   8

// Data that waits for an address to be resolved is copied unless lwIP owns it: what ROM pbufs
// point to is packet memory, which is another connection's when this one ends.
#define PBUF_NEEDS_COPY(p) (((p)->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) == 0)

// Protocols.
#define LWIP_IPV4             1
#define LWIP_IPV6             1
#define LWIP_ARP              1
#define ARP_QUEUEING          1
#define ARP_TABLE_SIZE        64
#define LWIP_ICMP             1
#define LWIP_RAW              0
#define LWIP_DHCP             1
#define DHCP_DOES_ARP_CHECK   0 // the first address is wanted soon
#define LWIP_DHCP_GET_NTP_SRV 0
#define LWIP_UDP              1
#define LWIP_DNS              1
#define DNS_TABLE_SIZE        64 // and as many questions
#define DNS_MAX_NAME_LENGTH   254
#define DNS_MAX_SERVERS       2
#define LWIP_DNS_SECURE                                                   \
    (LWIP_DNS_SECURE_RAND_XID | LWIP_DNS_SECURE_NO_MULTIPLE_OUTSTANDING | \
     LWIP_DNS_SECURE_RAND_SRC_PORT)
#define LWIP_IGMP                      0
#define LWIP_IPV6_MLD                  1
#define LWIP_IPV6_AUTOCONFIG           1
#define LWIP_ND6_NUM_NEIGHBORS         32
#define LWIP_ND6_NUM_DESTINATIONS      32
#define LWIP_ND6_QUEUEING              1
#define ND6_QUEUE_LEN                  3 // our patch: as ARP_QUEUE_LEN
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 0
#define IPV6_FRAG_COPYHEADER           1 // pointers of 64 bits do not fit into the header
#define LWIP_IPV6_DHCP6                0
#define IP_REASSEMBLY                  1
#define IP_REASS_MAX_PBUFS             64
#define IP_SOF_BROADCAST               1
#define SO_REUSE                       1
#define LWIP_BROADCAST_PING            0
#define LWIP_MULTICAST_PING            0

// Interfaces: one card and the loopback, whose frames are given back by netif_poll.
#define LWIP_HAVE_LOOPIF               1
#define LWIP_NETIF_LOOPBACK            1
#define LWIP_LOOPBACK_MAX_PBUFS        1024
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_NETIF_LINK_CALLBACK       0
#define LWIP_NETIF_STATUS_CALLBACK     1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 0
#define LWIP_CHECKSUM_CTRL_PER_NETIF   1
#define LWIP_CHKSUM                    platform_checksum

// TCP. A receiving window of 128 KiB keeps 10 MB/s up to 12 ms of round trip; stream_window.c gives
// more to connections that use it.
#define LWIP_TCP                           1
#define TCP_MSS                            1460
#define LWIP_WND_SCALE                     1
#define TCP_RCV_SCALE                      5 // up to 2 MiB
#define TCP_WND                            (128 * 1024)
#define TCP_SND_BUF                        (1024 * 1024)
#define TCP_SND_QUEUELEN                   2560
#define TCP_SNDLOWAT                       (64 * 1024 - 1 - 4 * TCP_MSS)
#define TCP_OVERSIZE                       0 // what is sent is never copied by lwIP
#define TCP_QUEUE_OOSEQ                    1
#define TCP_OOSEQ_MAX_BYTES                (64 * 1024)
#define TCP_OOSEQ_MAX_PBUFS                128
#define LWIP_TCP_SACK_OUT                  1
#define TCP_LISTEN_BACKLOG                 1
#define TCP_DEFAULT_LISTEN_BACKLOG         255
#define TCP_SYNMAXRTX                      6 // five times again; given up after 63 s
#define LWIP_TCP_KEEPALIVE                 1
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define LWIP_TCP_PCB_NUM_EXT_ARGS          1 // account.c: whose it is
#define LWIP_DISABLE_TCP_SANITY_CHECKS     1 // they are about pools, of which there are none

#define TCP_HASH_SIZE     4096 // our patch: connections are found by hash
#define LWIP_TCP_RECOVERY 1    // our patch: recovery.h decides what is sent again

#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) \
    platform_tcp_isn(local_ip, local_port, remote_ip, remote_port)
#define LWIP_HOOK_TCP_HASH(local_ip, local_port, remote_ip, remote_port) \
    platform_tcp_hash(local_ip, local_port, remote_ip, remote_port)
#define LWIP_HOOK_DHCP_CHECK(server, address, mask, lease) \
    guard_dhcp(server, address, mask, lease) // this and all below: our patches
#define LWIP_HOOK_TCP_BACKLOG_FULL(listener, newcomer) stream_backlog_full(listener, newcomer)
#define LWIP_HOOK_TCP_MAY_KEEP(pcb, data, early)       stream_may_keep(pcb, data, early)
#define LWIP_HOOK_IP4_REASS_YIELD(list, but)           fragments_yield4(list, but)
#define LWIP_HOOK_IP6_REASS_YIELD(list, but)           fragments_yield6(list, but)

#define LWIP_STATS       1
#define LWIP_STATS_LARGE 1
#define LINK_STATS       1
#define ETHARP_STATS     0
#define IPFRAG_STATS     0
#define ICMP_STATS       0
#define MEM_STATS        0
#define MEMP_STATS       0
#define SYS_STATS        0
#define MIB2_STATS       1
