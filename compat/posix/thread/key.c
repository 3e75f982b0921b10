// SPDX-License-Identifier: MIT
// Values that each thread has of its own.
#include <errno.h>
#include <limits.h>
#include <tessera/lib/mutex.h>
#include "thread/thread.h"

#define DESTRUCTOR_ROUNDS 4 // PTHREAD_DESTRUCTOR_ITERATIONS

static struct {
    bool used;
    void (*destructor)(void *);
} keys[KEYS_MAX];
static struct ts_mutex mutex;

int pthread_key_create(pthread_key_t *out, void (*destructor)(void *))
{
    int error = EAGAIN;
    ts_mutex_lock(&mutex);
    for (pthread_key_t key = 0; key < KEYS_MAX; key++) {
        if (!keys[key].used) {
            keys[key].used = true;
            keys[key].destructor = destructor;
            *out = key;
            error = 0;
            break;
        }
    }
    ts_mutex_unlock(&mutex);
    return error;
}

int pthread_key_delete(pthread_key_t key)
{
    if (key >= KEYS_MAX || !keys[key].used) {
        return EINVAL;
    }
    ts_mutex_lock(&mutex);
    keys[key].used = false;
    keys[key].destructor = NULL;
    ts_mutex_unlock(&mutex);
    thread_self()->values[key] = NULL;
    return 0;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    if (key >= KEYS_MAX || !keys[key].used) {
        return EINVAL;
    }
    thread_self()->values[key] = value;
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    return key < KEYS_MAX && keys[key].used ? (void *)(uintptr_t)thread_self()->values[key] : NULL;
}

void keys_end(struct ts_pthread *self)
{
    bool again = true;
    for (int round = 0; again && round < DESTRUCTOR_ROUNDS; round++) {
        again = false;
        for (pthread_key_t key = 0; key < KEYS_MAX; key++) {
            void *value = (void *)(uintptr_t)self->values[key];
            void (*destructor)(void *) = keys[key].used ? keys[key].destructor : NULL;
            if (value != NULL && destructor != NULL) {
                self->values[key] = NULL;
                destructor(value);
                again = true;
            }
        }
    }
}
