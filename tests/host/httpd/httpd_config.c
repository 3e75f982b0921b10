// SPDX-License-Identifier: MIT
// What a configuration says: hosts, redirects, patterns, pages for errors, the log; and
// configurations of random words, which are taken or refused with a message, in bounds.
#include "config_text.h"
#include "head.h"

static void parse(const char *text)
{
    if (!config_of(text, strlen(text))) {
        fprintf(stderr, "%s\n%s\n", text, config_message);
        exit(1);
    }
}

static const struct host *host(const char *name)
{
    return config_host(&config, text_of(name));
}

static void test_empty(void)
{
    static const char *const texts[] = {"", "\n\n", "# nothing\n   \t\r\n  # more", "#"};
    for (unsigned i = 0; i < 4; i++) {
        parse(texts[i]);
        CHECK(host("") == &config.hosts[0] && host("a") == &config.hosts[0]);
        const struct host *first = host("a");
        CHECK(first->status && !first->listing && first->coding_count == 0);
        CHECK(first->root.length == 0 && config.log_size == 0);
        CHECK(config_redirect(&config, first, TEXT("a")) == NULL);
        CHECK(config_cache(&config, first, TEXT("a")).length == 0);
        CHECK(config_error_page(&config, first, 404) == NULL);
    }
}

static void test_hosts(void)
{
    parse("root /default/\n"
          "host A.example www.a.example.\n root /a\n listing on\n compressed br gzip\n"
          "host *.example\n root /any%20one\n status on\n"
          "host *.a.example # below\n root \"/b c\"\n"
          "host 127.0.0.1 [::1]\n status off\n");
    CHECK_EQUAL(config.host_count, 4);
    CHECK_TEXT(host("b.test")->root, "default/");
    CHECK_TEXT(host("a.example")->root, "a/");
    CHECK(host("A.EXAMPLE") == host("a.example") && host("a.example.") == host("a.example"));
    CHECK(host("www.a.example") == host("a.example"));
    CHECK_TEXT(host("x.example")->root, "any one/");
    CHECK_TEXT(host("x.y.example")->root, "any one/");
    CHECK_TEXT(host("x.a.example")->root, "b c/");
    CHECK(host("xa.example") == host("x.example"));
    CHECK(host("example") == &config.hosts[0] && host(".") == &config.hosts[0]);
    CHECK(host("[::1]") == host("127.0.0.1") && host("[::2]") == &config.hosts[0]);
    const struct host *a = host("a.example");
    CHECK(a->listing && !a->status && a->coding_count == 2);
    CHECK(a->codings[0] == CODING_BR && a->codings[1] == CODING_GZIP);
    CHECK(host("x.example")->status && !host("x.example")->listing);
    CHECK(host("b.test")->status && !host("[::1]")->status);
}

static const char *location(const struct host *of, const char *path, const char *query)
{
    static char buffer[512];
    struct writer writer = writer_make(buffer, sizeof(buffer) - 1);
    const struct redirect *redirect = config_redirect(&config, of, text_of(path));
    if (redirect == NULL) {
        return "none";
    }
    write_number(&writer, redirect->status);
    write_string(&writer, " ");
    redirect_write(&writer, redirect, text_of(path), text_of(query));
    buffer[writer.length] = '\0';
    return buffer;
}

static void test_redirects(void)
{
    static const struct {
        const char *path, *query, *expected;
    } table[] = {
        {"old", "", "301 /new"},
        {"old", "a=b&c", "301 /new?a=b&c"},
        {"old/", "", "none"},
        {"old/x", "", "none"},
        {"docs/", "", "302 https://docs.example/v1/"},
        {"docs/a b/c", "q", "302 https://docs.example/v1/a%20b/c?q"},
        {"docs/special", "", "308 /special"}, // the first that fits
        {"docs", "", "none"},
        {"find", "q=1", "307 /search?old=1&q=1"},
        {"a b", "", "301 /a%20b/"},
        {"go/<>\r\n", "\xff\"<>", "301 http://x/%3C%3E%0D%0A?%FF%22%3C%3E"},
        {"", "", "none"},
        {"sp", "%41%zz", "301 /t?%41%zz"}, // as it was sent
    };
    parse("redirect 301 /old /new\nredirect 308 /docs/special /special\n"
          "redirect 302 /docs/* https://docs.example/v1/*\n"
          "redirect 307 /find /search?old=1\nredirect 301 /a%20b /a%20b/\n"
          "redirect 301 /go/* http://x/*\nredirect 301 /sp /t\n"
          "host b\nredirect 302 / /start\nhost c\n redirect 302 /* http://d/*");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *found = location(&config.hosts[0], table[i].path, table[i].query);
        if (strcmp(found, table[i].expected) != 0) {
            fprintf(stderr, "%s?%s: %s\n", table[i].path, table[i].query, found);
            exit(1);
        }
    }
    CHECK(strcmp(location(host("b"), "", "x"), "302 /start?x") == 0);
    CHECK(strcmp(location(host("b"), "old", ""), "none") == 0);
    CHECK(strcmp(location(host("c"), "", ""), "302 http://d/") == 0);
    CHECK(strcmp(location(host("c"), "x/y", ""), "302 http://d/x/y") == 0);
}

static void test_patterns(void)
{
    parse(
        "cache /a.css no-cache\ncache /assets/* public max-age=31536000   immutable\n"
        "cache *.css \"max-age=60\" private\nerror 404 /errors/not%20found.html\nerror 503 /busy\n"
        "host b\n cache /* no-store\n error 404 /\nlisting off\n");
    const struct host *first = &config.hosts[0], *b = host("b");
    CHECK_TEXT(config_cache(&config, first, TEXT("a.css")), "no-cache");
    CHECK_TEXT(config_cache(&config, first, TEXT("assets/a.css")),
               "public,max-age=31536000,immutable");
    CHECK_TEXT(config_cache(&config, first, TEXT("b/a.css")), "max-age=60,private");
    CHECK_TEXT(config_cache(&config, first, TEXT(".css")), "max-age=60,private");
    CHECK(config_cache(&config, first, TEXT("css")).length == 0);
    CHECK(config_cache(&config, first, TEXT("assets")).length == 0);
    CHECK_TEXT(config_cache(&config, b, TEXT("")), "no-store");
    CHECK_TEXT(config_error_page(&config, first, 404)->path, "errors/not found.html");
    CHECK_TEXT(config_error_page(&config, first, 503)->path, "busy");
    CHECK(config_error_page(&config, first, 500) == NULL);
    CHECK_TEXT(config_error_page(&config, b, 404)->path, "");
    CHECK(config_error_page(&config, b, 503) == NULL);
    static const struct {
        const char *text;
        uint32_t size, keep;
    } logs[] = {{"log size 64K keep 4", 65536, 4},
                {"log size 1M keep 0", 1 << 20, 0},
                {"log size 8192 keep 9", 8192, 9},
                {"log size 1024K keep 3", 1 << 20, 3}};
    for (unsigned i = 0; i < 4; i++) {
        parse(logs[i].text);
        CHECK(config.log_size == logs[i].size && config.log_keep == logs[i].keep);
    }
}

// The largest head but for its Location, with the longest Cache-Control, fits.
static void test_head(void)
{
    static const char type[] = "multipart/byteranges; boundary=0123456789abcdef01234567";
    char buffer[HTTP_RESPONSE_HEAD_MAX], value[CONFIG_VALUE], tag[ETAG_MAX];
    struct writer writer = writer_make(buffer, sizeof(buffer));
    memset(value, 'a', sizeof(value));
    memset(tag, 'a', sizeof(tag));
    struct http_head head = {.status = 431,
                             .keep_alive = true,
                             .minor0 = true,
                             .content_length = INT64_MAX,
                             .content_type = text_of(type),
                             .content_encoding = TEXT("gzip"),
                             .etag = {tag, sizeof(tag)},
                             .allow = TEXT("GET, HEAD, OPTIONS"),
                             .cache_control = {value, sizeof(value)},
                             .range_first = INT64_MAX,
                             .whole_size = UINT64_MAX,
                             .accept_ranges = true,
                             .varies = true};
    http_head_write(&writer, &head);
    head.status = 206; // with its range
    CHECK(!writer.overflow && writer.length > 400);
    writer.length = 0;
    http_head_write(&writer, &head);
    CHECK(!writer.overflow && writer.length > 500);
}

// ---- Random

static const char *const words[] = {
    "host",      "root",      "compressed", "listing",   "status",
    "error",     "redirect",  "cache",      "log",       "size",
    "keep",      "on",        "off",        "gzip",      "br",
    "404",       "301",       "308",        "/",         "/a",
    "/a/*",      "/b/*",      "*.css",      "*",         "*.a.b",
    "a.b",       "a.c",       "[::1]",      "http://x/", "http://x/*",
    "/new",      "max-age=1", "no-store",   "64K",       "8K",
    "1M",        "4",         "9",          "0",         "\"",
    "\"a b\"",   "\"\"",      "#",          "%41",       "/%00",
    "/..",       "//",        "\x01",       "\xff",      "18446744073709551616",
    "/%2e%2e/x", "?",         "=",
};

static bool within(struct text text)
{
    return text.length == 0 ||
           (text.data >= config.text && text.data + text.length <= config.text + CONFIG_BYTES);
}

// Whatever was taken lies in the text, and can be asked for anything.
static void use(void)
{
    CHECK(config.host_count <= CONFIG_HOSTS && config.name_count <= CONFIG_NAMES);
    for (unsigned i = 0; i < config.name_count; i++) {
        CHECK(within(config.names[i].name) && config.names[i].host <= config.host_count);
    }
    for (unsigned i = 0; i <= config.host_count; i++) {
        const struct host *of = &config.hosts[i];
        CHECK(within(of->root) && of->root.length <= CONFIG_PATH);
        CHECK(of->redirects.first + of->redirects.count <= config.redirect_count);
        CHECK(of->caches.first + of->caches.count <= config.cache_count);
        CHECK(of->errors.first + of->errors.count <= config.error_count);
        for (unsigned j = 0; j < 8; j++) {
            struct text path = text_of(words[random_below(sizeof(words) / sizeof(words[0]))]);
            CHECK(location(of, path.data, "q") != NULL);
            CHECK(within(config_cache(&config, of, path)));
            CHECK(config_host(&config, path) <= &config.hosts[config.host_count]);
        }
    }
}

static unsigned round_of_words(void)
{
    char text[1024];
    size_t length = 0;
    for (uint64_t lines = 1 + random_below(6); lines > 0; lines--) {
        for (uint64_t n = 1 + random_below(5); n > 0; n--) {
            const char *word = words[random_below(sizeof(words) / sizeof(words[0]))];
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", word,
                                       random_below(8) == 0 ? "" : " ");
        }
        text[length++] = random_below(20) == 0 ? '\0' : '\n';
    }
    bool good = config_of(text, length);
    if (good) {
        use();
    }
    unsigned line, column;
    CHECK(good || sscanf(config_message, "%u:%u: ", &line, &column) == 2);
    CHECK(good == (config_message[0] == '\0') && strlen(config_message) < CONFIG_MESSAGE);
    CHECK(good || (line <= 6 && column <= length + 1));
    return good;
}

int main(int argc, char **argv)
{
    test_empty();
    test_hosts();
    test_redirects();
    test_patterns();
    test_head();
    if (argc > 1) {
        random_state = strtoull(argv[1], NULL, 0) | 1;
    }
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000, good = 0;
    printf("seed %llu, %llu rounds\n", (unsigned long long)random_state,
           (unsigned long long)rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        good += round_of_words();
    }
    CHECK(rounds < 1000 || good > rounds / 1000); // not everything is refused
    return 0;
}
