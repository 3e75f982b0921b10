// SPDX-License-Identifier: MIT
// See body.h.
#include <object/body.h>

void *body_create(struct account *payer, size_t size, const struct object_class *class,
                  ts_status_t *out_status)
{
    struct object *object = paid_alloc_zeroed(payer, size, out_status);
    if (object == NULL)
        return NULL;
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
