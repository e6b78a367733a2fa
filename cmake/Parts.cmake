# The chosen parts (docs/architecture.md section 6), each as one imported target.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(part libprotobuf-c libcurl libpq libuv libcrypto libssl libmicrohttpd libedit zlib)
  pkg_check_modules(${part} REQUIRED IMPORTED_TARGET ${part})
endforeach()
pkg_check_modules(cmocka IMPORTED_TARGET cmocka) # for tests only

# grpc.pc lists 45 absl libraries; the two that we call are enough.
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
add_library(part_grpc INTERFACE)
target_link_libraries(part_grpc INTERFACE ${GRPC_LIBRARY} ${GPR_LIBRARY} Threads::Threads)

# LuaJIT is pinned by linking it statically: its version is part of the engine's identity.
find_library(LUAJIT_LIBRARY NAMES libluajit-5.1.a REQUIRED)
find_path(LUAJIT_INCLUDE luajit.h PATH_SUFFIXES luajit-2.1 REQUIRED)
add_library(part_luajit INTERFACE)
target_include_directories(part_luajit SYSTEM INTERFACE ${LUAJIT_INCLUDE})
include(PinnedMath)
target_link_libraries(part_luajit INTERFACE ${LUAJIT_LIBRARY} $<LINK_LIBRARY:WHOLE_ARCHIVE,pinned_math> m dl)
target_link_options(part_luajit INTERFACE -Wl,--dynamic-list=${CMAKE_SOURCE_DIR}/cmake/lua.list)
