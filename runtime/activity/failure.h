/*
 * Errors as scripts see them: tables { type =, message =, stack = ... } like those of the embedded
 * module "errors". C either raises one at once (misuse: the call never started) or, at the end of
 * an operation, returns `false, error` for the module "wait" to raise.
 */
#pragma once

#include <lua.h>

#include "script/vm.h"

/* Before anything else here: learns what an error object is from the module "errors". */
bool failure_open(struct vm *vm, struct error *err);

/* Pushes the error object, its message redacted, its stack that of L. */
void failure_push(lua_State *L, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Raises it. */
void failure_raise(lua_State *L, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* A few words for the value at index, "'abc'", "nil", "a table", for a message that is raised:
 * pushes them. */
const char *failure_show(lua_State *L, int index);
