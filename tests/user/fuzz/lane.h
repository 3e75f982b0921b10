// SPDX-License-Identifier: MIT
// Rings of the hostile program: those at the front carry requests, those behind serve ports, and
// every thread may write to any of them at any time.
#pragma once

#include "pool.h"

#define LANES        4u
#define LANE_CLIENTS 2u // the first of them
#define LANE_SLOTS   32u

// Makes the lane's ring anew; what it was is closed.
void lane_make(struct actor *actor, unsigned number);
unsigned some_lane(struct actor *actor);
ts_handle_t lane_handle(unsigned number);

// The slot after `ahead` others at the tail, NULL without a ring; then hands `count` of them over.
struct ts_submission *lane_slot(unsigned number, uint32_t ahead);
void lane_submit(struct actor *actor, unsigned number, uint32_t count);
// Enters to wait for `events`, until a deadline that is near.
void lane_enter(struct actor *actor, unsigned number, uint32_t submit, uint64_t events);
// The next unread event, copied; false: none.
bool lane_event(struct actor *actor, unsigned number, struct ts_event *out_event);
// Writes nonsense, or almost sense, over the header or a submission.
void lane_scribble(struct actor *actor, unsigned number);
