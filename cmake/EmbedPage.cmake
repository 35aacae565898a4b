# Writes OUTPUT, the C source of facade_page[], from PAGE. A line is a literal of its own: compilers
# need not take long ones.
file(READ ${PAGE} html)
string(REPLACE "\\" "\\\\" html "${html}")
string(REPLACE "\"" "\\\"" html "${html}")
string(REPLACE "?" "\\?" html "${html}")
string(REPLACE "\n" "\\n\"\n        \"" html "${html}")
file(WRITE ${OUTPUT} "/* Made by cmake/EmbedPage.cmake from ${PAGE}. */\n"
        "#include \"facade/page.h\"\n\nconst char facade_page[] =\n        \"${html}\";\n")
