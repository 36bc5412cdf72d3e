# What `make install` puts where: the program, the library with its header and pkg-config file, the manual page and
# completion that the program writes about itself, the built-in model where the program looks for it, and documents.
include(GNUInstallDirs)

# The library is the layers up to diffuse, and eval for likelihoods; only what redraft.h declares is visible in it.
option(BUILD_SHARED_LIBS "libredraft.so; OFF: libredraft.a" ON)
add_library(libredraft $<TARGET_OBJECTS:rd_base> $<TARGET_OBJECTS:rd_kern> $<TARGET_OBJECTS:rd_store>
            $<TARGET_OBJECTS:rd_text> $<TARGET_OBJECTS:rd_form> $<TARGET_OBJECTS:rd_model> $<TARGET_OBJECTS:rd_engine>
            $<TARGET_OBJECTS:rd_diffuse> $<TARGET_OBJECTS:rd_learn> $<TARGET_OBJECTS:rd_eval>)
set_target_properties(libredraft PROPERTIES OUTPUT_NAME redraft PREFIX lib
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_sources(libredraft PRIVATE $<TARGET_OBJECTS:rd_cuda>)
target_link_libraries(libredraft PRIVATE ${CMAKE_DL_LIBS})
if(RD_MPI)
  target_link_libraries(libredraft PRIVATE MPI::MPI_C)
endif()
rd_counted(libredraft)
target_include_directories(libredraft INTERFACE include)
target_link_options(libredraft PRIVATE -Wl,--exclude-libs,ALL)
target_link_libraries(libredraft PRIVATE PkgConfig::JANSSON PkgConfig::YAML PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::ZSTD
  ${DNNL_LIBRARY} OpenMP::OpenMP_C Threads::Threads m)

file(RELATIVE_PATH RD_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" RD_PC_TO_PREFIX "${RD_PC_TO_PREFIX}")
configure_file(cmake/redraft.pc.in redraft.pc @ONLY)

# rd_written(FILE OPTION...): what `redraft help OPTION...` prints, as a file of the build.
set(written_files)
function(rd_written file)
  add_custom_command(OUTPUT ${file} COMMAND redraft help ${ARGN} > ${file} DEPENDS redraft VERBATIM)
  set(written_files ${written_files} ${CMAKE_BINARY_DIR}/${file} PARENT_SCOPE)
endfunction()
rd_written(redraft.1 --man)
rd_written(redraft.bash --completion bash)
rd_written(_redraft --completion zsh)
add_custom_target(written ALL DEPENDS ${written_files})

install(TARGETS redraft libredraft)
# The library for cards, where `make CUDA=1` built it.
install(FILES ${CMAKE_BINARY_DIR}/libredraft-cuda.so DESTINATION ${CMAKE_INSTALL_LIBDIR}/redraft OPTIONAL)
install(FILES include/redraft.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/redraft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/redraft.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_BINARY_DIR}/redraft.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME redraft)
install(FILES ${CMAKE_BINARY_DIR}/_redraft DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
# systemd searches lib/systemd below /usr/local and /usr, and for the program in the bin of both.
install(FILES packaging/redraft.service DESTINATION lib/systemd/system)
install(DIRECTORY models/tini DESTINATION ${CMAKE_INSTALL_DATADIR}/redraft/models)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/doc)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
