// SPDX-License-Identifier: MIT
// What the hostile program does one after the other: steps, chosen by weight. Each leaves something
// behind (pool.h) that later ones go on with, so scenarios come about: memory, a port with it as
// inbox, another size, a second port on it, requests with bytes and handles, deaths.
#pragma once

#include "actor.h"

// One step of the main thread.
void step_any(struct actor *actor);
// One of those which end, close, shrink and unmap what others are using.
void step_wreck(struct actor *actor);

// step_call.c: a system call with nothing but hostile arguments.
void step_raw(struct actor *actor);
// step_process.c: processes, threads and jobs below the program's own job.
void step_process(struct actor *actor);
void step_spawn(struct actor *actor);
void step_kill(struct actor *actor);
void step_job(struct actor *actor);
void step_thread(struct actor *actor);
// step_port.c: ports and what goes through them.
void step_inbox(struct actor *actor);
void step_ask(struct actor *actor);
void step_serve(struct actor *actor);
// step_device.c: what drivers have, if there is any.
void step_device(struct actor *actor);

// The program's own process stays out of its pools in most rounds: with it, it soon ends itself.
#define FUZZ_PROGRAM "test/fuzz"
