// SPDX-License-Identifier: MIT
#include "account.h"

#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/share.h>

#include "heap.h"
#include "netd.h"

#define CLIENTS   1024u // that hold something at the same time
#define QUESTIONS 128u  // enough for a client with each question
_Static_assert(QUESTIONS * 7 / 8 > NETD_QUESTIONS, "");

// What the heap takes for a connection, and the segments that it can always send: one with data,
// and that of its beginning or end.
#define PIECE_HEAD     16u // of the heap
#define PCB_SIZE       768u
#define SEGMENT_SIZE   64u
#define SEGMENT_HEAD   128u
#define SEGMENT_BODY   64u
#define SEGMENT_OF_END (SEGMENT_SIZE + SEGMENT_HEAD)
#define PCB_MEMORY     (PCB_SIZE + SEGMENT_OF_END + ACCOUNT_QUEUED_FREE * ACCOUNT_QUEUED)
_Static_assert(sizeof(struct tcp_pcb) + PIECE_HEAD <= PCB_SIZE, "");
_Static_assert(sizeof(struct tcp_seg) + PIECE_HEAD <= SEGMENT_SIZE, "");
_Static_assert(sizeof(struct pbuf) + PBUF_TRANSPORT + MEM_ALIGNMENT + PIECE_HEAD <= SEGMENT_HEAD,
               "");
_Static_assert(sizeof(struct pbuf_rom) + PIECE_HEAD <= SEGMENT_BODY, "");
_Static_assert(SEGMENT_SIZE + SEGMENT_HEAD + SEGMENT_BODY <= 2 * ACCOUNT_QUEUED, "");

static struct ts_holder sockets[CLIENTS], requests[CLIENTS], memory[CLIENTS], packets[CLIENTS],
    waiting[CLIENTS], questions[QUESTIONS];

static const struct pool {
    uint64_t capacity;
    struct ts_holder *holders;
    uint32_t places;
} pools[ACCOUNTS] = {
    [ACCOUNT_SOCKETS] = {NETD_OBJECTS, sockets, CLIENTS},
    [ACCOUNT_REQUESTS] = {NETD_KEPT, requests, CLIENTS}, // others are answered at once
    [ACCOUNT_MEMORY] = {NETD_CLIENT_MEMORY, memory, CLIENTS},
    [ACCOUNT_QUESTIONS] = {NETD_QUESTIONS, questions, QUESTIONS},
    [ACCOUNT_PACKETS] = {PACKET_BLOCK_BYTES, packets, CLIENTS},
    [ACCOUNT_WAITING] = {UINT32_MAX, waiting, CLIENTS},
};

static struct ts_share shares[ACCOUNTS];
static uint8_t pcb_id;

void account_init(void)
{
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        ts_share_init(&shares[i], pools[i].capacity, pools[i].holders, pools[i].places);
    }
    pcb_id = tcp_ext_arg_alloc_id();
}

// What the last client gave back, still counted as its own: most often it is the one that takes
// next. Any other client, and a question what is left, sees it given back.
static struct spare {
    uint64_t count;
    uint32_t client;
} spares[ACCOUNTS];

static void give_spare(enum account account)
{
    struct spare *spare = &spares[account];
    ts_share_give(&shares[account], spare->client, spare->count);
    spare->count = 0;
}

bool account_take(enum account account, uint32_t client, uint64_t count)
{
    struct spare *spare = &spares[account];
    if (spare->client == client && spare->count >= count) {
        spare->count -= count;
        return true;
    }
    if (spare->count > 0) {
        give_spare(account);
    }
    if (ts_share_take(&shares[account], client, count) == TS_OK) {
        return true;
    }
    netd.statistics.refused_limit++;
    return false;
}

void account_give(enum account account, uint32_t client, uint64_t count)
{
    struct spare *spare = &spares[account];
    if (spare->client != client && spare->count > 0) {
        give_spare(account);
    }
    spare->client = client;
    spare->count += count;
}

uint64_t account_left(enum account account, uint32_t client)
{
    if (spares[account].count > 0) {
        give_spare(account);
    }
    return ts_share_left(&shares[account], client);
}

uint64_t account_of(enum account account, uint32_t client)
{
    if (spares[account].count > 0) {
        give_spare(account);
    }
    return ts_share_of(&shares[account], client);
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

// ---- Connections

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
    if (!account_take(ACCOUNT_MEMORY, client, PCB_MEMORY)) {
        return false;
    }
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
