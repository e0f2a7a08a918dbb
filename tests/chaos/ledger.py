# SPDX-License-Identifier: MIT
"""What the clients have been told, line by line, and what has to be so after it."""
import collections
import os

from rig import now

# When it returned, which, of which job, and "ok" or the errno's name.
End = collections.namedtuple("End", "at call job said")

ABSENT, THERE, REMOVED = "absent", "there", "removed"  # the last: the job is there, its video was deleted


class Ledger:
    """One client's file: each line is written before the call, or when it has returned."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *words):
        os.write(self.file, (" ".join((f"{now():.6f}", *words)) + "\n").encode())

    def begin(self, call, job):
        self.write("begin", call, job)

    def end(self, call, job, said):
        self.write("end", call, job, said)

    def wrong(self, what):
        self.write("wrong", what.replace("\n", " / "))


def read(directory):
    """All that the clients of one life have written: ends in the order of time, and what was wrong."""
    ends, wrong, begun = [], [], []
    for path in sorted(directory.iterdir()):
        for line in path.read_text().splitlines():
            at, kind, *words = line.split(" ")
            if kind == "end":
                ends.append(End(float(at), *words))
            elif kind == "begin":
                begun.append(words)
            else:
                wrong.append(f"{path.name}: {' '.join(words)}")
    return sorted(ends), wrong, {(call, job) for call, job in begun}


def after(states, end, raced):
    """What a job's state may be after a call, from what it may have been; None: the call lies."""
    if end.call == "mkdir":
        if end.said == "ok":
            return {THERE} if raced or ABSENT in states else None
        if end.said == "EEXIST":
            there = states - {ABSENT}
            return there or ({THERE} if raced else None)
        return states | {THERE} if ABSENT in states else states
    if end.call == "rmdir":
        if end.said == "EBUSY":
            return states - {ABSENT} or None
        if end.said == "ok":
            return {ABSENT} if states != {ABSENT} else None
        if end.said == "ENOENT":
            return {ABSENT} if ABSENT in states else None
        return states | {ABSENT}
    if end.call == "rm":
        if end.said == "ok":
            return {REMOVED} if THERE in states else None
        if end.said in ("ENOENT", "EBUSY"):
            return states
        return states | {REMOVED} if THERE in states else states
    return states


def fold(states, ends, cut_at, raced):
    """
    All that may be so after the ends, by job, and what was wrong with them. What was answered after
    cut_at may be lost again, from any answer on.
    """
    possible, wrong, kept = {job: set(may) for job, may in states.items()}, [], {}
    for end in ends:
        before = possible[end.job]
        may = after(before, end, end.job in raced)
        if may is None:
            wrong.append(f"{end.call} of {end.job} says {end.said}, although it is {'/'.join(sorted(before))}")
            may = before
        if end.at > cut_at:
            kept.setdefault(end.job, set()).update(before)
        possible[end.job] = may
    return {job: may | kept.get(job, set()) for job, may in possible.items()}, wrong
