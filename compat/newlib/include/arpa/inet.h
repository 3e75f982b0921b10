// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

int inet_aton(const char *, struct in_addr *);
in_addr_t inet_addr(const char *);
char *inet_ntoa(struct in_addr);
const char *inet_ntop(int, const void *__restrict, char *__restrict, socklen_t);
int inet_pton(int, const char *__restrict, void *__restrict);

#ifdef __cplusplus
}
#endif
