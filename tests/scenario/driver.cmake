# The driver on the in-memory bus with a stepped clock, real files below /dev/shm/tp-test-*.
add_library(tp_driver_rig STATIC "${CMAKE_CURRENT_LIST_DIR}/driver_rig.c")
target_link_libraries(tp_driver_rig PRIVATE tp_compiler PUBLIC tpi_driver cmocka)
foreach (name attach lease epoch gc wire shutdown streams start pending traps admin reload hostile cache wake)
    tp_cmocka_test(scenario_driver_${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/driver_${name}_test.c" LIBS tp_driver_rig LABELS scenario)
endforeach ()
target_link_libraries(scenario_driver_reload PRIVATE tpi_config jansson)
target_link_libraries(scenario_driver_admin PRIVATE jansson)
if (TARGET tensor_pool_services)
    tp_cmocka_test(system_driver_embedded SOURCES "${CMAKE_CURRENT_LIST_DIR}/driver_embedded_test.c"
        LIBS tensor_pool_services tensor_pool LABELS system)
endif ()
# Joins: consumers and producers of the client library around that driver.
foreach (name sequence control time memory ring)
    tp_cmocka_test(scenario_join_${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/join_${name}_test.c" LIBS tp_driver_rig tpi_client LABELS scenario)
endforeach ()
target_link_options(scenario_join_memory PRIVATE -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
