# SPDX-License-Identifier: MIT
"""Tries every operation that changes a file, or asks for what few file systems have, on every file that is named,
and prints what each says: refused.py NAME=PATH… A line an operation: its name, then each error and the files that
had it. What works may change nothing: rmdir of a job and rm of its video are not tried."""
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
CHILD = "a b"  # no request id, for that would be tracked
OTHER_ID = 65533
OUTSIDE = os.path.join(os.environ["TMPDIR"], "outside")
# What Python, or its C library, has no name for; the same on all processors that have no history before Linux 2.0.
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
F_OFD_SETLK, F_NOTIFY, F_ADD_SEALS = 37, 1026, 1033
FIBMAP, FIGETBSZ, FS_IOC_FIEMAP = 1, 2, 0xc020660b
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_GETVERSION = 0x80086601, 0x40086602, 0x80087601
FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR = 0x801c581f, 0x401c5820
FICLONE, FICLONERANGE, FIDEDUPERANGE, FIONREAD = 0x40049409, 0x4020940d, 0xc0189436, 0x541b
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE = 1, 2, 8, 16, 32, 64
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, 4, 0xffffffff) for tag in (1, 4, 32))


def call(name, *args):
    """A function of the C library by its name; its result, or an OSError."""
    result = getattr(libc, name)(*(os.fsencode(a) if isinstance(a, str) else a for a in args))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def opened(flags):
    return lambda path: os.close(os.open(path, flags, 0o600))


def child(flags):
    return lambda path: os.close(os.open(os.path.join(path, CHILD), flags | os.O_CREAT, 0o600))


def on_fd(do, flags=os.O_RDONLY):
    """do(fd) on what can be opened that way."""
    def try_it(path):
        fd = os.open(path, flags | os.O_NONBLOCK)
        try:
            return do(fd)
        finally:
            os.close(fd)
    return try_it


def ioctl(request, argument=bytes(64)):
    return on_fd(lambda fd: fcntl.ioctl(fd, request, argument))


def locked(command, kind):
    return on_fd(lambda fd: fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, 0, 0, 0, 0)))


def fallocated(mode):
    return on_fd(lambda fd: call("fallocate", fd, mode, ctypes.c_long(0), ctypes.c_long(4096)))


def mapped(flags, prot):
    def try_it(fd):
        address = libc.mmap(None, ctypes.c_size_t(1), prot, flags, fd, ctypes.c_long(0))
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(1))
    return on_fd(try_it)


def from_outside(do):
    """do(fd, fd of a file elsewhere)"""
    def try_it(fd):
        with open(OUTSIDE, "rb") as other:
            return do(fd, other.fileno())
    return on_fd(try_it)


def spliced(fd):
    a, b = os.pipe()
    try:
        os.write(b, b"x")
        return call("splice", a, None, fd, None, ctypes.c_size_t(1), 0)
    finally:
        os.close(a)
        os.close(b)


def cloned(request, argument):
    return from_outside(lambda fd, other: fcntl.ioctl(fd, request, argument(other)))


def renamed(flags, to=CHILD):
    """Beside itself under another name."""
    return lambda path: call("renameat2", -100, path, -100, os.path.join(os.path.dirname(path), to), flags)


def bound(path):
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path)
        try:
            listener.bind(CHILD)
        finally:
            os.chdir("/")


def btime(path):
    """Whether it is told: STATX_BTIME in the mask of the answer."""
    buffer = ctypes.create_string_buffer(256)
    call("statx", -100, path, 0x100, 0x800, buffer)
    return "told" if struct.unpack_from("I", buffer)[0] & 0x800 else "not told"


def executed(path):
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno)
    raise OSError(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "execv")


def below(path):
    return os.path.join(path, CHILD)


def special(kind):
    return lambda path: os.mknod(below(path), kind | 0o600, os.makedev(1, 3))


def name_of(error):
    # Python has both names for this number.
    return "EOPNOTSUPP" if error == errno.EOPNOTSUPP else errno.errorcode[error]


OPERATIONS = [
    ("open for writing", opened(os.O_WRONLY)),
    ("open for both", opened(os.O_RDWR)),
    ("open to append", opened(os.O_WRONLY | os.O_APPEND)),
    ("open O_TRUNC", opened(os.O_WRONLY | os.O_TRUNC)),
    ("open O_RDONLY|O_TRUNC", opened(os.O_RDONLY | os.O_TRUNC)),
    ("open O_CREAT", opened(os.O_WRONLY | os.O_CREAT)),
    ("open O_RDONLY|O_CREAT", opened(os.O_RDONLY | os.O_CREAT)),
    ("open O_CREAT|O_EXCL", opened(os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
    ("open O_TMPFILE", opened(os.O_RDWR | os.O_TMPFILE)),
    ("open O_DIRECTORY", opened(os.O_RDONLY | os.O_DIRECTORY)),
    ("open O_NOFOLLOW", opened(os.O_RDONLY | os.O_NOFOLLOW)),
    ("open O_NOATIME", opened(os.O_RDONLY | os.O_NOATIME)),
    ("create below", child(os.O_WRONLY)),
    ("create below O_EXCL", child(os.O_RDWR | os.O_EXCL)),
    ("mkdir below", lambda path: os.mkdir(below(path))),
    ("mknod below, a file", special(stat.S_IFREG)),
    ("mknod below, a pipe", special(stat.S_IFIFO)),
    ("mknod below, a socket", special(stat.S_IFSOCK)),
    ("mknod below, a device", special(stat.S_IFCHR)),
    ("bind below", bound),
    ("symlink below", lambda path: os.symlink("x", below(path))),
    ("link below", lambda path: os.link(path, below(path))),
    ("link beside", lambda path: os.link(path, os.path.join(os.path.dirname(path), CHILD))),
    ("link from elsewhere", lambda path: os.link(OUTSIDE, below(path))),
    ("link to elsewhere", lambda path: os.link(path, OUTSIDE + "2")),
    ("rename", renamed(0)),
    ("rename NOREPLACE", renamed(RENAME_NOREPLACE)),
    ("rename EXCHANGE", renamed(RENAME_EXCHANGE, "response.json")),
    ("rename WHITEOUT", renamed(RENAME_WHITEOUT)),
    ("rename over another", renamed(0, "response.json")),
    ("rename from elsewhere", lambda path: os.rename(OUTSIDE, below(path))),
    ("rename to elsewhere", lambda path: os.rename(path, OUTSIDE)),
    ("rmdir", os.rmdir),
    ("unlink", os.unlink),
    ("rmdir below", lambda path: os.rmdir(below(path))),
    ("unlink below", lambda path: os.unlink(below(path))),
    ("truncate", lambda path: os.truncate(path, 0)),
    ("truncate to be longer", lambda path: os.truncate(path, 1 << 40)),
    ("ftruncate", on_fd(lambda fd: os.ftruncate(fd, 0))),
    ("write", on_fd(lambda fd: os.write(fd, b"x"))),
    ("pwrite", on_fd(lambda fd: os.pwrite(fd, b"x", 0))),
    ("copy_file_range into", from_outside(lambda fd, other: os.copy_file_range(other, fd, 1))),
    ("sendfile into", from_outside(lambda fd, other: os.sendfile(fd, other, 0, 1))),
    ("splice into", on_fd(spliced)),
    ("FICLONE into", cloned(FICLONE, lambda other: other)),
    ("FICLONERANGE into", cloned(FICLONERANGE, lambda other: struct.pack("qQQQ", other, 0, 0, 0))),
    ("FIDEDUPERANGE", ioctl(FIDEDUPERANGE)),
    ("fallocate", fallocated(0)),
    ("fallocate KEEP_SIZE", fallocated(KEEP_SIZE)),
    ("fallocate PUNCH_HOLE", fallocated(PUNCH_HOLE | KEEP_SIZE)),
    ("fallocate COLLAPSE_RANGE", fallocated(COLLAPSE_RANGE)),
    ("fallocate ZERO_RANGE", fallocated(ZERO_RANGE)),
    ("fallocate INSERT_RANGE", fallocated(INSERT_RANGE)),
    ("fallocate UNSHARE_RANGE", fallocated(UNSHARE_RANGE)),
    ("chmod", lambda path: os.chmod(path, 0o777)),
    ("fchmod", on_fd(lambda fd: os.fchmod(fd, 0o777))),
    ("chown to another", lambda path: os.chown(path, OTHER_ID, OTHER_ID, follow_symlinks=False)),
    ("chown to nobody else", lambda path: os.chown(path, -1, -1, follow_symlinks=False)),
    ("fchown", on_fd(lambda fd: os.fchown(fd, OTHER_ID, OTHER_ID))),
    ("utimensat, now", lambda path: os.utime(path, follow_symlinks=False)),
    ("utimensat, a time", lambda path: os.utime(path, (1, 1), follow_symlinks=False)),
    ("futimens", on_fd(os.utime)),
    ("setxattr user.", lambda path: os.setxattr(path, "user.mine", b"1")),
    ("setxattr user., its own", lambda path: os.setxattr(path, "user.mime_type", b"1")),
    ("setxattr security.", lambda path: os.setxattr(path, "security.mine", b"1")),
    ("setxattr an access list", lambda path: os.setxattr(path, "system.posix_acl_access", ACL)),
    ("setxattr of no kind", lambda path: os.setxattr(path, "mine", b"1")),
    ("removexattr user.", lambda path: os.removexattr(path, "user.mine")),
    ("removexattr user., its own", lambda path: os.removexattr(path, "user.mime_type")),
    ("removexattr an access list", lambda path: os.removexattr(path, "system.posix_acl_access")),
    ("getxattr user.", lambda path: os.getxattr(path, "user.mine")),
    ("getxattr security.", lambda path: os.getxattr(path, "security.mine")),
    ("getxattr an access list", lambda path: os.getxattr(path, "system.posix_acl_access")),
    ("getxattr of no kind", lambda path: os.getxattr(path, "mine")),
    ("listxattr", lambda path: os.listxattr(path)),
    ("access W_OK", lambda path: call("access", path, os.W_OK)),
    ("access X_OK", lambda path: call("access", path, os.X_OK)),
    ("exec", executed),
    ("mmap shared, to write", mapped(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)),
    ("mmap shared, to read", mapped(mmap.MAP_SHARED, mmap.PROT_READ)),
    ("mmap private, to write", mapped(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)),
    ("flock LOCK_SH", on_fd(lambda fd: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB))),
    ("flock LOCK_EX", on_fd(lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))),
    ("F_SETLK to read", locked(fcntl.F_SETLK, fcntl.F_RDLCK)),
    ("F_SETLK to write", locked(fcntl.F_SETLK, fcntl.F_WRLCK)),
    ("F_GETLK", locked(fcntl.F_GETLK, fcntl.F_RDLCK)),
    ("F_OFD_SETLK to read", locked(F_OFD_SETLK, fcntl.F_RDLCK)),
    ("F_OFD_SETLK to write", locked(F_OFD_SETLK, fcntl.F_WRLCK)),
    ("F_SETLEASE to read", on_fd(lambda fd: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK))),
    ("F_SETLEASE to write", on_fd(lambda fd: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK))),
    ("F_NOTIFY", on_fd(lambda fd: fcntl.fcntl(fd, F_NOTIFY, 0))),
    ("F_ADD_SEALS", on_fd(lambda fd: fcntl.fcntl(fd, F_ADD_SEALS, 0))),
    ("FS_IOC_GETFLAGS", ioctl(FS_IOC_GETFLAGS)),
    ("FS_IOC_SETFLAGS", ioctl(FS_IOC_SETFLAGS)),
    ("FS_IOC_FSGETXATTR", ioctl(FS_IOC_FSGETXATTR)),
    ("FS_IOC_FSSETXATTR", ioctl(FS_IOC_FSSETXATTR)),
    ("FS_IOC_GETVERSION", ioctl(FS_IOC_GETVERSION)),
    ("FS_IOC_FIEMAP", ioctl(FS_IOC_FIEMAP)),
    ("FIBMAP", ioctl(FIBMAP)),
    ("FIGETBSZ", ioctl(FIGETBSZ)),
    ("FIONREAD", ioctl(FIONREAD)),
    ("an ioctl of nobody", ioctl(0x5a5a)),
    ("fsync", on_fd(os.fsync)),
    ("fdatasync", on_fd(os.fdatasync)),
    ("syncfs", on_fd(lambda fd: call("syncfs", fd))),
    ("sync_file_range", on_fd(lambda fd: call("sync_file_range", fd, ctypes.c_long(0), ctypes.c_long(0), 7))),
    ("lseek SEEK_DATA", on_fd(lambda fd: os.lseek(fd, 0, os.SEEK_DATA))),
    ("lseek SEEK_HOLE", on_fd(lambda fd: os.lseek(fd, 0, os.SEEK_HOLE))),
    ("lseek SEEK_END", on_fd(lambda fd: os.lseek(fd, 0, os.SEEK_END))),
    ("read of a directory", on_fd(lambda fd: os.read(fd, 0))),
    ("statx STATX_BTIME", btime),
    ("readlink", lambda path: len(os.readlink(path))),
    ("chdir", os.chdir),
    ("inotify_add_watch", lambda path: call("inotify_add_watch", WATCHER, path, 0xfff)),
    ("swapon", lambda path: call("swapon", path, 0)),
]
WATCHER = libc.inotify_init()
# These would work, and change something.
NOT_TRIED = {("rmdir", "job"), ("unlink", "video"), ("unlink", "coming")}
# Of the root these are asked of another file system, where it is mounted.
OF_THE_PARENT = {"link beside", "link to elsewhere", "rmdir", "unlink"}
# The kernel has its own answer for users.
OF_ROOT = {"setxattr security.", "FIBMAP", "swapon"}


def is_tried(name, file):
    asks_parent = name in OF_THE_PARENT or name.startswith("rename") and name != "rename from elsewhere"
    return (name, file) not in NOT_TRIED and not (file == "root" and asks_parent)


def outcome(do, path):
    try:
        result = do(path)
    except OSError as error:
        return name_of(error.errno)
    finally:
        os.chdir("/")
    return result if isinstance(result, str) else "ok"


def main():
    files = dict(word.split("=", 1) for word in sys.argv[1:])
    for name, do in OPERATIONS:
        if name in OF_ROOT and os.geteuid() != 0:
            continue
        with open(OUTSIDE, "w", encoding="ascii") as file:
            file.write("x" * 4096)
        found = {}
        for file, path in files.items():
            if is_tried(name, file):
                found.setdefault(outcome(do, path), []).append(file)
        print(f"{name:27}", "; ".join(f"{error}: {' '.join(which)}" for error, which in found.items()), flush=True)


main()
