// SPDX-License-Identifier: MIT
#include "platform.h"

#include <string.h>

#include <lwip/opt.h>
#include <lwip/sys.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>

#include "hash.h"
#include "hooks.h"
#include "netd.h"

#define TABLE_KEYS 9u // words of two IPv6 addresses and a word of two ports

static uint8_t isn_key[HASH_KEY_SIZE];
static uint64_t table_keys[TABLE_KEYS + 1];

// Numbers in stock: a system call fetches many.
static uint32_t stock[64];
static uint32_t stock_left;

ts_status_t platform_init(void)
{
    ts_status_t status = ts_random_bytes(isn_key, sizeof(isn_key));
    if (status == TS_OK) {
        status = ts_random_bytes(table_keys, sizeof(table_keys));
    }
    if (status == TS_OK) {
        status = ts_random_bytes(stock, sizeof(stock));
    }
    stock_left = status == TS_OK ? sizeof(stock) / sizeof(stock[0]) : 0;
    return status;
}

uint32_t platform_random(void)
{
    // Should the generator ever fail, the old stock under the secret key is still unpredictable.
    if (stock_left == 0) {
        if (ts_random_bytes(stock, sizeof(stock)) != TS_OK) {
            stock[0] += (uint32_t)ts_clock_now();
            uint64_t mixed = hash_bytes(isn_key, stock, sizeof(stock));
            memcpy(stock, &mixed, sizeof(mixed));
            stock_left = 1;
            return stock[1];
        }
        stock_left = sizeof(stock) / sizeof(stock[0]);
    }
    return stock[--stock_left];
}

u32_t platform_tcp_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                       u16_t remote_port)
{
    struct {
        ip_addr_t local, remote;
        u16_t local_port, remote_port;
    } connection;
    memset(&connection, 0, sizeof(connection)); // padding is hashed too
    ip_addr_copy(connection.local, *local);
    ip_addr_copy(connection.remote, *remote);
    connection.local_port = local_port;
    connection.remote_port = remote_port;
    uint64_t secret = hash_bytes(isn_key, &connection, sizeof(connection));
    return (u32_t)secret + (u32_t)(ts_clock_now() / 4096); // about one each 4 us
}

// The sum of the words, each times a secret of its own, upper half: two connections meet in a
// bucket no more often than by chance, however they are chosen (Lemire, Kaser: Strongly universal
// string hashing is fast, 2014). Cheaper than hash_bytes, and done for each segment.
u32_t platform_tcp_hash(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                        u16_t remote_port)
{
    uint64_t sum = table_keys[TABLE_KEYS];
    sum += table_keys[0] * ((uint32_t)local_port << 16 | remote_port);
    if (IP_IS_V4_VAL(*remote)) {
        sum += table_keys[1] * ip_2_ip4(remote)->addr;
        sum += table_keys[2] * ip_2_ip4(local)->addr;
        return (u32_t)(sum >> 32);
    }
    for (unsigned i = 0; i < 4; i++) {
        sum += table_keys[1 + i] * ip_2_ip6(remote)->addr[i];
        sum += table_keys[5 + i] * ip_2_ip6(local)->addr[i];
    }
    return (u32_t)(sum >> 32);
}

// As of the batch of events.
u32_t sys_now(void)
{
    return (u32_t)(ts_loop_now(netd.loop) / TS_MILLISECOND);
}

// A broken invariant of lwIP: ending here resets the connections, going on might mix them up. init
// starts the next instance.
_Noreturn void platform_assertion(const char *message, const char *file, int line)
{
    ts_log("lwIP: %s (%s:%d)", message, file, line);
    ts_process_exit(TS_ERR_CORRUPT);
}
