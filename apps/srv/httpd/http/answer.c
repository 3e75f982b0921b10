// SPDX-License-Identifier: MIT
#include "answer.h"

#include "date.h"

void http_resource_tag(struct http_resource *resource, uint64_t modified_ns)
{
    struct writer writer = writer_make(resource->etag_data, sizeof(resource->etag_data));
    write_string(&writer, "\"");
    write_hex(&writer, modified_ns);
    write_string(&writer, "-");
    write_hex(&writer, resource->size);
    write_string(&writer, "\"");
    resource->etag = (struct text){resource->etag_data, writer.length};
}

// The opaque tag of an entity tag (RFC 9110 8.8.3), quotes included; weak ones only if allowed.
static bool take_tag(struct text element, bool weak_too, struct text *out_tag)
{
    if (element.length >= 2 && element.data[0] == 'W' && element.data[1] == '/') {
        if (!weak_too) {
            return false;
        }
        element.data += 2;
        element.length -= 2;
    }
    *out_tag = element;
    return element.length >= 2 && element.data[0] == '"' && element.data[element.length - 1] == '"';
}

// Whether the list of entity tags, or "*" alone, names the resource.
static bool tags_match(const struct http_fields *fields, enum http_field field, struct text etag,
                       bool weak_too)
{
    if (fields->lines[field] == 1 && text_equal(fields->values[field], TEXT("*"))) {
        return true;
    }
    struct text element, tag;
    for (struct http_list list = http_list(fields, field); http_list_next(&list, &element);) {
        if (take_tag(element, weak_too, &tag) && text_equal(tag, etag)) {
            return true;
        }
    }
    return false;
}

// If-Range holds with our strong tag, or with exactly our date when that is old enough not to
// stand for two states within one second (RFC 9110 13.1.5, 8.8.2.2).
static bool if_range_holds(struct text value, const struct http_resource *resource, int64_t now)
{
    int64_t date;
    if (value.length == 0) {
        return true;
    }
    if (date_parse(value, now, &date)) {
        return date == resource->modified && resource->modified < now;
    }
    struct text tag;
    return take_tag(value, false, &tag) && text_equal(tag, resource->etag);
}

static bool take_date(struct text value, int64_t now, int64_t *out_date)
{
    return value.length > 0 && date_parse(value, now, out_date);
}

// 0, or the status with which a precondition ends the request.
static unsigned precondition(const struct http_request *request,
                             const struct http_resource *resource, int64_t now)
{
    const struct http_fields *fields = &request->fields;
    const struct text *values = fields->values;
    int64_t date;
    if (http_fields_has(fields, HTTP_IF_MATCH)) {
        if (!tags_match(fields, HTTP_IF_MATCH, resource->etag, false)) {
            return 412;
        }
    } else if (take_date(values[HTTP_IF_UNMODIFIED_SINCE], now, &date) &&
               resource->modified > date) {
        return 412;
    }
    bool fetches = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (http_fields_has(fields, HTTP_IF_NONE_MATCH)) {
        if (tags_match(fields, HTTP_IF_NONE_MATCH, resource->etag, true)) {
            return fetches ? 304 : 412;
        }
    } else if (fetches && take_date(values[HTTP_IF_MODIFIED_SINCE], now, &date) &&
               resource->modified <= date) {
        return 304;
    }
    return 0;
}

struct http_answer http_answer_decide(const struct http_request *request,
                                      const struct http_resource *resource, int64_t now)
{
    struct http_answer whole = {.status = 200, .first = 0, .length = resource->size};
    unsigned status = precondition(request, resource, now);
    if (status != 0) {
        return (struct http_answer){.status = status};
    }
    // A range is for GET alone (RFC 9110 14.2).
    const struct text *values = request->fields.values;
    if (request->method != HTTP_GET || values[HTTP_RANGE].length == 0 ||
        !if_range_holds(values[HTTP_IF_RANGE], resource, now)) {
        return whole;
    }
    struct http_range ranges[HTTP_RANGES_MAX];
    unsigned parts;
    switch (http_ranges_parse(values[HTTP_RANGE], resource->size, ranges, &parts)) {
    case RANGE_GOOD: return (struct http_answer){206, ranges[0].first, ranges[0].length, parts};
    case RANGE_UNSATISFIED: return (struct http_answer){.status = 416};
    case RANGE_NONE: break;
    }
    return whole;
}
