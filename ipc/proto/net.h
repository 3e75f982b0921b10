// SPDX-License-Identifier: MIT
// The socket protocol: what a client says to the network stack (apps/srv/netd).
//
// A client holds a *session* (its named handle `net`). From it come *sockets*; a listening socket
// yields *connections* by the operation accept. All of them are served objects:
//
//   session     create(TS_NET_TCP | TS_NET_TCP6 | TS_NET_UDP | TS_NET_UDP6)   -> socket
//               call(RESOLVE, INTERFACE, SOCKETS, CONFIGURE)
//               get(ALIVE, TS_NET_STATISTICS)
//   TCP socket  call(BIND, CONNECT, LISTEN, SHUTDOWN, GET_NAME, GET_PEER, SET_OPTION, GET_OPTION,
//               RECEIVE); after LISTEN accept -> connection; once connected read and write
//   UDP socket  call(BIND, CONNECT, GET_NAME, GET_PEER, SET_OPTION, GET_OPTION, SEND, RECEIVE),
//               read takes one datagram, write sends one to the connected peer
//   connection  a TCP socket that is connected already
//
// Rights: what a session grants is a protocol of its own: create needs OPEN+WRITE, accept OPEN,
// call CALL; CONFIGURE also needs MANAGE; BIND of a port below TS_NET_PORT_GRANTED needs SHARE,
// since others look for a service there. Sockets grant READ, WRITE, OPEN, CALL, WAIT, SHARE,
// DUPLICATE and TRANSFER within what was asked and held.
//
// Reading and writing a TCP connection. A read waits until at least one byte is there and takes
// what is there; a value of 0 is the peer's end. A write waits until at least one byte fits and
// takes what fits: short writes are normal. With NOWAIT (of the operation, or TS_OPEN_NOWAIT in
// the property STATUS_FLAGS) either answers TS_ERR_AGAIN instead of waiting. Reads of one
// connection are answered in order, and writes likewise; several of each may be in flight. Bytes
// are taken out of the stream only when the reply that carries them succeeded.
// Offsets are ignored. Closing the last handle sends what was written, then ends the connection
// (a reset if received bytes were not read); the option LINGER 0 resets it at once.
//
// Statuses: ARGUMENT (malformed), UNSUPPORTED (not of this kind of socket), LIMIT (the client's
// share), ADDRESS_IN_USE, ADDRESS, UNREACHABLE, REFUSED, RESET, NOT_CONNECTED, CONNECTED,
// IN_PROGRESS, TIMED_OUT (the protocol's own time-out), TOO_LARGE (datagram), AGAIN, PEER_CLOSED
// (writing after SHUTDOWN or on a connection that is over).
#pragma once

#include <assert.h>
#include <tessera/abi/signal.h>
#include <tessera/abi/types.h>

// Kinds for create. TCP6 and UDP6 sockets also carry IPv4 (as ::ffff:a.b.c.d) unless V6_ONLY.
#define TS_NET_TCP  "tcp"
#define TS_NET_TCP6 "tcp6"
#define TS_NET_UDP  "udp"
#define TS_NET_UDP6 "udp6"

#define TS_NET_PORT_GRANTED 1024u

enum ts_net_family {
    TS_NET_FAMILY_NONE = 0, // in BIND: any address; in a UDP CONNECT: no peer any longer
    TS_NET_FAMILY_V4 = 4,   // address[0..3], the rest 0
    TS_NET_FAMILY_V6 = 6,
};

struct ts_net_address {
    uint16_t family; // enum ts_net_family
    uint16_t port;   // in the machine's byte order
    uint32_t scope;  // IPv6 link-local: index of the interface, from 1; else 0
    uint8_t address[16];
};
static_assert(sizeof(struct ts_net_address) == 24, "net address");

// Signals of a socket, in the kernel's word: wait and get(SIGNALS) never reach the stack.
//   READABLE  a read (accept on a listening socket) would not wait: bytes, end or error
//   WRITABLE  a write would not wait; on a connecting socket: the attempt is over
//   ERROR     the connection failed; the option ERROR tells how, once
//   CLOSED    over in both directions (the kernel sets it too when the stack dies)
#define TS_NET_SIGNAL_PEER_END (1u << 16) // the peer sent its end: reads end after what is there

enum ts_net_method {
    // sockets
    TS_NET_BIND = 1,       // in: struct ts_net_address; port 0 = the stack chooses. A port is the
                           // session's that is bound to it, at all addresses, until it gives it up
    TS_NET_CONNECT = 2,    // in: struct ts_net_address. TCP: answered when connected or failed;
                           // NOWAIT: TS_ERR_IN_PROGRESS, then WRITABLE or ERROR
    TS_NET_LISTEN = 3,     // in: u32 backlog, 1 to TS_NET_BACKLOG_MAX (more is cut to it)
    TS_NET_SHUTDOWN = 4,   // in: u32, TS_NET_SHUT_*
    TS_NET_GET_NAME = 5,   // out: struct ts_net_address
    TS_NET_GET_PEER = 6,   // out: struct ts_net_address; TS_ERR_NOT_CONNECTED
    TS_NET_SET_OPTION = 7, // in: struct ts_net_option
    TS_NET_GET_OPTION = 8, // in: struct ts_net_option (value 0); out: the same with its value
    TS_NET_SEND = 9,       // in: struct ts_net_address, then the datagram; value = its bytes.
                           // FAMILY_NONE: to the connected peer
    TS_NET_RECEIVE = 10,   // in: u32 flags, TS_NET_RECEIVE_*; out: struct ts_net_received, then the
                           // bytes; value = bytes of both
    // session
    TS_NET_RESOLVE = 32,   // in: struct ts_net_resolve, then the name; out: addresses, best first;
                           // value = their bytes. NOT_FOUND, TIMED_OUT, UNREACHABLE (no server)
    TS_NET_INTERFACE = 33, // in: u32 index, from 1; out: struct ts_net_interface. NOT_FOUND
    TS_NET_SOCKETS = 34,   // in: u32 cookie, 0 first; out: struct ts_net_socket[];
                           // value = ts_pair(bytes, next cookie), 0 = no more. The client's
                           // own; with MANAGE everyone's
    TS_NET_CONFIGURE = 35, // in: struct ts_net_configuration; MANAGE
};

#define TS_NET_SHUT_READ   1u
#define TS_NET_SHUT_WRITE  2u
#define TS_NET_BACKLOG_MAX 255u

// RECEIVE works for TCP too, where the address is the peer's.
#define TS_NET_RECEIVE_PEEK 1u // leave it there

struct ts_net_received {
    struct ts_net_address from;
    uint32_t length; // of the whole datagram; more than was pushed means that it was cut
    uint32_t reserved;
};
static_assert(sizeof(struct ts_net_received) == 32, "net received");

// Options: a number and a 64-bit value. Times are nanoseconds, sizes bytes.
enum ts_net_option_name {
    TS_NET_OPTION_ERROR = 1,         // get: the pending status, which is then cleared
    TS_NET_OPTION_TYPE = 2,          // get: 1 TCP, 2 UDP
    TS_NET_OPTION_LISTENING = 3,     // get: 0 or 1
    TS_NET_OPTION_REUSE_ADDRESS = 4, // 0 or 1
    TS_NET_OPTION_NO_DELAY = 5,   // TCP: 1 = no Nagle; connections of a listening socket start so
    TS_NET_OPTION_KEEP_ALIVE = 6, // TCP: 0 or 1
    TS_NET_OPTION_KEEP_IDLE = 7,  // TCP: time before the first probe
    TS_NET_OPTION_KEEP_INTERVAL = 8,   // TCP: time between probes
    TS_NET_OPTION_KEEP_COUNT = 9,      // TCP: probes before giving up
    TS_NET_OPTION_LINGER = 10,         // TCP: -1 = off (the default), 0 = closing resets at once
    TS_NET_OPTION_SEND_BUFFER = 11,    // get
    TS_NET_OPTION_RECEIVE_BUFFER = 12, // get
    TS_NET_OPTION_READABLE_BYTES = 13, // get: bytes (UDP: of the next datagram) that wait
    TS_NET_OPTION_WRITABLE_BYTES = 14, // get: bytes that a write would take now
    TS_NET_OPTION_V6_ONLY = 15,        // TCP6, UDP6, before BIND
    TS_NET_OPTION_HOP_LIMIT = 16,      // TTL
    TS_NET_OPTION_TRAFFIC_CLASS = 17,  // TOS
    TS_NET_OPTION_BROADCAST = 18,      // UDP
};

struct ts_net_option {
    uint32_t name; // enum ts_net_option_name
    uint32_t reserved;
    int64_t value;
};
static_assert(sizeof(struct ts_net_option) == 16, "net option");

// A literal address is answered without a question to anyone.
struct ts_net_resolve {
    uint32_t family; // enum ts_net_family; NONE = both
    uint32_t reserved;
};
#define TS_NET_NAME_MAX    253u
#define TS_NET_RESOLVE_MAX 8u // addresses in one answer

#define TS_NET_INTERFACE_UP       1u // configured to work
#define TS_NET_INTERFACE_LINK     2u // the device has a link
#define TS_NET_INTERFACE_DHCP     4u // its IPv4 address is DHCP's
#define TS_NET_INTERFACE_LOOPBACK 8u
#define TS_NET_INTERFACE_V6       4u // IPv6 addresses of one interface

struct ts_net_interface {
    char name[16]; // final zero within
    uint32_t index, flags, mtu, reserved;
    uint8_t hardware[8]; // 6 bytes of Ethernet address
    uint8_t address4[4], mask4[4], gateway4[4], reserved4[4];
    uint8_t address6[TS_NET_INTERFACE_V6][16]; // all zero = unused
    uint8_t dns[2][16];                        // IPv4 as ::ffff:a.b.c.d
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t dropped_in, dropped_out, errors_in, device_restarts;
};
static_assert(sizeof(struct ts_net_interface) == 216, "net interface");

enum ts_net_state { // of a TCP socket, as in RFC 9293; UDP is TS_NET_STATE_CLOSED or ESTABLISHED
    TS_NET_STATE_CLOSED = 0,
    TS_NET_STATE_LISTEN = 1,
    TS_NET_STATE_SYN_SENT = 2,
    TS_NET_STATE_SYN_RECEIVED = 3,
    TS_NET_STATE_ESTABLISHED = 4,
    TS_NET_STATE_FIN_WAIT_1 = 5,
    TS_NET_STATE_FIN_WAIT_2 = 6,
    TS_NET_STATE_CLOSE_WAIT = 7,
    TS_NET_STATE_CLOSING = 8,
    TS_NET_STATE_LAST_ACK = 9,
    TS_NET_STATE_TIME_WAIT = 10,
};

struct ts_net_socket {
    struct ts_net_address local, peer;
    uint32_t type;                      // 1 TCP, 2 UDP
    uint32_t state;                     // enum ts_net_state
    uint32_t receive_queue, send_queue; // bytes; on a listening socket: connections, backlog
    uint32_t session, reserved;         // a number for each session
};
static_assert(sizeof(struct ts_net_socket) == 72, "net socket");

// All zero = DHCP. Applies to the interface with that index.
struct ts_net_configuration {
    uint32_t index, reserved;
    uint8_t address4[4], mask4[4], gateway4[4], dns4[4];
};
static_assert(sizeof(struct ts_net_configuration) == 24, "net configuration");

#define TS_NET_STATISTICS 128u // property of a session: struct ts_net_statistics

struct ts_net_statistics {
    uint64_t sockets, connections, sessions;     // now
    uint64_t accepted, connected, refused_limit; // since the start
    uint64_t bytes_pulled, bytes_pushed;         // copied between clients and packet buffers
    uint64_t frames_in, frames_out, frames_dropped;
    uint64_t packet_buffers, packet_buffers_free;
    uint64_t segments_resent, checksum_errors, malformed;
    uint64_t gave_way, gave_way_half_open; // connections that were ended because a pool was full
};
static_assert(sizeof(struct ts_net_statistics) == 144, "net statistics");
