// SPDX-License-Identifier: MIT
// lwIP with all that is ours around it: how it begins, and the rounds of work of each batch.
#include "stack.h"

#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <tessera/lib/clock.h>

#include "account.h"
#include "heap.h"
#include "platform.h"
#include "recovery.h"
#include "service.h"
#include "stream.h"

#define ROUNDS 8u // of work before clients have their turn

static void on_timer(struct ts_timer *timer)
{
    (void)timer; // the batch does it
}

ts_status_t stack_init(struct ts_loop *loop, struct ts_server *server)
{
    netd = (struct netd){.loop = loop, .server = server};
    ts_status_t status = platform_init();
    if (status == TS_OK) {
        status = packet_memory_init(&netd.packets, PACKET_CLIENTS);
    }
    if (status != TS_OK) {
        return status;
    }
    netd.timer.fired = on_timer;
    netd.root.operations = &root_operations;
    lwip_init();
    account_init();
    // What never leaves the machine needs no checksums.
    NETIF_SET_CHECKSUM_CTRL(netif_get_by_index(1), NETIF_CHECKSUM_DISABLE_ALL);
    return TS_OK;
}

ts_status_t stack_add_link(struct link **out_link)
{
    static struct link links[NETD_CARDS];
    static struct packet_memory others[NETD_CARDS - 1];
    uint32_t index = netd.link_count;
    if (index == NETD_CARDS) {
        return TS_ERR_LIMIT;
    }
    struct packet_memory *memory = index == 0 ? &netd.packets : &others[index - 1];
    ts_status_t status = index == 0 ? TS_OK : packet_memory_init(memory, PACKET_COPIES);
    if (status != TS_OK) {
        return status;
    }
    link_init(&links[index], memory, index);
    netd.links[netd.link_count++] = *out_link = &links[index];
    if (index == 0) {
        netif_set_default(&links[0].netif);
    }
    return TS_OK;
}

// Streams that changed: what they have is sent, their signals are set.
static void finish_streams(void)
{
    while (netd.unsent != NULL) {
        struct stream *stream = netd.unsent;
        netd.unsent = stream->unsent_next;
        stream->on_unsent = false;
        stream_push_out(stream);
        if (stream->pcb != NULL && stream->state == STREAM_CONNECTED) {
            (void)tcp_output(stream->pcb); // what fails is tried again by lwIP's timer
        }
        stream_update_signals(stream);
    }
}

static void run_timers(void)
{
    sys_check_timeouts();
    recovery_run_timers();
    stream_cap_time_wait();
}

static void arm_timer(bool at_once)
{
    u32_t wait = at_once ? 0 : sys_timeouts_sleeptime();
    ts_time_t deadline = wheel_next();
    if (wait != SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        ts_time_t other = ts_loop_now(netd.loop) + (ts_time_t)wait * TS_MILLISECOND + 1;
        deadline = other < deadline ? other : deadline;
    }
    if (deadline == INT64_MAX) {
        return;
    }
    // A timer that is a little early or late is as good as a new one, and costs nothing.
    ts_time_t off = netd.timer.deadline - deadline;
    if (!netd.timer.armed || off > TS_MILLISECOND || off < -TS_MILLISECOND) {
        ts_timer_arm(netd.loop, &netd.timer, deadline);
    }
}

static bool loopback_waits(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (netif->loop_first != NULL) {
            return true;
        }
    }
    return false;
}

// What waits for packet memory tries again when there is some, and it is not what it was the
// last time. As long as somebody waits one that is slow gives way. True: some have not tried yet.
static bool serve_starved(void)
{
    bool heap = heap_was_short();
    uint32_t free_bytes = netd.packets.free_bytes;
    if (netd.starved == NULL && !heap) {
        return false;
    }
    if (free_bytes != netd.starved_free) {
        netd.starved_tries = netd.starved_count;
    }
    netd.starved_free = free_bytes;
    if (netd.starved_tries > 0 && free_bytes >= STARVED_LOW) {
        stream_starved_again();
    }
    if (netd.starved != NULL || heap) {
        stream_yield(heap);
    }
    return netd.starved_tries > 0 && netd.packets.free_bytes >= STARVED_LOW;
}

static void poll_loopback(void)
{
    // Frames to ourselves carry no TCP checksum where the card would have made it.
    for (uint32_t i = 0; i < netd.link_count; i++) {
        netd.links[i]->netif.chksum_flags &= (u16_t)~NETIF_CHECKSUM_CHECK_TCP;
    }
    netif_poll_all();
}

// False: a card has more.
static bool poll_links(void)
{
    bool all = true;
    for (uint32_t i = 0; i < netd.link_count; i++) {
        all &= link_poll(netd.links[i]);
    }
    return all;
}

static uint32_t flush_links(void)
{
    uint32_t signal = 0;
    for (uint32_t i = 0; i < netd.link_count; i++) {
        signal |= (uint32_t)link_flush(netd.links[i]) << i;
    }
    return signal;
}

// False: there is work already.
static bool links_sleep(void)
{
    bool all = true;
    for (uint32_t i = 0; i < netd.link_count; i++) {
        all &= link_sleep(netd.links[i]);
    }
    return all;
}

uint32_t stack_batch(void)
{
    uint32_t signal = 0;
    bool more = true;
    if (ts_loop_now(netd.loop) >= netd.timer.deadline) {
        run_timers();
    }
    for (unsigned round = 0; more && round < ROUNDS; round++) {
        more = !poll_links();
        if (loopback_waits()) {
            poll_loopback();
        }
        more |= serve_starved();
        finish_streams();
        signal |= flush_links();
        more = more || loopback_waits() || !links_sleep();
    }
    arm_timer(more);
    return signal;
}
