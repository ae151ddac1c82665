# tp_program(NAME SOURCES file... [LIBS target...])
#
# A program of apps/: build/<preset>/bin/NAME, installed. It sees the public headers and src/config; one that reads files names tpi_config in LIBS.
function(tp_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE tp_compiler tensor_pool_services tensor_pool ${ARG_LIBS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin" INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
    if (TP_INSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    endif ()
endfunction()
