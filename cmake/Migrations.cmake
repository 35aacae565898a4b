# embed_migrations(TARGET dialect...)
#
# Compiles schemas/sql/DIALECT/NNNN_name.sql into TARGET as store_migrations_DIALECT[], in the
# order of their numbers; src/store/migrations.h declares them. The target "generated" makes the
# source alone, for what only reads the sources.
function(embed_migrations target)
        set(inputs)
        foreach(dialect IN LISTS ARGN)
                file(GLOB files CONFIGURE_DEPENDS
                        ${PROJECT_SOURCE_DIR}/schemas/sql/${dialect}/*.sql)
                list(APPEND inputs ${files})
        endforeach()
        set(output ${PROJECT_BINARY_DIR}/store_migrations.c)
        set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedMigrations.cmake)
        string(REPLACE ";" "," dialects "${ARGN}")
        add_custom_command(OUTPUT ${output}
                COMMAND ${CMAKE_COMMAND} -D DIALECTS=${dialects} -D OUTPUT=${output}
                        -D SCHEMAS=${PROJECT_SOURCE_DIR}/schemas/sql -P ${script}
                DEPENDS ${inputs} ${script}
                COMMENT "Embedding the SQL migrations" VERBATIM)
        add_custom_target(generated DEPENDS ${output})

        get_target_property(type ${target} TYPE)
        if(NOT type STREQUAL INTERFACE_LIBRARY)
                target_sources(${target} PRIVATE ${output})
        endif()
endfunction()
