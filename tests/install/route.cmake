# Builds tests/install/outside by one route and runs its programs.
file(MAKE_DIRECTORY "${WORK}")
if (ROUTE MATCHES "pkg_config")
    find_program(PKG_CONFIG NAMES pkg-config pkgconf REQUIRED)
    set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
    foreach (program client services)
        set(package tensor_pool)
        if (program STREQUAL "services")
            set(package tensor_pool_services)
        endif ()
        set(static)
        if (ROUTE MATCHES "static")
            set(static --static)
        endif ()
        execute_process(COMMAND "${PKG_CONFIG}" ${static} --cflags --libs ${package}
            OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
        if (static)              # our archives, the system's libraries as they come
            string(REGEX REPLACE "-l(tensor_pool[a-z_]*)" "-l:lib\\1.a" flags "${flags}")
        endif ()
        separate_arguments(flags UNIX_COMMAND "${flags}")
        execute_process(COMMAND "${CC}" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "${WORK}/${program}" "${SOURCE}/outside/${program}.c" ${flags}
            COMMAND_ERROR_IS_FATAL ANY)
    endforeach ()
    if (NOT ROUTE MATCHES "static")
        set(ENV{LD_LIBRARY_PATH} "${PREFIX}/${LIBDIR}")
    endif ()
else ()
    execute_process(COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}/outside" -B "${WORK}" "-DROUTE=${ROUTE}"
        "-DCMAKE_PREFIX_PATH=${PREFIX}"
        "-DPROJECT=${PROJECT}" "-DCMAKE_C_COMPILER=${CC}" "-DCMAKE_CXX_COMPILER=${CXX}" "-DTP_DEPS_DIR=${DEPS}" "-DTP_AERON=${AERON}"
        "-DTP_SBE_JAR=${SBE_JAR}" "-DCMAKE_C_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}" --target client services COMMAND_ERROR_IS_FATAL ANY)
endif ()
foreach (program client services)
    execute_process(COMMAND "${WORK}/${program}" COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endforeach ()
