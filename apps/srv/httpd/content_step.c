// SPDX-License-Identifier: MIT
// Loading is a row of steps, one asynchronous operation each. Here is what steps have in common:
// how one begins, how the last one ends, and what an entry has only meanwhile. A step that fails
// because the tree's server died is the first of a new row, once.
#include <drivers/service/pool.h>
#include <tessera/lib/op.h>

#include "content_list.h"
#include "httpd.h"

static struct pool lists = {.size = POOL_SIZE(struct content_list),
                            .clear = offsetof(struct listing, entries),
                            .limit = CONTENT_LISTS};

struct ts_submission *content_begin(struct content *content,
                                    void (*done)(struct ts_async *, const struct ts_event *))
{
    content->step.done = done;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &content->step);
    if (slot == NULL) {
        content_end(content, CONTENT_FAILED, TS_ERR_LIMIT);
    }
    return slot;
}

bool content_take_list(struct content *content)
{
    content->list = pool_take(&lists);
    return content->list != NULL;
}

// Closes and frees what was for loading alone.
static void give_up(struct content *content)
{
    ts_close(content->opened);
    content->opened = TS_HANDLE_NONE;
    if (content->list != NULL) {
        pool_give(&lists, content->list);
    }
    content->list = NULL;
}

void content_end(struct content *content, enum content_state state, ts_status_t status)
{
    give_up(content);
    content_loaded(content, state, status);
}

void content_failed(struct content *content, ts_status_t status)
{
    if (status != TS_ERR_PEER_CLOSED || content->again) {
        content_end(content, CONTENT_FAILED, status);
        return;
    }
    content->again = true;
    give_up(content);
    content_drop_bytes(content);
    content->loaded = content->consumed = content->redirects = 0;
    root_open(&content->root);
}
