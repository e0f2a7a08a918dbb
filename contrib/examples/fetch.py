#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The videos of many jobs, with nothing but `open`: fetch.py MOUNT DIRECTORY ID...

Tracks the jobs, waits for each, and copies its video to DIRECTORY/ID.mp4, in the order in which they come.
A name in DIRECTORY is a whole video. No library is needed, and nothing is asked again and again.

Exit status: 0 all are there, 1 no video comes of some, 2 wrong use, 3 the mount is gone or a copy failed.
"""
import contextlib
import errno
import json
import os
import sys


def say(*words):
    print("fetch.py:", *words, file=sys.stderr)


def status(mount, job):
    with open(f"{mount}/jobs/{job}/status.json") as file:
        return json.load(file)


def track(mount, job):
    with contextlib.suppress(FileExistsError):
        os.mkdir(f"{mount}/jobs/{job}")


def copy(source, target):
    """Under another name, until all of it is on the disk."""
    part = f"{target}.{os.getpid()}.part"
    try:
        with open(source, "rb") as video, open(part, "wb") as file:
            while piece := video.read(1 << 20):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        error.filename = target
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def outcome(mount, directory, job):
    """None while there is something to wait for, else whether its video has been copied."""
    try:
        now = status(mount, job)
    except FileNotFoundError:
        say(f"{job}: was forgotten")
        return False
    video = now["video"]
    if video["state"] == "ready":
        copy(f"{mount}/jobs/{job}/video.mp4", f"{directory}/{job}.mp4")
        print(f"{directory}/{job}.mp4", flush=True)
        return True
    if now["state"] in ("failed", "expired") or video["state"] in ("lost", "removed"):
        why = now["error"] or video["error"] or {"message": ""}
        say(f"{job}: {now['state']}, video {video['state']}: {why['message']}")
        return False
    if (now["state"], video["state"]) == ("done", "none"):
        say(f"{job}: has no video")
        return False
    return None


def concerned(line, waiting):
    """The jobs that a line of events is about; after a line that names none, any of them."""
    job = json.loads(line)["request_id"]
    return set(waiting) if job is None else waiting & {job}


def fetch(mount, directory, jobs):
    # Opened before the first look, so that nothing happens in between unseen.
    with open(f"{mount}/.cometfs/events") as events:
        for job in jobs:
            track(mount, job)
        waiting, outcomes = set(jobs), []
        now = list(dict.fromkeys(jobs))
        while True:
            for job in now:
                outcomes.append(outcome(mount, directory, job))
                if outcomes[-1] is not None:
                    waiting.remove(job)
            if not waiting:
                return False not in outcomes
            line = events.readline()  # waits for the next
            if not line:
                raise OSError(errno.ENOTCONN, "the mount is gone")
            now = concerned(line, waiting)


def main(arguments):
    if len(arguments) < 3:
        say("usage: fetch.py MOUNT DIRECTORY ID...")
        return 2
    mount, directory, *jobs = arguments
    try:
        return 0 if fetch(mount, directory, jobs) else 1
    except OSError as error:
        say(f"{error.filename or mount}: {error.strerror}")
        return 3
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
