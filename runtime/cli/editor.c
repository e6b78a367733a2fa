#include "cli/editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <lauxlib.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>
#include <wchar.h>

#include "activity/reactor.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "cli/paste.h"
#include "script/vm.h"

enum { HISTORY_ENTRIES = 1000 };

static const char TYPE[] = "signalroom.editor";

enum request { REQUEST_NONE, REQUEST_READ, REQUEST_ANSWER, REQUEST_CLOSE };

struct editor {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards request and waiting: the handing over of the turn */
    pthread_cond_t asked;
    enum request request;
    struct fiber_wait *waiting;
    struct bytes prompt;  /* of READ */
    struct bytes insert;  /* of ANSWER */
    struct bytes choices; /* of ANSWER: lines to show */
    const char *event;    /* "line", "complete", "interrupt" or "end" */
    struct bytes line;
    size_t cursor;  /* of "complete" */
    EditLine *edit; /* NULL: standard input is no terminal */
    History *history;
    bool interrupted;
    int resized; /* an eventfd */
    uv_signal_t resizing;
};

/* --- taking turns --- */

static enum request await_request(struct editor *editor)
{
    pthread_mutex_lock(&editor->mutex);
    while (editor->request == REQUEST_NONE)
        pthread_cond_wait(&editor->asked, &editor->mutex);
    enum request request = editor->request;
    editor->request = REQUEST_NONE;
    pthread_mutex_unlock(&editor->mutex);
    return request;
}

/* On the editor's thread: the last it does in its turn. */
static void tell(struct editor *editor, const char *event)
{
    pthread_mutex_lock(&editor->mutex);
    struct fiber_wait *waiting = editor->waiting;
    editor->waiting = NULL;
    editor->event = event;
    pthread_mutex_unlock(&editor->mutex);
    fiber_wake(waiting);
}

static void ask(struct editor *editor, enum request request, struct fiber_wait *wait)
{
    pthread_mutex_lock(&editor->mutex);
    editor->request = request;
    editor->waiting = wait;
    pthread_cond_signal(&editor->asked);
    pthread_mutex_unlock(&editor->mutex);
}

/* --- the terminal --- */

static struct editor *editor_of(EditLine *edit)
{
    void *editor;
    el_get(edit, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt(EditLine *edit)
{
    return (char *)bytes_text(&editor_of(edit)->prompt);
}

/* Waits for the next byte, and meanwhile follows the terminal's size. */
static bool await_input(struct editor *editor)
{
    struct pollfd watched[] = {
        {.fd = STDIN_FILENO,    .events = POLLIN},
        {.fd = editor->resized, .events = POLLIN},
    };
    for (;;) {
        if (poll(watched, 2, -1) < 0)
            continue;
        if (watched[1].revents) {
            eventfd_t count;
            eventfd_read(editor->resized, &count);
            el_resize(editor->edit);
        }
        if (watched[0].revents)
            return (watched[0].revents & POLLIN) != 0;
    }
}

static int read_char(EditLine *edit, wchar_t *out)
{
    mbstate_t state = {0};
    char byte;
    while (await_input(editor_of(edit)) && read(STDIN_FILENO, &byte, 1) == 1) {
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1)
            *out = L'\ufffd';
        if (used != (size_t)-2)
            return 1;
    }
    return 0;
}

/* Ctrl-C: the line is given up, by a newline that counts for nothing. */
static unsigned char interrupt(EditLine *edit, wint_t key)
{
    (void)key;
    const LineInfoW *line = el_wline(edit);
    el_cursor(edit, (int)(line->lastchar - line->cursor));
    el_insertstr(edit, "^C");
    el_push(edit, "\n");
    editor_of(edit)->interrupted = true;
    return CC_REFRESH;
}

/* Ctrl-Z: the editor has switched off the terminal's own signals. */
static unsigned char suspend(EditLine *edit, wint_t key)
{
    (void)key;
    el_set(edit, EL_PREP_TERM, 0);
    raise(SIGTSTP); /* returns once the process goes on */
    el_set(edit, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

/* Tab: Lua knows what could follow. */
static unsigned char complete(EditLine *edit, wint_t key)
{
    (void)key;
    struct editor *editor = editor_of(edit);
    const LineInfo *line = el_line(edit);
    bytes_clear(&editor->line);
    bytes_add(&editor->line, line->buffer, (size_t)(line->lastchar - line->buffer));
    editor->cursor = (size_t)(line->cursor - line->buffer);
    tell(editor, "complete");
    await_request(editor);
    if (editor->insert.size)
        el_insertstr(edit, bytes_text(&editor->insert));
    if (!editor->choices.size)
        return CC_REFRESH;
    printf("\n%s", bytes_text(&editor->choices));
    return CC_REDISPLAY;
}

static unsigned char take_paste(EditLine *edit, wint_t key)
{
    (void)key;
    struct paste paste = {0};
    wchar_t next;
    while (!paste_is_over(&paste) && el_wgetc(edit, &next) == 1)
        paste_add(&paste, next);
    el_winsertstr(edit, paste_text(&paste));
    paste_release(&paste);
    return CC_REFRESH;
}

static void bind_keys(EditLine *edit)
{
    static const char *const keys[][2] = {
        {"^C",         "interrupt"          },
        {"^Z",         "suspend"            },
        {"^I",         "complete"           },
        {PASTE_BEGINS, "take-paste"         },
        {"^R",         "em-inc-search-prev" },
        {"\\e[1;5D",   "ed-prev-word"       },
        {"\\e[1;5C",   "em-next-word"       },
        {"\\e[3~",     "ed-delete-next-char"},
        {"\\e[H",      "ed-move-to-beg"     },
        {"\\e[F",      "ed-move-to-end"     },
    };
    el_set(edit, EL_ADDFN, "interrupt", "give the line up", interrupt);
    el_set(edit, EL_ADDFN, "suspend", "stop the process", suspend);
    el_set(edit, EL_ADDFN, "complete", "complete the word", complete);
    el_set(edit, EL_ADDFN, "take-paste", "insert pasted text", take_paste);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        el_set(edit, EL_BIND, keys[i][0], keys[i][1], NULL);
}

static EditLine *open_terminal(struct editor *editor)
{
    HistEvent event;
    EditLine *edit = el_init("signalroom", stdin, stdout, stderr);
    if (!edit)
        return NULL;
    editor->history = history_init();
    history(editor->history, &event, H_SETSIZE, HISTORY_ENTRIES);
    history(editor->history, &event, H_SETUNIQUE, 1);
    el_set(edit, EL_CLIENTDATA, editor);
    el_set(edit, EL_GETCFN, read_char);
    el_set(edit, EL_PROMPT, prompt);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, editor->history);
    el_set(edit, EL_SETTY, "-d", "-isig", NULL);
    bind_keys(edit);
    el_source(edit, NULL); /* the user's own bindings: ~/.editrc */
    return edit;
}

/* Emacs' shell, say, would show the marks. */
static bool knows_marks(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0;
}

static const char *edit_line(struct editor *editor)
{
    int count = 0;
    editor->interrupted = false;
    el_set(editor->edit, EL_PREP_TERM, 1); /* el_gets would echo what comes before it does */
    fputs(knows_marks() ? PASTE_ON : "", stdout);
    const char *line = el_gets(editor->edit, &count);
    fputs(knows_marks() ? PASTE_OFF : "", stdout);
    bytes_clear(&editor->line); /* a Tab left something in it */
    if (line && count > 0)
        bytes_add(&editor->line, line, (size_t)count);
    else
        fputs("\n", stdout);
    fflush(stdout);
    if (editor->interrupted)
        return "interrupt";
    return line && count > 0 ? "line" : "end";
}

/* --- no terminal --- */

static const char *plain_line(struct editor *editor)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size = getline(&line, &room, stdin);
    if (size > 0)
        bytes_add(&editor->line, line, (size_t)size);
    free(line);
    return size > 0 ? "line" : "end";
}

/* --- the thread --- */

static void *run(void *user)
{
    struct editor *editor = user;
    pthread_setname_np(pthread_self(), "editor");
    while (await_request(editor) == REQUEST_READ) {
        bytes_clear(&editor->line);
        tell(editor, editor->edit ? edit_line(editor) : plain_line(editor));
    }
    return NULL;
}

/* Signals are for the loop's thread, but for the one that this thread sends itself. */
static int start_thread(struct editor *editor)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&editor->thread, NULL, run, editor);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void follow_size(uv_signal_t *signal, int number)
{
    (void)number;
    struct editor *editor = signal->data;
    eventfd_write(editor->resized, 1);
}

static void speak_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* --- Lua's side --- */

int editor_new(lua_State *L)
{
    struct editor **place = lua_newuserdata(L, sizeof(struct editor *));
    struct editor *editor = memory_new(sizeof *editor);
    speak_utf8();
    pthread_mutex_init(&editor->mutex, NULL);
    pthread_cond_init(&editor->asked, NULL);
    editor->resized = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        editor->edit = open_terminal(editor);
    if (start_thread(editor) != 0)
        return luaL_error(L, "the line editor has no thread");
    editor->resizing.data = editor;
    uv_signal_init(reactor_uv(reactor_of(L)), &editor->resizing);
    uv_unref((uv_handle_t *)&editor->resizing);
    uv_signal_start(&editor->resizing, follow_size, SIGWINCH);
    *place = editor;
    luaL_getmetatable(L, TYPE);
    lua_setmetatable(L, -2);
    return 1;
}

static struct editor *check(lua_State *L)
{
    struct editor *editor = *(struct editor **)luaL_checkudata(L, 1, TYPE);
    if (!editor)
        luaL_error(L, "this editor has been closed");
    return editor;
}

struct asking {
    struct fiber_wait wait; /* first */
    struct editor *editor;
};

/* -> event, line, cursor */
static int deliver(struct fiber_wait *wait, lua_State *L)
{
    const struct editor *editor = ((struct asking *)wait)->editor;
    lua_pushboolean(L, true);
    lua_pushstring(L, editor->event);
    lua_pushlstring(L, bytes_text(&editor->line), editor->line.size);
    lua_pushinteger(L, (lua_Integer)editor->cursor);
    return 4;
}

static void keep_waiting(struct fiber_wait *wait)
{
    (void)wait; /* nobody cancels the fiber that reads lines */
}

static void release(struct fiber_wait *wait)
{
    free(wait);
}

static void take_text(lua_State *L, int index, struct bytes *out)
{
    size_t size;
    const char *text = luaL_optlstring(L, index, "", &size);
    bytes_clear(out);
    bytes_add(out, text, size);
}

static int turn(lua_State *L, struct editor *editor, enum request request)
{
    struct asking *asking = memory_new(sizeof *asking);
    asking->wait = (struct fiber_wait){fiber_current(L), deliver, keep_waiting, release};
    asking->editor = editor;
    ask(editor, request, &asking->wait);
    return fiber_suspend(L, &asking->wait);
}

/* read(prompt) */
static int read_line(lua_State *L)
{
    struct editor *editor = check(L);
    take_text(L, 2, &editor->prompt);
    return turn(L, editor, REQUEST_READ);
}

/* answer(insert, choices): to "complete"; what is read goes on */
static int answer(lua_State *L)
{
    struct editor *editor = check(L);
    take_text(L, 2, &editor->insert);
    take_text(L, 3, &editor->choices);
    return turn(L, editor, REQUEST_ANSWER);
}

/* remember(entry): for the arrow keys */
static int remember(lua_State *L)
{
    struct editor *editor = check(L);
    HistEvent event;
    if (editor->edit)
        history(editor->history, &event, H_ENTER, luaL_checkstring(L, 2));
    return 0;
}

/* edits() -> whether there is a terminal to edit in */
static int edits(lua_State *L)
{
    lua_pushboolean(L, check(L)->edit != NULL);
    return 1;
}

static void release_editor(uv_handle_t *resizing)
{
    struct editor *editor = resizing->data;
    if (editor->edit) {
        el_end(editor->edit);
        history_end(editor->history);
    }
    close(editor->resized);
    bytes_release(&editor->prompt);
    bytes_release(&editor->insert);
    bytes_release(&editor->choices);
    bytes_release(&editor->line);
    pthread_cond_destroy(&editor->asked);
    pthread_mutex_destroy(&editor->mutex);
    free(editor);
}

/* close(): also what the collector calls */
static int close_editor(lua_State *L)
{
    struct editor **place = luaL_checkudata(L, 1, TYPE);
    struct editor *editor = *place;
    *place = NULL;
    if (!editor)
        return 0;
    ask(editor, REQUEST_CLOSE, NULL);
    pthread_join(editor->thread, NULL);
    uv_close((uv_handle_t *)&editor->resizing, release_editor);
    return 0;
}

void editor_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read_raw",   read_line   },
        {"answer_raw", answer      },
        {"remember",   remember    },
        {"edits",      edits       },
        {"close",      close_editor},
        {NULL,         NULL        },
    };
    vm_type(L, TYPE, methods, close_editor);
}
