# SPDX-License-Identifier: MIT
"""
Opens files of jobs again and again until so many are open, says so, and when standard input has a line
reads of each once more, a document or what was there before, and closes them: hold.py COUNT FILE...
With `most` for COUNT until there is an error, which it says with how many there were.
"""
import errno
import json
import os
import resource
import sys

count, files = sys.argv[1], sys.argv[2:]
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def beginning(descriptor):
    """Of a document only what never changes."""
    read = os.pread(descriptor, 4096, 0)
    return json.loads(read)["request_id"] if read[:1] == b"{" else read


held = []
try:
    while count == "most" or len(held) < int(count):
        name = files[len(held) % len(files)]
        descriptor = os.open(name, os.O_RDONLY)
        held.append((descriptor, beginning(descriptor)))
except OSError as e:
    if count != "most":
        raise
    print(len(held), errno.errorcode[e.errno], flush=True)
else:
    print("open", flush=True)
sys.stdin.readline()
for descriptor, first in held:
    assert beginning(descriptor) == first != b"", os.readlink(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
