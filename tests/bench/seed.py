# SPDX-License-Identifier: MIT
"""Fills a store with thousands of jobs: copies of one whose row cometfs has written itself."""
import contextlib
import json
import os
import sqlite3
import time

import rig

FIRST = "00000000-0b0d-3dec-c31c-7572daf74bb3"


def job_id(number):
    return f"{number:08x}{FIRST[8:]}"


def status(at, name=FIRST):
    return json.loads((at / "mnt/jobs" / name / "status.json").read_text())


def write_first(at, source, options, is_there):
    """Lets cometfs track one job, until is_there(its status.json)."""
    with rig.cometfs(source, at, options):
        (at / "mnt/jobs" / FIRST).mkdir()
        rig.wait_until(lambda: is_there(status(at)), "the first job")


def copy_row(db, table, count, changes):
    """The row of the first job again and again, with what changes(number) says."""
    cursor = db.execute(f"SELECT * FROM {table} ORDER BY serial LIMIT 1")
    names = [column[0] for column in cursor.description]
    first = dict(zip(names, cursor.fetchone()))
    marks = ", ".join(f":{name}" for name in names)
    rows = ({**first, **changes(first["serial"], number)} for number in range(1, count))
    db.executemany(f"INSERT INTO {table}({', '.join(names)}) VALUES({marks})", rows)


def copy_video(at, first, count):
    """A file a job, with the bytes of the first."""
    videos = at / "store/videos"
    video = videos / f"{first}.mp4"
    if not video.exists():
        return
    content = video.read_bytes()
    for serial in range(first + 1, first + count):
        with open(videos / f"{serial}.mp4", "xb", opener=opener_0600) as file:
            file.write(content)


def opener_0600(path, flags):
    return os.open(path, flags, 0o600)


def fill(at, source, count, options, is_there):
    """count jobs in the store of at, tracked now, all as the first one is once is_there(it)."""
    write_first(at, source, options, is_there)
    now_ms = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(at / "store/catalog.sqlite")) as db:
        first = db.execute("SELECT min(serial) FROM job").fetchone()[0]
        db.execute("UPDATE job SET tracked_ms = ?", (now_ms,))
        copy_row(db, "job", count, lambda serial, number: {
            "serial": serial + number, "id": job_id(number), "tracked_ms": now_ms})
        copy_row(db, "body", count, lambda serial, number: {"serial": serial + number})
        db.commit()
    copy_video(at, first, count)
