// SPDX-License-Identifier: MIT
// See body.h.
#include <object/body.h>
#include <string.h>

void *body_create(struct account *payer, size_t size, const struct object_class *class,
                  ts_status_t *out_status)
{
    return body_create_with(payer, size, 0, class, out_status);
}

void *body_create_with(struct account *payer, size_t size, size_t more,
                       const struct object_class *class, ts_status_t *out_status)
{
    struct object *object = paid_alloc(payer, size + more, out_status);
    if (object == NULL) {
        return NULL;
    }
    memset(object, 0, size);
    object_init(object, class);
    object->payer = payer;
    account_get(payer);
    return object;
}

void body_destroy(struct object *object, size_t size)
{
    struct account *payer = object->payer;
    paid_free(payer, object, size);
    account_put(payer);
}
