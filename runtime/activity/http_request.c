#include "activity/http_request.h"

#include <ctype.h>
#include <lauxlib.h>

#include "activity/failure.h"
#include "activity/options.h"
#include "activity/scratch.h"
#include "activity/url.h"
#include "base/memory.h"
#include "script/json.h"

enum { DEFAULT_LIMIT = 64 << 20, DEFAULT_REDIRECTS = 5, DEFAULT_MS = 30000, LONGEST_METHOD = 16 };

struct request {
    const char *call;
    struct span method, url, body;
    struct span bearer, user, password;
    struct span ca, client_cert, client_key;
    int64_t timeout_ms, connect_timeout_ms;
    size_t max_bytes, redirects;
    bool once, raw;
    int headers, query, json, form; /* stack indexes, 0 when absent */
    int retry, accept, stream;      /* for http.lua */
    struct bytes *address;          /* url and query */
    struct bytes *lines;            /* header lines, each with a NUL behind it */
    struct bytes *content;          /* of json and form */
    const char *content_type;
};

#define FIELD(name, kind, member)                                                                  \
    {                                                                                              \
        name, kind, offsetof(struct request, member)                                               \
    }

static const struct option known[] = {
    FIELD("method", OPTION_TEXT, method),
    FIELD("url", OPTION_TEXT, url),
    FIELD("headers", OPTION_VALUE, headers),
    FIELD("query", OPTION_VALUE, query),
    FIELD("json", OPTION_VALUE, json),
    FIELD("form", OPTION_VALUE, form),
    FIELD("body", OPTION_TEXT, body),
    FIELD("bearer", OPTION_TEXT, bearer),
    FIELD("user", OPTION_TEXT, user),
    FIELD("password", OPTION_TEXT, password),
    FIELD("timeout", OPTION_DURATION, timeout_ms),
    FIELD("connect_timeout", OPTION_DURATION, connect_timeout_ms),
    FIELD("max_bytes", OPTION_SIZE, max_bytes),
    FIELD("redirects", OPTION_COUNT, redirects),
    FIELD("once", OPTION_FLAG, once),
    FIELD("raw", OPTION_FLAG, raw),
    FIELD("ca", OPTION_TEXT, ca),
    FIELD("client_cert", OPTION_TEXT, client_cert),
    FIELD("client_key", OPTION_TEXT, client_key),
    FIELD("retry", OPTION_VALUE, retry),
    FIELD("accept", OPTION_VALUE, accept),
    FIELD("stream", OPTION_VALUE, stream),
    {NULL, 0, 0},
};

/* --- reading: may raise, so all it makes belongs to the VM --- */

static void read_method(lua_State *L, struct request *request)
{
    bool good = request->method.size > 0 && request->method.size < LONGEST_METHOD;
    for (size_t i = 0; good && i < request->method.size; i++)
        good = isupper((unsigned char)request->method.data[i]);
    if (!good)
        failure_raise(L, "ValueError", "%s: method must be a word such as \"GET\" or \"POST\"",
                      request->call);
}

static void read_url(lua_State *L, struct request *request)
{
    if (!request->url.size)
        failure_raise(L, "ValueError", "%s: an url is needed", request->call);
    if (strlen(request->url.data) != request->url.size)
        failure_raise(L, "ValueError", "%s: the url has a NUL in it", request->call);
    request->address = scratch_push(L);
    bytes_add_span(request->address, request->url);
    if (!request->query)
        return;
    if (!strchr(request->url.data, '?'))
        bytes_add_char(request->address, '?');
    lua_pushfstring(L, "%s: query", request->call);
    url_add_query(L, request->query, lua_tostring(L, -1), request->address);
}

static bool fits_a_line(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == '\0')
            return false;
    return true;
}

static void add_header(struct bytes *lines, const char *name, const char *value)
{
    bytes_printf(lines, *value ? "%s: %s" : "%s;%s", name, value);
    bytes_add_char(lines, '\0');
}

static void read_header(lua_State *L, struct request *request)
{
    struct span name = {0}, value = {0};
    lua_pushvalue(L, -1);
    if (lua_type(L, -3) == LUA_TSTRING && lua_isstring(L, -1)) {
        name.data = lua_tolstring(L, -3, &name.size);
        value.data = lua_tolstring(L, -1, &value.size);
    }
    if (!name.size || !fits_a_line(name) || !fits_a_line(value) || strchr(name.data, ':'))
        failure_raise(L, "ValueError", "%s: headers must be a table of names and one-line texts",
                      request->call);
    add_header(request->lines, name.data, value.data);
    lua_pop(L, 1);
}

static void read_headers(lua_State *L, struct request *request)
{
    request->lines = scratch_push(L);
    if (!request->headers)
        return;
    if (!lua_istable(L, request->headers))
        failure_raise(L, "ValueError", "%s: headers must be a table", request->call);
    lua_pushnil(L);
    while (lua_next(L, request->headers)) {
        read_header(L, request);
        lua_pop(L, 1);
    }
}

static void read_content(lua_State *L, struct request *request)
{
    if ((request->json != 0) + (request->form != 0) + (request->body.data != NULL) > 1)
        failure_raise(L, "ValueError", "%s: give one of json, form and body", request->call);
    request->content = scratch_push(L);
    if (request->json) {
        struct error err = {0};
        if (!json_write(L, request->json, request->content, &err))
            failure_raise(L, "ValueError", "%s: json: %s", request->call, err.text);
        request->content_type = "application/json";
    } else if (request->form) {
        lua_pushfstring(L, "%s: form", request->call);
        url_add_query(L, request->form, lua_tostring(L, -1), request->content);
        request->content_type = "application/x-www-form-urlencoded";
    }
    if (request->content_type) {
        request->body = bytes_span(request->content);
        if (!request->body.data)
            request->body = SPAN("");
    }
}

static void read_all(lua_State *L, struct request *request)
{
    request->call = luaL_checkstring(L, 1);
    options_read(L, 2, request->call, known, request);
    read_url(L, request);
    read_headers(L, request);
    read_content(L, request);
    if (!request->method.data)
        request->method = request->body.data ? SPAN("POST") : SPAN("GET");
    read_method(L, request);
    if (request->bearer.data && !fits_a_line(request->bearer))
        failure_raise(L, "ValueError", "%s: bearer must be one line", request->call);
}

/* --- building: never raises --- */

static bool sends(const struct request *request, const char *name)
{
    size_t size = strlen(name);
    const char *line = bytes_text(request->lines);
    const char *end = line + request->lines->size;
    for (; line < end; line += strlen(line) + 1)
        if (strncasecmp(line, name, size) == 0 && (line[size] == ':' || line[size] == ';'))
            return true;
    return false;
}

static void set_headers(struct transfer *transfer, const struct request *request)
{
    struct curl_slist *list = NULL;
    const char *line = bytes_text(request->lines);
    const char *end = line + request->lines->size;
    for (; line < end; line += strlen(line) + 1)
        list = memory_need(curl_slist_append(list, line));
    if (request->content_type && !sends(request, "content-type")) {
        struct bytes type = {0};
        bytes_printf(&type, "Content-Type: %s", request->content_type);
        list = memory_need(curl_slist_append(list, bytes_text(&type)));
        bytes_release(&type);
    } else if (!sends(request, "content-type")) {
        list = memory_need(curl_slist_append(list, "Content-Type:"));
    }
    transfer->sent_headers = memory_need(curl_slist_append(list, "Expect:"));
}

static void set_content(CURL *easy, const struct request *request)
{
    bool get = span_equal(request->method, SPAN("GET"));
    if (span_equal(request->method, SPAN("HEAD")))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->body.data || span_equal(request->method, SPAN("POST"))) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
                         request->body.data ? request->body.data : "");
    }
    if (!span_equal(request->method, SPAN("POST")) && !(get && !request->body.data) &&
        !span_equal(request->method, SPAN("HEAD")))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method.data);
}

/* A path, or the PEM text itself. */
static void set_pem(CURL *easy, CURLoption path, CURLoption text, struct span pem)
{
    struct curl_blob blob = {(void *)pem.data, pem.size, CURL_BLOB_COPY};
    if (!pem.size)
        return;
    if (memmem(pem.data, pem.size, "-----BEGIN", 10))
        curl_easy_setopt(easy, text, &blob);
    else
        curl_easy_setopt(easy, path, pem.data);
}

static void set_access(CURL *easy, const struct request *request)
{
    set_pem(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, request->ca);
    set_pem(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, request->client_cert);
    set_pem(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, request->client_key);
    if (request->bearer.size) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, request->bearer.data);
    } else if (request->user.size) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, request->user.data);
        curl_easy_setopt(easy, CURLOPT_PASSWORD,
                         request->password.data ? request->password.data : "");
    }
}

/* A whole body has a deadline; a stream, however long, must not stand still for as long. HTTP/2
 * would let a paused stream fill a window of 32 MB. libcurl sends a request again, by itself, when
 * a connection that it kept breaks before the answer: not on a fresh one. */
static void set_limits(struct transfer *transfer, const struct request *request)
{
    CURL *easy = transfer->easy;
    transfer->limit = request->max_bytes;
    if (transfer->streams) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(request->timeout_ms / 1000 + 1));
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    } else {
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)request->redirects);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, request->raw ? 0L : 1L);
}

struct transfer *http_request(lua_State *L, struct web *web, bool streams, struct bytes *shown)
{
    struct request request = {
        .timeout_ms = DEFAULT_MS,
        .connect_timeout_ms = DEFAULT_MS / 3,
        .max_bytes = streams ? SIZE_MAX : DEFAULT_LIMIT,
        .redirects = DEFAULT_REDIRECTS,
    };
    read_all(L, &request);
    struct transfer *transfer = transfer_new(web);
    transfer->streams = streams;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, bytes_text(request.address));
    set_headers(transfer, &request);
    set_content(transfer->easy, &request);
    set_access(transfer->easy, &request);
    set_limits(transfer, &request);
    bytes_printf(shown, "%s ", request.method.data);
    url_show(bytes_span(request.address), shown);
    return transfer;
}
