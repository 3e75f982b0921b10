// SPDX-License-Identifier: MIT
// everyday [HOST PORT]: what an ordinary C program does, with the standard library as a user knows
// it: files, streams, memory, time, the environment, exit handlers, and a connection. Says what is
// wrong and ends with 1, or `all is well` and ends with 42.
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) {                                             \
            printf("%d: %s (errno %d)\n", __LINE__, #condition, errno); \
            exit(1);                                                    \
        }                                                               \
    } while (0)

static void use_files(void)
{
    char line[64];
    FILE *file = fopen("/tmp/everyday", "w+");
    CHECK(file);
    for (int i = 0; i < 1000; i++) {
        CHECK(fprintf(file, "line %d of %s, %.3f\n", i, "a thousand", i / 8.0) > 0);
    }
    CHECK(fseek(file, 0, SEEK_SET) == 0);
    for (int i = 0; i < 1000; i++) {
        int number;
        double eighth;
        CHECK(fgets(line, sizeof(line), file));
        CHECK(sscanf(line, "line %d of a thousand, %lf", &number, &eighth) == 2);
        CHECK(number == i && eighth == i / 8.0);
    }
    CHECK(!fgets(line, sizeof(line), file) && feof(file));
    CHECK(fclose(file) == 0);
    CHECK(rename("/tmp/everyday", "/tmp/renamed") == 0 && access("/tmp/everyday", F_OK) < 0);
    CHECK(errno == ENOENT && remove("/tmp/renamed") == 0);
    CHECK(!fopen("/etc/init.conf", "w") && errno == EROFS);
    CHECK(!fopen("/nowhere/at/all", "r") && errno == ENOENT);
}

static void use_memory(void)
{
    char *blocks[200];
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 200; i++) {
            CHECK((blocks[i] = malloc(i * 997 + 1)));
            memset(blocks[i], (int)i, i * 997 + 1);
        }
        for (size_t i = 0; i < 200; i++) {
            CHECK(blocks[i][0] == (char)i && blocks[i][i * 997] == (char)i);
            free(blocks[i]);
        }
    }
    char *volatile too_much = malloc(SIZE_MAX / 2); // volatile: or the compiler knows better
    CHECK(!too_much && errno == ENOMEM);
    int *zeroed = calloc(100000, sizeof(*zeroed));
    CHECK(zeroed && zeroed[0] == 0 && zeroed[99999] == 0);
    zeroed = realloc(zeroed, 200000 * sizeof(*zeroed));
    CHECK(zeroed && zeroed[99999] == 0);
    free(zeroed);
}

static void use_time(void)
{
    struct timespec before, after;
    CHECK(time(NULL) > 1600000000);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK(usleep(20000) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    long ns = (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec;
    CHECK(ns >= 20000000);
}

// What is sent comes back.
static void use_network(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char sent[5000], got[5000];
    CHECK(getaddrinfo(host, port, &hints, &found) == 0);
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    CHECK(fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0);
    freeaddrinfo(found);
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (char)(i * 7);
    }
    CHECK(send(fd, sent, sizeof(sent), 0) == sizeof(sent) && shutdown(fd, SHUT_WR) == 0);
    size_t length = 0;
    ssize_t bytes;
    while ((bytes = recv(fd, got + length, sizeof(got) - length, 0)) > 0) {
        length += (size_t)bytes;
    }
    CHECK(bytes == 0 && length == sizeof(sent) && memcmp(sent, got, length) == 0);
    CHECK(close(fd) == 0);
}

static void last_word(void)
{
    printf("the last word\n");
}

int main(int argc, char **argv)
{
    CHECK(argc == 1 || argc == 3);
    CHECK(getenv("PATH") && setenv("MOOD", "good", 1) == 0 && strcmp(getenv("MOOD"), "good") == 0);
    CHECK(atexit(last_word) == 0);
    use_files();
    use_memory();
    use_time();
    if (argc == 3) {
        use_network(argv[1], argv[2]);
    }
    fprintf(stderr, "nothing to complain of\n");
    printf("all is well\n");
    return 42;
}
