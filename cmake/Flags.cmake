# What every object of the project is compiled and linked with, as the target chatelaine_flags.
#
#     CHATELAINE_SANITIZE   "", "address,undefined" or "thread"
#     CHATELAINE_FUZZ       libFuzzer executables fuzz_* (clang); no other tests
#     CHATELAINE_COVERAGE   gcov counters
#     CHATELAINE_TESTS      build the tests
set(CHATELAINE_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
option(CHATELAINE_FUZZ "build the fuzzers" OFF)
option(CHATELAINE_COVERAGE "count what the tests run" OFF)
option(CHATELAINE_TESTS "build the tests" ON)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Assertions stay in the release: an invariant that broke must stop the daemon before it
# answers, and they cost nothing that the benchmark can see. So no NDEBUG anywhere.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g3")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g -fno-omit-frame-pointer")
if(NOT CMAKE_BUILD_TYPE)
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or Sanitize" FORCE)
endif()

find_package(Threads REQUIRED)
add_library(chatelaine_flags INTERFACE)
target_include_directories(chatelaine_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(chatelaine_flags INTERFACE Threads::Threads)
target_compile_definitions(chatelaine_flags INTERFACE
        _GNU_SOURCE CHATELAINE_VERSION="${PROJECT_VERSION}"
        $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_compile_options(chatelaine_flags INTERFACE
        -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla
        -Werror
        -fPIE -fstack-protector-strong
        # Clang alone asks it of what takes a va_list.
        $<$<C_COMPILER_ID:Clang>:-Wno-format-nonliteral>)
target_link_options(chatelaine_flags INTERFACE
        -pie
        -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed)

include(CheckCCompilerFlag)
foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
        check_c_compiler_flag(${flag} ${have})
        if(${have})
                target_compile_options(chatelaine_flags INTERFACE ${flag})
        endif()
endforeach()

if(CHATELAINE_SANITIZE)
        # GCC's own manual: with a sanitizer -Wmaybe-uninitialized speaks up where nothing is wrong.
        target_compile_options(chatelaine_flags INTERFACE
                -fsanitize=${CHATELAINE_SANITIZE} -fno-sanitize-recover=all
                $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
        target_link_options(chatelaine_flags INTERFACE -fsanitize=${CHATELAINE_SANITIZE})
endif()
if(CHATELAINE_FUZZ)
        target_compile_options(chatelaine_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CHATELAINE_COVERAGE)
        target_compile_options(chatelaine_flags INTERFACE --coverage -fprofile-update=atomic)
        target_link_options(chatelaine_flags INTERFACE --coverage)
endif()
