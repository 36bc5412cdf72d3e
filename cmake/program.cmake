# The program. Its layer is the top one: src/tool sees everything below. All but main.c is a library, so that tests reach it.
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/tool/*.c)
list(REMOVE_ITEM tool_sources ${CMAKE_SOURCE_DIR}/src/tool/main.c)
add_library(rd_tool STATIC ${tool_sources})
rd_counted(rd_tool)
rd_quick(rd_tool -O1)
target_include_directories(rd_tool PUBLIC src/tool)
target_link_libraries(rd_tool PUBLIC rd_serve rd_eval rd_adapt PRIVATE PkgConfig::EDIT PkgConfig::UTF8PROC PkgConfig::CURL
                      PkgConfig::NETTLE)
add_executable(redraft src/tool/main.c)
rd_counted(redraft)
target_link_libraries(redraft PRIVATE rd_tool)
set_target_properties(redraft PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
# Measured by hand: what an iteration costs beside its bare pass.
add_executable(bench_iteration EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/iteration.c)
target_link_libraries(bench_iteration PRIVATE rd_diffuse)
# Measured by hand: matrix products of every kind, few rows and many.
add_executable(bench_products EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/products.c)
target_include_directories(bench_products PRIVATE ${CMAKE_SOURCE_DIR}/tests/kern)
target_link_libraries(bench_products PRIVATE rd_kern)
# Measured by hand: row operations and attention, the cases that tests check.
add_executable(bench_ops EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/op_times.c)
target_include_directories(bench_ops PRIVATE ${CMAKE_SOURCE_DIR}/tests/kern)
target_link_libraries(bench_ops PRIVATE rd_kern)
