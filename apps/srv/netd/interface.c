// SPDX-License-Identifier: MIT
#include "interface.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>

#include "address.h"
#include "netd.h"
#include "request.h"

// NULL: it is the loopback.
static const struct link *link_of(const struct netif *netif)
{
    return netif_get_index(netif) == 1 ? NULL : netif->state;
}

static void describe(struct netif *netif, struct ts_net_interface *out)
{
    const struct link *card = link_of(netif);
    *out = (struct ts_net_interface){.index = netif_get_index(netif), .mtu = netif->mtu};
    ts_format(out->name, sizeof(out->name), "%s", card != NULL ? card->name : "lo");
    out->flags = (netif_is_up(netif) ? TS_NET_INTERFACE_UP : 0) |
                 (netif_is_link_up(netif) ? TS_NET_INTERFACE_LINK : 0) |
                 (card != NULL ? 0 : TS_NET_INTERFACE_LOOPBACK) |
                 (card != NULL && dhcp_supplied_address(netif) ? TS_NET_INTERFACE_DHCP : 0);
    memcpy(out->hardware, netif->hwaddr, netif->hwaddr_len);
    memcpy(out->address4, netif_ip4_addr(netif), 4);
    memcpy(out->mask4, netif_ip4_netmask(netif), 4);
    memcpy(out->gateway4, netif_ip4_gw(netif), 4);
    unsigned used = 0;
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES && used < TS_NET_INTERFACE_V6; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i))) {
            memcpy(out->address6[used++], netif_ip6_addr(netif, i)->addr, 16);
        }
    }
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        address_bytes16(dns_getserver(i), out->dns[i]);
    }
    if (card != NULL) {
        const struct link_statistics *s = &card->statistics;
        out->frames_in = s->frames_in;
        out->frames_out = s->frames_out;
        out->bytes_in = s->bytes_in;
        out->bytes_out = s->bytes_out;
        out->dropped_in = s->dropped_in;
        out->dropped_out = s->dropped_out;
        out->errors_in = s->errors_in;
        out->device_restarts = s->restarts;
    }
}

void interface_call(struct ts_request *request)
{
    uint32_t index;
    struct ts_net_interface interface;
    ts_status_t status = request_word(request, &index);
    struct netif *netif =
        status == TS_OK && index >= 1 && index <= 255 ? netif_get_by_index((u8_t)index) : NULL;
    if (status == TS_OK && netif == NULL) {
        status = TS_ERR_NOT_FOUND;
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    describe(netif, &interface);
    ts_request_reply_whole(request, &interface, sizeof(interface));
}

static bool is_zero(const uint8_t bytes[4])
{
    return (bytes[0] | bytes[1] | bytes[2] | bytes[3]) == 0;
}

void interface_set(struct netif *netif, const struct ts_net_configuration *configuration)
{
    if (is_zero(configuration->address4)) {
        dhcp_start(netif);
        return;
    }
    ip4_addr_t address, mask, gateway;
    ip_addr_t dns;
    u32_t word;
    dhcp_release_and_stop(netif);
    memcpy(&address.addr, configuration->address4, 4);
    memcpy(&mask.addr, configuration->mask4, 4);
    memcpy(&gateway.addr, configuration->gateway4, 4);
    netif_set_addr(netif, &address, &mask, &gateway);
    if (!is_zero(configuration->dns4)) {
        memcpy(&word, configuration->dns4, 4);
        ip_addr_set_ip4_u32_val(dns, word);
        dns_setserver(0, &dns);
    }
}

// An address without a mask, or a mask that is not ones and then zeros, cannot be meant.
static bool valid(const struct ts_net_configuration *c)
{
    uint32_t mask = (uint32_t)c->mask4[0] << 24 | (uint32_t)c->mask4[1] << 16 |
                    (uint32_t)c->mask4[2] << 8 | c->mask4[3];
    if (is_zero(c->address4)) {
        return mask == 0 && is_zero(c->gateway4) && is_zero(c->dns4);
    }
    return mask != 0 && (~mask & (~mask + 1)) == 0 && c->address4[0] < 224;
}

void interface_configure(struct ts_request *request)
{
    struct ts_net_configuration configuration;
    ts_status_t status = ts_request_pull_exact(request, &configuration, sizeof(configuration));
    if (status == TS_OK && (configuration.reserved != 0 || !valid(&configuration))) {
        status = TS_ERR_ARGUMENT;
    }
    struct netif *netif = status == TS_OK && configuration.index <= UINT8_MAX
                              ? netif_get_by_index((u8_t)configuration.index)
                              : NULL;
    if (status == TS_OK && (netif == NULL || link_of(netif) == NULL)) {
        status = TS_ERR_NOT_FOUND;
    }
    if (status == TS_OK) {
        interface_set(netif, &configuration);
    }
    ts_request_reply(request, status, 0);
}

// ---- Arguments

static bool parse_address(const char *text, uint8_t out_bytes[4])
{
    ip4_addr_t address;
    if (!ip4addr_aton(text, &address)) {
        return false;
    }
    memcpy(out_bytes, &address.addr, 4);
    return true;
}

static bool parse_with_mask(const char *text, struct ts_net_configuration *configuration)
{
    char address[16];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    unsigned bits = 0;
    for (const char *digit = slash + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || bits > 32) {
            return false;
        }
        bits = bits * 10 + (unsigned)(*digit - '0');
    }
    if (bits < 1 || bits > 32) {
        return false;
    }
    uint32_t mask = UINT32_MAX << (32 - bits);
    for (unsigned i = 0; i < 4; i++) {
        configuration->mask4[i] = (uint8_t)(mask >> (24 - 8 * i));
    }
    return parse_address(address, configuration->address4);
}

ts_status_t interface_arguments(struct ts_net_configuration *out_configuration,
                                const char **out_argument)
{
    struct ts_net_configuration *c = out_configuration;
    *c = (struct ts_net_configuration){0};
    for (uint32_t i = 1; i < ts_argument_count(); i += 2) {
        const char *name = ts_argument(i), *value = ts_argument(i + 1);
        bool good = false;
        *out_argument = name;
        if (value != NULL && strcmp(name, "--address") == 0) {
            good = parse_with_mask(value, c);
        } else if (value != NULL && strcmp(name, "--gateway") == 0) {
            good = parse_address(value, c->gateway4);
        } else if (value != NULL && strcmp(name, "--dns") == 0) {
            good = parse_address(value, c->dns4);
        }
        if (!good) {
            return TS_ERR_ARGUMENT;
        }
    }
    return valid(c) ? TS_OK : TS_ERR_ARGUMENT;
}
