# The SBE tool 1.38.1 (a jar, fetched by Maven, checksum compared) and the rule that turns schemas/ into C headers.
set(TP_SBE_VERSION 1.38.1)
set(TP_SBE_SHA256 26e29e5503faa70cc56158fcdacd6369ecfc3088b9a61c90b882feb54451c9b5)
set(TP_SBE_JAR "${TP_DEPS_DIR}/sbe-all-${TP_SBE_VERSION}.jar" CACHE FILEPATH "The SBE tool")

if (NOT EXISTS "${TP_SBE_JAR}")
    find_program(TP_MAVEN mvn REQUIRED)
    message(STATUS "Fetching the SBE tool ${TP_SBE_VERSION} with Maven")
    execute_process(COMMAND "${TP_MAVEN}" -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy
        "-Dartifact=uk.co.real-logic:sbe-all:${TP_SBE_VERSION}" "-DoutputDirectory=${TP_DEPS_DIR}"
        RESULT_VARIABLE failed OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if (failed)
        message(FATAL_ERROR "Maven could not fetch sbe-all ${TP_SBE_VERSION}: ${text}\nFix: check the network, or give -DTP_SBE_JAR=<file>.")
    endif ()
endif ()
file(SHA256 "${TP_SBE_JAR}" tp_sbe_sha256)
if (NOT tp_sbe_sha256 STREQUAL TP_SBE_SHA256)
    message(FATAL_ERROR "${TP_SBE_JAR} has the SHA-256 ${tp_sbe_sha256}, expected ${TP_SBE_SHA256}")
endif ()
find_program(TP_JAVA java REQUIRED)

# tp_sbe_generate(NAME schema.xml LANGUAGE dir): a target that generates the codecs of one schema into dir.
function(tp_sbe_generate name schema language dir)
    set(stamp "${dir}/.${name}.stamp")
    add_custom_command(OUTPUT "${stamp}"
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${dir}"
        COMMAND "${TP_JAVA}" --add-opens java.base/jdk.internal.misc=ALL-UNNAMED -Dsbe.target.language=${language} "-Dsbe.output.dir=${dir}"
            -Dsbe.errorLog=yes -Dsbe.validation.stop.on.error=true -Dsbe.validation.warnings.fatal=false -jar "${TP_SBE_JAR}" "${schema}"
        COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
        DEPENDS "${schema}" "${TP_SBE_JAR}" VERBATIM)
    add_custom_target(${name} DEPENDS "${stamp}")
endfunction()
