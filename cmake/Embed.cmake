# embed(OUT LUA GUIDE): a C file with every .lua below LUA, and every .md of GUIDE, as a table of {name, text}.
# "runtime/lua/workflow/init.lua" becomes the module "workflow.init", "docs/guide/retry.md" the text "guide/retry".
function(embed out lua guide)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${lua}/*.lua)
  file(GLOB chapters CONFIGURE_DEPENDS ${guide}/*.md)
  list(APPEND files ${chapters})
  list(SORT files)
  set(rows "")
  set(blobs "")
  set(n 0)
  foreach(file IN LISTS files)
    if(file MATCHES "\\.md$")
      get_filename_component(name ${file} NAME_WE)
      set(name "guide/${name}")
    else()
      file(RELATIVE_PATH name ${lua} ${file})
      string(REGEX REPLACE "\\.lua$" "" name ${name})
      string(REPLACE "/" "." name ${name})
    endif()
    string(APPEND blobs
      "__asm__(\".section .rodata\\n.global embed_${n}\\nembed_${n}: .incbin \\\"${file}\\\"\\n"
      ".global embed_${n}_end\\nembed_${n}_end: .byte 0\\n.previous\\n\");\n"
      "extern const char embed_${n}[], embed_${n}_end[];\n")
    string(APPEND rows "    {\"${name}\", embed_${n}, embed_${n}_end},\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"/* Made by cmake/Embed.cmake. */
#include \"script/embed.h\"
${blobs}
const struct embed embed_table[] = {
${rows}    {0, 0, 0},
};
")
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS "${files}")
endfunction()
