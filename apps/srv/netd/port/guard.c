// SPDX-License-Identifier: MIT
// What the network says that is not accepted, and floods: a line in the log, once a minute at most.
#include <stdbool.h>
#include <string.h>

#include <lwip/opt.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>

#include "hooks.h"

#define TELL_AGAIN_NS (60 * TS_SECOND)

// When the log may be told of a kind of thing again.
static ts_time_t dhcp_next, half_open_next;

static bool may_tell(ts_time_t *next)
{
    ts_time_t now = ts_clock_now();
    if (now < *next) {
        return false;
    }
    *next = now + TELL_AGAIN_NS;
    return true;
}

// Ones and then zeros.
static bool is_mask(u32_t network_order)
{
    uint32_t zeros = ~lwip_ntohl(network_order);
    return (zeros & (zeros + 1)) == 0;
}

int guard_dhcp(const ip_addr_t *server, u32_t address, u32_t mask, u32_t lease)
{
    uint8_t a[4], s[4];
    u32_t server_word = ip_addr_get_ip4_u32(server);
    memcpy(a, &address, sizeof(a));
    memcpy(s, &server_word, sizeof(s));
    const char *problem = NULL;
    if (a[0] == 0 || a[0] == 127 || a[0] >= 224) {
        problem = "no address of a host";
    } else if (!is_mask(mask)) {
        problem = "no mask";
    } else if (lease == 0) {
        problem = "no lease";
    }
    if (problem != NULL && may_tell(&dhcp_next)) {
        ts_log("DHCP server %u.%u.%u.%u gives %u.%u.%u.%u: %s, ignored", s[0], s[1], s[2], s[3],
               a[0], a[1], a[2], a[3], problem);
    }
    return problem == NULL;
}

void guard_half_open_dropped(u16_t port)
{
    if (may_tell(&half_open_next)) {
        ts_log("port %u: more connections begin than are completed, the oldest are dropped", port);
    }
}
