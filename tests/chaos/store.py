# SPDX-License-Identifier: MIT
"""
A store at rest, as a kill or a power cut has left it: what its catalog and its files promise, and
whether that is so. Nothing in it is changed.
"""
import collections
import mmap
import pathlib
import re
import shutil
import sqlite3
import tempfile

# Of enum video_state in include/cometfs.h.
NONE, FETCHING, READY, LOST, REMOVED = range(5)
ALL = 1 << 62


class Store:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.wrong = []
        self.torn = 0  # parts with bytes that are no video's: a power cut may do that to what was not synced
        self.rows = self.read_rows() if (self.path / "catalog.sqlite").exists() else []
        self.by_name = {row["id"]: row for row in self.rows if not row["forgotten"]}
        if len({row["id"] for row in self.rows}) != len(self.rows):
            self.wrong.append(f"a job is in the catalog twice: {sorted(row['id'] for row in self.rows)}")
        self.had = {name: self.kept(row) for name, row in self.by_name.items()}

    def read_rows(self):
        """From a copy: a reader of the true one would write its log back."""
        with tempfile.TemporaryDirectory(prefix="catalog-", dir=self.path.parent) as copy:
            for name in ("catalog.sqlite", "catalog.sqlite-wal"):
                if (self.path / name).exists():
                    shutil.copyfile(self.path / name, f"{copy}/{name}")
            db = sqlite3.connect(f"{copy}/catalog.sqlite")
            try:
                db.row_factory = sqlite3.Row
                said = db.execute("PRAGMA integrity_check").fetchone()[0]
                if said != "ok":
                    self.wrong.append(f"the catalog is damaged: {said}")
                made = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'job'").fetchone()[0]
                return [dict(row) for row in db.execute("SELECT * FROM job")] if made else []
            finally:
                db.close()

    def file(self, row, end=""):
        return self.path / "videos" / f"{row['serial']}.mp4{end}"

    def is_whole(self, row):
        """Whether the file has its last name, and what the row says of its length."""
        file = self.file(row)
        return file.exists() and row["video_size"] in (-1, file.stat().st_size)

    def kept(self, row):
        """
        The extents, from and to, that the daemon must not ask for again, since the row says that
        they are on disk.
        """
        if row["video"] in (READY, REMOVED) or row["video"] == FETCHING and self.is_whole(row):
            return [(0, ALL)]
        # The first 8 bytes are looked at while they come; where fewer were kept, none is.
        if row["video_synced"] < 8:
            return []
        pieces = [piece.partition(":")[0].split("-")
                  for piece in row["video_extents"].split(",") if piece]
        return [(0, row["video_synced"]), *((int(begin), int(end)) for begin, end in pieces)]

    def __str__(self):
        states = collections.Counter(row["video"] for row in self.by_name.values())
        halves = sum(row["video"] == FETCHING and self.had[name] not in ([], [(0, ALL)])
                     for name, row in self.by_name.items())
        return (f"{len(self.by_name)} jobs, {states[READY]} videos, {states[FETCHING]} under way, "
                f"{halves} of them by half, {self.torn} torn")

    def check(self, jobs):
        """What its rows promise of its files: a list of what is not so."""
        for row in self.by_name.values():
            self.check_row(row, jobs[row["id"]])
        serials = {row["serial"] for row in self.rows}
        for file in (self.path / "videos").glob("*"):
            number = re.match(r"(\d+)\.mp4(\.part)?$", file.name)
            if number is None or int(number[1]) not in serials:
                self.wrong.append(f"a file is left that no row knows: {file.name}")
        return self.wrong

    def check_row(self, row, job):
        if row["video"] == LOST:
            self.wrong.append(f"{job.name}: its video is lost: {row['video_message']}")
        elif row["video"] == READY:
            self.check_whole(row, job)
        elif row["video"] == FETCHING and self.is_whole(row):
            self.check_bytes(job, self.file(row), job.sources, None)
        elif row["video"] == FETCHING:
            part = self.file(row, ".part")
            for begin, end in self.had[job.name]:
                self.check_bytes(job, part, job.sources, (begin, end))
            self.torn += part.exists() and not any(source.has(part.read_bytes(), 0) for source in job.sources)

    def check_whole(self, row, job):
        named = [source for source in job.sources if source.sha256 == row["sha256"]]
        if not named:
            self.wrong.append(f"{job.name}: ready, but no source has the hash {row['sha256']}")
        if not self.is_whole(row):
            self.wrong.append(f"{job.name}: ready, but its file is gone or of another length than {row['video_size']}")
        else:
            self.check_bytes(job, self.file(row), named, None)

    def check_bytes(self, job, file, sources, extent):
        """What is in the file, all of it or an extent, is what one of the sources has there."""
        size = file.stat().st_size if file.exists() else 0
        begin, end = extent or (0, size)
        if size < end or size == 0:
            self.wrong.append(f"{job.name}: {file.name} has {size} bytes, but the row says that {end} are on disk")
            return
        with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as content:
            data = content[begin:end]
        if not any(source.has(data, begin) and (extent or source.size == size) for source in sources):
            self.wrong.append(f"{job.name}: the bytes {begin} to {end} of {file.name} are not the source's")


REQUEST = re.compile(r"video (\S+) range=(?:none|(\d+)-(\d*)) ")


def asked_again(lines, store, world, touched):
    """Which requests of a provider's log were for what the store had. touched: jobs begun anew meanwhile."""
    wrong = []
    for line in lines:
        request = REQUEST.match(line)
        job = request and world.by_video.get(request[1])
        row = job and store.by_name.get(job.name)
        if not row or job.name in touched or row["video"] == FETCHING and not job.steady:
            continue
        begin = int(request[2] or 0)
        # One without an end is broken off where it meets what is there.
        end = int(request[3]) + 1 if request[3] else begin + 1
        wrong += [f"{job.name}: {have} to {until} was on disk, and is fetched again: {line}"
                  for have, until in store.had[job.name] if begin < until and have < end]
    return wrong
