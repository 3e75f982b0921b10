// SPDX-License-Identifier: MIT
#include "coding.h"

#include "syntax.h"

static const struct {
    struct text name, alias, suffix;
} codings[HTTP_CODINGS] = {
    [CODING_IDENTITY] = {TEXT("identity"), {0}, {0}},
    [CODING_GZIP] = {TEXT("gzip"), TEXT("x-gzip"), TEXT(".gz")},
    [CODING_BR] = {TEXT("br"), {0}, TEXT(".br")},
};

// Weights are twice the thousandths of a qvalue, so that there is one below the least: of identity
// that is not named, which is wanted when nothing else is had.
#define WEIGHT_ONE  2000u
#define WEIGHT_LAST 1u

struct text http_coding_name(enum http_coding coding)
{
    return codings[coding].name;
}

struct text http_coding_suffix(enum http_coding coding)
{
    return codings[coding].suffix;
}

static enum http_coding coding_of(struct text token)
{
    unsigned i = 0;
    while (i < HTTP_CODINGS && !text_equal_fold(token, codings[i].name) &&
           (codings[i].alias.length == 0 || !text_equal_fold(token, codings[i].alias))) {
        i++;
    }
    return (enum http_coding)i;
}

enum http_coding http_coding_named(struct text name)
{
    unsigned i = CODING_IDENTITY + 1;
    while (i < HTTP_CODINGS && !text_equal(name, codings[i].name)) {
        i++;
    }
    return (enum http_coding)i;
}

// qvalue: 0 or 1, with up to three digits behind a point, which are zeros after a 1.
static bool take_qvalue(struct text text, uint16_t *out_weight)
{
    if (text.length == 0 || (text.data[0] != '0' && text.data[0] != '1') || text.length > 5 ||
        (text.length > 1 && text.data[1] != '.')) {
        return false;
    }
    unsigned thousandths = text.data[0] == '1' ? 1000 : 0, scale = 100;
    for (size_t i = 2; i < text.length; i++, scale /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        thousandths += scale * (unsigned)(text.data[i] - '0');
    }
    *out_weight = (uint16_t)(thousandths * 2);
    return thousandths <= 1000;
}

// `token [ OWS ";" OWS "q=" qvalue ]`.
static bool take_element(struct text element, struct text *out_token, uint16_t *out_weight)
{
    size_t length = 0;
    while (length < element.length && syntax_is_token(element.data[length])) {
        length++;
    }
    *out_token = (struct text){element.data, length};
    *out_weight = WEIGHT_ONE;
    struct text rest = text_trim((struct text){element.data + length, element.length - length});
    if (length == 0 || rest.length == 0) {
        return length > 0;
    }
    if (!text_take(&rest, ';')) {
        return false;
    }
    rest = text_trim(rest);
    return (text_take(&rest, 'q') || text_take(&rest, 'Q')) && text_take(&rest, '=') &&
           take_qvalue(rest, out_weight);
}

// Weights of what is named; one that is named twice has the least. False: it is not understood.
static bool take_all(const struct http_fields *fields, int32_t weights[HTTP_CODINGS + 1])
{
    struct text element, token;
    uint16_t weight;
    struct http_list list = http_list(fields, HTTP_ACCEPT_ENCODING);
    while (http_list_next(&list, &element)) {
        if (!take_element(element, &token, &weight)) {
            return false;
        }
        // "*" has the place behind the last; what nobody here knows needs none.
        enum http_coding coding = text_equal(token, TEXT("*")) ? HTTP_CODINGS : coding_of(token);
        if (coding == HTTP_CODINGS && !text_equal(token, TEXT("*"))) {
            continue;
        }
        if (weights[coding] < 0 || weight < weights[coding]) {
            weights[coding] = weight;
        }
    }
    return true;
}

struct http_codings http_codings_wanted(const struct http_fields *fields)
{
    int32_t weights[HTTP_CODINGS + 1] = {-1, -1, -1, -1};
    struct http_codings wanted = {.weights = {[CODING_IDENTITY] = WEIGHT_ONE}};
    if (!http_fields_has(fields, HTTP_ACCEPT_ENCODING) || !take_all(fields, weights)) {
        return wanted;
    }
    int32_t others = weights[HTTP_CODINGS];
    for (unsigned i = 0; i < HTTP_CODINGS; i++) {
        int32_t unnamed = others >= 0 ? others : i == CODING_IDENTITY ? (int32_t)WEIGHT_LAST : 0;
        wanted.weights[i] = (uint16_t)(weights[i] >= 0 ? weights[i] : unnamed);
    }
    return wanted;
}

enum http_coding http_codings_choose(const struct http_codings *wanted, const uint8_t *order,
                                     unsigned count, unsigned absent)
{
    enum http_coding best = HTTP_CODINGS;
    unsigned most = 0;
    for (unsigned i = 0; i <= count; i++) {
        enum http_coding coding = i < count ? (enum http_coding)order[i] : CODING_IDENTITY;
        if ((absent >> coding & 1) == 0 && wanted->weights[coding] > most) {
            best = coding;
            most = wanted->weights[coding];
        }
    }
    return best;
}
