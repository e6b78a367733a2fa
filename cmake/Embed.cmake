# embed(TARGET LUA GUIDE): a C file of the target with every .lua below LUA, as text and compiled, and every .md of GUIDE.
# "runtime/lua/workflow/init.lua" becomes the module "workflow.init", "docs/guide/retry.md" the text "guide/retry".
function(embed_file symbol file)
  set(asm
"__asm__(\".section .rodata\\n.balign 8\\n.global ${symbol}\\n${symbol}: .incbin \\\"${file}\\\"\\n\"
        \".global ${symbol}_end\\n${symbol}_end: .byte 0\\n.previous\\n\");
extern const char ${symbol}[], ${symbol}_end[];
")
  set(blobs "${blobs}${asm}" PARENT_SCOPE)
endfunction()

function(embed target lua guide)
  set(out ${CMAKE_BINARY_DIR}/embed.c)
  set(folder ${CMAKE_BINARY_DIR}/embedded)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${lua}/*.lua)
  file(GLOB chapters CONFIGURE_DEPENDS ${guide}/*.md)
  list(SORT files)
  list(SORT chapters)
  set(rows "")
  set(blobs "")
  set(modules "")
  set(codes "")
  set(n 0)
  foreach(file IN LISTS files)
    file(RELATIVE_PATH name ${lua} ${file})
    string(REGEX REPLACE "\\.lua$" "" name ${name})
    string(REPLACE "/" "." name ${name})
    list(APPEND modules ${name})
    list(APPEND codes ${folder}/${name}.luac)
    embed_file(embed_${n} ${file})
    embed_file(embed_code_${n} ${folder}/${name}.luac)
    string(APPEND rows "    {\"${name}\", embed_${n}, embed_${n}_end, embed_code_${n}, embed_code_${n}_end},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  foreach(file IN LISTS chapters)
    get_filename_component(name ${file} NAME_WE)
    embed_file(embed_${n} ${file})
    string(APPEND rows "    {\"guide/${name}\", embed_${n}, embed_${n}_end, 0, 0},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(MAKE_DIRECTORY ${folder})
  add_executable(compile_lua ${PROJECT_SOURCE_DIR}/cmake/compile_lua.c)
  target_link_libraries(compile_lua PRIVATE part_luajit)
  add_custom_command(OUTPUT ${codes} COMMAND compile_lua ${folder} ${lua} ${modules} DEPENDS compile_lua ${files}
    COMMENT "Compiling the Lua library")
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"/* Made by cmake/Embed.cmake. */
#include \"script/embed.h\"
${blobs}
const struct embed embed_table[] = {
${rows}    {0, 0, 0, 0, 0},
};
")
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS "${files};${chapters};${codes}")
  target_sources(${target} PRIVATE ${out} ${codes})
endfunction()
