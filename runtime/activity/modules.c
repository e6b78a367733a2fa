#include "activity/modules.h"

#include "activity/csv.h"
#include "activity/failure.h"
#include "activity/pages.h"
#include "activity/task.h"
#include "activity/zone.h"
#include "script/json.h"

static const struct module {
    const char *name;
    lua_CFunction open;
} modules[] = {
    {"cjson",         cjson_open      },
    {"json",          json_open       },
    {"native.crypto", crypto_open     },
    {"native.csv",    csv_open        },
    {"native.file",   file_open       },
    {"native.gunzip", gunzip_open     },
    {"native.http",   http_open       },
    {"native.json",   json_slices_open},
    {"native.log",    log_open        },
    {"native.pg",     pg_open         },
    {"native.rate",   rate_open       },
    {"native.secret", secret_open     },
    {"native.task",   task_open       },
    {"native.timer",  timer_open      },
    {"pages",         pages_open      },
    {"zone",          zone_open       },
};

static const struct word {
    const char *name;
    const char *module;
} words[] = {
    {"activity",  "activity.api"        }, /* a loop of tasks puts one in its place that also defines */
    {"clients",   "sync.clients"        },
    {"crypto",    "native.crypto"       },
    {"csv",       "activity.csv"        },
    {"file",      "activity.file"       },
    {"http",      "activity.http"       },
    {"json",      "activity.json"       },
    {"log",       "activity.log"        },
    {"pages",     "pages"               },
    {"pg",        "activity.pg"         },
    {"report",    "report"              },
    {"resource",  "sync.resource"       },
    {"s3",        "sync.s3"             },
    {"secret",    "activity.secret"     },
    {"setting",   "activity.setting"    },
    {"source",    "sync.source"         },
    {"sync",      "sync"                },
    {"template",  "report.template_file"},
    {"yesterday", "report.yesterday"    },
};

void modules_global(lua_State *L, const char *name)
{
    lua_pushvalue(L, -1);
    lua_setglobal(L, name);
    vm_global(vm_of(L), name);
}

struct span modules_bytes(lua_State *L, int index)
{
    struct span text = {0};
    const struct bytes *rows = pages_buffer(L, index);
    if (rows)
        return bytes_span(rows);
    if (lua_type(L, index) != LUA_TSTRING)
        failure_raise(L, "ValueError", "text is needed, not %s", failure_show(L, index));
    text.data = lua_tolstring(L, index, &text.size);
    return text;
}

bool modules_open(struct reactor *reactor, struct error *err)
{
    lua_State *L = reactor_lua(reactor);
    struct vm *vm = vm_of(L);
    if (!failure_open(vm, err))
        return false;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        vm_module(vm, modules[i].name, modules[i].open);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!vm_require(vm, words[i].module, err))
            return false;
        modules_global(L, words[i].name);
    }
    return true;
}
