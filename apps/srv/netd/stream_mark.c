// SPDX-License-Identifier: MIT
// Streams that are to be looked at before the loop waits.
#include "stream.h"

void stream_mark(struct stream *stream)
{
    if (stream->on_unsent || stream->session == NULL) {
        return;
    }
    stream->on_unsent = true;
    stream->unsent_next = netd.unsent;
    netd.unsent = stream;
}

void stream_unmark(struct stream *stream)
{
    if (!stream->on_unsent) {
        return;
    }
    struct stream **at = &netd.unsent;
    while (*at != stream) {
        at = &(*at)->unsent_next;
    }
    *at = stream->unsent_next;
    stream->on_unsent = false;
}
