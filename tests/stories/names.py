# SPDX-License-Identifier: MIT
"""
Tries names of 255 bytes and of more with every call that takes one, in each directory of a mount:
names.py MOUNT. Says which call had another error than it has to have.
"""
import errno
import os
import sys

TOO_LONG = (256, 1025, 4000)  # the kernel itself refuses some of them, not always the same

# In the directory d: a whole path would be too long by itself.
LOOKS = {
    "stat": lambda d, name: os.stat(name, dir_fd=d),
    "lstat": lambda d, name: os.lstat(name, dir_fd=d),
    "open": lambda d, name: os.open(name, os.O_RDONLY, dir_fd=d),
    "open to write": lambda d, name: os.open(name, os.O_WRONLY, dir_fd=d),
    "rmdir": lambda d, name: os.rmdir(name, dir_fd=d),
    "unlink": lambda d, name: os.unlink(name, dir_fd=d),
    "readlink": lambda d, name: os.readlink(name, dir_fd=d),
    "link from": lambda d, name: os.link(name, "x", src_dir_fd=d, dst_dir_fd=d),
    "rename": lambda d, name: os.rename(name, "x", src_dir_fd=d, dst_dir_fd=d),
    "chmod": lambda d, name: os.chmod(name, 0o600, dir_fd=d),
    "chown": lambda d, name: os.chown(name, 0, 0, dir_fd=d),
    "utime": lambda d, name: os.utime(name, dir_fd=d),
}
MAKES = {
    "create": lambda d, name: os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=d),
    "create new": lambda d, name: os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, dir_fd=d),
    "mkdir": lambda d, name: os.mkdir(name, dir_fd=d),
    "mknod": lambda d, name: os.mknod(name, dir_fd=d),
    "mkfifo": lambda d, name: os.mkfifo(name, dir_fd=d),
    "symlink": lambda d, name: os.symlink("x", name, dir_fd=d),
}


def tried(call, directory, length):
    try:
        call(directory, "n" * length)
        return "0"
    except OSError as e:
        return errno.errorcode[e.errno]


def wrong(what, path, length, got, due):
    if got == due:
        return 0
    print(f"{what} in {path}, {length} bytes: {got}, not {due}")
    return 1


def try_all(path, directory):
    bad = 0
    for what, call in (LOOKS | MAKES).items():
        due = "ENOENT" if what in LOOKS else "EPERM"
        if what == "mkdir" and os.path.basename(path) == "jobs":
            due = "EINVAL"
        bad += wrong(what, path, 255, tried(call, directory, 255), due)
        for length in TOO_LONG:
            bad += wrong(what, path, length, tried(call, directory, length), "ENAMETOOLONG")
    return bad


bad = tries = 0
for path, _, _ in os.walk(sys.argv[1]):
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    bad += try_all(path, directory)
    os.close(directory)
    tries += 1
assert tries >= 3
sys.exit(bad > 0)
