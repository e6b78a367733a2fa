#include "cli/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <lauxlib.h>
#include <luajit.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "activity/failure.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/memory.h"
#include "base/redact.h"
#include "cli/child.h"
#include "cli/editor.h"
#include "cli/replay.h"
#include "cli/screen.h"
#include "cli/scripts.h"
#include "cli/serve.h"
#include "cli/shell.h"
#include "cli/together.h"
#include "script/embed.h"

enum { LOG_FILE_BYTES = 32 << 20 };

static int fail(lua_State *L, const char *what, const char *path)
{
    failure_raise(L, "SystemError", "%s %s: %s", what, path, strerror(errno));
}

static int version(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, SIGNALROOM_VERSION);
    lua_setfield(L, -2, "signalroom");
    lua_pushliteral(L, LUAJIT_VERSION);
    lua_setfield(L, -2, "lua");
    return 1;
}

/* The chapters of docs/guide by name. */
static int guide(lua_State *L)
{
    static const char folder[] = "guide/";
    lua_newtable(L);
    for (const struct embed *e = embed_table; e->module; e++)
        if (strncmp(e->module, folder, sizeof folder - 1) == 0) {
            lua_pushlstring(L, e->text, (size_t)(e->end - e->text));
            lua_setfield(L, -2, e->module + sizeof folder - 1);
        }
    return 1;
}

/* All of it, also to a pipe that somebody made non-blocking; false with errno. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* fd, text: all of it, secrets masked; why not, and whether its reader has left */
static int write_raw(lua_State *L)
{
    int fd = luaL_checkint(L, 1);
    size_t size;
    const char *text = luaL_checklstring(L, 2, &size);
    struct bytes clean = {0};
    bytes_add(&clean, text, size);
    redact(&clean);
    bool ok = write_all(fd, clean.data, clean.size);
    int problem = errno;
    bytes_release(&clean);
    if (ok)
        return 0;
    lua_pushstring(L, strerror(problem));
    lua_pushboolean(L, problem == EPIPE);
    return 2;
}

static int read_stdin(lua_State *L)
{
    luaL_Buffer all;
    luaL_buffinit(L, &all);
    size_t n;
    do {
        n = fread(luaL_prepbuffer(&all), 1, LUAL_BUFFERSIZE, stdin);
        luaL_addsize(&all, n);
    } while (n > 0);
    luaL_pushresult(&all);
    return 1;
}

static int is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty(luaL_checkint(L, 1)));
    return 1;
}

static int has_colour(lua_State *L)
{
    lua_pushboolean(L, screen_has_colour(luaL_checkint(L, 1)));
    return 1;
}

static int executable(lua_State *L)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    lua_pushlstring(L, path, n > 0 ? (size_t)n : 0);
    return 1;
}

static int working_folder(lua_State *L)
{
    char path[4096];
    if (!getcwd(path, sizeof path))
        return fail(L, "finding", "the working folder");
    lua_pushstring(L, path);
    return 1;
}

static int exists(lua_State *L)
{
    lua_pushboolean(L, access(luaL_checkstring(L, 1), F_OK) == 0);
    return 1;
}

/* path, mode as "0755": with every folder above it. */
static int make_folder(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    mode_t mode = (mode_t)strtol(luaL_checkstring(L, 2), NULL, 8);
    char *part = memory_copy_text(path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(part, 0755);
        *slash = '/';
    }
    free(part);
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return fail(L, "making", path);
    return 0;
}

/* path, user or nil, mode as "0600". */
static int own(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    const char *user = luaL_optstring(L, 2, NULL);
    struct passwd *who = user ? getpwnam(user) : NULL;
    if (user && (!who || chown(path, who->pw_uid, who->pw_gid) != 0))
        return fail(L, "giving away", path);
    if (chmod(path, (mode_t)strtol(luaL_checkstring(L, 3), NULL, 8)) != 0)
        return fail(L, "setting the mode of", path);
    return 0;
}

static int user_id(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)geteuid());
    return 1;
}

static int has_user(lua_State *L)
{
    lua_pushboolean(L, getpwnam(luaL_checkstring(L, 1)) != NULL);
    return 1;
}

/* The names of all variables. */
static int environment(lua_State *L)
{
    int count = 0;
    lua_newtable(L);
    for (char **one = environ; *one; one++) {
        lua_pushlstring(L, *one, strcspn(*one, "="));
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

static int set_environment(lua_State *L)
{
    setenv(luaL_checkstring(L, 1), luaL_checkstring(L, 2), 1);
    return 0;
}

/* path: bytes that an ordinary user may still write there. */
static int free_bytes(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct statvfs about;
    if (statvfs(path, &about) != 0)
        return fail(L, "looking at", path);
    lua_pushnumber(L, (double)about.f_bavail * (double)about.f_frsize);
    return 1;
}

static void close_socket(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* A connection that is closed on the listener's side first keeps its port from being chosen again
 * for a minute, though not from a server that names it. */
static bool keep_for_a_minute(int listener, const struct sockaddr_in *address)
{
    int there = -1, here = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = here >= 0 && listen(listener, 1) == 0 &&
              connect(here, (const struct sockaddr *)address, sizeof *address) == 0 &&
              (there = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;
    close_socket(there);
    close_socket(here);
    return ok;
}

/* A loopback port that nobody listens on now, and that nobody else is given meanwhile. */
static int free_port(lua_State *L)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
              bind(fd, (struct sockaddr *)&address, size) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
              keep_for_a_minute(fd, &address);
    close_socket(fd);
    if (!ok)
        return fail(L, "finding", "a free port");
    lua_pushinteger(L, ntohs(address.sin_port));
    return 1;
}

/* level, json: how the log is written from now on. */
static int configure_log(lua_State *L)
{
    struct log_options options = {.json = lua_toboolean(L, 2)};
    if (!log_level_parse(luaL_checkstring(L, 1), &options.level))
        failure_raise(L, "ConfigError", "LOG_LEVEL is DEBUG, INFO, WARNING or ERROR, not %s",
                      lua_tostring(L, 1));
    options.colour = screen_has_colour(STDERR_FILENO);
    log_configure(options);
    return 0;
}

/* path: from now on the log goes there, too */
static int keep_log(lua_State *L)
{
    struct error err = {0};
    if (!log_file_open(luaL_checkstring(L, 1), LOG_FILE_BYTES, &err))
        failure_raise(L, "SystemError", "%s", err.text);
    return 0;
}

/* module -> the text of an embedded module, nil when there is none */
static int library_text(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    for (const struct embed *e = embed_table; e->module; e++) {
        if (strcmp(e->module, module) != 0)
            continue;
        lua_pushlstring(L, e->text, (size_t)(e->end - e->text));
        return 1;
    }
    return 0;
}

int system_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"version",         version            },
        {"guide",           guide              },
        {"together_raw",    together           },
        {"write_raw",       write_raw          },
        {"read_stdin",      read_stdin         },
        {"is_terminal",     is_terminal        },
        {"has_colour",      has_colour         },
        {"executable",      executable         },
        {"working_folder",  working_folder     },
        {"exists",          exists             },
        {"make_folder",     make_folder        },
        {"own",             own                },
        {"user_id",         user_id            },
        {"has_user",        has_user           },
        {"environment",     environment        },
        {"set_environment", set_environment    },
        {"free_bytes",      free_bytes         },
        {"free_port",       free_port          },
        {"configure_log",   configure_log      },
        {"keep_log",        keep_log           },
        {"spawn_raw",       child_spawn        },
        {"serve_raw",       serve_start        },
        {"replay_raw",      replay_file        },
        {"scripts_raw",     scripts_look       },
        {"history_json",    replay_history_json},
        {"editor",          editor_new         },
        {"shell",           shell_new          },
        {"columns",         screen_columns     },
        {"fit",             screen_fit         },
        {"hide_secrets",    screen_hide_secrets},
        {"library_text",    library_text       },
        {NULL,              NULL               },
    };
    child_open(L);
    serve_open(L);
    editor_open(L);
    shell_open(L);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
