# room(NAME [USES room...] [LIBRARIES module...])
#
# Makes chatelaine_NAME from src/NAME/*.c (main.c excepted: it is the program's). USES and
# LIBRARIES are what its objects may refer to; link_check_NAME proves it by linking all of the
# room's objects with nothing else. A room that is still empty is an interface library.
function(room name)
        cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
        file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
        list(FILTER sources EXCLUDE REGEX "/main\\.c$")
        list(TRANSFORM arg_USES PREPEND chatelaine_)
        list(TRANSFORM arg_LIBRARIES PREPEND PkgConfig::)

        set(room chatelaine_${name})
        if(NOT sources)
                add_library(${room} INTERFACE)
                target_link_libraries(${room} INTERFACE
                        chatelaine_flags ${arg_USES} ${arg_LIBRARIES})
                return()
        endif()
        add_library(${room} STATIC ${sources})
        target_include_directories(${room} PRIVATE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${room} PUBLIC chatelaine_flags ${arg_USES} ${arg_LIBRARIES})

        if(CHATELAINE_TESTS AND NOT CHATELAINE_FUZZ)
                set(main ${PROJECT_BINARY_DIR}/link_check.c)
                if(NOT EXISTS ${main})
                        file(WRITE ${main} "int main(void)\n{\n        return 0;\n}\n")
                endif()
                add_executable(link_check_${name} ${main})
                target_link_libraries(link_check_${name} PRIVATE
                        $<LINK_LIBRARY:WHOLE_ARCHIVE,${room}>)
                set_target_properties(link_check_${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/link_check)
        endif()
endfunction()
