// SPDX-License-Identifier: MIT
// The POSIX layer in the guest: memory, errno, signals, threads, and files below /tmp.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/tessera.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/proto/file.h>
#include <time.h>
#include <unistd.h>
#include "lib/tap.h"

static void heap_grows_and_shrinks(void)
{
    void *blocks[64];
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < 64; i++) {
            size_t size = (i + 1) * 3000;
            blocks[i] = malloc(size);
            CHECK(blocks[i] != NULL);
            memset(blocks[i], (int)i, size);
        }
        for (size_t i = 0; i < 64; i++) {
            CHECK_EQUAL(((unsigned char *)blocks[i])[(i + 1) * 3000 - 1], i);
            free(blocks[i]);
        }
    }
    // More than the machine has, and more than there are addresses.
    void *volatile none; // volatile: the compiler may take it that malloc succeeds
    for (int bits = 42; bits <= 47; bits += 5) {
        errno = 0;
        none = malloc((size_t)1 << bits);
        CHECK(none == NULL);
        CHECK_EQUAL(errno, ENOMEM);
    }
    errno = 0;
    none = malloc(PTRDIFF_MAX);
    CHECK(none == NULL);
    CHECK_EQUAL(errno, ENOMEM);
}

#define BLOCK  65536u
#define BLOCKS 1000u
#define FEW    1200u // pages of a job

// In a job with a limit: malloc ends, and what it gave is there.
static int take_all_of_the_heap(void)
{
    static void *blocks[BLOCKS];
    size_t count = 0;
    memset(blocks, 1, sizeof(blocks)); // or the limit would be met here
    while (count < BLOCKS && (blocks[count] = malloc(BLOCK)) != NULL) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        memset(blocks[i], (int)i, BLOCK);
    }
    return count > 0 && count < BLOCKS ? 0 : 1;
}

static void malloc_ends_at_the_limit(void)
{
    static const char *const arguments[] = {"posix_files", "take", NULL};
    static const struct ts_job_limits limits = {.pages = FEW};
    struct ts_spawn spawn = {.name = "posix_files", .arguments = arguments};
    struct ts_process_report report;
    ts_handle_t child;
    CHECK_OK(ts_job_create(ts_named_handle(TS_NAME_JOB), &limits, &spawn.job));
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "test/posix_files", &child));
    CHECK_OK(ts_process_wait(child, ts_deadline_in(60 * TS_SECOND), &report));
    CHECK_EQUAL(report.reason, TS_EXIT_STATUS);
    CHECK_EQUAL(report.status, 0);
    ts_close(child);
    ts_close(spawn.job);
}

static void longjmp_never_gives_zero(void)
{
    static jmp_buf place;
    static volatile int passes;
    passes = 0;
    int value = setjmp(place);
    if (passes++ == 0) {
        longjmp(place, 0);
    }
    CHECK_EQUAL(value, 1);
    CHECK_EQUAL(passes, 2);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    handled = signal;
}

static void signals_within_the_process(void)
{
    sigset_t set, old;
    signal(SIGUSR1, handler);
    CHECK_EQUAL(raise(SIGUSR1), 0);
    CHECK_EQUAL(handled, SIGUSR1);
    handled = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, &old), 0);
    CHECK_EQUAL(raise(SIGUSR1), 0);
    CHECK_EQUAL(handled, 0);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    CHECK_EQUAL(handled, SIGUSR1);
    CHECK_EQUAL(kill(getpid() + 1, 0), -1);
    CHECK_EQUAL(errno, ESRCH);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter;

static void *count(void *argument)
{
    errno = 77; // each thread has its own
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return errno == 77 ? argument : NULL;
}

static void threads_count_together(void)
{
    pthread_t threads[4];
    counter = 0;
    errno = 5;
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, count, &threads[i]), 0);
    }
    pthread_mutex_lock(&mutex);
    while (counter < 4000) {
        pthread_cond_wait(&condition, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 4; i++) {
        void *result;
        CHECK_EQUAL(pthread_join(threads[i], &result), 0);
        CHECK(result == &threads[i]);
    }
    CHECK_EQUAL(counter, 4000);
    CHECK_EQUAL(errno, 5);
}

static void time_passes(void)
{
    struct timespec before, after;
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    struct timespec pause = {.tv_nsec = 20000000};
    CHECK_EQUAL(nanosleep(&pause, NULL), 0);
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    int64_t ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    CHECK(ns >= 20000000);
}

static void descriptors_and_errors(void)
{
    char byte;
    CHECK_EQUAL(read(999, &byte, 1), -1);
    CHECK_EQUAL(errno, EBADF);
    CHECK_EQUAL(open("", O_RDONLY), -1);
    CHECK_EQUAL(errno, ENOENT);
    CHECK_EQUAL(close(-1), -1);
    CHECK_EQUAL(fork(), -1);
    CHECK_EQUAL(errno, ENOSYS);
}

static void files_below_tmp(void)
{
    struct stat info;
    char line[32] = "";
    CHECK_EQUAL(stat("/tmp", &info), 0);
    CHECK(S_ISDIR(info.st_mode));
    CHECK_EQUAL(chdir("/tmp"), 0);
    FILE *file = fopen("posix-test", "w+");
    CHECK(file != NULL);
    CHECK(fprintf(file, "line %d\nline %d\n", 1, 2) == 14);
    CHECK_EQUAL(fseek(file, 7, SEEK_SET), 0);
    CHECK(fgets(line, sizeof(line), file) != NULL);
    CHECK(!strcmp(line, "line 2\n"));
    CHECK_EQUAL(fclose(file), 0);
    CHECK_EQUAL(stat("posix-test", &info), 0);
    CHECK_EQUAL(info.st_size, 14);
    int fd = open("posix-test", O_WRONLY | O_APPEND);
    CHECK(fd >= 0);
    int copy = dup(fd);
    CHECK(copy > fd); // the lowest that is free
    CHECK_EQUAL(write(copy, "!", 1), 1);
    CHECK_EQUAL(lseek(fd, 0, SEEK_CUR), 15); // shared with the copy
    CHECK_EQUAL(close(fd) | close(copy), 0);
    CHECK_EQUAL(rename("posix-test", "posix-test-2"), 0);
    CHECK_EQUAL(access("posix-test", F_OK), -1);
    CHECK_EQUAL(truncate("posix-test-2", 3), 0);
    CHECK_EQUAL(stat("posix-test-2", &info), 0);
    CHECK_EQUAL(info.st_size, 3);
    CHECK_EQUAL(mkdir("posix-test-2", 0777), -1);
    CHECK_EQUAL(errno, EEXIST);
    DIR *directory = opendir(".");
    CHECK(directory != NULL);
    bool found = false;
    for (struct dirent *entry; ((entry = readdir(directory)) != NULL);) {
        found |= !strcmp(entry->d_name, "posix-test-2");
    }
    CHECK_EQUAL(closedir(directory), 0);
    CHECK(found);
    CHECK_EQUAL(unlink("posix-test-2"), 0);
    CHECK_EQUAL(unlink("posix-test-2"), -1);
    CHECK_EQUAL(errno, ENOENT);
    CHECK_EQUAL(chdir("/"), 0);
}

// What tells pipes from each other tells nothing of where the server has them.
static void pipes_are_numbered(void)
{
    int ends[2][2];
    struct ts_attributes of[2];
    size_t bytes;
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQUAL(pipe(ends[i]), 0);
        CHECK_EQUAL(ts_get(ts_posix_handle(ends[i][0]), TS_PROPERTY_ATTRIBUTES, &of[i],
                           sizeof(of[i]), &bytes),
                    TS_OK);
    }
    CHECK(of[0].identity < of[1].identity && of[1].identity < 1000000);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQUAL(close(ends[i][0]) | close(ends[i][1]), 0);
    }
}

// There are no bytes of it to map, and zeros in their place, for reading as for writing.
// A second name is the same file, and stays when the first one goes.
static void files_have_second_names(void)
{
    struct stat first, second;
    char text[4] = "";
    (void)unlink("/tmp/name2");
    int fd = open("/tmp/name1", O_CREAT | O_TRUNC | O_RDWR, 0644);
    CHECK_EQUAL(write(fd, "one", 3), 3);
    CHECK_EQUAL(link("/tmp/name1", "/tmp/name2"), 0);
    CHECK_EQUAL(link("/tmp/name1", "/tmp/name2"), -1);
    CHECK_EQUAL(errno, EEXIST);
    CHECK_EQUAL(link("/tmp", "/tmp/name3"), -1);
    CHECK_EQUAL(stat("/tmp/name1", &first), 0);
    CHECK_EQUAL(stat("/tmp/name2", &second), 0);
    CHECK(first.st_ino == second.st_ino && second.st_nlink == 2);
    CHECK_EQUAL(unlink("/tmp/name1"), 0);
    CHECK_EQUAL(fstat(fd, &first), 0);
    CHECK_EQUAL(first.st_nlink, 1);
    close(fd);
    fd = open("/tmp/name2", O_RDONLY);
    CHECK_EQUAL(read(fd, text, sizeof(text)), 3);
    CHECK(strcmp(text, "one") == 0);
    close(fd);
    CHECK_EQUAL(unlink("/tmp/name2"), 0);
}

static void an_empty_file_maps_as_zeros(void)
{
    int fd = open("/tmp/posix-test-empty", O_CREAT | O_RDWR, 0600);
    CHECK(fd >= 0);
    for (unsigned i = 0; i < 4; i++) {
        int protection = i & 1 ? PROT_READ | PROT_WRITE : PROT_READ;
        off_t offset = i & 2 ? 2 * TS_PAGE_SIZE : 0;
        unsigned char *bytes = mmap(NULL, TS_PAGE_SIZE, protection, MAP_PRIVATE, fd, offset);
        CHECK(bytes != MAP_FAILED);
        CHECK(bytes[0] == 0 && bytes[TS_PAGE_SIZE - 1] == 0);
        CHECK_EQUAL(munmap(bytes, TS_PAGE_SIZE), 0);
    }
    CHECK_EQUAL(close(fd), 0);
    CHECK_EQUAL(unlink("/tmp/posix-test-empty"), 0);
}

// Times at which nanoseconds in 64 bits end: what is past is over, what is far ahead may be waited
// for, and what is no time is refused.
static void times_do_not_wrap(void)
{
    static const time_t passed[] = {INT64_MIN, INT64_MIN / 1000000000 + 1, -8000000000, -1, 0};
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    sem_t none;
    CHECK_EQUAL(sem_init(&none, 0, 0), 0);
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        struct timespec time = {.tv_sec = passed[i]};
        CHECK_EQUAL(pthread_cond_timedwait(&never, &mutex, &time), ETIMEDOUT);
        CHECK_EQUAL(sem_timedwait(&none, &time), -1);
        CHECK_EQUAL(errno, ETIMEDOUT);
    }
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    struct timespec far = {.tv_sec = INT64_MAX, .tv_nsec = 999999999}, wrong = {0, 1000000000};
    CHECK_EQUAL(pthread_mutex_timedlock(&mutex, &far), 0);
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){0}, NULL), 0);
    CHECK_EQUAL(nanosleep(&(struct timespec){-1, 0}, NULL), -1);
    // One that is ready at once, so that nobody waits.
    int ends[2];
    CHECK_EQUAL(pipe(ends), 0);
    fd_set set;
    static const struct timeval longest[] = {{INT64_MAX, 999999}, {INT64_MAX, INT64_MAX}, {0, 0}};
    for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
        struct timeval time = longest[i];
        FD_ZERO(&set);
        FD_SET(ends[1], &set);
        CHECK_EQUAL(select(ends[1] + 1, NULL, &set, NULL, &time), 1);
        CHECK_EQUAL(pselect(ends[1] + 1, NULL, &set, NULL, &far, NULL), 1);
    }
    CHECK_EQUAL(pselect(0, NULL, NULL, NULL, &wrong, NULL), -1);
    CHECK_EQUAL(errno, EINVAL);
    CHECK_EQUAL(close(ends[0]) + close(ends[1]), 0);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return take_all_of_the_heap();
    }
    static const struct tap_test tests[] = {
        TAP(heap_grows_and_shrinks),
        TAP(malloc_ends_at_the_limit),
        TAP(longjmp_never_gives_zero),
        TAP(signals_within_the_process),
        TAP(threads_count_together),
        TAP(time_passes),
        TAP(times_do_not_wrap),
        TAP(descriptors_and_errors),
        TAP(files_below_tmp),
        TAP(files_have_second_names),
        TAP(an_empty_file_maps_as_zeros),
        TAP(pipes_are_numbered),
    };
    return TAP_RUN(tests);
}
