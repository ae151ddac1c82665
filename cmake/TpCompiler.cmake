# Compiler settings of our own targets. Third-party code is built without them.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_library(tp_compiler INTERFACE)
target_compile_features(tp_compiler INTERFACE c_std_11 cxx_std_17)
target_compile_definitions(tp_compiler INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64 TPI_VERSION="${PROJECT_VERSION}")
target_compile_options(tp_compiler INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wformat=2 -fno-semantic-interposition
    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<BOOL:${TP_WERROR}>:-Werror>)
# What a library shows is decided by its export map (src/exports), not by the visibility of each function: the services library
# needs internal functions of the client library (docs/adr/0001).
# Reproducible and free of the paths of the build machine; gcov and the reports of the sanitizers need the paths.
if (NOT TP_COVERAGE AND NOT TP_SANITIZE)
    target_compile_options(tp_compiler INTERFACE "-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/="
        "-ffile-prefix-map=${CMAKE_CURRENT_BINARY_DIR}=.")
endif ()
if (TP_SANITIZE)
    set(tp_sanitize_flags -fsanitize=${TP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_compile_options(tp_compiler INTERFACE ${tp_sanitize_flags})
    target_compile_definitions(tp_compiler INTERFACE TPI_SANITIZED)     # for tests of what the run-time replaces, such as mlock
    target_link_options(tp_compiler INTERFACE ${tp_sanitize_flags})
endif ()
if (TP_FUZZ)
    target_compile_options(tp_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif ()
if (TP_COVERAGE)
    target_compile_options(tp_compiler INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(tp_compiler INTERFACE --coverage)
endif ()
find_package(Threads REQUIRED)
target_link_libraries(tp_compiler INTERFACE Threads::Threads)
