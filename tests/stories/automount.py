# SPDX-License-Identifier: MIT
"""automount.py DIRECTORY COMMAND...: a mount point that is mounted when somebody looks into it.

As systemd's automount units do it: autofs at DIRECTORY, and COMMAND, in the process group that autofs
lets in, whenever the kernel asks for it. Prints a line when it is ready, and one for each COMMAND.
"""

import ctypes
import fcntl
import os
import struct
import subprocess
import sys

READY, FAIL = 0x9360, 0x9361  # ioctls of <linux/auto_fs.h>
PACKET = 304  # struct autofs_v5_packet

place, command = sys.argv[1], sys.argv[2:]
os.setpgid(0, 0)
ours, theirs = os.pipe()
options = f"fd={theirs},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"automount", place.encode(), b"autofs", 0, options.encode()) != 0:
    sys.exit(f"{place}: {os.strerror(ctypes.get_errno())}")
os.close(theirs)
root = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
print("ready", flush=True)
while packet := os.read(ours, PACKET):
    (token,) = struct.unpack_from("I", packet, 8)
    status = subprocess.run(command).returncode
    print("mounted" if status == 0 else f"exit {status}", flush=True)
    fcntl.ioctl(root, READY if status == 0 else FAIL, token)
