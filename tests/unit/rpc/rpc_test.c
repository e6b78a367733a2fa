/* Many threads share one rpc: every call ends once, whatever is cancelled, replaced or closed
 * meanwhile, and nothing is left behind. */
#include "story.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "echo_server.h"
#include "rpc/rpc.h"

enum { PATIENCE_MS = 90000 };

static struct echo_server *server;
static char address[32];

static struct rpc_config config_of(char *where)
{
    return (struct rpc_config){.address = where};
}

static struct rpc *opened(char *where)
{
    struct rpc_config config = config_of(where);
    struct rpc *rpc;
    struct error err = {0};
    if (!rpc_open(&rpc, &config, &err))
        fail_msg("%s", err.text);
    return rpc;
}

/* While one is open, closing another need not wait for gRPC to end, which this server keeps up. */
static struct rpc *kept_open;

static int start_server(void **state)
{
    (void)state;
    server = echo_server_start(address);
    kept_open = opened(address);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    rpc_close(kept_open);
    echo_server_stop(server);
    return 0;
}

static void until(bool (*is_so)(void *), void *user)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!is_so(user)) {
        assert_true(clock_monotonic_ms() < end_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

struct tally {
    atomic_int ended;
    atomic_int ok;
    atomic_int cancelled;
    atomic_int attempts;
};

static void count(void *user, struct rpc_reply *reply)
{
    struct tally *tally = user;
    atomic_fetch_add(&tally->ok, reply->status == RPC_OK);
    atomic_fetch_add(&tally->cancelled, reply->status == RPC_CANCELLED && reply->cancelled);
    atomic_fetch_add(&tally->attempts, reply->attempts);
    rpc_reply_release(reply);
    atomic_fetch_add(&tally->ended, 1);
}

static bool one_ended(void *user)
{
    return atomic_load(&((struct tally *)user)->ended) == 1;
}

static bool someone_hangs(void *user)
{
    (void)user;
    return echo_server_hanging(server) > 0;
}

/* False: the call ended with another status than OK. body may be NULL. */
static bool ask(struct rpc *rpc, const struct rpc_request *request, struct bytes *body,
                struct error *err)
{
    struct rpc_reply reply;
    rpc_wait(rpc, request, &reply);
    bool ok = rpc_reply_check(&reply, request->method, err);
    if (ok && body) {
        bytes_clear(body);
        bytes_add_span(body, bytes_span(&reply.body));
    }
    rpc_reply_release(&reply);
    return ok;
}

static const char text[] = "hello from a place that is longer than a slice holds by itself";
static const struct rpc_request echo = {
    .method = ECHO_SERVICE "Echo",
    .body = {text, sizeof text - 1},
    .space = SPAN("a.namespace.longer.than.a.slice")
};
static const struct rpc_request hang = {.method = ECHO_SERVICE "Hang", .retry = RPC_LONG_POLL};
static const struct rpc_request failing = {.method = ECHO_SERVICE "Fail", .retry = RPC_LONG_POLL};

static void a_call_brings_back_what_the_server_said(void **state)
{
    (void)state;
    struct rpc *rpc = opened(address);
    struct bytes body = {0};
    struct error err = {0};
    assert_true(ask(rpc, &echo, &body, &err));
    assert_string_equal(bytes_text(&body), text);
    assert_true(ask(rpc, &(struct rpc_request){.method = ECHO_SERVICE "Echo"}, &body, &err));
    assert_int_equal(body.size, 0);
    bytes_release(&body);
    rpc_close(rpc);
}

static void an_error_names_method_and_status(void **state)
{
    (void)state;
    struct rpc *rpc = opened(address);
    struct error err = {0};
    struct rpc_request once = failing;
    once.retry = RPC_ONCE;
    assert_false(ask(rpc, &once, NULL, &err));
    assert_int_equal(err.kind, ERROR_NETWORK);
    assert_non_null(strstr(err.text, ECHO_SERVICE "Fail: UNAVAILABLE: "));
    assert_false(ask(rpc, &(struct rpc_request){.method = "Bad method"}, NULL, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_non_null(strstr(err.text, "INVALID_ARGUMENT"));
    assert_false(ask(rpc, &(struct rpc_request){.method = ECHO_SERVICE ""}, NULL, &err));
    assert_false(ask(rpc, &(struct rpc_request){.method = ""}, NULL, &err));
    rpc_close(rpc);
}

static void a_cancelled_call_says_that_it_was_us(void **state)
{
    (void)state;
    struct rpc *rpc = opened(address);
    struct tally tally = {0};
    struct rpc_call *call = rpc_start(rpc, &hang, count, &tally);
    until(someone_hangs, NULL);
    rpc_cancel(call);
    rpc_cancel(call);
    until(one_ended, &tally);
    assert_int_equal(tally.cancelled, 1);
    rpc_cancel(call);
    rpc_call_free(call);
    rpc_close(rpc);
}

static void a_handle_may_be_let_go_before_the_end(void **state)
{
    (void)state;
    struct rpc *rpc = opened(address);
    struct tally tally = {0};
    rpc_call_free(rpc_start(rpc, &echo, count, &tally));
    rpc_call_free(NULL);
    until(one_ended, &tally);
    assert_int_equal(tally.ok, 1);
    rpc_close(rpc);
}

static void a_handle_outlives_the_rpc(void **state)
{
    (void)state;
    struct rpc *rpc = opened(address);
    struct tally tally = {0};
    struct rpc_call *call = rpc_start(rpc, &hang, count, &tally);
    rpc_close(rpc);
    assert_int_equal(tally.cancelled, 1);
    rpc_cancel(call);
    rpc_call_free(call);
}

struct repoller {
    struct rpc *rpc;
    struct tally tally;
    int more;
};

static void poll_again(void *user, struct rpc_reply *reply)
{
    struct repoller *r = user;
    count(&r->tally, reply);
    if (r->more-- > 0)
        rpc_call_free(rpc_start(r->rpc, &hang, poll_again, r));
}

static void what_is_started_while_closing_is_cancelled_too(void **state)
{
    (void)state;
    struct repoller r = {.rpc = opened(address), .more = 3};
    rpc_call_free(rpc_start(r.rpc, &hang, poll_again, &r));
    rpc_close(r.rpc);
    assert_int_equal(r.tally.ended, 4);
    assert_int_equal(r.tally.cancelled, 4);
}

static void closing_does_not_wait_for_the_next_attempt(void **state)
{
    (void)state;
    struct tally tally = {0};
    struct rpc *rpc = opened(address);
    for (int i = 0; i < 20; i++)
        rpc_call_free(rpc_start(rpc, &failing, count, &tally));
    struct error err = {0};
    assert_true(ask(rpc, &echo, NULL, &err));
    int64_t began_ms = clock_monotonic_ms();
    rpc_close(rpc);
    assert_true(clock_monotonic_ms() - began_ms < 9000);
    assert_int_equal(tally.cancelled, 20);
}

static void nobody_there_is_no_trouble(void **state)
{
    (void)state;
    struct tally tally = {0};
    char nowhere[] = "127.0.0.1:1";
    struct rpc *rpc = opened(nowhere);
    rpc_call_free(rpc_start(rpc, &hang, count, &tally));
    rpc_close(rpc);
    assert_int_equal(tally.cancelled, 1);
    rpc_close(NULL);
}

struct crowd {
    struct rpc *rpc;
    struct tally tally;
    atomic_int failed;
    atomic_bool stop;
    char profiles[32];
};

enum { THREADS = 4, ROUNDS = 30 };

static void *call_a_lot(void *user)
{
    struct crowd *crowd = user;
    for (int i = 0; i < ROUNDS; i++) {
        struct rpc_call *call = rpc_start(crowd->rpc, &hang, count, &crowd->tally);
        rpc_call_free(rpc_start(crowd->rpc, &echo, count, &crowd->tally));
        rpc_cancel(call);
        rpc_call_free(call);
        struct error err = {0};
        atomic_fetch_add(&crowd->failed, !ask(crowd->rpc, &echo, NULL, &err));
    }
    return NULL;
}

static void write_key(const char *path, int number)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "[profile.p]\napi_key = \"key-%d\"\n", number);
    fclose(file);
}

static void *replace_a_lot(void *user)
{
    struct crowd *crowd = user;
    for (int i = 0; !atomic_load(&crowd->stop); i++) {
        write_key(crowd->profiles, i);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return NULL;
}

static void threads_call_cancel_and_replace_at_once(void **state)
{
    (void)state;
    struct crowd crowd = {.profiles = "/tmp/profiles-XXXXXX"};
    close(mkstemp(crowd.profiles));
    write_key(crowd.profiles, 0);
    struct rpc_config config = config_of(address);
    config.api_key = (char[]){"key-0"};
    config.api_key_file = crowd.profiles;
    config.api_key_profile = (char[]){"p"};
    config.watch_ms = 10;
    struct error err = {0};
    assert_true(rpc_open(&crowd.rpc, &config, &err));
    pthread_t callers[THREADS];
    pthread_t replacer;
    pthread_create(&replacer, NULL, replace_a_lot, &crowd);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&callers[i], NULL, call_a_lot, &crowd);
    for (int i = 0; i < THREADS; i++)
        pthread_join(callers[i], NULL);
    atomic_store(&crowd.stop, true);
    pthread_join(replacer, NULL);
    rpc_close(crowd.rpc);
    unlink(crowd.profiles);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(crowd.tally.ended, 2 * THREADS * ROUNDS);
    assert_int_equal(crowd.tally.cancelled + crowd.tally.ok, 2 * THREADS * ROUNDS);
    assert_true(crowd.tally.cancelled >= THREADS * ROUNDS);
}

#define TEXT(literal) ((char[]){literal})

/* Refused, with these words and without the value. */
static void assert_refused(struct rpc_config config, const char *words)
{
    struct rpc *rpc;
    struct error err = {0};
    if (!config.address)
        config.address = address;
    if (rpc_open(&rpc, &config, &err))
        fail_msg("accepted, but should say: %s", words);
    assert_int_equal(err.kind, ERROR_CONFIG);
    if (!strstr(err.text, words) || strstr(err.text, "secret"))
        fail_msg("says: %s\nnot:  %s", err.text, words);
}

static void assert_header_refused(char *name, char *value, const char *words)
{
    struct rpc_header header = {name, value};
    assert_refused((struct rpc_config){.headers = &header, .header_count = 1}, words);
}

static void settings_that_cannot_be_are_refused_without_their_values(void **state)
{
    (void)state;
    char *secret = TEXT("secret");
    assert_refused((struct rpc_config){.api_key = TEXT("secret\nkey")}, "the API key holds a byte");
    assert_refused((struct rpc_config){.api_key = TEXT("secret-k\xc3\xa9y")}, "the API key holds");
    assert_header_refused(TEXT("X-Team"), secret, "\"X-Team\" is not legal: only a-z");
    assert_header_refused(TEXT("x-team"), TEXT("secret\n"), "value of gRPC header \"x-team\"");
    assert_header_refused(TEXT("grpc-timeout"), secret, "\"grpc-timeout\" is not for users");
    assert_header_refused(TEXT(""), secret, "\"\" is not for users");
    assert_refused((struct rpc_config){.address = TEXT("http://x:1")}, "without http://");
    assert_refused((struct rpc_config){.proxy = TEXT("socks5://user:secret@host:1")},
                   "must begin with http://");
    assert_refused((struct rpc_config){.tls = true, .client_cert = secret, .client_key = secret},
                   "holds no certificate");
    assert_refused((struct rpc_config){.tls = true, .client_key = secret},
                   "certificate is missing");
    assert_refused((struct rpc_config){.tls = true, .server_ca = secret}, "holds no certificate");
}

static int thread_count(void)
{
    int threads = 0;
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(folder));)
        threads += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return threads;
}

static bool as_few_threads(void *user)
{
    return thread_count() <= *(int *)user; /* fewer: an earlier close was still under way */
}

static void the_last_close_leaves_no_thread(void **state)
{
    (void)state;
    int before = thread_count();
    char nowhere[] = "127.0.0.1:1";
    struct rpc *rpc = opened(nowhere);
    struct error err = {0};
    struct rpc_request once = echo;
    once.retry = RPC_ONCE;
    assert_false(ask(rpc, &once, NULL, &err));
    rpc_close(rpc);
    until(as_few_threads, &before);
}

/* This system gives the calling thread no other one. */
static _Thread_local bool no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(
            RTLD_NEXT, "pthread_create");
    return no_threads ? EAGAIN : next(thread, attributes, run, user);
}

static void a_system_without_threads_is_told(void **state)
{
    (void)state;
    struct rpc_config config = config_of(address);
    struct rpc *rpc;
    struct error err = {0};
    no_threads = true;
    bool opened_it = rpc_open(&rpc, &config, &err);
    no_threads = false;
    assert_false(opened_it);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_non_null(strstr(err.text, "starting the thread of calls: "));
    rpc_close(opened(address));
}

int main(void)
{
    const struct CMUnitTest with_server[] = {
        cmocka_unit_test(a_call_brings_back_what_the_server_said),
        cmocka_unit_test(an_error_names_method_and_status),
        cmocka_unit_test(a_cancelled_call_says_that_it_was_us),
        cmocka_unit_test(a_handle_may_be_let_go_before_the_end),
        cmocka_unit_test(a_handle_outlives_the_rpc),
        cmocka_unit_test(what_is_started_while_closing_is_cancelled_too),
        cmocka_unit_test(closing_does_not_wait_for_the_next_attempt),
        cmocka_unit_test(nobody_there_is_no_trouble),
        cmocka_unit_test(a_system_without_threads_is_told),
        cmocka_unit_test(threads_call_cancel_and_replace_at_once),
        cmocka_unit_test(settings_that_cannot_be_are_refused_without_their_values),
    };
    const struct CMUnitTest without[] = {cmocka_unit_test(the_last_close_leaves_no_thread)};
    int failed = cmocka_run_group_tests_name("rpc", with_server, start_server, stop_server);
    return failed + cmocka_run_group_tests_name("rpc alone", without, NULL, NULL);
}
