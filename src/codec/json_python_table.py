#!/usr/bin/python3
"""Prints json_python_table.c: what str.isprintable() refuses, from this Python's Unicode data.

The table is Debian 12's, Python 3.11 (Unicode 14); the test of json_python_repr compares it with
the Python that runs the tests.
"""
import unicodedata

ranges, begin = [], None
for c in range(0xA0, 0x110001):
    is_printable = c > 0x10FFFF or chr(c).isprintable()
    if not is_printable and begin is None:
        begin = c
    elif is_printable and begin is not None:
        ranges.append((begin, c - 1))
        begin = None

print(f"/* Made by json_python_table.py: Unicode {unicodedata.unidata_version}. */")
print('#include "json_python.h"\n')
print("const struct json_range json_unprintable[] = {")
for i in range(0, len(ranges), 4):
    print("        " + " ".join("{0x%x, 0x%x}," % r for r in ranges[i:i + 4]))
print("};")
print("const size_t json_n_unprintable = sizeof json_unprintable / sizeof *json_unprintable;")
