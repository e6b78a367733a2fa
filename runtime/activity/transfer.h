/*
 * HTTP transfers of one reactor: curl's multi handle driven by the loop, never blocking it (names
 * are resolved on curl's own threads).
 *
 * A transfer fills `body` as bytes come. A transfer that streams pauses the connection while more
 * than STREAM_HIGH bytes are unread, so that a slow reader bounds memory. Every body has a maximum.
 * Callbacks come on the reactor's thread and never from inside transfer_start().
 */
#pragma once

#include <curl/curl.h>

#include "activity/reactor.h"
#include "base/bytes.h"

struct web;

enum { STREAM_HIGH = 1 << 20 };

struct transfer {
    CURL *easy; /* options may be set between transfer_new and transfer_start */
    struct web *web;
    struct curl_slist *sent_headers;
    struct bytes headers; /* of the last response: "name: value\n", names in lower case */
    struct bytes body;    /* not yet taken */
    size_t received;      /* bytes of body in all, after decompression */
    size_t limit;         /* of `received` */
    bool streams;
    bool paused;
    bool too_big;
    bool ended;
    CURLcode result; /* once ended */
    char reason[CURL_ERROR_SIZE];
    /* Something changed: headers complete (streams), bytes came (streams), ended. */
    void (*changed)(struct transfer *transfer);
    void *owner;
};

/* One per reactor, made at first use, closed with it. */
struct web *web_open(struct reactor *reactor);

struct transfer *transfer_new(struct web *web);
void transfer_start(struct transfer *transfer);

/* The caller has taken bytes from the body: lets the rest come. */
void transfer_resume(struct transfer *transfer);

/* Aborts it if need be; `changed` is not called any more. */
void transfer_free(struct transfer *transfer);
