# pinned_math: the functions behind Lua's `^` and math.* that glibc picks by CPU, so that a replay on
# another machine could differ in the last digit. musl's are the same everywhere; its few objects are
# put into one with only these names left, hidden from shared libraries, which keep glibc's.
set(PINNED_FUNCTIONS acos asin atan atan2 cos cosh exp log log10 log2 pow sin sinh tan tanh)
set(PINNED_PARTS exp_data log_data log2_data pow_data __sin __cos __tan __rem_pio2 __rem_pio2_large
  __math_divzero __math_invalid __math_oflow __math_uflow __math_xflow __expo2 expm1 scalbn floor)

find_file(MUSL_LIBC libc.a PATHS /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl NO_DEFAULT_PATH REQUIRED)
set(pinned_folder ${CMAKE_BINARY_DIR}/pinned_math)
set(pinned_library ${pinned_folder}/libpinned_math.a)
list(TRANSFORM PINNED_FUNCTIONS APPEND .lo OUTPUT_VARIABLE pinned_members)
list(TRANSFORM PINNED_PARTS APPEND .lo OUTPUT_VARIABLE pinned_part_members)
list(TRANSFORM PINNED_FUNCTIONS PREPEND --keep-global-symbol= OUTPUT_VARIABLE pinned_names)
file(MAKE_DIRECTORY ${pinned_folder})
add_custom_command(OUTPUT ${pinned_library} DEPENDS ${MUSL_LIBC} WORKING_DIRECTORY ${pinned_folder} VERBATIM
  COMMAND ${CMAKE_AR} x ${MUSL_LIBC} ${pinned_members} ${pinned_part_members}
  COMMAND ${CMAKE_LINKER} -r -o whole.o ${pinned_members} ${pinned_part_members}
  COMMAND ${CMAKE_OBJCOPY} ${pinned_names} whole.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${pinned_library}
  COMMAND ${CMAKE_AR} rcs ${pinned_library} whole.o)
add_custom_target(pinned_math_made DEPENDS ${pinned_library})
add_library(pinned_math STATIC IMPORTED)
set_target_properties(pinned_math PROPERTIES IMPORTED_LOCATION ${pinned_library})
target_link_options(pinned_math INTERFACE -Wl,--exclude-libs,libpinned_math.a)
add_dependencies(pinned_math pinned_math_made)
