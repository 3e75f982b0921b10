// SPDX-License-Identifier: MIT
// sntp: asks time servers, and has init set the realtime by what they say. Its arguments are
// servers, HOST or HOST:PORT, that are asked in turn when one does not answer. Off unless
// /etc/init.conf says `start boot`.
//
// Each file knows only those above it:
//
//   sntp      what a packet says, and whether it is believed
//   main      the program
//
// Named handles: net, control (with WRITE: the clock, and nothing else), log, random.
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/proto/init.h>
#include <unistd.h>

#include "sntp.h"

#define TRUSTED_S   (4 * WAIT_MOST)
#define ANSWER_MS   5000
#define WAIT_FIRST  2    // seconds, until a server has answered: the network comes up
#define WAIT_LEAST  64   // from then on, from one question to the next
#define WAIT_MOST   1024 // as it gets when servers do not answer, or want it so
#define SLOWLY_NS   (128 * TS_MILLISECOND)
#define CHANGE_MOST (1000 * TS_SECOND) // more is for a person to set
#define HOST_MOST   256u

struct server {
    const char *name;
    bool refused;
};

// HOST or HOST:PORT; an IPv6 address has more colons, and no port.
static int open_socket(const char *name)
{
    char host[HOST_MOST], *port = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    if (strlen(name) >= sizeof(host)) {
        return -1;
    }
    strcpy(host, name);
    char *colon = strchr(host, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        port = colon + 1;
    }
    if (getaddrinfo(host, port != NULL ? port : "123", &hints, &found) != 0) {
        return -1;
    }
    // Connected: what others send does not come.
    int s = socket(found->ai_family, SOCK_DGRAM, 0);
    if (s >= 0 && connect(s, found->ai_addr, found->ai_addrlen) < 0) {
        (void)close(s);
        s = -1;
    }
    freeaddrinfo(found);
    return s;
}

static enum sntp_verdict hear(int s, const struct sntp_question *question,
                              struct sntp_answer *out_answer)
{
    unsigned char packet[SNTP_BYTES];
    struct pollfd poll_socket = {.fd = s, .events = POLLIN};
    for (;;) {
        int64_t left = ANSWER_MS - (ts_clock_now() - question->sent) / TS_MILLISECOND;
        if (left <= 0 || poll(&poll_socket, 1, (int)left) <= 0) {
            return SNTP_USELESS;
        }
        ssize_t length = recv(s, packet, sizeof(packet), 0);
        if (length < 0) {
            return SNTP_USELESS;
        }
        enum sntp_verdict verdict =
            sntp_read(question, packet, (size_t)length, ts_clock_now(), out_answer);
        if (verdict != SNTP_IGNORED) {
            return verdict;
        }
    }
}

static enum sntp_verdict ask(const char *name, struct sntp_answer *out_answer)
{
    struct sntp_question question;
    unsigned char packet[SNTP_BYTES];
    int s = open_socket(name); // of a new port each time
    if (s < 0) {
        return SNTP_USELESS;
    }
    enum sntp_verdict verdict = SNTP_USELESS;
    ts_time_t now;
    int64_t before = ts_clock_offset(&now);
    if (getrandom(&question.cookie, sizeof(question.cookie), 0) == sizeof(question.cookie)) {
        sntp_write(&question, packet);
        question.sent = ts_clock_now();
        if (send(s, packet, sizeof(packet), 0) == sizeof(packet)) {
            verdict = hear(s, &question, out_answer);
        }
    }
    (void)close(s);
    int64_t moved = ts_time_add(ts_clock_offset(&now), -before);
    if (verdict == SNTP_GOOD && (moved >= TS_SECOND || moved <= -TS_SECOND)) {
        return SNTP_USELESS; // the machine stood still meanwhile, or somebody has set the clock
    }
    return verdict;
}

// Sets the clock. False: what the server says is too far off, or it may not be set.
static bool set(const char *name, const struct sntp_answer *answer)
{
    ts_time_t now;
    int64_t change = answer->offset - ts_clock_offset(&now);
    if (change > CHANGE_MOST || change < -CHANGE_MOST) {
        ts_log("%s: its time is more than 1000 s off: not taken", name);
        return false;
    }
    bool slowly = change < SLOWLY_NS && change > -SLOWLY_NS;
    struct ts_init_clock wanted = {.offset_ns = answer->offset,
                                   .trusted_s = TRUSTED_S,
                                   .flags = slowly ? TS_INIT_CLOCK_SLOWLY : 0};
    ts_status_t status = ts_call_bytes(ts_named_handle(TS_NAME_CONTROL), TS_INIT_CLOCK_SET, &wanted,
                                       sizeof(wanted), NULL, 0, NULL);
    if (status != TS_OK) {
        ts_log("the clock: %s", ts_status_text(status));
    } else if (!slowly) {
        ts_log("%s: the clock is set, by %ld ms", name, (long)(change / TS_MILLISECOND));
    }
    return status == TS_OK;
}

static unsigned next_wait(unsigned wait, enum sntp_verdict verdict, bool good)
{
    if (good || (verdict == SNTP_TOO_SOON && wait < WAIT_LEAST)) {
        return WAIT_LEAST;
    }
    return wait < WAIT_MOST ? 2 * wait : WAIT_MOST;
}

int main(int argc, char **argv)
{
    static struct server servers[16];
    unsigned wait = WAIT_FIRST, count = argc < 17 ? (unsigned)argc - 1 : 16, left = count;
    for (unsigned i = 0; i < count; i++) {
        servers[i].name = argv[i + 1];
    }
    for (unsigned at = 0; left > 0; at = (at + 1) % count) {
        struct sntp_answer answer;
        struct server *server = &servers[at];
        while (!server->refused) {
            enum sntp_verdict verdict = ask(server->name, &answer);
            bool good = verdict == SNTP_GOOD && set(server->name, &answer);
            if (verdict == SNTP_REFUSED) {
                ts_log("%s: does not want to be asked", server->name);
                server->refused = true;
                left--;
                break;
            }
            wait = next_wait(wait, verdict, good);
            (void)sleep(wait);
            if (!good) {
                break;
            }
        }
    }
    ts_log("no time server is left");
    return 0;
}
