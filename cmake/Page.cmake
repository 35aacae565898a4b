# embed_page(TARGET page)
#
# Compiles an HTML file into TARGET as facade_page[]; src/facade/page.h declares it. The target
# "generated" makes the source too.
function(embed_page target page)
        set(output ${PROJECT_BINARY_DIR}/facade_page.c)
        set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake)
        add_custom_command(OUTPUT ${output}
                COMMAND ${CMAKE_COMMAND} -D PAGE=${PROJECT_SOURCE_DIR}/${page} -D OUTPUT=${output}
                        -P ${script}
                DEPENDS ${page} ${script}
                COMMENT "Embedding ${page}" VERBATIM)
        add_custom_target(generated_page DEPENDS ${output})
        add_dependencies(generated generated_page)
        target_sources(${target} PRIVATE ${output})
endfunction()
