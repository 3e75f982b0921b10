// SPDX-License-Identifier: MIT
// Socket addresses: the form of <sys/socket.h> and that of <tessera/proto/net.h>.
#pragma once

#include <sys/socket.h>
#include <tessera/proto/net.h>

// 0, EINVAL (length) or EAFNOSUPPORT. AF_UNSPEC becomes TS_NET_FAMILY_NONE.
int address_in(const struct sockaddr *from, socklen_t length, struct ts_net_address *out);

// For a socket of `domain`: a V4 address on an AF_INET6 socket is shown mapped. Cut to *length,
// which becomes the whole length; NULLs are fine.
void address_out(const struct ts_net_address *from, int domain, struct sockaddr *out,
                 socklen_t *length);
