# tests/LAYER/test_*.c: one cmocka program each, one ctest each, linked to that layer and those below it alone.
# tests/cli/*.sh: command-line tests, one ctest each.
if(BUILD_TESTING)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  # Golden files of which there are many small ones lie in an archive, which is unpacked into the build's golden/.
  file(GLOB packed CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/*.zip)
  foreach(archive ${packed})
    get_filename_component(name ${archive} NAME_WE)
    rd_unpack(${archive} ${CMAKE_BINARY_DIR}/golden/${name})
  endforeach()
  file(GLOB test_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/test_*.c)
  set(tests)
  set(programs)
  foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(layer ${folder} NAME)
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE tests ${folder})
    target_link_libraries(${name} PRIVATE rd_${layer} PkgConfig::CMOCKA)
    target_compile_definitions(${name} PRIVATE RD_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
      RD_BUILD_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    list(APPEND programs ${name})
  endforeach()
  # test_memory makes the allocations of the project's own code fail
  foreach(function malloc calloc realloc aligned_alloc strdup vasprintf mmap)
    target_link_options(test_memory PRIVATE -Wl,--wrap=${function})
  endforeach()
  # test_json_memory does so for JSON alone
  target_link_options(test_json_memory PRIVATE -Wl,--wrap=malloc)
  # test_matmul_memory makes the memory of products fail, test_file_write fsync
  target_link_options(test_matmul_memory PRIVATE -Wl,--wrap=aligned_alloc)
  target_link_options(test_file_write PRIVATE -Wl,--wrap=fsync)
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/cli/*.sh)
  foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME cli_${name} COMMAND bash ${script} $<TARGET_FILE:redraft> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    list(APPEND tests cli_${name})
  endforeach()
  # The example of the manual, on a small random model: it must build as a user's program does, and answer.
  add_executable(hello ${CMAKE_SOURCE_DIR}/examples/hello.c)
  target_link_libraries(hello PRIVATE libredraft)
  # Its status and its output both count; ctest's PASS_REGULAR_EXPRESSION would leave the status aside.
  add_test(NAME example_hello COMMAND bash -o pipefail -c "\"$0\" tests/golden/models/llama-mha Hello | grep -E 'tokens, [0-9]+ iterations'"
    $<TARGET_FILE:hello> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  add_test(NAME install COMMAND bash tests/install.sh ${CMAKE_BINARY_DIR} ${CMAKE_C_COMPILER}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  list(APPEND tests example_hello install)
  # With RD_TEST_ALL: on the portable kernels, here and as another processor's.
  add_test(NAME arm64 COMMAND bash tests/arm64.sh $<TARGET_FILE:redraft> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set(portable ${programs})
  list(REMOVE_ITEM portable test_memory test_real)
  list(TRANSFORM portable REPLACE "(.+)" "$<TARGET_FILE:\\1>")
  add_test(NAME scalar COMMAND bash tests/scalar.sh ${portable} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  list(APPEND programs arm64 scalar)
  # `ctest -j2` runs one of the programs, which use every core, or two of the others, which mostly wait.
  set_tests_properties(${programs} PROPERTIES PROCESSORS 2)
  set_tests_properties(${programs} ${tests} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 ENVIRONMENT
    "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp die_after_fork=0;SANITIZE=${RD_SANITIZE};FLAGS=${CMAKE_C_FLAGS}")

  set_tests_properties(arm64 scalar PROPERTIES TIMEOUT 14400)

  # What `make tsan` builds and runs: the tests in which threads meet.
  set(threaded test_base test_parallel test_session test_generate test_matmul)
  set_tests_properties(${threaded} cli_serve cli_generate PROPERTIES LABELS threads)
  add_custom_target(threaded DEPENDS ${threaded} redraft)
endif()
