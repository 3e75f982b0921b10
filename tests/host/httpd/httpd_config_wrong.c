// SPDX-License-Identifier: MIT
// Configurations with an error: where it is and what is told about it.
#include "config_text.h"

static const struct {
    const char *text, *message;
} table[] = {
    {"cachecontrol *.css no-store", "1:1: unknown word 'cachecontrol'"},
    {"\n# x\n  Root /a", "3:3: unknown word 'Root'"},
    {"\t\"\" /a", "1:2: unknown word ''"},
    {"host a\n  root", "2:7: expected: root /PATH"},
    {"root /a /b", "1:9: expected: root /PATH"},
    {"root \"/a b\" # c\nroot /b", "2:1: duplicate 'root', first in line 1"},
    {"host a\nlisting on\nlisting on", "3:1: duplicate 'listing', first in line 2"},
    {"status on\nstatus off", "2:1: duplicate 'status', first in line 1"},
    {"compressed gzip\ncompressed br", "2:1: duplicate 'compressed', first in line 1"},
    {"log size 8K keep 1\nlog size 8K keep 1", "2:1: duplicate 'log', first in line 1"},
    {"root a", "1:6: expected a path that begins with '/', found 'a'"},
    {"root /../a", "1:6: expected a path that begins with '/', found '/../a'"},
    {"root /%zz", "1:6: expected a path that begins with '/', found '/%zz'"},
    {"root /a%00b", "1:6: expected a path that begins with '/', found '/a%00b'"},
    {"root \"/a b", "1:6: missing closing quote"},
    {"listing yes", "1:9: expected on or off, found 'yes'"},
    {"listing", "1:8: expected: listing on"},
    {"status ON", "1:8: expected on or off, found 'ON'"},
    {"compressed", "1:11: expected: compressed gzip br"},
    {"compressed gzip deflate", "1:17: expected gzip or br, found 'deflate'"},
    {"compressed identity", "1:12: expected gzip or br, found 'identity'"},
    {"compressed gzip gzip", "1:17: duplicate 'gzip'"},
    {"compressed gzip br gzip", "1:20: expected: compressed gzip br"},
    {"host", "1:5: expected: host NAME..."},
    {"host a b:80", "1:8: expected NAME or *.NAME, without a port, found 'b:80'"},
    {"host a/b", "1:6: expected NAME or *.NAME, without a port, found 'a/b'"},
    {"host *", "1:6: expected NAME or *.NAME, without a port, found '*'"},
    {"host *.", "1:6: expected NAME or *.NAME, without a port, found '*.'"},
    {"host a.*.b", "1:6: expected NAME or *.NAME, without a port, found 'a.*.b'"},
    {"host \"\"", "1:6: expected NAME or *.NAME, without a port, found ''"},
    {"host \"a\x1b[2J\xc3\xa9\"", "1:6: expected NAME or *.NAME, without a port, found 'a?[2J?\?'"},
    {"host a.b\nhost c A.B.", "2:8: 'A.B.' is already defined in line 1"},
    {"host *.b *.B", "1:10: '*.B' is already defined in line 1"},
    {"error 404", "1:10: expected: error STATUS /PATH"},
    {"error 200 /a",
     "1:7: expected the status of an error that has a page, such as 404, found '200'"},
    {"error 416 /a",
     "1:7: expected the status of an error that has a page, such as 404, found '416'"},
    {"error 0404 /a",
     "1:7: expected the status of an error that has a page, such as 404, found '0404'"},
    {"error 499 /a",
     "1:7: expected the status of an error that has a page, such as 404, found '499'"},
    {"error 404 a", "1:11: expected a path that begins with '/', found 'a'"},
    {"error 404 /a\nerror 404 /b", "2:7: a page for this is already defined in line 1"},
    {"redirect 301 /a", "1:16: expected: redirect STATUS FROM TO"},
    {"redirect 303 /a /b", "1:10: expected 301, 302, 307 or 308, found '303'"},
    {"redirect 301 a /b", "1:14: expected a path that begins with '/', found 'a'"},
    {"redirect 301 /a* /b*", "1:14: '*' is allowed only at the end, after a '/'"},
    {"redirect 301 /a/*/b /b", "1:14: '*' is allowed only at the end, after a '/'"},
    {"redirect 301 * /b", "1:14: '*' is allowed only at the end, after a '/'"},
    {"redirect 301 *.a /b", "1:14: '*' is allowed only at the end, after a '/'"},
    {"redirect 301 /a/* /b", "1:19: '*' must end both or neither"},
    {"redirect 301 /a /b/*", "1:17: '*' must end both or neither"},
    {"redirect 301 /a/* https://b.c*", "1:19: missing '/' between host and '*'"},
    {"redirect 301 /a/* http://*", "1:19: missing '/' between host and '*'"},
    {"redirect 301 /a //b", "1:17: expected a path or an http address, found '//b'"},
    {"redirect 301 /a ftp://b", "1:17: expected a path or an http address, found 'ftp://b'"},
    {"redirect 301 /a \"\"", "1:17: expected a path or an http address, found ''"},
    {"redirect 301 /a \"/b c\"", "1:17: expected a valid path or URL, found '/b c'"},
    {"redirect 301 /a /b#c", "1:17: expected a valid path or URL, found '/b#c'"},
    {"redirect 301 /a /a", "1:17: redirect to itself"},
    {"redirect 301 /a /a?b", "1:17: redirect to itself"},
    {"redirect 301 /a/* /a/b/*", "1:19: redirect to itself"},
    {"redirect 301 /a /b\nhost h\nredirect 301 /a /b\nredirect 302 //a /c",
     "4:14: a redirect of this is already defined in line 3"},
    {"cache *.css", "1:12: expected: cache PATTERN DIRECTIVE..."},
    {"cache css no-store", "1:7: expected a path that begins with '/', found 'css'"},
    {"cache *. no-store", "1:7: '*' is allowed only at the end, after a '/'"},
    {"cache *.a/b no-store", "1:7: expected an extension after '*.', found '*.a/b'"},
    {"cache *.css max-age= x", "1:13: expected a directive such as max-age=3600, found 'max-age='"},
    {"cache *.css public, max-age=1",
     "1:13: expected a directive such as max-age=3600, found 'public,'"},
    {"cache *.css a:b", "1:13: expected a directive such as max-age=3600, found 'a:b'"},
    {"cache *.css a\ncache *.css b", "2:7: this pattern is already defined in line 1"},
    {"log size 8K", "1:12: expected: log size SIZE keep N"},
    {"log Size 8K keep 1", "1:5: expected 'size', found 'Size'"},
    {"log size 7K keep 1", "1:10: expected a size from 8K to 1M, found '7K'"},
    {"log size 2M keep 1", "1:10: expected a size from 8K to 1M, found '2M'"},
    {"log size 8k keep 1", "1:10: expected a size from 8K to 1M, found '8k'"},
    {"log size 18446744073709551617K keep 1",
     "1:10: expected a size from 8K to 1M, found '18446744073709551617K'"},
    {"log size 8K kept 1", "1:13: expected 'keep', found 'kept'"},
    {"log size 8K keep 10", "1:18: expected a number from 0 to 9, found '10'"},
    {"log size 8K keep -1", "1:18: expected a number from 0 to 9, found '-1'"},
    {"log size 1M keep 4", "1:10: more than 4M of logs in all"},
    {"host a\nlog size 8K keep 1", "2:1: 'log' belongs before the first host"},
};

static void expect(const char *text, size_t length, const char *message)
{
    bool good = config_of(text, length);
    if (good || strcmp(config_message, message) != 0) {
        fprintf(stderr, "%s\n%s, not\n%s\n", text, good ? "(good)" : config_message, message);
        exit(1);
    }
}

// `count` lines like `line`, with a number in it, after `before`; then the one that is too much.
static void expect_limit(const char *before, const char *line, unsigned count, const char *message)
{
    static char text[CONFIG_BYTES];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s", before);
    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, line, i);
    }
    CHECK(config_of(text, length));
    length += (size_t)snprintf(text + length, sizeof(text) - length, line, count);
    expect(text, length, message);
}

static void test_limits(void)
{
    char text[512], most[CONFIG_PATH + 2];
    expect_limit("", "host h%u\n", CONFIG_HOSTS, "33:1: more than 32 hosts");
    expect_limit("", "redirect 301 /%u /x\n", CONFIG_REDIRECTS, "257:1: more than 256 redirects");
    expect_limit("", "cache *.%u a\n", CONFIG_CACHES,
                 "129:1: more than 128 patterns for Cache-Control");
    size_t length = (size_t)snprintf(text, sizeof(text), "host");
    for (unsigned i = 0; i < 40; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, " a%u", i);
    }
    length += (size_t)snprintf(text + length, sizeof(text) - length, "\nhost");
    for (unsigned i = 0; i < 25; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, " b%u", i);
    }
    expect(text, length, "2:92: more than 64 names of hosts");
    memset(most, 'a', sizeof(most));
    most[0] = '/';
    snprintf(text, sizeof(text), "root %.*s", (int)CONFIG_PATH, most);
    CHECK(config_of(text, strlen(text)));
    snprintf(text, sizeof(text), "root %.*s", (int)CONFIG_PATH + 1, most);
    expect(text, strlen(text), "1:6: longer than 256 bytes");
    snprintf(text, sizeof(text), "redirect 301 /b %.*s", (int)CONFIG_PATH + 1, most);
    expect(text, strlen(text), "1:17: longer than 256 bytes");
    snprintf(text, sizeof(text), "cache /b %.*s a", 127, most + 1);
    expect(text, strlen(text), "1:138: longer than 128 bytes");
    memset(text, ' ', sizeof(text));
    for (unsigned i = 0; i < 65; i++) {
        text[2 * i] = 'a';
    }
    expect(text, 130, "1:129: more than 64 words in a line");
    expect("root /a\nlisting \0on", 19, "2:9: a zero byte");
    memset(text, 'x', 300);
    expect(text, 300,
           "1:1: unknown word 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'");
}

// The pages for errors of several hosts are one table.
static void test_error_pages(void)
{
    static const unsigned statuses[] = {400, 403, 404, 405, 406, 408, 413, 414, 417, 431, 500, 501};
    static char text[CONFIG_BYTES];
    size_t length = 0;
    for (unsigned i = 0; i <= CONFIG_ERRORS; i++) {
        if (i % 12 == 0) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "host h%u\n", i);
        }
        length += (size_t)snprintf(text + length, sizeof(text) - length, "error %u /x\n",
                                   statuses[i % 12]);
    }
    expect(text, length, "71:1: more than 64 pages for errors");
}

int main(void)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        expect(table[i].text, strlen(table[i].text), table[i].message);
    }
    test_limits();
    test_error_pages();
    return 0;
}
