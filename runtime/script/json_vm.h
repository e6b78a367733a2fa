/*
 * What the JSON codec keeps in each Lua VM: one userdata with buffers that are used again (and are
 * freed with the VM, also when Lua runs out of memory in the middle), and three metatables.
 */
#pragma once

#include <lua.h>

#include "base/bytes.h"

struct json_vm {
    struct bytes text; /* unescaped text, encoded output */
    struct bytes keys; /* a stack of struct span: keys being sorted */
};

/* What a metatable marks; the value's place in json_marks() + value. */
enum json_mark { JSON_MARK_ARRAY, JSON_MARK_OBJECT, JSON_MARK_NUMBER, JSON_MARKS };

/* Pushes the three metatables (needs stack) and returns the VM's own. */
struct json_vm *json_vm_push(lua_State *L);

/* Pushes a json.number with this literal; marks: index of the first metatable. */
void json_number_push(lua_State *L, int marks, struct span literal);

/* The literal of the json.number at index, empty when it is none. Index must not be relative. */
struct span json_number_text(lua_State *L, int marks, int index);

/* Gives back what a large text has left behind. */
void json_vm_trim(struct json_vm *vm);
