# SPDX-License-Identifier: MIT
"""A video of 256 MB read through the mount, beside its file in the store and a file system that only passes."""
import re
import statistics

import rig
import seed
import table

MEBIBYTES = 256
RUNS = 9
SECOND_RUNS = 31
COLD_RUNS = 9
SCRIPT = f"job *\n  answer done\nvideo big.mp4\n  size {MEBIBYTES}M\n"
EXAMPLE = "a libfuse example that only passes on"
NOBODY = "http://127.0.0.1:9"
PASSTHROUGH, PAGE_CACHE = "passthrough", "keep_cache"  # who serves a finished video: the kernel alone, or its pages
buffer = bytearray(1 << 20)


def read_s(path):
    def read():
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer) > 0:
                pass
    return rig.timed(read)


def store_file(at):
    return next((at / "store/videos").glob("*.mp4"))


def served_by(at):
    """As cometfs has said it in its log, and why it is not passthrough."""
    said = re.findall(r"finished videos are read .*\((.*)\)$", (at / "log").read_text(), re.MULTILINE)
    return PASSTHROUGH if said[-1:] == [PASSTHROUGH] else ": ".join([PAGE_CACHE, *said[-1:]])


def mount_of(at):
    return rig.cometfs(NOBODY, at), at / "mnt/jobs" / seed.FIRST / "video.mp4"


def pass_of(at):
    point = at / "pass"
    return rig.mounted([rig.OUT / "pass", store_file(at), point], point, at / "pass.log"), point / "video"


def first_s(at, which, cold):
    """Freshly mounted, so that the kernel has nothing of it; cold: nor of the store's file."""
    with_mount, path = which(at)
    with with_mount:
        if not cold:
            read_s(store_file(at))
        elif not rig.drop_caches():
            raise rig.CannotMeasure("only root may drop the page cache")
        return read_s(path)


def first_pair(at, runs, cold):
    """Medians of cometfs and of pass, and of the file itself, in turns."""
    triples = []
    for _ in range(runs):
        ours, theirs = first_s(at, mount_of, cold), first_s(at, pass_of, cold)
        if cold:
            rig.drop_caches()
        triples.append((ours, theirs, read_s(store_file(at))))
    return [statistics.median(column) for column in zip(*triples)]


def second_rows(at):
    """All were read once before, from the disk where that can be had: how pages came counts, too."""
    (our_mount, ours), (pass_mount, passed) = mount_of(at), pass_of(at)
    paths = ours, passed, store_file(at)
    with our_mount, pass_mount:
        from_disk = rig.drop_caches()
        for path in paths:
            read_s(path)
        turns = [[read_s(path) for path in paths] for _ in range(SECOND_RUNS)]
    ours, passed, native = (statistics.median(column) for column in zip(*turns))
    served = served_by(at)
    what = f"second read of a {MEBIBYTES} MB video, by {served.partition(':')[0]}"
    return [
        table.Row(what, ours, table.seconds, native, "the same file in the store", at_most=1.1, runs=SECOND_RUNS,
                  note=f"by {served}; the first read was from the {'disk' if from_disk else 'page cache'}"),
        table.Row(what, ours, table.seconds, passed, EXAMPLE, runs=SECOND_RUNS,
                  note="whose pages the kernel may keep, too: what FUSE can give without passthrough"),
    ]


def first_rows(at, runs, cold, what):
    ours, theirs, native = first_pair(at, runs, cold)
    row, passed = table.Row, served_by(at) == PASSTHROUGH
    what = f"first read through the mount, {what}, by {PASSTHROUGH if passed else PAGE_CACHE}"
    return [
        row(what, ours, table.seconds, theirs, EXAMPLE, at_most=1.1, runs=runs),
        row(what, ours, table.seconds, native, "the same file in the store", at_most=1.1 if passed else None,
            runs=runs, note="to be reached with passthrough only"),
    ]


def rows():
    at = rig.directory("reads")
    with rig.provider(at, SCRIPT) as source:
        seed.write_first(at, source, "", lambda job: job["video"]["state"] == "ready")
    found = [*second_rows(at), *first_rows(at, RUNS, False, "the store's file in the page cache")]
    try:
        found += first_rows(at, COLD_RUNS, True, "from the disk")
    except rig.CannotMeasure as why:
        found.append(table.Row("first read through the mount, from the disk", note=str(why)))
    return found
