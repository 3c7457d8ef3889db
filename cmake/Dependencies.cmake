# What memql is built from. tools/setup installs all of it; each message here says so.

set(MEMQL_SETUP_HINT "Run tools/setup, or see docs/decisions.md for the list.")

find_program(MEMQL_LLVM_CONFIG
    NAMES llvm-config-19 llvm-config-22 llvm-config-21 llvm-config-20 llvm-config-18
          llvm-config-17 llvm-config-16 llvm-config-15 llvm-config
    DOC "The llvm-config of the LLVM to link, 15 or later")
if(NOT MEMQL_LLVM_CONFIG)
    message(FATAL_ERROR "No llvm-config of LLVM 15 or later. ${MEMQL_SETUP_HINT}")
endif()

function(llvm_config out)
    execute_process(COMMAND ${MEMQL_LLVM_CONFIG} ${ARGN}
        OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE
        RESULT_VARIABLE failed ERROR_VARIABLE why)
    if(failed)
        message(FATAL_ERROR "${MEMQL_LLVM_CONFIG} ${ARGN}: ${why} ${MEMQL_SETUP_HINT}")
    endif()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

llvm_config(MEMQL_LLVM_VERSION --version)
if(MEMQL_LLVM_VERSION VERSION_LESS 15)
    message(FATAL_ERROR "LLVM ${MEMQL_LLVM_VERSION} is too old, 15 is the first that "
        "memql can use. ${MEMQL_SETUP_HINT}")
endif()
message(STATUS "LLVM ${MEMQL_LLVM_VERSION} (${MEMQL_LLVM_CONFIG})")

# Only the BPF back end, statically: a quarter of the start-up time of libLLVM.so.
set(components bpfcodegen bpfdesc bpfinfo core passes irreader)
llvm_config(llvm_include --includedir)
llvm_config(llvm_libdir --libdir)
llvm_config(llvm_libs --link-static --libs ${components})
llvm_config(llvm_system_libs --link-static --system-libs ${components})
separate_arguments(llvm_libs)

# Debian lists what its whole LLVM was built with; --as-needed drops what the BPF back
# end never calls, and a development package that is not installed may be such a one.
separate_arguments(llvm_system_libs)
set(found_libs)
foreach(lib IN LISTS llvm_system_libs)
    string(REGEX REPLACE "^-l" "" name "${lib}")
    if(IS_ABSOLUTE "${name}" AND EXISTS "${name}")
        list(APPEND found_libs "${name}")
    else()
        find_library(MEMQL_LIB_${name} ${name})
        mark_as_advanced(MEMQL_LIB_${name})
        if(MEMQL_LIB_${name})
            list(APPEND found_libs "${MEMQL_LIB_${name}}")
        endif()
    endif()
endforeach()

add_library(llvm_headers INTERFACE)
target_include_directories(llvm_headers SYSTEM INTERFACE ${llvm_include})

add_library(llvm_bpf INTERFACE)
target_link_directories(llvm_bpf INTERFACE ${llvm_libdir})
target_link_options(llvm_bpf INTERFACE
    -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed)
target_link_libraries(llvm_bpf INTERFACE ${llvm_libs} ${found_libs} ${CMAKE_DL_LIBS} m)

# GNU ld and lld take a script that adds to their own; without it, LLVM's constructors run
# before main().
include(CheckCSourceCompiles)
set(llvm_script ${CMAKE_SOURCE_DIR}/cmake/llvm.ld)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-T,${llvm_script})
check_c_source_compiles("int main(void) { return 0; }" MEMQL_LINKER_TAKES_SCRIPT)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
# Addresses in LLVM's tables of functions, in a fifteenth of the room: 1.3 MB less to read at
# each start. From glibc 2.36 on.
include(CheckCSourceRuns)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs)
check_c_source_runs("int main(void) { return 0; }" MEMQL_LINKER_PACKS_RELOCATIONS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(MEMQL_LINKER_PACKS_RELOCATIONS)
    target_link_options(llvm_bpf INTERFACE -Wl,-z,pack-relative-relocs)
endif()
if(MEMQL_LINKER_TAKES_SCRIPT)
    target_link_options(llvm_bpf INTERFACE -Wl,-T,${llvm_script})
    set_property(TARGET llvm_bpf APPEND PROPERTY INTERFACE_LINK_DEPENDS ${llvm_script})
endif()

# libelf is LGPL-3+ or GPL-2+: dynamic, so that memql stays under its own licence.
find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "No pkg-config. ${MEMQL_SETUP_HINT}")
endif()
foreach(need "libbpf>=1.1" "libelf")
    string(REGEX REPLACE "[^a-z].*" "" name "${need}")
    pkg_check_modules(${name} QUIET IMPORTED_TARGET "${need}")
    if(NOT ${name}_FOUND)
        message(FATAL_ERROR "No ${need} for pkg-config. ${MEMQL_SETUP_HINT}")
    endif()
endforeach()

find_package(FLEX 2.6)
find_package(BISON 3.6)
if(NOT FLEX_FOUND OR NOT BISON_FOUND)
    message(FATAL_ERROR "No flex 2.6 or no bison 3.6. ${MEMQL_SETUP_HINT}")
endif()
