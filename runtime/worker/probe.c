#include "worker/probe.h"

#include "base/map.h"
#include "script/globals.h"

static const char head[] = "local function try(read, place, assignment)\n"
                           "  local ok, why = pcall(read)\n"
                           "  why = not ok and tostring(why):match \"there is no global.*\"\n"
                           "  if why then error(place .. \": \" .. (assignment or why), 0) end\n"
                           "end\n";

struct probing {
    struct bytes *script;
    const char *file;
    struct map seen;
};

static void add_use(void *user, const struct global_use *use)
{
    struct probing *p = user;
    if (map_put_text(&p->seen, span_of(use->name), p))
        return;
    bytes_printf(p->script, "try(function() return %s end, \"%s:%d\"", use->name, p->file,
                 use->line);
    if (use->assigned)
        bytes_printf(p->script, ", \"assignment to the global '%s'; declare it with `local`\"",
                     use->name);
    bytes_add_text(p->script, ")\n");
}

void probe_add(struct bytes *script, const struct store_file *file)
{
    struct probing p = {.script = script, .file = file->name.data};
    if (!script->size)
        bytes_add_text(script, head);
    globals_read(file->text, &(struct global_reader){add_use, &p});
    map_release(&p.seen);
}
