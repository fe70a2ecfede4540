# it_warnings: linked by every target of ours; headers of libraries are SYSTEM and stay silent.
add_library(it_warnings INTERFACE)
target_compile_options(it_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(IT_WERROR)
    target_compile_options(it_warnings INTERFACE -Werror)
endif()

# it_module(<name> SOURCES … LINKS …): the one way a module's library is declared.
function(it_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}/include" PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE it_warnings ${ARG_PRIVATE_LINKS})
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${IT_UNITY})
endfunction()
