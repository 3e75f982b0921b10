// SPDX-License-Identifier: MIT
// Rule Q02 of docs/invariants.md at ports: what is refused had no effect, also when it is the
// caller's handles or memory that there is no room in.
#include "lib/job.h"
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>

#define PROGRAM "test/rules_refused"
#define HANDLES 128u // of the job

static struct pair pair;

// In a job of few handles: mints when none is left. Returns which step was wrong, or 42.
static int mint_without_handles(void)
{
    static ts_handle_t filler[HANDLES];
    struct ts_event event;
    ts_handle_t object;
    unsigned count = 0;
    ts_status_t status = TS_OK;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    while (count < HANDLES &&
           (status = ts_duplicate(pair.object, TS_RIGHTS_SAME, &filler[count])) == TS_OK) {
        count++;
    }
    if (status != TS_ERR_LIMIT) {
        return 1;
    }
    if (ts_port_mint(pair.port, 1, 0, TS_RIGHTS_ALL, &object) != TS_ERR_LIMIT) {
        return 2;
    }
    if (ts_ring_enter(&pair.server, 1, in_ms(20)) != TS_ERR_TIMED_OUT ||
        ts_ring_next(&pair.server, &event)) {
        return 3; // an object was closed that nobody ever had
    }
    ts_close(filler[0]);
    if (ts_port_mint(pair.port, 1, 0, TS_RIGHTS_ALL, &object) != TS_OK) {
        return 4;
    }
    return 42;
}

static void rule_q02_mint_without_a_handle_mints_nothing(void)
{
    const struct ts_job_limits limits = {.handles = HANDLES};
    const char *arguments[] = {"rules_refused", "mint", NULL};
    ts_handle_t job, child;
    struct ts_process_report report;
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &job));
    const struct ts_spawn spawn = {.job = job, .name = "mints", .arguments = arguments};
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), PROGRAM, &child));
    CHECK_OK(ts_process_wait(child, patience(), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 42);
    ts_close(child);
    CHECK_OK(ts_job_kill(job));
    job_check_empty(job);
    ts_close(job);
}

static ts_status_t take_to(uint64_t id, void *to, uint32_t length)
{
    return ts_op(pair.port,
                 &(struct ts_op){.op = TS_OP_TAKE, .address = to, .length = length, .arg = id},
                 NULL);
}

static void rule_q02_take_that_cannot_be_told_takes_nothing(void)
{
    ts_handle_t copy, handle;
    struct ts_taken own;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    CHECK_OK(ts_duplicate(pair.object, TS_RIGHT_READ | TS_RIGHT_TRANSFER, &copy));
    static struct ts_call call = {.in_handles = 1};
    call.in_handle[0] = copy;
    ts_prepare_call(ts_ring_slot(&pair.client), pair.object, 1, &call, TS_DEADLINE_NONE, 1);
    pair_submit(&pair);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    CHECK_EQUAL(take_to(id, &own, sizeof(own) - 1), TS_ERR_ARGUMENT);
    CHECK_EQUAL(take_to(id, (void *)(uintptr_t)4096, sizeof(own)), TS_ERR_FAULT);
    CHECK_OK(ts_port_take(pair.port, id, 0, &handle, &own));
    CHECK_EQUAL(handle, TS_HANDLE_NONE);
    CHECK(own.oid == 0 && own.tag == PAIR_TAG);
    pair_reply(&pair, id, TS_OK, 0);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&pair);
}

int main(int argc, char **argv)
{
    (void)argv;
    static const struct tap_test tests[] = {
        TAP(rule_q02_mint_without_a_handle_mints_nothing),
        TAP(rule_q02_take_that_cannot_be_told_takes_nothing),
    };
    return argc > 1 ? mint_without_handles() : TAP_RUN(tests);
}
