# Aeron's Java client and media driver 1.49.3 with Agrona (one jar, fetched by Maven, checksum compared): for the foreign peer of the tests only.
set(TP_AERON_JAVA_VERSION 1.49.3)
set(TP_AERON_JAVA_SHA256 3325d49681ea05bd0b3efd16347fb381d53b62e77a7f5176a116d87cf4d4817e)
set(TP_AERON_JAVA_JAR "${TP_DEPS_DIR}/aeron-all-${TP_AERON_JAVA_VERSION}.jar" CACHE FILEPATH "Aeron for Java")

if (NOT EXISTS "${TP_AERON_JAVA_JAR}")
    find_program(TP_MAVEN mvn REQUIRED)
    message(STATUS "Fetching Aeron for Java ${TP_AERON_JAVA_VERSION} with Maven")
    execute_process(COMMAND "${TP_MAVEN}" -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy
        "-Dartifact=io.aeron:aeron-all:${TP_AERON_JAVA_VERSION}" "-DoutputDirectory=${TP_DEPS_DIR}"
        RESULT_VARIABLE failed OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if (failed)
        message(FATAL_ERROR "Maven could not fetch aeron-all ${TP_AERON_JAVA_VERSION}: ${text}\n"
            "Fix: check the network, or give -DTP_AERON_JAVA_JAR=<file>.")
    endif ()
endif ()
file(SHA256 "${TP_AERON_JAVA_JAR}" tp_aeron_java_sha256)
if (NOT tp_aeron_java_sha256 STREQUAL TP_AERON_JAVA_SHA256)
    message(FATAL_ERROR "${TP_AERON_JAVA_JAR} has the SHA-256 ${tp_aeron_java_sha256}, expected ${TP_AERON_JAVA_SHA256}")
endif ()
