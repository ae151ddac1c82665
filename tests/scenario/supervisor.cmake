# The supervisor on the in-memory bus with a stepped clock.
add_library(tp_supervisor_rig STATIC "${CMAKE_CURRENT_LIST_DIR}/supervisor_rig.c")
target_link_libraries(tp_supervisor_rig PRIVATE tp_compiler PUBLIC tpi_supervisor cmocka)
foreach (name hello watch hostile)
    tp_cmocka_test(scenario_supervisor_${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/supervisor_${name}_test.c" LIBS tp_supervisor_rig LABELS scenario)
endforeach ()
