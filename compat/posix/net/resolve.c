// SPDX-License-Identifier: MIT
// Names of hosts and services. Numbers are understood here; names are asked of the network stack.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/op.h>
#include "core/posix.h"
#include "net/address.h"
#include "net/network.h"

int h_errno;

static const struct {
    const char *name;
    uint16_t port;
} services[] = {{"ftp", 21},    {"ssh", 22},    {"telnet", 23}, {"smtp", 25},
                {"domain", 53}, {"http", 80},   {"pop3", 110},  {"ntp", 123},
                {"imap", 143},  {"https", 443}, {"imaps", 993}};

static int port_of(const char *service, int flags, uint16_t *out)
{
    *out = 0;
    if (service == NULL || !*service) {
        return 0;
    }
    char *end;
    unsigned long number = strtoul(service, &end, 10);
    if (*service >= '0' && *service <= '9' && !*end) {
        *out = (uint16_t)number;
        return number <= 65535 ? 0 : EAI_SERVICE;
    }
    for (size_t i = 0; !(flags & AI_NUMERICSERV) && i < sizeof(services) / sizeof(services[0]);
         i++) {
        if (!strcmp(service, services[i].name)) {
            *out = services[i].port;
            return 0;
        }
    }
    return flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE;
}

struct query {
    struct ts_net_resolve head;
    char name[TS_NET_NAME_MAX];
    size_t length;
    struct ts_net_address out[TS_NET_RESOLVE_MAX];
    size_t count;
};

static ts_status_t ask(ts_handle_t network, void *context)
{
    struct query *query = context;
    uint64_t value = 0;
    ts_status_t status =
        ts_call_bytes(network, TS_NET_RESOLVE, query, offsetof(struct query, name) + query->length,
                      query->out, sizeof(query->out), &value);
    size_t count = (size_t)value / sizeof(query->out[0]);
    query->count = count < TS_NET_RESOLVE_MAX ? count : TS_NET_RESOLVE_MAX;
    return status;
}

static bool numeric(const char *host, int family, struct query *query)
{
    struct ts_net_address *out = &query->out[0];
    *out = (struct ts_net_address){0};
    if (family != AF_INET6 && inet_pton(AF_INET, host, out->address) == 1) {
        out->family = TS_NET_FAMILY_V4;
    } else if (family != AF_INET && inet_pton(AF_INET6, host, out->address) == 1) {
        out->family = TS_NET_FAMILY_V6;
    } else {
        return false;
    }
    query->count = 1;
    return true;
}

// No host: the wildcard for a bind, else this machine.
static void own_address(int family, bool passive, struct query *query)
{
    query->count = 0;
    if (family != AF_INET6) {
        struct ts_net_address *a = &query->out[query->count++];
        *a = (struct ts_net_address){.family = TS_NET_FAMILY_V4};
        if (!passive) {
            a->address[0] = 127;
            a->address[3] = 1;
        }
    }
    if (family != AF_INET) {
        struct ts_net_address *a = &query->out[query->count++];
        *a = (struct ts_net_address){.family = TS_NET_FAMILY_V6};
        a->address[15] = !passive;
    }
}

static int find(const char *host, int family, int flags, struct query *query)
{
    if (host == NULL) {
        own_address(family, flags & AI_PASSIVE, query);
        return 0;
    }
    if (numeric(host, family, query)) {
        return 0;
    }
    if (!strcmp(host, "localhost")) {
        own_address(family, false, query);
        return 0;
    }
    query->length = strlen(host);
    if ((flags & AI_NUMERICHOST) || query->length > sizeof(query->name) || !query->length) {
        return EAI_NONAME;
    }
    memcpy(query->name, host, query->length);
    query->head = (struct ts_net_resolve){.family = family == AF_INET    ? TS_NET_FAMILY_V4
                                                    : family == AF_INET6 ? TS_NET_FAMILY_V6
                                                                         : TS_NET_FAMILY_NONE};
    ts_status_t status = network_with(ask, query);
    switch (status) {
    case TS_OK: return query->count ? 0 : EAI_NONAME;
    case TS_ERR_NOT_FOUND: return EAI_NONAME;
    case TS_ERR_TIMED_OUT:
    case TS_ERR_UNREACHABLE: return EAI_AGAIN;
    case TS_ERR_MEMORY: return EAI_MEMORY;
    default: return EAI_FAIL;
    }
}

// One allocation each: the entry, then its address, then the name.
static struct addrinfo *entry(const struct ts_net_address *address, int type, int protocol,
                              const char *name)
{
    size_t length = name != NULL ? strlen(name) + 1 : 0;
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_storage) + length);
    if (info == NULL) {
        return NULL;
    }
    info->ai_family = address->family == TS_NET_FAMILY_V6 ? AF_INET6 : AF_INET;
    info->ai_socktype = type;
    info->ai_protocol = protocol;
    info->ai_addr = (struct sockaddr *)(info + 1);
    info->ai_addrlen = sizeof(struct sockaddr_storage);
    address_out(address, info->ai_family, info->ai_addr, &info->ai_addrlen);
    if (name != NULL) {
        info->ai_canonname = (char *)(info + 1) + sizeof(struct sockaddr_storage);
        memcpy(info->ai_canonname, name, length);
    }
    return info;
}

static int add_entries(struct addrinfo ***end, const struct ts_net_address *address, int type,
                       const char *name)
{
    static const struct {
        int type, protocol;
    } kinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};
    for (size_t i = 0; i < 2; i++) {
        if (type && type != kinds[i].type) {
            continue;
        }
        **end = entry(address, kinds[i].type, kinds[i].protocol, name);
        if (**end == NULL) {
            return EAI_MEMORY;
        }
        *end = &(**end)->ai_next;
    }
    return 0;
}

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    static const struct addrinfo none;
    struct query query = {.count = 0};
    hints = hints != NULL ? hints : &none;
    int family = hints->ai_family, type = hints->ai_socktype;
    uint16_t port;
    *out = NULL;
    if (host == NULL && service == NULL) {
        return EAI_NONAME;
    }
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) {
        return EAI_FAMILY;
    }
    if (type && type != SOCK_STREAM && type != SOCK_DGRAM) {
        return EAI_SOCKTYPE;
    }
    int error = port_of(service, hints->ai_flags, &port);
    error = error ? error : find(host, family, hints->ai_flags, &query);
    struct addrinfo **end = out;
    for (size_t i = 0; !error && i < query.count; i++) {
        query.out[i].port = port;
        const char *name = i == 0 && (hints->ai_flags & AI_CANONNAME) ? host : NULL;
        error = add_entries(&end, &query.out[i], type, name);
    }
    if (error) {
        freeaddrinfo(*out);
        *out = NULL;
    }
    return error;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

const char *gai_strerror(int error)
{
    switch (error) {
    case 0: return "success";
    case EAI_BADFLAGS: return "flags are not valid";
    case EAI_NONAME: return "no such host or service";
    case EAI_AGAIN: return "the name server does not answer";
    case EAI_FAIL: return "the name server failed";
    case EAI_NODATA: return "the host has no address";
    case EAI_FAMILY: return "address family not supported";
    case EAI_SOCKTYPE: return "socket type not supported";
    case EAI_SERVICE: return "no such service";
    case EAI_MEMORY: return "out of memory";
    case EAI_SYSTEM: return "system error";
    case EAI_OVERFLOW: return "the buffer is too small";
    default: return "unknown error";
    }
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
                socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
    struct ts_net_address native;
    if (address_in(address, length, &native) != 0 || native.family == TS_NET_FAMILY_NONE) {
        return EAI_FAMILY;
    }
    if (flags & NI_NAMEREQD) {
        return EAI_NONAME; // there is no way back from numbers to names here
    }
    int family = native.family == TS_NET_FAMILY_V6 ? AF_INET6 : AF_INET;
    if (host != NULL && host_size && inet_ntop(family, native.address, host, host_size) == NULL) {
        return EAI_OVERFLOW;
    }
    if (service != NULL && service_size &&
        snprintf(service, service_size, "%u", native.port) >= (int)service_size) {
        return EAI_OVERFLOW;
    }
    return 0;
}

struct hostent *gethostbyname(const char *name)
{
    static struct hostent result;
    static struct in_addr addresses[TS_NET_RESOLVE_MAX];
    static char *list[TS_NET_RESOLVE_MAX + 1], *no_aliases[] = {NULL}, copy[TS_NET_NAME_MAX + 1];
    struct query query = {.count = 0};
    int error = strlen(name) > TS_NET_NAME_MAX ? EAI_NONAME : find(name, AF_INET, 0, &query);
    if (error) {
        h_errno = error == EAI_AGAIN ? TRY_AGAIN : HOST_NOT_FOUND;
        return NULL;
    }
    strcpy(copy, name);
    for (size_t i = 0; i < query.count; i++) {
        memcpy(&addresses[i], query.out[i].address, sizeof(addresses[i]));
        list[i] = (char *)&addresses[i];
    }
    list[query.count] = NULL;
    result = (struct hostent){copy, no_aliases, AF_INET, sizeof(addresses[0]), list};
    return &result;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    static struct servent result;
    static char *no_aliases[] = {NULL};
    uint16_t port;
    if (port_of(name, 0, &port) != 0) {
        return NULL;
    }
    result = (struct servent){(char *)(uintptr_t)name, no_aliases, htons(port),
                              (char *)(uintptr_t)(protocol != NULL ? protocol : "tcp")};
    return &result;
}
