// SPDX-License-Identifier: MIT
#include "config.h"
#include <string.h>
#include <tessera/lib/log.h>

void config_error(struct config *config, unsigned line, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    ts_format_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    config->errors++;
    if (config->report != NULL) {
        config->report(config->context, line, text);
    }
}

struct config_service *config_find(struct config *config, const char *name)
{
    for (uint32_t i = 0; i < config->service_count; i++) {
        if (strcmp(config->services[i].name, name) == 0) {
            return &config->services[i];
        }
    }
    return NULL;
}

bool config_is_of(const struct config_service *service, const char *class_name)
{
    return service->class_name != NULL && strcmp(service->class_name, class_name) == 0;
}

bool config_number(const char *word, uint64_t *out_number)
{
    unsigned base = 10;
    uint64_t number = 0;
    if (word[0] == '0' && word[1] == 'x') {
        base = 16;
        word += 2;
    }
    if (!*word) {
        return false;
    }
    for (; *word; word++) {
        unsigned digit = 99;
        if (*word >= '0' && *word <= '9') {
            digit = (unsigned)(*word - '0');
        } else if (*word >= 'a' && *word <= 'f') {
            digit = (unsigned)(*word - 'a') + 10;
        }
        if (digit >= base || number > (UINT64_MAX - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    *out_number = number;
    return true;
}
