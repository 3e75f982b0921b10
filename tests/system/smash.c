// SPDX-License-Identifier: MIT
// Writes over the end of an array on the stack: `smash` in the first thread, `smash thread` in
// another. `smash show` prints the canaries of three threads.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ROOM 16

__attribute__((noinline)) static int fill(volatile char *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bytes[i] = 'x';
    }
    return bytes[0];
}

__attribute__((noinline)) static int smash(unsigned count)
{
    char bytes[ROOM];
    return fill(bytes, count) + 1;
}

static void *smash_in_thread(void *argument)
{
    return (void *)(long)smash(*(unsigned *)argument);
}

static void *canary(void *argument)
{
    unsigned long value;
    __asm__ volatile("movq %%fs:0x28, %0" : "=r"(value));
    *(unsigned long *)argument = value;
    return NULL;
}

static void show(void)
{
    pthread_t threads[2];
    unsigned long canaries[3];
    canary(&canaries[0]);
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, canary, &canaries[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("canaries %016lx %016lx %016lx\n", canaries[0], canaries[1], canaries[2]);
}

int main(int argc, char **argv)
{
    unsigned count = 3 * ROOM;
    pthread_t thread;
    if (argc < 2) {
        return smash(count);
    }
    if (strcmp(argv[1], "show") == 0) {
        show();
    } else if (pthread_create(&thread, NULL, smash_in_thread, &count) == 0) {
        pthread_join(thread, NULL);
    }
    return 0;
}
