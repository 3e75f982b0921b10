// SPDX-License-Identifier: MIT
#include "line.h"

#include <stdlib.h>

#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>

#include "wire.h"

#define MOST_MS     400000u
#define MOST_FRAMES 4096u
#define MOST_PIECES 512u
#define FIN         1u
#define SYN         2u
#define ACK         16u
#define MSS         1460u
#define SCALE       5u

// A frame on its way to one side.
struct flight {
    ts_time_t at;
    uint64_t order;
    uint32_t length;
    bool to_stack;
    uint8_t bytes[1600];
};

struct piece {
    uint32_t from, to; // of the file
};

static struct flight *flights[MOST_FRAMES];
static unsigned flight_count;
static uint64_t next_order, noise;

static struct {
    const struct line *line;
    struct line_result result;
    uint8_t *file, *received;
    uint8_t *times;               // how often each segment was sent, by its first byte / 64
    uint32_t first, theirs, ours; // sequence numbers: of the file's first byte; of the peer
    uint32_t expected;            // bytes of the file that arrived without a hole
    struct piece pieces[MOST_PIECES], twice;
    unsigned piece_count;
    uint16_t port;
    bool open, ended;
    ts_time_t start, news;
} peer;

static bool chance(unsigned of_thousand)
{
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return (noise >> 33) % 1000 < of_thousand;
}

// ---- The line

static void put_flight(const uint8_t *bytes, uint32_t length, bool to_stack, unsigned ms)
{
    struct flight *flight = malloc(sizeof(*flight));
    CHECK(flight_count < MOST_FRAMES && length <= sizeof(flight->bytes));
    flight->at = fake_now + ms * TS_MILLISECOND;
    flight->order = next_order++;
    flight->length = length;
    flight->to_stack = to_stack;
    memcpy(flight->bytes, bytes, length);
    flights[flight_count++] = flight;
}

static void send_over(const uint8_t *bytes, uint32_t length, bool to_stack)
{
    const struct line *line = peer.line;
    unsigned ms = line->delay;
    unsigned since = (unsigned)((fake_now - peer.start) / TS_MILLISECOND);
    if (peer.start != 0 && since >= line->stall_at && since < line->stall_at + line->stall_for) {
        ms += line->stall_at + line->stall_for - since;
    }
    if (chance(line->held)) {
        ms += 1 + (unsigned)(noise >> 40) % line->hold;
    }
    put_flight(bytes, length, to_stack, ms);
    if (chance(line->doubled)) {
        put_flight(bytes, length, to_stack, ms + 1);
    }
}

static struct flight *take_flight(void)
{
    unsigned best = MOST_FRAMES;
    for (unsigned i = 0; i < flight_count; i++) {
        if (flights[i]->at <= fake_now &&
            (best == MOST_FRAMES || flights[i]->at < flights[best]->at ||
             (flights[i]->at == flights[best]->at && flights[i]->order < flights[best]->order))) {
            best = i;
        }
    }
    if (best == MOST_FRAMES) {
        return NULL;
    }
    struct flight *flight = flights[best];
    flights[best] = flights[--flight_count];
    return flight;
}

// ---- The peer

static unsigned blocks_of(uint32_t *out)
{
    unsigned count = 0;
    if (peer.line->plain) {
        return 0;
    }
    if (peer.twice.from != peer.twice.to) {
        out[count++] = peer.first + peer.twice.from;
        out[count++] = peer.first + peer.twice.to;
    }
    for (unsigned i = peer.piece_count; i > 0 && count < 8; i--) { // the newest is the last
        out[count++] = peer.first + peer.pieces[i - 1].from;
        out[count++] = peer.first + peer.pieces[i - 1].to;
    }
    peer.twice = (struct piece){0};
    count /= 2;
    return peer.line->lies != NULL ? peer.line->lies(out, count, peer.first + peer.expected)
                                   : count;
}

static void answer(unsigned flags)
{
    uint8_t out[128], *tcp = out + 34, *options = tcp + 20;
    uint32_t blocks[8];
    memset(out, 0, sizeof(out));
    uint32_t window = peer.line->window != 0 ? peer.line->window : 1u << 20;
    if ((flags & SYN) != 0) {
        static const uint8_t offer[12] = {2, 4, 5, 180, 1, 3, 3, SCALE, 1, 1, 4, 2};
        memcpy(options, offer, 12);
        options += peer.line->plain ? 8 : 12;
        window = 65535;
    } else {
        unsigned count = blocks_of(blocks);
        if (count > 0) {
            const uint8_t head[4] = {1, 1, 5, (uint8_t)(2 + 8 * count)};
            memcpy(options, head, 4);
            for (unsigned i = 0; i < 2 * count; i++) {
                put32(options + 4 + 4 * i, blocks[i]);
            }
            options += 4 + 8 * count;
        }
        window >>= SCALE;
    }
    put16(tcp, peer.port);
    put16(tcp + 2, 80);
    put32(tcp + 4, peer.theirs);
    put32(tcp + 8, peer.first + peer.expected + peer.ended);
    tcp[12] = (uint8_t)((options - tcp) / 4 << 4);
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, window);
    uint32_t length = (uint32_t)(options - tcp), whole = make_ip(out, 6, length);
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
    ip4_addr_t from = {lwip_htonl(THEM)}, to = {lwip_htonl(US)};
    memcpy(copy->payload, tcp, length);
    u16_t sum = inet_chksum_pseudo(copy, 6, (u16_t)length, &from, &to);
    memcpy(tcp + 16, &sum, 2);
    pbuf_free(copy);
    if (peer.open && chance(peer.line->loss)) {
        return;
    }
    send_over(out, whole, true);
}

// Puts the piece to those that it touches.
static void keep(struct piece piece)
{
    for (unsigned i = 0; i < peer.piece_count;) {
        struct piece other = peer.pieces[i];
        if (piece.from > other.to || other.from > piece.to) {
            i++;
            continue;
        }
        if (piece.from >= other.from && piece.to <= other.to) {
            peer.twice = piece;
            peer.result.twice++;
        }
        piece.from = piece.from < other.from ? piece.from : other.from;
        piece.to = piece.to > other.to ? piece.to : other.to;
        memmove(&peer.pieces[i], &peer.pieces[i + 1],
                (--peer.piece_count - i) * sizeof(peer.pieces[0]));
    }
    CHECK(peer.piece_count < MOST_PIECES);
    peer.pieces[peer.piece_count++] = piece;
}

static void take_data(struct piece piece, const uint8_t *bytes)
{
    memcpy(peer.received + piece.from, bytes, piece.to - piece.from);
    if (piece.to <= peer.expected) {
        peer.twice = piece;
        peer.result.twice++;
        return;
    }
    keep(piece);
    for (unsigned i = 0; i < peer.piece_count; i++) {
        if (peer.pieces[i].from > peer.expected) {
            continue;
        }
        peer.expected = peer.pieces[i].to;
        memmove(&peer.pieces[i], &peer.pieces[i + 1],
                (--peer.piece_count - i) * sizeof(peer.pieces[0]));
        unsigned gap = (unsigned)((fake_now - peer.news) / TS_MILLISECOND);
        peer.result.gap = gap > peer.result.gap ? gap : peer.result.gap;
        peer.news = fake_now;
        i = UINT32_MAX; // from the beginning
    }
}

static void arrives(const uint8_t *bytes)
{
    const uint8_t *tcp = bytes + 34;
    uint32_t length = ((uint32_t)bytes[16] << 8 | bytes[17]) - 20 - (tcp[12] >> 4) * 4;
    if ((tcp[13] & SYN) != 0) {
        peer.first = get32(tcp + 4) + 1;
        peer.theirs++;
        answer(ACK);
        peer.open = true;
        return;
    }
    uint32_t from = get32(tcp + 4) - peer.first;
    if (length > 0) {
        CHECK(from + length <= peer.line->size);
        if (from + length <= peer.line->size) {
            take_data((struct piece){from, from + length}, tcp + (tcp[12] >> 4) * 4);
        }
    }
    if ((tcp[13] & FIN) != 0 && peer.expected == peer.line->size) {
        peer.ended = true;
    }
    if (length > 0 || (tcp[13] & FIN) != 0) {
        answer(ACK);
    }
}

// Whether a frame of the stack's is lost, which is counted.
static bool is_lost(void)
{
    const uint8_t *tcp = frame + 34;
    uint32_t length = frame_length - 34 - (tcp[12] >> 4) * 4;
    if (!peer.open || length == 0) {
        return peer.open && chance(peer.line->loss);
    }
    uint32_t at = get32(tcp + 4) - peer.first;
    CHECK(at < peer.line->size);
    unsigned time = ++peer.times[at / 64];
    peer.result.segments++;
    peer.result.again += time > 1;
    bool lost = chance(peer.line->loss) || (peer.line->loses != NULL && peer.line->loses(at, time));
    peer.result.lost += lost;
    return lost;
}

static void step(void)
{
    struct flight *flight;
    while ((flight = take_flight()) != NULL) {
        if (flight->to_stack) {
            deliver(flight->bytes, flight->length, 0);
        } else {
            arrives(flight->bytes);
        }
        free(flight);
    }
    fake_run(0);
    while (next_of(6)) {
        bool ours = get32(frame + 30) == THEM && (frame[36] << 8 | frame[37]) == peer.port;
        if (ours && !is_lost()) { // not the last connection's
            send_over(frame, frame_length, false);
        }
        fake_run(0);
    }
    fake_now += TS_MILLISECOND;
}

static void begin(const struct line *line)
{
    static uint16_t port = 10000;
    uint8_t *file = malloc(line->size), *received = calloc(1, line->size + 1);
    noise = line->seed * 2 + 1;
    for (uint32_t i = 0; i < line->size; i++) {
        file[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    memset(&peer, 0, sizeof(peer));
    peer.line = line;
    peer.file = file;
    peer.received = received;
    peer.times = calloc(1, line->size / 64 + 1);
    peer.theirs = 5000000;
    peer.port = ++port;
    introduce(THEM);
}

static void end(void)
{
    while (flight_count > 0) {
        free(flights[--flight_count]);
    }
    free(peer.file);
    free(peer.received);
    free(peer.times);
}

// Nothing is on its way to the peer, and the sums agree.
static bool all_acknowledged(void)
{
    const struct tcp_pcb *pcb = tcp_active_pcbs;
    while (pcb != NULL && pcb->remote_port != peer.port) {
        pcb = pcb->next;
    }
    CHECK(pcb != NULL);
    if (pcb->unacked != NULL || pcb->unsent != NULL) {
        return false;
    }
    const struct recovery *r = &pcb->recovery;
    CHECK(r->lost == 0 && r->resent == 0 && r->due == 0 && r->sacked_count == 0);
    CHECK(peer.line->plain || r->sacked == 0);
    return true;
}

struct line_result line_transfer(struct ts_object *listener, const struct line *line)
{
    struct call accept, call;
    begin(line);
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    answer(SYN);
    peer.news = fake_now;
    for (unsigned i = 0; i < 1000 && !accept.done; i++) {
        step();
    }
    CHECK(accept.done && accept.status == TS_OK);
    ts_time_t start = peer.start = peer.news = fake_now;
    call_start(&call, accept.minted, TS_OP_WRITE, 0, peer.file, line->size, NULL, 0);
    while (peer.expected < line->size && fake_now - start < MOST_MS * TS_MILLISECOND) {
        step();
    }
    peer.result.ms = (unsigned)((fake_now - start) / TS_MILLISECOND);
    peer.result.whole =
        peer.expected == line->size && memcmp(peer.file, peer.received, line->size) == 0;
    for (unsigned i = 0; i < MOST_MS && !(call.done && all_acknowledged()); i++) {
        step();
    }
    CHECK(call.done && all_acknowledged());
    object_close(accept.minted);
    for (unsigned i = 0; i < MOST_MS && !peer.ended; i++) {
        step();
    }
    CHECK(peer.ended);
    struct line_result result = peer.result;
    end();
    return result;
}
