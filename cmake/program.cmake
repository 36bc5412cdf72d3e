# The program. Its layer is the top one: src/tool sees everything below.
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/tool/*.c)
if(tool_sources)
  add_executable(redraft ${tool_sources})
  target_include_directories(redraft PRIVATE src/tool)
  target_link_libraries(redraft PRIVATE rd_serve PkgConfig::EDIT)
  set_target_properties(redraft PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endif()
