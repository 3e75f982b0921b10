// SPDX-License-Identifier: MIT
#include "account.h"

#include <lwip/tcp.h>
#include <tessera/lib/share.h>

#include "heap.h"
#include "netd.h"

#define CLIENTS    1024u // that hold something at the same time
#define PCB_MEMORY 768u
_Static_assert(sizeof(struct tcp_pcb) + 16 <= PCB_MEMORY, "what the heap takes for a connection");

static const uint64_t capacities[ACCOUNTS] = {
    [ACCOUNT_SOCKETS] = NETD_OBJECTS,
    [ACCOUNT_REQUESTS] = NETD_REQUESTS / 2, // the others are for what is answered at once
    [ACCOUNT_MEMORY] = NETD_CLIENT_MEMORY,
    [ACCOUNT_QUESTIONS] = NETD_QUESTIONS,
};

static struct ts_holder holders[ACCOUNTS][CLIENTS];
static struct ts_share shares[ACCOUNTS];
static uint8_t pcb_id;

void account_init(void)
{
    for (unsigned i = 0; i < ACCOUNTS; i++)
        ts_share_init(&shares[i], capacities[i], holders[i], CLIENTS);
    pcb_id = tcp_ext_arg_alloc_id();
}

bool account_take(enum account account, uint32_t client, uint64_t count)
{
    if (ts_share_take(&shares[account], client, count) == TS_OK)
        return true;
    netd.statistics.refused_limit++;
    return false;
}

void account_give(enum account account, uint32_t client, uint64_t count)
{
    ts_share_give(&shares[account], client, count);
}

uint64_t account_left(enum account account, uint32_t client)
{
    return ts_share_left(&shares[account], client);
}

uint32_t account_cost(const struct pbuf *pbuf)
{
    uint32_t cost = 0;
    for (; pbuf != NULL; pbuf = pbuf->next) {
        bool room = (pbuf->flags & PBUF_FLAG_IS_CUSTOM) != 0; // a frame's tail, where it arrived
        cost += room ? PACKET_ROOM : (uint32_t)heap_size(pbuf);
    }
    return cost;
}

// Connections --------------------------------------------------------------------------------

static void pcb_freed(u8_t id, void *data)
{
    (void)id;
    account_give(ACCOUNT_MEMORY, (uint32_t)(uintptr_t)data, PCB_MEMORY);
}

static err_t pcb_comes_in(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    uint32_t client = (uint32_t)(uintptr_t)listener->ext_args[id].data;
    return account_pcb(pcb, client) ? ERR_OK : ERR_MEM;
}

static const struct tcp_ext_arg_callbacks counted = {pcb_freed, pcb_comes_in}, uncounted;

bool account_pcb(struct tcp_pcb *pcb, uint32_t client)
{
    if (!account_take(ACCOUNT_MEMORY, client, PCB_MEMORY))
        return false;
    tcp_ext_arg_set(pcb, pcb_id, (void *)(uintptr_t)client);
    account_pcb_enter(pcb);
    return true;
}

void account_pcb_leave(struct tcp_pcb *pcb)
{
    tcp_ext_arg_set_callbacks(pcb, pcb_id, &uncounted);
}

void account_pcb_enter(struct tcp_pcb *pcb)
{
    tcp_ext_arg_set_callbacks(pcb, pcb_id, &counted);
}

uint32_t account_pcb_client(const struct tcp_pcb *pcb)
{
    return (uint32_t)(uintptr_t)tcp_ext_arg_get(pcb, pcb_id);
}
