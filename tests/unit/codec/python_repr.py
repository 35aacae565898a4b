"""What json_python_repr is held against.

Reads bodies from standard input, each behind its length (4 bytes, big end first), and writes
repr(json.loads(body)) in the same form.
"""
import json
import sys

source, sink = sys.stdin.buffer, sys.stdout.buffer
while length := source.read(4):
    text = repr(json.loads(source.read(int.from_bytes(length, "big")))).encode()
    sink.write(len(text).to_bytes(4, "big") + text)
