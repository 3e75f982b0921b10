// SPDX-License-Identifier: MIT
#include "parse.h"
#include <string.h>
#include "tests/host/check.h"

static struct script good(const char *text)
{
    struct script script;
    const char *error = script_parse(text, &script);
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", text, error);
        exit(1);
    }
    return script;
}

static void bad(const char *text)
{
    struct script script;
    if (script_parse(text, &script) == NULL) {
        fprintf(stderr, "accepted: %s\n", text);
        exit(1);
    }
    CHECK_EQUAL(script.count, 0);
}

static void test_words(void)
{
    struct script s = good("ls  -l 'a b' \"c;d\" e\\ f # ls x\n");
    CHECK_EQUAL(s.count, 1);
    struct command *c = &s.sequences[0].pipelines[0].commands[0];
    CHECK_EQUAL(c->word_count, 5);
    CHECK(!strcmp(c->words[2], "'a b'"));
    CHECK(!strcmp(c->words[3], "\"c;d\""));
    CHECK(!strcmp(c->words[4], "e\\ f"));
    CHECK(c->words[5] == NULL);
    script_free(&s);
}

static void test_structure(void)
{
    struct script s = good("a | b | c && d || e & f; g");
    CHECK_EQUAL(s.count, 3);
    struct sequence *q = &s.sequences[0];
    CHECK(q->background);
    CHECK_EQUAL(q->count, 3);
    CHECK_EQUAL(q->pipelines[0].count, 3);
    CHECK_EQUAL(q->connectors[1], CONNECT_AND);
    CHECK_EQUAL(q->connectors[2], CONNECT_OR);
    CHECK(!strcmp(q->text, "a | b | c && d || e"));
    CHECK(!s.sequences[1].background);
    CHECK(!strcmp(s.sequences[2].text, "g"));
    script_free(&s);
}

static void test_redirections(void)
{
    struct script s = good("cmd <in >out 2>>err 2>&1 x2>y");
    struct command *c = &s.sequences[0].pipelines[0].commands[0];
    CHECK_EQUAL(c->word_count, 2);
    CHECK_EQUAL(c->redirection_count, 5);
    CHECK_EQUAL(c->redirections[0].kind, REDIRECT_IN);
    CHECK_EQUAL(c->redirections[0].fd, 0);
    CHECK_EQUAL(c->redirections[1].fd, 1);
    CHECK_EQUAL(c->redirections[2].kind, REDIRECT_APPEND);
    CHECK_EQUAL(c->redirections[2].fd, 2);
    CHECK_EQUAL(c->redirections[3].kind, REDIRECT_COPY);
    CHECK(!strcmp(c->redirections[3].target, "1"));
    CHECK_EQUAL(c->redirections[4].fd, 1); // x2 is a word
    CHECK(!strcmp(c->words[1], "x2"));
    script_free(&s);
    s = good(">only");
    CHECK_EQUAL(s.sequences[0].pipelines[0].commands[0].word_count, 0);
    script_free(&s);
}

static void test_empty(void)
{
    static const char *const texts[] = {"", "   ", "\n\n", "# nothing", "  # a\n# b\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct script s = good(texts[i]);
        CHECK_EQUAL(s.count, 0);
        script_free(&s);
    }
}

static void test_errors(void)
{
    static const char *const texts[] = {
        "|",       "a |",     "a | | b", "a &&",   "&& a",   ";",       "a ;; b",
        "a & & b", "a >",     "a > | b", "'open",  "\"open", "a \\",    "a 3> b",
        "a >&x",   "a 2>& b", "a > 'x",  "a || ;", "< ; a",  "a >& 12",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bad(texts[i]);
    }
}

// Any bytes: an error or a script, never a crash (the sanitizers watch).
static void test_noise(void)
{
    static const char alphabet[] = "ab \t\n;&|<>'\"\\$#12{}=?";
    uint64_t state = 42;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        size_t length = check_random(&state) % (sizeof(text) - 1);
        for (size_t i = 0; i < length; i++) {
            text[i] = alphabet[check_random(&state) % (sizeof(alphabet) - 1)];
        }
        text[length] = '\0';
        struct script script;
        if (script_parse(text, &script) == NULL) {
            for (size_t i = 0; i < script.count; i++) {
                CHECK(script.sequences[i].count > 0);
                CHECK(script.sequences[i].text != NULL);
            }
        }
        script_free(&script);
    }
}

int main(void)
{
    test_words();
    test_structure();
    test_redirections();
    test_empty();
    test_errors();
    test_noise();
    return 0;
}
