// SPDX-License-Identifier: MIT
// A configuration of a text.
#pragma once

#include "check_text.h"
#include "config.h"

static struct config config;
static char config_message[CONFIG_MESSAGE];

// Over what another one left: nothing may depend on that.
static inline bool config_of(const char *text, size_t length)
{
    CHECK(length <= CONFIG_BYTES);
    memset(&config, 0xa5, sizeof(config));
    memset(config_message, 0, sizeof(config_message));
    config_init(&config);
    memcpy(config.text, text, length);
    return config_parse(&config, length, config_message);
}
