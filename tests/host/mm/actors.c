// SPDX-License-Identifier: MIT
// See actors.h: a thread for each, and a turn that is passed on.
#include "actors.h"

#include <pthread.h>
#include <spinlock.h>

#include "tests/host/check.h"
#include "world.h"

#define PAUSE_ONE_IN 12u
#define WAITS_MAX    1000000u // at one lock: it is a deadlock then

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static unsigned turn, running;
static bool over[ACTORS];
static uint64_t switches;
static _Thread_local const struct spinlock *waited_for;
static _Thread_local uint64_t waits; // in a row
static void (*actor_act)(unsigned actor);
static _Thread_local unsigned self;

static void pass_turn(void)
{
    pthread_mutex_lock(&mutex);
    if (!over[!self]) {
        switches++;
        turn = !self;
        pthread_cond_broadcast(&passed);
        while (turn != self) {
            pthread_cond_wait(&passed, &mutex);
        }
    }
    pthread_mutex_unlock(&mutex);
}

void actors_pause(void)
{
    if (running == ACTORS) {
        pass_turn();
    }
}

void actor_may_pause(void)
{
    if (running == ACTORS && random_below(PAUSE_ONE_IN) == 0) {
        pass_turn();
    }
}

void actor_wait_for(const struct spinlock *lock)
{
    waits = lock == waited_for ? waits + 1 : 0;
    waited_for = lock;
    if (running < ACTORS || over[!self] || waits > WAITS_MAX) {
        fprintf(stderr, "lock '%s' is never released\n", lock->name);
        abort();
    }
    pass_turn();
}

uint64_t actors_switches(void)
{
    return switches;
}

static void *actor_main(void *argument)
{
    self = (unsigned)(uintptr_t)argument;
    world_cpu(self);
    pthread_mutex_lock(&mutex);
    while (turn != self) {
        pthread_cond_wait(&passed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    actor_act(self);
    pthread_mutex_lock(&mutex);
    over[self] = true;
    turn = !self;
    pthread_cond_broadcast(&passed);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

void actors_run(void (*act)(unsigned actor))
{
    pthread_t threads[ACTORS];
    actor_act = act;
    turn = 0;
    running = ACTORS;
    for (unsigned i = 0; i < ACTORS; i++) {
        over[i] = false;
        CHECK(pthread_create(&threads[i], NULL, actor_main, (void *)(uintptr_t)i) == 0);
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    running = 0;
}
