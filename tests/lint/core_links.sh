#!/bin/sh
# The heart is pure, and the linker says so: a program made of the rooms core and base alone runs a workflow, needs no
# library but libc, and the core's own objects ask the outside for memory and text and for nothing else: no clock, no
# thread, no file, no socket, no gRPC, no protobuf, no Lua.
# usage: core_links.sh PROGRAM LIBRARY
set -eu
program=$1 library=$2

"$program"

needs=$(ldd "$program" | awk '{print $1}')
case $needs in *san.so*) sanitizer='|lib[a-z]+san\.|libstdc\+\+\.|libm\.|libgcc_s\.|libdl\.|librt\.|libpthread\.' ;; *) sanitizer= ;; esac
strange=$(echo "$needs" | grep -vE "^(linux-vdso|libc\.|/lib.*ld-linux$sanitizer)" || true)
[ -z "$strange" ] || { echo "core_links: $program needs $strange"; exit 1; }

own=$(nm --defined-only "$library" | awk 'NF == 3 {print $3}' | sort -u)
strange=$(nm --undefined-only "$library" | awk 'NF == 2 {print $2}' | sort -u | grep -vxF "$own" |
    grep -vE '^(memory_(new|resize|copy)|error_(set|add)|free|mem(cpy|move|set|cmp|rchr)|bcmp|strlen)$' |
    grep -vE '^__(v?snprintf_chk|mem(cpy|move|set)_chk|stack_chk_fail|tls_get_addr)$|^snprintf$|^_GLOBAL_OFFSET_TABLE_$' |
    grep -vE '^__(asan|ubsan|tsan|sanitizer|sancov|gcov)_' || true)
[ -z "$strange" ] || { echo "core_links: room_core uses" $strange; exit 1; }
echo "core_links: room_core uses memory, text and errors, nothing else"
