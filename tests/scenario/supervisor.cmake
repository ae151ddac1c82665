# The supervisor on the in-memory bus with a stepped clock.
add_library(tp_supervisor_rig STATIC "${CMAKE_CURRENT_LIST_DIR}/supervisor_rig.c")
target_link_libraries(tp_supervisor_rig PRIVATE tp_compiler PUBLIC tpi_supervisor cmocka)
foreach (name hello watch hostile scale memory)
    tp_cmocka_test(scenario_supervisor_${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/supervisor_${name}_test.c" LIBS tp_supervisor_rig LABELS scenario)
endforeach ()
target_link_options(scenario_supervisor_scale PRIVATE -Wl,--wrap=tpi_health_observe)
if (TARGET tensor_pool_services)
    tp_cmocka_test(system_supervisor_embedded SOURCES "${CMAKE_CURRENT_LIST_DIR}/supervisor_embedded_test.c"
        LIBS tensor_pool_services tensor_pool LABELS system)
endif ()
target_link_libraries(scenario_supervisor_memory PRIVATE tpi_driver)
target_link_options(scenario_supervisor_memory PRIVATE -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=aligned_alloc)
