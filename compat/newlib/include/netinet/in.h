// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef _IN_PORT_T_DECLARED
#define _IN_PORT_T_DECLARED
typedef uint16_t in_port_t;
#endif
#ifndef _IN_ADDR_T_DECLARED
#define _IN_ADDR_T_DECLARED
typedef uint32_t in_addr_t;
#endif

#define IPPROTO_IP   0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define IPPROTO_IPV6 41

struct in_addr {
    in_addr_t s_addr; // in network order
};

struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port; // in network order
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

struct in6_addr {
    union {
        uint8_t s6_addr[16];
        uint16_t __u16[8];
        uint32_t __u32[4];
    };
};

struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};

#define INADDR_ANY       ((in_addr_t)0)
#define INADDR_BROADCAST ((in_addr_t)0xffffffff)
#define INADDR_NONE      ((in_addr_t)0xffffffff)
#define INADDR_LOOPBACK  ((in_addr_t)0x7f000001)

#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

#define IN6ADDR_ANY_INIT \
    {                    \
        {                \
            {            \
                0        \
            }            \
        }                \
    }
#define IN6ADDR_LOOPBACK_INIT                                  \
    {                                                          \
        {                                                      \
            {                                                  \
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 \
            }                                                  \
        }                                                      \
    }
extern const struct in6_addr in6addr_any, in6addr_loopback;

#define IP_TOS            1
#define IP_TTL            2
#define IPV6_UNICAST_HOPS 16
#define IPV6_V6ONLY       26
#define IPV6_TCLASS       67

#define IN6_IS_ADDR_V4MAPPED(a) \
    ((a)->__u32[0] == 0 && (a)->__u32[1] == 0 && (a)->__u32[2] == htonl(0xffff))
#define IN6_IS_ADDR_UNSPECIFIED(a) \
    (!(a)->__u32[0] && !(a)->__u32[1] && !(a)->__u32[2] && !(a)->__u32[3])
#define IN6_IS_ADDR_LOOPBACK(a) \
    (!(a)->__u32[0] && !(a)->__u32[1] && !(a)->__u32[2] && (a)->__u32[3] == htonl(1))
#define IN6_IS_ADDR_LINKLOCAL(a) ((a)->s6_addr[0] == 0xfe && ((a)->s6_addr[1] & 0xc0) == 0x80)
#define IN6_IS_ADDR_MULTICAST(a) ((a)->s6_addr[0] == 0xff)

// From and to network order.
uint32_t htonl(uint32_t);
uint16_t htons(uint16_t);
uint32_t ntohl(uint32_t);
uint16_t ntohs(uint16_t);

#ifdef __cplusplus
}
#endif
