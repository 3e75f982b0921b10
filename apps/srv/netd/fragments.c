// SPDX-License-Identifier: MIT
// Pieces of datagrams that wait for the others: lwIP asks which datagram makes room for another
// one's piece (our patch). The rule is yield.h's; each datagram counts as one, however many pieces
// of it are here, so that a long one does not count as many.
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>

#include "hooks.h"

// Newer ones are at the front of lwIP's lists; timers count seconds down.
static int64_t since(uint8_t timer, int64_t place)
{
    return ((int64_t)timer << 32) - place;
}

static ip_addr_t sender4(const struct ip_reassdata *datagram)
{
    ip_addr_t address;
    ip_addr_set_ip4_u32_val(address, datagram->iphdr.src.addr);
    return address;
}

static ip_addr_t sender6(const struct ip6_reassdata *datagram)
{
    ip_addr_t address = IPADDR6_INIT(0, 0, 0, 0);
    ip6_addr_copy_from_packed(*ip_2_ip6(&address), datagram->src);
    return address;
}

static bool is_of(const struct ip_reassdata *datagram, const struct ip_hdr *header)
{
    return datagram->iphdr.src.addr == header->src.addr &&
           datagram->iphdr.dest.addr == header->dest.addr &&
           IPH_ID(&datagram->iphdr) == IPH_ID(header);
}

struct ip_reassdata *fragments_yield4(struct ip_reassdata *list, const struct ip_hdr *but)
{
    int64_t place = 0;
    yield_begin();
    for (struct ip_reassdata *at = list; at != NULL; at = at->next) {
        ip_addr_t sender = sender4(at);
        yield_count(&sender, 1);
    }
    for (struct ip_reassdata *at = list; at != NULL; at = at->next, place++) {
        ip_addr_t sender = sender4(at);
        if (!is_of(at, but)) {
            yield_offer(&sender, since(at->timer, place), at);
        }
    }
    return yield_choice();
}

struct ip6_reassdata *fragments_yield6(struct ip6_reassdata *list, const struct ip6_reassdata *but)
{
    int64_t place = 0;
    yield_begin();
    for (struct ip6_reassdata *at = list; at != NULL; at = at->next) {
        ip_addr_t sender = sender6(at);
        yield_count(&sender, 1);
    }
    for (struct ip6_reassdata *at = list; at != NULL; at = at->next, place++) {
        ip_addr_t sender = sender6(at);
        if (at != but) {
            yield_offer(&sender, since(at->timer, place), at);
        }
    }
    return yield_choice();
}
