// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/proto/net.h>
#include "command.h"
#include "system.h"

static const char *address(const struct ts_net_address *a, char out[64])
{
    char text[INET6_ADDRSTRLEN] = "*";
    if (a->family == TS_NET_FAMILY_V4) {
        inet_ntop(AF_INET, a->address, text, sizeof(text));
    } else if (a->family == TS_NET_FAMILY_V6) {
        inet_ntop(AF_INET6, a->address, text, sizeof(text));
    }
    snprintf(out, 64, a->family == TS_NET_FAMILY_V6 ? "[%s]:%u" : "%s:%u", text, a->port);
    return out;
}

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                        "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                        "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

enum { INTERFACES = 1, STATISTICS = 2 }; // options, in the order of their letters

static ts_status_t show_sockets(ts_handle_t net)
{
    struct ts_net_socket sockets[32];
    uint32_t cookie = 0;
    printf("%-4s %-28s %-28s %-12s %8s %8s\n", "TYPE", "LOCAL", "PEER", "STATE", "RECEIVED",
           "TO SEND");
    do {
        uint64_t value;
        ts_status_t status = ts_call_bytes(net, TS_NET_SOCKETS, &cookie, sizeof(cookie), sockets,
                                           sizeof(sockets), &value);
        size_t count = (uint32_t)value / sizeof(sockets[0]);
        if (status != TS_OK) {
            return status;
        }
        for (size_t i = 0; i < count && i < sizeof(sockets) / sizeof(sockets[0]); i++) {
            char local[64], peer[64];
            printf("%-4s %-28s %-28s %-12s %8u %8u\n", sockets[i].type == 1 ? "tcp" : "udp",
                   address(&sockets[i].local, local), address(&sockets[i].peer, peer),
                   state_name(sockets[i].state), sockets[i].receive_queue, sockets[i].send_queue);
        }
        cookie = count ? ts_pair_high(value) : 0;
    } while (cookie);
    return TS_OK;
}

static void show_interface(const struct ts_net_interface *i)
{
    char text[INET6_ADDRSTRLEN], gateway[INET6_ADDRSTRLEN];
    printf("%u %.*s: %s%s%s mtu %u\n", i->index, (int)sizeof(i->name), i->name,
           i->flags & TS_NET_INTERFACE_UP ? "up" : "down",
           i->flags & TS_NET_INTERFACE_LINK ? ", link" : ", no link",
           i->flags & TS_NET_INTERFACE_DHCP ? ", by DHCP" : "", i->mtu);
    if (!(i->flags & TS_NET_INTERFACE_LOOPBACK)) {
        printf("    hardware %02x:%02x:%02x:%02x:%02x:%02x\n", i->hardware[0], i->hardware[1],
               i->hardware[2], i->hardware[3], i->hardware[4], i->hardware[5]);
    }
    inet_ntop(AF_INET, i->address4, text, sizeof(text));
    inet_ntop(AF_INET, i->gateway4, gateway, sizeof(gateway));
    printf("    IPv4 %s", text);
    inet_ntop(AF_INET, i->mask4, text, sizeof(text));
    printf(" mask %s gateway %s\n", text, gateway);
    static const uint8_t none[16];
    for (unsigned a = 0; a < TS_NET_INTERFACE_V6; a++) {
        if (memcmp(i->address6[a], none, sizeof(none)) != 0) {
            printf("    IPv6 %s\n", inet_ntop(AF_INET6, i->address6[a], text, sizeof(text)));
        }
    }
    printf("    in %llu frames, %llu bytes, %llu dropped; out %llu frames, %llu bytes, %llu "
           "dropped\n",
           (unsigned long long)i->frames_in, (unsigned long long)i->bytes_in,
           (unsigned long long)i->dropped_in, (unsigned long long)i->frames_out,
           (unsigned long long)i->bytes_out, (unsigned long long)i->dropped_out);
}

static ts_status_t show_interfaces(ts_handle_t net)
{
    for (uint32_t index = 1;; index++) {
        struct ts_net_interface interface;
        ts_status_t status = ts_call_bytes(net, TS_NET_INTERFACE, &index, sizeof(index), &interface,
                                           sizeof(interface), NULL);
        if (status != TS_OK) {
            return status == TS_ERR_NOT_FOUND ? TS_OK : status;
        }
        show_interface(&interface);
    }
}

static ts_status_t show_statistics(ts_handle_t net)
{
    struct ts_net_statistics s;
    size_t bytes;
    ts_status_t status = ts_get(net, TS_NET_STATISTICS, &s, sizeof(s), &bytes);
    if (status != TS_OK) {
        return status;
    }
    const struct {
        const char *what;
        uint64_t count;
    } rows[] = {{"sessions", s.sessions},
                {"sockets", s.sockets},
                {"connections", s.connections},
                {"accepted since the start", s.accepted},
                {"connected since the start", s.connected},
                {"refused: a client had its share", s.refused_limit},
                {"ended: a pool was full", s.gave_way},
                {"ended half-open: a backlog was full", s.gave_way_half_open},
                {"segments sent again", s.segments_resent},
                {"wrong checksums", s.checksum_errors},
                {"malformed packets", s.malformed},
                {"frames dropped", s.frames_dropped},
                {"bytes of packet memory", s.packet_buffers},
                {"bytes of it free", s.packet_buffers_free}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("%12llu %s\n", (unsigned long long)rows[i].count, rows[i].what);
    }
    return TS_OK;
}

static ts_status_t show(ts_handle_t net, unsigned options)
{
    if (options & INTERFACES) {
        return show_interfaces(net);
    }
    return options & STATISTICS ? show_statistics(net) : show_sockets(net);
}

int main(int argc, char **argv)
{
    int index;
    command_begin(
        argc, argv,
        "netstat [-i | -s]\nShows this system's sockets, as far as it may. -i: network interfaces "
        "with their addresses and counters. -s: what the network stack has counted.\n");
    unsigned options = command_options(argc, argv, "is", &index);
    ts_handle_t session;
    if (index < argc) {
        command_usage();
    }
    const ts_rights_t rights = TS_RIGHT_CALL | TS_RIGHT_OPEN;
    ts_handle_t net = ts_named_handle(TS_NAME_NET);
    // With MANAGE everyone's sockets are shown, else this program's.
    ts_status_t status = ts_open(net, "", 0, rights | TS_RIGHT_MANAGE, &session);
    if (status == TS_ERR_RIGHTS) {
        status = ts_open(net, "", 0, rights, &session);
    }
    if (status == TS_OK) {
        status = show(session, options);
        ts_close(session);
    }
    return status == TS_OK ? command_end(0) : command_status("network", status);
}
