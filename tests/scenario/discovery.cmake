# The discovery provider on the in-memory bus with a stepped clock.
add_library(tp_discovery_rig STATIC "${CMAKE_CURRENT_LIST_DIR}/discovery_rig.c")
target_link_libraries(tp_discovery_rig PRIVATE tp_compiler PUBLIC tpi_discovery cmocka)
foreach (name provider responses hostile scale)
    tp_cmocka_test(scenario_discovery_${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/discovery_${name}_test.c" LIBS tp_discovery_rig LABELS scenario)
endforeach ()
tp_cmocka_test(scenario_discovery_driver SOURCES "${CMAKE_CURRENT_LIST_DIR}/discovery_driver_test.c" LIBS tp_driver_rig tpi_discovery LABELS scenario)
tp_cmocka_test(scenario_discovery_aeron SOURCES "${CMAKE_CURRENT_LIST_DIR}/discovery_aeron_test.c" LIBS tpi_discovery tpi_media_driver
    LABELS scenario)
target_link_options(scenario_discovery_scale PRIVATE -Wl,--wrap=tpi_discovery_index_at -Wl,--wrap=tpi_publication_offer -Wl,--wrap=tpi_alloc)
