# Configures without a build type and looks what came of it: an optimised build, not the -O0 of an empty type (trap L5).
file(REMOVE_RECURSE "${WORK}")
set(ENV{CMAKE_BUILD_TYPE})
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${PROJECT}" -B "${WORK}" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DTP_BUILD_TESTS=OFF
    -DTP_BUILD_APPS=OFF -DTP_BUILD_EXAMPLES=OFF "-DTP_DEPS_DIR=${DEPS}" "-DTP_AERON=${AERON}" "-DTP_SBE_JAR=${SBE_JAR}" "-DCMAKE_C_COMPILER=${CC}"
    "-DCMAKE_CXX_COMPILER=${CXX}")

function(expect type flag)
    execute_process(COMMAND ${configure} ${ARGN} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    file(STRINGS "${WORK}/CMakeCache.txt" found REGEX "^CMAKE_BUILD_TYPE:")
    if (NOT found STREQUAL "CMAKE_BUILD_TYPE:STRING=${type}")
        message(SEND_ERROR "cmake ${ARGN}: '${found}', expected the build type ${type}")
    endif ()
    file(READ "${WORK}/compile_commands.json" commands)
    if (NOT commands MATCHES " ${flag} ")
        message(SEND_ERROR "cmake ${ARGN}: the library is not compiled with ${flag}")
    endif ()
endfunction()

expect(RelWithDebInfo -O2)
expect(Debug -g -DCMAKE_BUILD_TYPE=Debug)
