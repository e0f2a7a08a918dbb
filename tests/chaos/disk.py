# SPDX-License-Identifier: MIT
"""
A disk whose power can be cut: an ext4 in an image, on a loop device. What the kernel has not written
to the image is lost with the power, as it is on a disk without a cache of its own.

The image lies in another ext4, which is frozen for the cut: then nothing is written to the image any
more, in the middle of whatever was under way, and a copy of it is what a cut would have left. The
copy goes into a second ext4, and is the disk from then on; mounting it replays the journal.
"""
import contextlib
import fcntl
import os
import subprocess

from rig import now, run

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
DISK_BYTES = 320 << 20
# With writeback a file's size may reach the disk before its bytes, and does without delalloc: what was
# not synced is garbage then.
WAYS = ("data=ordered", "data=ordered,commit=1", "data=writeback,noauto_da_alloc", "data=writeback,nodelalloc",
        "data=writeback,nodelalloc,commit=1")


def make_image(path, size, *more):
    with open(path, "wb") as image:
        image.truncate(size)
    run("mkfs.ext4", "-q", "-F", *more, path)


class Disk:
    """Mounted at point, its images beside that."""

    def __init__(self, point):
        self.point = point
        self.outer = [point.with_name(name) for name in ("outer-0", "outer-1")]
        self.way = self.frozen = None
        self.cuts = 0

    def open(self, way):
        """way: options of the mount."""
        self.way = way
        self.point.mkdir()
        for outer in self.outer:
            outer.mkdir()
            make_image(f"{outer}.img", DISK_BYTES + (DISK_BYTES >> 3), "-O", "^has_journal", "-m", "0")
            run("mount", "-o", "loop", f"{outer}.img", outer)
        make_image(self.image(), DISK_BYTES, "-J", "size=4", "-m", "0")
        self.mount()

    def image(self):
        return self.outer[self.cuts % 2] / f"disk-{self.cuts}.img"

    def mount(self):
        run("mount", "-o", f"loop,{self.way}", self.image(), self.point)

    def freeze(self):
        """The power is cut, as far as the disk knows. When that was."""
        self.frozen = os.open(self.outer[self.cuts % 2], os.O_RDONLY | os.O_CLOEXEC)
        cut_at = now()
        fcntl.ioctl(self.frozen, FIFREEZE, 0)
        return cut_at

    def copy(self):
        """Takes what is on the disk, and lets go of it."""
        following = self.outer[(self.cuts + 1) % 2] / f"disk-{self.cuts + 1}.img"
        try:
            run("cp", self.image(), following)
        finally:
            self.thaw()

    def thaw(self):
        if self.frozen is None:
            return
        with contextlib.suppress(OSError):  # it was not frozen yet
            fcntl.ioctl(self.frozen, FITHAW, 0)
        os.close(self.frozen)
        self.frozen = None

    def change(self):
        """The power is back: the disk is what it was at the cut. Nobody may be using it."""
        run("umount", self.point)
        self.image().unlink()
        self.cuts += 1
        self.mount()

    def close(self):
        self.thaw()
        for point in (self.point, *self.outer):
            if point.is_mount() and subprocess.run(["umount", point], check=False).returncode != 0:
                run("umount", "-l", point)


def why_not(at):
    """None where loop devices work; else the reason."""
    if os.geteuid() != 0:
        return "only root may use loop devices"
    image, point = at / "try.img", at / "try"
    point.mkdir()
    try:
        make_image(image, 8 << 20)
        subprocess.run(["mount", "-o", "loop", image, point], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True)
        run("umount", point)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except subprocess.CalledProcessError as error:
        return f"loop devices do not work here: {(error.stderr or '').strip()}"
    finally:
        image.unlink(missing_ok=True)
        point.rmdir()
    return None
