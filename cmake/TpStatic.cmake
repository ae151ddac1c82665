# tp_static_archive(NAME MODULES module... ARCHIVES target...)
#
# libNAME.a for those who link statically: one relocatable object made of the modules and of what they need of the ARCHIVES (Aeron),
# in which only tp_* is global, as in the shared library. Two archives in one program would be two sets of thread-local errors
# (docs/adr/0001), so that of the services holds the client.
function(tp_static_archive name)
    cmake_parse_arguments(ARG "" "" "MODULES;ARCHIVES" ${ARGN})
    find_program(TP_OBJCOPY NAMES objcopy REQUIRED)
    set(objects)
    set(modules)
    foreach (module IN LISTS ARG_MODULES)
        if (TARGET tpi_${module})
            get_target_property(type tpi_${module} TYPE)
            if (NOT type STREQUAL "INTERFACE_LIBRARY")
                list(APPEND objects "$<TARGET_OBJECTS:tpi_${module}>")
                list(APPEND modules tpi_${module})
            endif ()
        endif ()
    endforeach ()
    set(archives)
    foreach (archive IN LISTS ARG_ARCHIVES)
        list(APPEND archives "$<TARGET_FILE:${archive}>")
    endforeach ()
    set(dir "${CMAKE_CURRENT_BINARY_DIR}/static/${name}")
    file(MAKE_DIRECTORY "${dir}")
    set(output "${PROJECT_BINARY_DIR}/lib/lib${name}.a")
    add_custom_command(OUTPUT "${output}"
        COMMAND "${CMAKE_C_COMPILER}" -r -nostdlib -o "${dir}/${name}.o" ${objects} -Wl,--start-group ${archives} -Wl,--end-group
        COMMAND "${TP_OBJCOPY}" --wildcard --keep-global-symbol=tp_* "${dir}/${name}.o"
        COMMAND "${CMAKE_COMMAND}" -E rm -f "${output}"
        COMMAND "${CMAKE_AR}" rcs "${output}" "${dir}/${name}.o"
        DEPENDS ${modules} ${ARG_ARCHIVES} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Making lib${name}.a")
    add_custom_target(${name}_archive ALL DEPENDS "${output}")
    add_dependencies(${name} ${name}_archive)              # who builds the one has the other: lint_exports judges both
    if (TP_INSTALL)
        install(FILES "${output}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    endif ()
endfunction()
