# SPDX-License-Identifier: MIT
"""
A file's handle, as an NFS server keeps it: it names the file without a path, also after a restart.

handle.py of PATH...            a line each: what open_by_handle_at(2) takes
handle.py open MOUNT HANDLE...  what each has now: a file's bytes, a directory's names, or the error's
                                name in a line
"""
import ctypes
import errno
import os
import sys

AT_FDCWD = -100
MOST = 128

libc = ctypes.CDLL(None, use_errno=True)


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * MOST)]


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def of(path):
    handle, mount = Handle(bytes=MOST), ctypes.c_int()
    checked(libc.name_to_handle_at(
        AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount), 0))
    return f"{handle.type}:{bytes(handle.data[:handle.bytes]).hex()}"


def opened(mount, text):
    kind, _, data = text.partition(":")
    data = bytes.fromhex(data)
    handle = Handle(len(data), int(kind), (ctypes.c_ubyte * MOST)(*data))
    return checked(libc.open_by_handle_at(mount, ctypes.byref(handle), os.O_RDONLY))


def show(descriptor):
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):
        for name in os.listdir(descriptor):
            print(name)
    else:
        sys.stdout.flush()
        while block := os.read(descriptor, 65536):
            os.write(1, block)


def main(what, *arguments):
    if what == "of":
        for path in arguments:
            print(of(path))
        return
    mount = os.open(arguments[0], os.O_RDONLY | os.O_DIRECTORY)
    for text in arguments[1:]:
        try:
            descriptor = opened(mount, text)
            show(descriptor)
            os.close(descriptor)
        except OSError as e:
            print(errno.errorcode[e.errno])


if __name__ == "__main__":
    main(*sys.argv[1:])
