#include "activity/transfer.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/memory.h"

enum { CONNECTIONS_KEPT = 128, HEADERS_LIMIT = 256 << 10, BUFFER_SIZE = 128 << 10 };

struct web {
    struct reactor_part part; /* first: closed with the reactor */
    uv_loop_t *uv;
    CURLM *multi;
    uv_timer_t timer;
};

struct watch {
    uv_poll_t poll; /* first */
    struct web *web;
    curl_socket_t socket;
};

/* --- curl's socket and timer interface on libuv --- */

static void collect(struct web *web)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(web->multi, &left))) {
        struct transfer *transfer;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->result = message->data.result;
        transfer->ended = true;
        curl_multi_remove_handle(web->multi, transfer->easy);
        transfer->changed(transfer);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = (struct watch *)poll;
    struct web *web = watch->web;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    int running;
    curl_multi_socket_action(web->multi, watch->socket, flags, &running);
    collect(web);
}

static void on_timer(uv_timer_t *timer)
{
    struct web *web = timer->data;
    int running;
    curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(web);
}

static int set_timer(CURLM *multi, long ms, void *user)
{
    struct web *web = user;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(&web->timer);
    else
        uv_timer_start(&web->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static struct watch *watch_new(struct web *web, curl_socket_t socket)
{
    struct watch *watch = memory_new(sizeof *watch);
    watch->web = web;
    watch->socket = socket;
    if (uv_poll_init_socket(web->uv, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    curl_multi_assign(web->multi, socket, watch);
    return watch;
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *known)
{
    struct web *web = user;
    struct watch *watch = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            uv_close((uv_handle_t *)&watch->poll, free_handle);
        curl_multi_assign(web->multi, socket, NULL);
        return 0;
    }
    if (!watch && !(watch = watch_new(web, socket)))
        return -1;
    int events = 0;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    uv_poll_start(&watch->poll, events, on_socket);
    return 0;
}

static void free_web(uv_handle_t *timer)
{
    free(timer->data);
}

static void close_web(struct reactor_part *part)
{
    struct web *web = (struct web *)part;
    curl_multi_cleanup(web->multi);
    uv_close((uv_handle_t *)&web->timer, free_web);
}

struct web *web_open(struct reactor *reactor)
{
    struct web *web = memory_new(sizeof *web);
    web->part.close = close_web;
    web->uv = reactor_uv(reactor);
    web->multi = memory_need(curl_multi_init());
    uv_timer_init(web->uv, &web->timer);
    web->timer.data = web;
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    reactor_add(reactor, &web->part);
    return web;
}

/* --- one transfer --- */

static size_t take_body(char *bytes, size_t one, size_t size, void *user)
{
    struct transfer *transfer = user;
    (void)one;
    if (transfer->streams && transfer->body.size >= STREAM_HIGH) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer->received += size;
    transfer->too_big = transfer->received > transfer->limit;
    if (transfer->too_big)
        return 0;
    bytes_add(&transfer->body, bytes, size);
    if (transfer->streams)
        transfer->changed(transfer);
    return size;
}

static bool starts_response(struct span line)
{
    return line.size > 5 && memcmp(line.data, "HTTP/", 5) == 0;
}

static size_t take_header(char *bytes, size_t one, size_t size, void *user)
{
    struct transfer *transfer = user;
    struct span line = {bytes, size};
    (void)one;
    if (starts_response(line)) {
        bytes_clear(&transfer->headers);
        return size;
    }
    if (transfer->headers.size + size > HEADERS_LIMIT)
        return 0;
    while (line.size && isspace((unsigned char)line.data[line.size - 1]))
        line.size--;
    const char *colon = memchr(line.data, ':', line.size);
    if (!colon)
        return size;
    for (const char *c = line.data; c < colon; c++)
        bytes_add_char(&transfer->headers, (char)tolower((unsigned char)*c));
    bytes_add(&transfer->headers, colon, line.size - (size_t)(colon - line.data));
    bytes_add_char(&transfer->headers, '\n');
    return size;
}

struct transfer *transfer_new(struct web *web)
{
    struct transfer *transfer = memory_new(sizeof *transfer);
    CURL *easy = memory_need(curl_easy_init());
    transfer->web = web;
    transfer->easy = easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a lookup that is given up */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "signalroom");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    return transfer;
}

void transfer_start(struct transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->sent_headers);
    if (curl_multi_add_handle(transfer->web->multi, transfer->easy) != CURLM_OK)
        abort(); /* only for want of memory */
}

void transfer_resume(struct transfer *transfer)
{
    if (!transfer->paused || transfer->ended)
        return;
    transfer->paused = false;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer->ended)
        curl_multi_remove_handle(transfer->web->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->sent_headers);
    bytes_release(&transfer->headers);
    bytes_release(&transfer->body);
    free(transfer);
}
