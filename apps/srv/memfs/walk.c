// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <tessera/ring/prepare.h>
#include "walk.h"

// A kept request, as its context.
struct walk {
    struct ts_request *request;
    struct open_node *open; // held: it may be closed meanwhile
    void (*handler)(struct ts_request *);
    struct walk *next;
    bool kept; // its turn has not come to its end
    struct {
        struct node *node; // held
        size_t gone;       // bytes of the path
    } at[WALK_PATHS];
};

static struct {
    struct ts_loop *loop;
    struct ts_async pause;
    struct ts_timer late; // for a pause that the ring has no room for
    struct walk *first;
    struct walk **end;
    uint32_t client; // that had the last turn
} walks;

// A step takes some 15 us, so walks have a few percent of the server's time.
#define PAUSE (500 * TS_MICROSECOND)

// The next turn. The ring waits for it, not the loop: a wait with a deadline would cost each of the
// others the short way of its call.
static void arm(void)
{
    if (walks.pause.busy || walks.late.armed) {
        return;
    }
    ts_time_t end = ts_loop_now(walks.loop) + PAUSE;
    struct ts_submission *submission = ts_loop_begin(walks.loop, &walks.pause);
    if (submission != NULL) {
        ts_prepare_timeout(submission, end, ts_async_data(&walks.pause));
    } else {
        ts_timer_arm(walks.loop, &walks.late, end);
    }
}

static void enqueue(struct walk *walk)
{
    walk->kept = true;
    walk->next = NULL;
    *walks.end = walk;
    walks.end = &walk->next;
    arm();
}

static void dequeue(struct walk **link)
{
    struct walk *walk = *link;
    *link = walk->next;
    if (*link == NULL) {
        walks.end = link;
    }
}

static void release(struct walk *walk)
{
    for (unsigned i = 0; i < WALK_PATHS; i++) {
        if (walk->at[i].node != NULL) {
            node_put(walk->open->tree, walk->at[i].node);
        }
    }
    open_put(walk->open);
    free(walk);
}

// The first request of another client than had the last turn; else the first. As many are looked
// at as the port has requests, at the most.
static struct walk **next_walk(void)
{
    struct walk **link = &walks.first;
    while (*link != NULL && (*link)->request->client == walks.client) {
        link = &(*link)->next;
    }
    return *link != NULL ? link : &walks.first;
}

static void take_turn(void)
{
    struct walk **link = next_walk();
    struct walk *walk = *link;
    if (walk == NULL) {
        return; // cancelled
    }
    dequeue(link);
    walks.client = walk->request->client;
    walk->kept = false;
    walk->handler(walk->request);
    if (!walk->kept) { // answered
        release(walk);
    }
    if (walks.first != NULL) {
        arm();
    }
}

static void pause_over(struct ts_async *pause, const struct ts_event *event)
{
    (void)pause, (void)event; // however it ended
    take_turn();
}

static void late_over(struct ts_timer *late)
{
    (void)late;
    take_turn();
}

void walk_init(struct ts_loop *loop)
{
    walks.loop = loop;
    walks.pause.done = pause_over;
    walks.late.fired = late_over;
    walks.end = &walks.first;
}

static struct walk *begin(struct ts_request *request, void (*handler)(struct ts_request *),
                          const struct walk_path *paths, unsigned count)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return NULL;
    }
    walk->request = request;
    walk->handler = handler;
    walk->open = open_get(opened(request));
    for (unsigned i = 0; i < count; i++) {
        walk->at[i].node = node_get(paths[i].from);
    }
    request->context = walk;
    return walk;
}

// What follows the last component is nobody's: a walk that has come to it knows that it is there.
static void trim(struct walk_path *path)
{
    const char *bytes = path->rest;
    size_t length = path->length;
    while (length > 1 &&
           (bytes[length - 1] == '/' || (bytes[length - 1] == '.' && bytes[length - 2] == '/'))) {
        length--;
    }
    path->length = length;
}

// What the client has written into its path since then makes no difference but to itself.
static void go_on(const struct walk *walk, unsigned i, struct walk_path *path)
{
    size_t gone = walk->at[i].gone < path->length ? walk->at[i].gone : path->length;
    path->from = walk->at[i].node;
    path->rest += gone;
    path->length -= gone;
}

// False: there is nothing to walk in steps.
static bool step(struct walk *walk, unsigned i, struct walk_path *path)
{
    struct node *node = path->from;
    size_t gone = path->length > TREE_STEP ? tree_walk(walk->open->tree, &node, path->rest) : 0;
    if (gone == 0) {
        return false;
    }
    node_get(node);
    node_put(walk->open->tree, walk->at[i].node);
    walk->at[i].node = node;
    walk->at[i].gone += gone;
    return true;
}

bool walk_on(struct ts_request *request, void (*handler)(struct ts_request *),
             struct walk_path *paths, unsigned count)
{
    struct walk *walk = request->context;
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        if (paths[i].length > TREE_STEP) {
            trim(&paths[i]);
            any |= paths[i].length > TREE_STEP;
        }
    }
    bool first = walk == NULL;
    if (first) {
        walk = any ? begin(request, handler, paths, count) : NULL;
        if (walk == NULL) {
            return true; // short; or there is no memory, and it is walked in one go
        }
    }
    for (unsigned i = 0; i < count; i++) {
        go_on(walk, i, &paths[i]);
    }
    // Behind others that are kept it has to wait from the start.
    bool wait = first && walks.first != NULL;
    for (unsigned i = 0; i < count && !wait; i++) {
        wait = step(walk, i, &paths[i]);
    }
    if (wait) {
        enqueue(walk);
    } else if (first) { // and nothing was walked
        request->context = NULL;
        release(walk);
    }
    return !wait;
}

void walk_cancel(struct ts_request *request)
{
    struct walk **link = &walks.first;
    while (*link != NULL && (*link)->request != request) {
        link = &(*link)->next;
    }
    struct walk *walk = *link;
    if (walk == NULL) {
        return;
    }
    dequeue(link);
    release(walk);
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}

struct node *walk_from(const struct ts_request *request, unsigned path)
{
    const struct walk *walk = request->context;
    return walk != NULL ? walk->at[path].node : NULL;
}
