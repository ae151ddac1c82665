# Scenarios of the client library: a client on the in-memory bus against a scripted driver.
add_library(tp_client_rig STATIC client_rig.c locked_bus.c)
target_link_libraries(tp_client_rig PRIVATE tp_compiler PUBLIC tpi_client cmocka)
tp_cmocka_test(scenario_client_async SOURCES client_async_test.c LIBS tp_client_rig LABELS scenario)
<<<<<<< HEAD
foreach (name frames producer streams consumer consumer_control life threads fault meta)
=======
tp_cmocka_test(scenario_client_hostile SOURCES client_hostile_test.c LIBS tp_client_rig LABELS scenario)
foreach (name frames producer streams consumer consumer_control life threads fault)
>>>>>>> f93323d (Bend every message in every way at dispatcher, driver and client)
    tp_cmocka_test(scenario_client_${name} SOURCES client_${name}_test.c LIBS tp_client_rig LABELS scenario)
endforeach ()
tp_cmocka_test(scenario_client_traps SOURCES client_traps_test.c LIBS tp_client_rig LABELS scenario)
tp_cmocka_test(scenario_client_aeron SOURCES client_aeron_test.c LIBS tpi_client tpi_driver tpi_media_driver LABELS scenario)
tp_cmocka_test(scenario_client_kill SOURCES client_kill_test.c LIBS tpi_client tpi_driver tpi_media_driver LABELS scenario)
