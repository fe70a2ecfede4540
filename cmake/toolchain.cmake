# Compiler launcher, linker, hardening and sanitizers: what every target shares.

find_program(IT_CCACHE ccache)
if(IT_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${IT_CCACHE}")
    # A precompiled header is only cacheable when its timestamp does not count.
    set(ENV{CCACHE_SLOPPINESS} "pch_defines,time_macros")
endif()

# The headers of the JSON, log and socket libraries cost more than our own code: with IT_UNITY they are read once for this
# many files.
if(NOT DEFINED CMAKE_UNITY_BUILD_BATCH_SIZE)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE 24)
endif()

find_program(IT_LLD ld.lld)
if(IT_LLD)
    add_link_options(-fuse-ld=lld)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_POLICY_DEFAULT_CMP0083 NEW)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(IT_SANITIZE)
    add_compile_options(-fsanitize=${IT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${IT_SANITIZE})
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
else()
    add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
    add_link_options(-Wl,-z,relro,-z,now)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        add_compile_definitions(_FORTIFY_SOURCE=2)
    else()
        add_compile_definitions(_GLIBCXX_ASSERTIONS)
    endif()
endif()
