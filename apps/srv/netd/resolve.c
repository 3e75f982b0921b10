// SPDX-License-Identifier: MIT
#include "resolve.h"

#include <string.h>

#include <lwip/dns.h>
#include <tessera/proto/net.h>

#include "account.h"
#include "address.h"
#include "heap.h"
#include "request.h"

// What a kept request asks. lwIP has it as the argument of its callback until it calls or is told
// to forget it.
struct question {
    struct ts_request *request;
    uint8_t wanted[2]; // address types to ask for, in order
    uint8_t asked, wanted_count, answers;
    struct ts_net_address answer[TS_NET_RESOLVE_MAX];
    char name[TS_NET_NAME_MAX + 1];
};

// NULL: the client has its share.
static struct question *question_new(struct ts_request *request)
{
    struct question *question = heap_allocate_zeroed(1, sizeof(*question));
    if (question == NULL || !account_take(ACCOUNT_MEMORY, request->client, heap_size(question))) {
        goto no_memory;
    }
    if (!account_take(ACCOUNT_QUESTIONS, request->client, 1)) {
        goto no_question;
    }
    if (!account_take(ACCOUNT_REQUESTS, request->client, 1)) {
        goto no_request;
    }
    question->request = request;
    request->context = question;
    return question;
no_request:
    account_give(ACCOUNT_QUESTIONS, request->client, 1);
no_question:
    account_give(ACCOUNT_MEMORY, request->client, heap_size(question));
no_memory:
    heap_free(question);
    return NULL;
}

static void finish(struct question *question, ts_status_t failure)
{
    struct ts_request *request = question->request;
    request_let_go(request);
    account_give(ACCOUNT_QUESTIONS, request->client, 1);
    account_give(ACCOUNT_MEMORY, request->client, heap_size(question));
    uint32_t size = question->answers * (uint32_t)sizeof(struct ts_net_address);
    uint32_t room = request->room - request->room % sizeof(struct ts_net_address);
    if (question->answers == 0) {
        ts_request_reply(request, failure, 0);
    } else {
        ts_request_reply_bytes(request, question->answer, size < room ? size : room);
    }
    heap_free(question);
}

static void add_answer(struct question *question, const ip_addr_t *ip)
{
    if (question->answers == TS_NET_RESOLVE_MAX) {
        return;
    }
    enum address_kind kind = IP_IS_V4_VAL(*ip) ? ADDRESS_V4 : ADDRESS_V6_ONLY;
    question->answer[question->answers++] = address_make(ip, 0, kind);
}

static void on_found(const char *name, const ip_addr_t *ip, void *argument);

// Asks for the remaining address types until one has to be waited for.
static void ask(struct question *question)
{
    while (question->asked < question->wanted_count) {
        ip_addr_t ip;
        uint8_t type = question->wanted[question->asked];
        err_t error = dns_gethostbyname_addrtype(question->name, &ip, on_found, question, type);
        if (error == ERR_INPROGRESS) {
            return;
        }
        if (error == ERR_OK) {
            add_answer(question, &ip);
        } else if (error == ERR_MEM) {
            finish(question, TS_ERR_LIMIT);
            return;
        }
        question->asked++;
    }
    finish(question, TS_ERR_NOT_FOUND);
}

static void on_found(const char *name, const ip_addr_t *ip, void *argument)
{
    struct question *question = argument;
    (void)name;
    if (ip != NULL) {
        add_answer(question, ip);
    }
    question->asked++;
    ask(question);
}

// A literal address, or a name that is never asked for. True: answered.
static bool answer_at_once(struct question *question, uint32_t family)
{
    ip_addr_t ip;
    bool local = strcmp(question->name, "localhost") == 0;
    bool literal = !local && ipaddr_aton(question->name, &ip);
    if (!local && !literal) {
        return false;
    }
    if (literal &&
        (family == 0 || family == (IP_IS_V4_VAL(ip) ? TS_NET_FAMILY_V4 : TS_NET_FAMILY_V6))) {
        add_answer(question, &ip);
    }
    if (local && family != TS_NET_FAMILY_V6) {
        IP_ADDR4(&ip, 127, 0, 0, 1);
        add_answer(question, &ip);
    }
    if (local && family != TS_NET_FAMILY_V4) {
        ip_addr_set_loopback(1, &ip);
        add_answer(question, &ip);
    }
    return true;
}

static ts_status_t take_name(struct ts_request *request, struct question *question,
                             uint32_t *out_family)
{
    struct ts_net_resolve head;
    if (request->length <= sizeof(head)) {
        return TS_ERR_ARGUMENT;
    }
    uint32_t length = request->length - (uint32_t)sizeof(head);
    if (length > TS_NET_NAME_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    ts_status_t status = ts_request_pull(request, &head, sizeof(head), 0);
    if (status == TS_OK) {
        status = ts_request_pull(request, question->name, length, sizeof(head));
    }
    if (status != TS_OK) {
        return status;
    }
    question->name[length] = '\0';
    bool known =
        head.family == 0 || head.family == TS_NET_FAMILY_V4 || head.family == TS_NET_FAMILY_V6;
    if (!known || head.reserved != 0 || strlen(question->name) != length) {
        return TS_ERR_ARGUMENT;
    }
    *out_family = head.family;
    return request->room < sizeof(struct ts_net_address) ? TS_ERR_OVERFLOW : TS_OK;
}

void resolve_call(struct ts_request *request)
{
    struct question *question = question_new(request);
    uint32_t family = 0;
    if (question == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    ts_status_t status = take_name(request, question, &family);
    if (status != TS_OK) {
        finish(question, status);
    } else if (answer_at_once(question, family)) {
        finish(question, TS_ERR_NOT_FOUND);
    } else if (ip_addr_isany(dns_getserver(0)) && ip_addr_isany(dns_getserver(1))) {
        finish(question, TS_ERR_UNREACHABLE);
    } else {
        if (family != TS_NET_FAMILY_V6) {
            question->wanted[question->wanted_count++] = LWIP_DNS_ADDRTYPE_IPV4;
        }
        if (family != TS_NET_FAMILY_V4) {
            question->wanted[question->wanted_count++] = LWIP_DNS_ADDRTYPE_IPV6;
        }
        ask(question);
    }
}

void resolve_cancel(struct ts_request *request)
{
    struct question *question = request->context;
    dns_cancel(question);
    finish(question, TS_ERR_CANCELLED);
}
