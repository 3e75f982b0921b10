// SPDX-License-Identifier: MIT
// The memory is a table of entries. Their writer may have gone wrong before it died, so an
// entry is only taken for the addresses of a segment to send: from one of ours, to anywhere.
#include "remains.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#define TELL_AT_ONCE  32u // peers, and then others have their turn
#define TELL_PAUSE_MS 10u
#define TELL_TIMES    3u // a segment may be lost
#define TELL_AGAIN_MS 1000u
#define ENTRIES_MAX   8192u // as many as there can be sockets

enum entry_state { ENTRY_FREE, ENTRY_OURS, ENTRY_LEFT };

struct remain {
    uint32_t state; // of a predecessor: not ENTRY_FREE is ENTRY_LEFT
    struct ip_addr_and_port local, peer;
};

static struct {
    struct remain *entries;
    uint32_t count;
    uint32_t free_count;
    uint16_t free[ENTRIES_MAX];
    uint32_t next, times; // telling: entry, and how often it was done
} remains;

static bool is_good(const struct ip_addr_and_port *end)
{
    return (IP_IS_V4_VAL(end->ip) || IP_IS_V6_VAL(end->ip)) && end->port != 0;
}

static bool is_ours(const ip_addr_t *ip)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (IP_IS_V6(ip) ? netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0
                         : ip4_addr_cmp(netif_ip4_addr(netif), ip_2_ip4(ip))) {
            return true;
        }
    }
    return false;
}

// A keep-alive segment. Its sequence number is as good as any: unless it should be the very one
// that is expected, the peer answers with the right one.
static void tell(const struct remain *entry)
{
    struct tcp_pcb pcb = {.ttl = TCP_TTL, .snd_nxt = LWIP_RAND(), .rcv_nxt = LWIP_RAND()};
    if (!is_good(&entry->local) || !is_good(&entry->peer) || !is_ours(&entry->local.ip)) {
        return;
    }
    pcb.local_ip = entry->local.ip;
    pcb.remote_ip = entry->peer.ip;
    pcb.local_port = entry->local.port;
    pcb.remote_port = entry->peer.port;
    (void)tcp_keepalive(&pcb); // it is sent more than once
}

static void forget_left(void)
{
    for (uint32_t i = remains.count; i-- > 0;) {
        if (remains.entries[i].state == ENTRY_LEFT) {
            remains.entries[i].state = ENTRY_FREE;
            remains.free[remains.free_count++] = (uint16_t)i;
        }
    }
}

static void tell_some(void *unused)
{
    uint32_t told = 0;
    for (; remains.next < remains.count && told < TELL_AT_ONCE; remains.next++) {
        if (remains.entries[remains.next].state == ENTRY_LEFT) {
            tell(&remains.entries[remains.next]);
            told++;
        }
    }
    if (remains.next < remains.count) {
        sys_timeout(TELL_PAUSE_MS, tell_some, unused);
    } else if (++remains.times < TELL_TIMES) {
        remains.next = 0;
        sys_timeout(TELL_AGAIN_MS, tell_some, unused);
    } else {
        forget_left();
    }
}

void remains_init(void *memory, uint64_t size)
{
    uint64_t count = size / sizeof(struct remain);
    remains.entries = memory;
    remains.count = count < ENTRIES_MAX ? (uint32_t)count : ENTRIES_MAX;
    remains.free_count = remains.next = remains.times = 0;
    for (uint32_t i = remains.count; i-- > 0;) {
        if (remains.entries[i].state != ENTRY_FREE) {
            remains.entries[i].state = ENTRY_LEFT;
        } else {
            remains.free[remains.free_count++] = (uint16_t)i;
        }
    }
}

void remains_add(struct stream *stream)
{
    if (stream->remains != NULL || remains.free_count == 0) {
        return;
    }
    stream->remains = &remains.entries[remains.free[--remains.free_count]];
    stream->remains->local = stream->local;
    stream->remains->peer = stream->peer;
    stream->remains->state = ENTRY_OURS;
}

void remains_drop(struct stream *stream)
{
    if (stream->remains == NULL) {
        return;
    }
    stream->remains->state = ENTRY_FREE;
    remains.free[remains.free_count++] = (uint16_t)(stream->remains - remains.entries);
    stream->remains = NULL;
}

void remains_tell(void)
{
    if (remains.times == 0 && remains.next == 0 && remains.count > 0) {
        tell_some(NULL);
    }
}
