// SPDX-License-Identifier: MIT
// netd: the network stack. docs/protocols/net.md says what it serves, netd.h how it is made.
//
//   netd [--address A.B.C.D/BITS [--gateway A.B.C.D] [--dns A.B.C.D]]
//
// Named handles: init (to be served), nics (the class of cards' drivers; without it loopback
// alone), random, log, remains (memory in which it notes its connections for its next instance).
//
// Each file knows only those above it:
//
//   netd            the state that all files share
//   hash            a hash with a key
//   port/*          what lwIP asks of a system
//   address         addresses, of clients and of lwIP
//   heap, packet    small memory; the memory that the card sees
//   account         what each client may take
//   wheel           timers of connections
//   scoreboard      what is known of each segment on its way
//   congestion      how much may be on its way
//   recovery        losses, and what is sent again
//   recovery_ack    what an acknowledgement brings
//   recovery_open   the handshake
//   recovery_timer  what happens when no answer came in time
//   yield           which holder of a full pool gives way
//   fragments       pieces of datagrams
//   remains         what the next instance is told
//   link_send       frames to the card
//   link            frames from the card
//   nic             the session of a card's driver
//   request         requests that wait
//   session         a client's session, and its count of sockets
//   interface       what can be known and changed of interfaces
//   resolve         names to addresses
//   sockets         the list of all sockets
//   datagram        UDP sockets
//   stream_mark     TCP: the streams that are looked at before the loop waits
//   stream_window   how much a peer may send
//   stream_early    data that came before its turn, and what it costs
//   stream_receive  from segments to reads
//   stream_send     from writes to segments
//   stream_life     beginning and end of a stream
//   stream_event    what lwIP tells of a connection
//   stream_yield    which connection gives way where a pool is full
//   stream_option   options of a socket
//   stream_listen   connections that come in
//   stream          requests of TCP sockets
//   service         requests of the root and of sessions
//   stack           lwIP with these parts: its beginning, and rounds of work
//   cards           which cards there are
//   main            arguments, what init is told
#include <drivers/service/ready.h>
#include <lwip/dhcp.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>

#include "cards.h"
#include "heap.h"
#include "interface.h"
#include "netd.h"
#include "remains.h"
#include "stack.h"

#define RING_SUBMISSIONS 256u
#define RING_EVENTS      1024u
#define RING_INFLIGHT    64u

static struct ts_loop loop;
static struct ts_server server;
static struct ts_net_configuration configuration;

static void batch(struct ts_loop *of, void *context)
{
    (void)of;
    (void)context;
    cards_after_batch(stack_batch());
}

static void log_address(struct netif *netif)
{
    struct link *link = netif->state;
    if (!netif_is_up(netif) || ip4_addr_cmp(&link->told, netif_ip4_addr(netif))) {
        return;
    }
    ip4_addr_copy(link->told, *netif_ip4_addr(netif));
    const uint8_t *a = (const uint8_t *)&link->told.addr;
    remains_tell();
    ts_log("%s: address %u.%u.%u.%u", link->name, a[0], a[1], a[2], a[3]);
}

// A card is there, for the first time or again.
static void card_attached(struct nic *nic)
{
    struct link *link = nic->link;
    struct netif *netif = &link->netif;
    const uint8_t *mac = netif->hwaddr;
    ts_log("%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", link->name, nic->name, mac[0], mac[1], mac[2],
           mac[3], mac[4], mac[5]);
    if (netif_is_up(netif)) {
        return;
    }
    netif_set_status_callback(netif, log_address);
    netif_create_ip6_linklocal_address(netif, 1);
    netif->ip6_autoconfig_enabled = 1;
    netif_set_up(netif);
    interface_set(netif, &configuration);
}

static ts_status_t serve(ts_handle_t *out_root)
{
    const ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL |
                               TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER |
                               TS_RIGHT_SHARE | TS_RIGHT_MANAGE;
    return ts_object_mint(&server, &netd.root, rights, out_root);
}

static ts_status_t open_remains(void)
{
    uint64_t size;
    void *memory;
    ts_handle_t handle = ts_named_handle(REMAINS_NAME);
    if (handle == TS_HANDLE_NONE) {
        return TS_OK;
    }
    ts_status_t status = ts_get_u64(handle, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK) {
        status = ts_memory_map(handle, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &memory);
    }
    if (status == TS_OK) {
        remains_init(memory, size);
    }
    return status;
}

static ts_status_t start(ts_handle_t *out_root)
{
    const struct ts_server_limits limits = {
        .requests = NETD_REQUESTS, .objects = NETD_OBJECTS, .inbox_bytes = NETD_INBOX};
    ts_status_t status = ts_loop_init(&loop, RING_SUBMISSIONS, RING_EVENTS, RING_INFLIGHT);
    heap_start(&loop);
    if (status == TS_OK) {
        status = ts_server_init(&server, &loop, &limits);
    }
    if (status == TS_OK) {
        status = stack_init(&loop, &server);
    }
    if (status == TS_OK) {
        status = open_remains();
    }
    if (status == TS_OK) {
        status = cards_start(&loop, card_attached);
    }
    if (status == TS_OK) {
        status = serve(out_root);
    }
    return status;
}

int main(void)
{
    const char *argument = "";
    if (interface_arguments(&configuration, &argument) != TS_OK) {
        ts_log("argument not understood: %s", argument);
        return 2;
    }
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = start(&root);
    loop.idle = batch;
    return service_run(status, &server, root);
}
