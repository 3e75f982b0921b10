// SPDX-License-Identifier: MIT
#include "resolve.h"

#include <string.h>

#include <lwip/dns.h>
#include <tessera/proto/net.h>

#include "address.h"
#include "heap.h"

// A question for which lwIP has a callback; it cannot be taken back, so it outlives its request.
struct question {
    struct question *next;
    struct ts_request *request; // NULL: given up
    uint8_t wanted[2];          // address types to ask for, in order
    uint8_t asked, wanted_count, answers;
    struct ts_net_address answer[TS_NET_RESOLVE_MAX];
    char name[TS_NET_NAME_MAX + 1];
};

static struct question *questions;
static uint32_t question_count;

static void finish(struct question *question, ts_status_t failure)
{
    struct question **at = &questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    question_count--;
    struct ts_request *request = question->request;
    if (request != NULL && question->answers == 0) {
        ts_request_reply(request, failure, 0);
    } else if (request != NULL) {
        uint32_t size = question->answers * (uint32_t)sizeof(struct ts_net_address);
        uint32_t room = request->room - request->room % sizeof(struct ts_net_address);
        ts_request_reply_bytes(request, question->answer, size < room ? size : room);
    }
    heap_free(question);
}

static void add_answer(struct question *question, const ip_addr_t *ip)
{
    if (question->answers == TS_NET_RESOLVE_MAX)
        return;
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
        if (error == ERR_INPROGRESS)
            return;
        if (error == ERR_OK)
            add_answer(question, &ip);
        else if (error == ERR_MEM) {
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
    if (ip != NULL)
        add_answer(question, ip);
    question->asked++;
    ask(question);
}

// A literal address, or a name that is never asked for. True: answered.
static bool answer_at_once(struct question *question, uint32_t family)
{
    ip_addr_t ip;
    bool local = strcmp(question->name, "localhost") == 0;
    bool literal = !local && ipaddr_aton(question->name, &ip);
    if (!local && !literal)
        return false;
    if (literal &&
        (family == 0 || family == (IP_IS_V4_VAL(ip) ? TS_NET_FAMILY_V4 : TS_NET_FAMILY_V6)))
        add_answer(question, &ip);
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
    if (request->length <= sizeof(head))
        return TS_ERR_ARGUMENT;
    uint32_t length = request->length - (uint32_t)sizeof(head);
    if (length > TS_NET_NAME_MAX)
        return TS_ERR_NAME_TOO_LONG;
    ts_status_t status = ts_request_pull(request, &head, sizeof(head), 0);
    if (status == TS_OK)
        status = ts_request_pull(request, question->name, length, sizeof(head));
    if (status != TS_OK)
        return status;
    question->name[length] = '\0';
    bool known =
        head.family == 0 || head.family == TS_NET_FAMILY_V4 || head.family == TS_NET_FAMILY_V6;
    if (!known || head.reserved != 0 || strlen(question->name) != length)
        return TS_ERR_ARGUMENT;
    *out_family = head.family;
    return request->room < sizeof(struct ts_net_address) ? TS_ERR_OVERFLOW : TS_OK;
}

void resolve_call(struct ts_request *request)
{
    struct question *question = NULL;
    uint32_t family = 0;
    if (question_count < RESOLVE_MAX)
        question = heap_allocate_zeroed(1, sizeof(*question));
    ts_status_t status = question == NULL ? TS_ERR_LIMIT : take_name(request, question, &family);
    if (status != TS_OK) {
        heap_free(question);
        ts_request_reply(request, status, 0);
        return;
    }
    question->request = request;
    question->next = questions;
    questions = question;
    question_count++;
    request->context = question;
    if (answer_at_once(question, family)) {
        finish(question, TS_ERR_NOT_FOUND);
    } else if (ip_addr_isany(dns_getserver(0)) && ip_addr_isany(dns_getserver(1))) {
        finish(question, TS_ERR_UNREACHABLE);
    } else {
        if (family != TS_NET_FAMILY_V6)
            question->wanted[question->wanted_count++] = LWIP_DNS_ADDRTYPE_IPV4;
        if (family != TS_NET_FAMILY_V4)
            question->wanted[question->wanted_count++] = LWIP_DNS_ADDRTYPE_IPV6;
        ask(question);
    }
}

void resolve_cancel(struct ts_request *request)
{
    struct question *question = request->context;
    question->request = NULL;
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}
