// SPDX-License-Identifier: MIT
// Rules Q of docs/invariants.md about requests that do not end by a plain answer: cancelled, late,
// cut off.
#include "lib/pair.h"
#include "lib/tap.h"

#include <string.h>

static struct pair pair;

static void rule_q04_an_undelivered_end_has_no_effect(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    // The server has not entered its ring: what is asked is parked.
    pair_write(&pair, "x", 1, 0, 1);
    pair_cancel(&pair, 1, 0, 3);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_CANCELLED);
    CHECK_OK(pair_completion(&pair, 3).status);
    ts_prepare_write(ts_ring_slot(&pair.client), pair.object, "x", 1, 0, in_ms(5), 2);
    pair_submit(&pair);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_TIMED_OUT);
    pair_quiet(&pair); // and never hears of them
    pair_end(&pair);
}

static void rule_q05_a_cancel_is_polite(void)
{
    char data[4] = {0};
    size_t bytes;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_read(&pair, data, sizeof(data), 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 1, 0, 2);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_BUSY);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, id);
    pair_cancel(&pair, 1, 0, 3); // a second one is not told again
    CHECK_EQUAL(pair_completion(&pair, 3).status, TS_ERR_BUSY);
    pair_quiet(&pair);
    CHECK_OK(ts_port_push(pair.port, id, "part", 4, 0, &bytes));
    pair_reply(&pair, id, TS_OK, 4);
    struct ts_event done = pair_completion(&pair, 1);
    CHECK_OK(done.status);
    CHECK_EQUAL(done.value, 4);
    CHECK(memcmp(data, "part", 4) == 0);
    pair_end(&pair);
}

static void rule_q06_the_grace_ends(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    ts_time_t start = ts_clock_now();
    pair_cancel(&pair, 1, 0, 9);
    CHECK_EQUAL(pair_completion(&pair, 9).status, TS_ERR_BUSY);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, id);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_ABANDONED);
    CHECK(ts_clock_now() - start >= 100 * INT64_C(1000000)); // not before the grace is over
    // By force at once.
    pair_write(&pair, "x", 1, 0, 2);
    (void)pair_event(&pair, TS_EVENT_REQUEST);
    pair_cancel(&pair, 2, TS_FLAG_FORCE, 3);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_ABANDONED);
    CHECK_OK(pair_completion(&pair, 3).status);
    pair_end(&pair);
}

static void rule_q07_destruction_cuts_off_at_once(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_write(&pair, "x", 1, 0, 1);
    pair_write(&pair, "x", 1, 0, 2);
    uint64_t first = pair_event(&pair, TS_EVENT_REQUEST).value;
    ts_ring_destroy(&pair.client);
    // Whenever the teardown has come to it: what was delivered is cut off without a notice.
    const struct ts_reply reply = {.id = first};
    ts_time_t until = patience();
    struct ts_event event;
    while (ts_ring_next(&pair.server, &event)) {
        CHECK_EQUAL(event.kind, TS_EVENT_REQUEST);
    }
    size_t bytes;
    char data;
    ts_status_t status;
    do {
        status = ts_port_pull(pair.port, first, &data, 1, 0, &bytes);
    } while (status == TS_OK && ts_clock_now() < until);
    CHECK_EQUAL(status, TS_ERR_GONE);
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    pair_end(&pair);
}

static void rule_q08_a_cut_off_slot_is_the_servers(void)
{
    pair_begin(&pair, 1, 0); // one slot
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 1, TS_FLAG_FORCE, 2);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_ABANDONED);
    CHECK_OK(pair_completion(&pair, 2).status);
    CHECK_EQUAL(pair_event(&pair, TS_EVENT_CANCEL).value, id);
    pair_write(&pair, "y", 1, 9, 3);
    pair_quiet(&pair); // no slot for it
    const struct ts_reply reply = {.id = id};
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE); // the answer frees it
    struct ts_event next = pair_event(&pair, TS_EVENT_REQUEST);
    CHECK_EQUAL(next.offset, 9);
    CHECK(next.value != id);
    CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE); // and answers nothing else
    pair_reply(&pair, next.value, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 3).status);
    pair_end(&pair);
}

static void rule_q09_an_id_answers_its_own_request(void)
{
    static struct pair other;
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_begin(&other, PAIR_REQUESTS, 0);
    pair_write(&pair, "x", 1, 0, 1);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    uint64_t forged[] = {0,   id + 1,     id ^ ts_request_id(0, 1), id | UINT64_C(0xffff0000),
                         ~id, UINT64_MAX, id + PAIR_REQUESTS,       id + (UINT64_C(1) << 63)};
    for (unsigned i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        const struct ts_reply reply = {.id = forged[i]};
        CHECK_EQUAL(ts_port_reply(pair.port, &reply), TS_ERR_GONE);
    }
    const struct ts_reply elsewhere = {.id = id};
    CHECK_EQUAL(ts_port_reply(other.port, &elsewhere), TS_ERR_GONE);
    pair_no_completion(&pair);
    pair_reply(&pair, id, TS_OK, 1);
    CHECK_OK(pair_completion(&pair, 1).status);
    pair_end(&other);
    pair_end(&pair);
}

static void rule_q10_a_cancel_tells_what_became_of_it(void)
{
    pair_begin(&pair, PAIR_REQUESTS, 0);
    pair_cancel(&pair, 77, 0, 1);
    CHECK_EQUAL(pair_completion(&pair, 1).status, TS_ERR_NOT_FOUND);
    pair_write(&pair, "x", 1, 0, 2);
    pair_cancel(&pair, 2, 0, 3);
    CHECK_EQUAL(pair_completion(&pair, 2).status, TS_ERR_CANCELLED); // before the cancel's
    CHECK_OK(pair_completion(&pair, 3).status);
    pair_cancel(&pair, 2, 0, 4); // what has ended is not found
    CHECK_EQUAL(pair_completion(&pair, 4).status, TS_ERR_NOT_FOUND);
    pair_write(&pair, "x", 1, 0, 5);
    uint64_t id = pair_event(&pair, TS_EVENT_REQUEST).value;
    pair_cancel(&pair, 5, 0, 6);
    CHECK_EQUAL(pair_completion(&pair, 6).status, TS_ERR_BUSY);
    pair_reply(&pair, id, TS_ERR_CANCELLED, 0);
    CHECK_EQUAL(pair_completion(&pair, 5).status, TS_ERR_CANCELLED);
    pair_end(&pair);
}

int main(void)
{
    static const struct tap_test tests[] = {
        TAP(rule_q04_an_undelivered_end_has_no_effect),
        TAP(rule_q05_a_cancel_is_polite),
        TAP(rule_q06_the_grace_ends),
        TAP(rule_q07_destruction_cuts_off_at_once),
        TAP(rule_q08_a_cut_off_slot_is_the_servers),
        TAP(rule_q09_an_id_answers_its_own_request),
        TAP(rule_q10_a_cancel_tells_what_became_of_it),
    };
    return TAP_RUN(tests);
}
