# What `cmake --install` puts where: headers, both libraries, CMake package and pkg-config files. Programs install themselves (TpProgram).
include(CMakePackageConfigHelpers)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tensor_pool" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
set(tp_libraries tensor_pool)
if (TARGET tensor_pool_services)
    list(APPEND tp_libraries tensor_pool_services)
endif ()
install(TARGETS ${tp_libraries} EXPORT TensorPoolTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

set(tp_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/TensorPool")
install(EXPORT TensorPoolTargets NAMESPACE TensorPool:: DESTINATION "${tp_cmake_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/TensorPoolConfig.cmake.in" "${PROJECT_BINARY_DIR}/package/TensorPoolConfig.cmake"
    INSTALL_DESTINATION "${tp_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/TensorPoolConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/TensorPoolConfig.cmake" "${PROJECT_BINARY_DIR}/package/TensorPoolConfigVersion.cmake"
    DESTINATION "${tp_cmake_dir}")

# The prefix is found from the place of the .pc file, so an installed tree may be moved.
file(RELATIVE_PATH TP_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" TP_PC_PREFIX "${TP_PC_PREFIX}")
foreach (name tensor_pool tensor_pool_services)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/package/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/package/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach ()
