// SPDX-License-Identifier: MIT
#include "expand.h"
#include <string.h>
#include "tests/host/check.h"

static const char *lookup(const char *name, size_t length)
{
    static const struct {
        const char *name, *value;
    } values[] = {{"A", "one"}, {"B", "two words"}, {"E", ""},
                  {"?", "7"},   {"1", "first"},     {"LONG_name2", " x  y "}};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strlen(values[i].name) == length && !memcmp(values[i].name, name, length)) {
            return values[i].value;
        }
    }
    return NULL;
}

// Arguments joined by '|'.
static void expect(const char *word, const char *joined)
{
    struct words words = {0};
    char text[256] = "";
    CHECK(expand_word(word, lookup, &words));
    for (size_t i = 0; i < words.count; i++) {
        strcat(strcat(text, i ? "|" : ""), words.list[i]);
    }
    if (strcmp(text, joined) != 0 || (words.list != NULL && words.list[words.count] != NULL)) {
        fprintf(stderr, "%s: found %s, not %s\n", word, text, joined);
        exit(1);
    }
    words_free(&words);
}

static size_t count(const char *word)
{
    struct words words = {0};
    CHECK(expand_word(word, lookup, &words));
    size_t n = words.count;
    words_free(&words);
    return n;
}

int main(void)
{
    expect("plain", "plain");
    expect("'a b'c\"d e\"", "a bcd e");
    expect("a\\ b\\\\", "a b\\");
    expect("$A-${A}x$?", "one-onex7");
    expect("$B", "two|words");
    expect("x${B}y", "xtwo|wordsy");
    expect("\"$B\"", "two words");
    expect("'$B'", "$B");
    expect("\"\\$A \\\"q\\\" \\n\"", "$A \"q\" \\n");
    expect("$LONG_name2", "x|y");
    expect("$NONE$A", "one");
    expect("$1$", "first$");
    expect("${unclosed", "${unclosed");
    expect("${}", "${}");
    CHECK_EQUAL(count("$NONE"), 0);
    CHECK_EQUAL(count("$E"), 0);
    CHECK_EQUAL(count("\"$E\""), 1);
    CHECK_EQUAL(count("''"), 1);
    char *single = expand_single("$B and $B", lookup);
    CHECK(single && !strcmp(single, "two words and two words"));
    free(single);
    single = expand_single("", lookup);
    CHECK(single && !*single);
    free(single);
    CHECK_EQUAL(assignment_name("A=b"), 1);
    CHECK_EQUAL(assignment_name("_x9="), 3);
    CHECK_EQUAL(assignment_name("9a=b"), 0);
    CHECK_EQUAL(assignment_name("a-b=c"), 0);
    CHECK_EQUAL(assignment_name("=x"), 0);
    return 0;
}
