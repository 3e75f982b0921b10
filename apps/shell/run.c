// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/tessera.h>
#include <unistd.h>
#include "expand.h"
#include "shell.h"

#define STATUS_NOT_FOUND 127
#define STATUS_NOT_RUN   126
#define SHELL_PATH       "/bin/sh"

// Assignments that stand before the command's words; how many words they are, or -1.
static int assign(const struct command *command)
{
    int n = 0;
    for (; n < (int)command->word_count; n++) {
        char *word = command->words[n];
        size_t length = assignment_name(word);
        if (!length) {
            break;
        }
        char *value = expand_single(word + length + 1, lookup);
        word[length] = '\0';
        int result = value != NULL ? setenv(word, value, 1) : -1;
        word[length] = '=';
        free(value);
        if (result < 0) {
            perror("sh");
            return -1;
        }
    }
    return n;
}

static bool expand_command(const struct command *command, struct words *out)
{
    int first = assign(command);
    if (first < 0) {
        return false;
    }
    for (size_t i = (size_t)first; i < command->word_count; i++) {
        if (!expand_word(command->words[i], lookup, out)) {
            fprintf(stderr, "sh: out of memory\n");
            return false;
        }
    }
    return true;
}

// Runs a built-in command in the shell itself: its descriptors are exchanged for the while.
static int run_builtin(builtin_t builtin, const struct words *words, const struct files *files)
{
    int saved[3];
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        saved[i] = files->own[i] ? fcntl(i, F_DUPFD_CLOEXEC, 10) : -1;
        if (files->own[i]) {
            dup2(files->fd[i], i);
        }
    }
    int status = builtin((int)words->count, words->list);
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        if (saved[i] >= 0) {
            dup2(saved[i], i);
            close(saved[i]);
        }
    }
    return status;
}

// Starts a command of a job. 0, or the status that says why not.
static int start(struct job *job, const struct command *command, const struct words *words,
                 const struct files *files)
{
    char path[PATH_MAX];
    char *nested[] = {"sh", "-c", command->text, NULL};
    char **arguments = words->list;
    int error;
    if (shell.builtin_find((int)words->count, words->list) !=
        NULL) { // in a pipeline: a shell of its own
        arguments = nested;
        strcpy(path, SHELL_PATH);
        error = 0;
    } else {
        error = ts_posix_find(words->list[0], path, sizeof(path));
    }
    if (error) {
        fprintf(stderr, "sh: %s: %s\n", words->list[0],
                error == ENOENT ? "command not found" : strerror(error));
        return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    }
    error = job_start(job, path, arguments, files);
    if (error) {
        fprintf(stderr, "sh: %s: %s\n", words->list[0], strerror(error));
        return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    }
    return 0;
}

// One command of a pipeline: `in` and `out` are its ends of the pipes. 0 or why it did not start.
static int start_piped(struct job *job, const struct command *command, int in, int out)
{
    struct files files = {.fd = {in, out, 2}};
    struct words words = {0};
    int status = 1;
    if (expand_command(command, &words) && files_redirect(&files, command)) {
        status = words.count ? start(job, command, &words, &files) : 0;
    }
    words_free(&words);
    files_close(&files);
    return status;
}

// Starts all commands, connected. The status of the last that could not start, else 0.
static int start_all(struct job *job, const struct pipeline *pipeline, int first_in)
{
    int in = first_in, status = 0;
    for (size_t i = 0; i < pipeline->count; i++) {
        int ends[2] = {-1, 1};
        bool last = i == pipeline->count - 1;
        if (!last && pipe(ends) < 0) {
            perror("sh: pipe");
            status = 1;
            last = true;
            i = pipeline->count;
        } else {
            status = start_piped(job, &pipeline->commands[i], in, ends[1]);
        }
        if (in != first_in) {
            close(in);
        }
        if (!last) {
            close(ends[1]);
            in = ends[0];
        }
    }
    return status;
}

static int run_job(const struct pipeline *pipeline, const char *text, bool background)
{
    struct job *job = job_make(text);
    if (job == NULL) {
        return 1;
    }
    // A background job must not take what is typed for the shell.
    int in = background && shell.interactive ? open("/dev/null", O_RDONLY | O_CLOEXEC) : 0;
    fflush(NULL);
    int status = start_all(job, pipeline, in);
    if (in > 0) {
        close(in);
    }
    if (background) {
        job_background(job);
        return 0;
    }
    int ended = job_foreground(job);
    return status ? status : ended;
}

// A single command may be built in, or nothing but assignments and redirections.
static int run_single(const struct pipeline *pipeline, const char *text)
{
    const struct command *command = &pipeline->commands[0];
    struct files files = {.fd = {0, 1, 2}};
    struct words words = {0};
    int status = 1;
    if (expand_command(command, &words) && files_redirect(&files, command)) {
        builtin_t builtin = shell.builtin_find((int)words.count, words.list);
        if (builtin != NULL) {
            status = run_builtin(builtin, &words, &files);
        } else if (words.count == 0) {
            status = 0;
        } else {
            struct job *job = job_make(text);
            fflush(NULL);
            status = job != NULL ? start(job, command, &words, &files) : 1;
            files_close(&files);
            int ended = job != NULL ? job_foreground(job) : 1;
            status = status ? status : ended;
        }
    }
    words_free(&words);
    files_close(&files);
    return status;
}

static int run_pipeline(const struct pipeline *pipeline, const char *text)
{
    return pipeline->count == 1 ? run_single(pipeline, text) : run_job(pipeline, text, false);
}

// "a && b &" is a shell of its own in the background.
static int run_background(const struct sequence *sequence)
{
    if (sequence->count == 1) {
        return run_job(&sequence->pipelines[0], sequence->text, true);
    }
    char *words[] = {"sh", "-c", sequence->text, NULL};
    struct files files = {.fd = {shell.interactive ? open("/dev/null", O_RDONLY) : 0, 1, 2}};
    files.own[0] = files.fd[0] > 0;
    struct job *job = job_make(sequence->text);
    if (job == NULL) {
        files_close(&files);
        return 1;
    }
    int error = job_start(job, SHELL_PATH, words, &files);
    files_close(&files);
    if (error) {
        fprintf(stderr, "sh: %s: %s\n", SHELL_PATH, strerror(error));
        job_drop(job);
        return STATUS_NOT_RUN;
    }
    job_background(job);
    return 0;
}

static void run_sequence(const struct sequence *sequence)
{
    if (sequence->background) {
        shell.status = run_background(sequence);
        return;
    }
    for (size_t i = 0; i < sequence->count && !shell.ending && !shell.interrupted; i++) {
        enum connector how = sequence->connectors[i];
        if ((how == CONNECT_AND && shell.status != 0) || (how == CONNECT_OR && shell.status == 0)) {
            continue;
        }
        shell.status = run_pipeline(&sequence->pipelines[i], sequence->text);
    }
}

int run_text(const char *text)
{
    struct script script;
    const char *error = script_parse(text, &script);
    if (error != NULL) {
        fprintf(stderr, "sh: %s\n", error);
        return shell.status = 2;
    }
    shell.interrupted = false;
    for (size_t i = 0; i < script.count && !shell.ending && !shell.interrupted; i++) {
        run_sequence(&script.sequences[i]);
    }
    script_free(&script);
    return shell.status;
}

int run_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "sh: %s: %s\n", path, strerror(errno));
        return STATUS_NOT_FOUND;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (!shell.ending && getline(&line, &capacity, file) >= 0) {
        run_text(line);
    }
    free(line);
    fclose(file);
    return shell.status;
}
