// SPDX-License-Identifier: MIT
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/random.h>

ts_status_t ts_random_bytes(void *buffer, size_t length)
{
    ts_handle_t random = ts_named_handle(TS_NAME_RANDOM);
    if (!random) {
        return TS_ERR_NOT_FOUND;
    }
    return ts_read_all(random, buffer, length, 0);
}
