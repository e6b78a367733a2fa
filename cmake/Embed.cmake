# embed(OUT DIR): a C file with every .lua below DIR as a table of {module name, text}.
# "runtime/lua/workflow/init.lua" becomes the module "workflow.init".
function(embed out dir)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${dir}/*.lua)
  list(SORT files)
  set(rows "")
  set(blobs "")
  set(n 0)
  foreach(file IN LISTS files)
    file(RELATIVE_PATH name ${dir} ${file})
    string(REGEX REPLACE "\\.lua$" "" name ${name})
    string(REPLACE "/" "." name ${name})
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
