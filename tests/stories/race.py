# SPDX-License-Identifier: MIT
"""
A thousand mkdirs and a thousand rmdirs of the same directory, from eight processes, while a ninth opens
what is in it: race.py JOB. Each ends well or with an error that it may have, and as often as was made one
more than it was taken away, it is there.
"""
import collections
import errno
import multiprocessing
import os
import sys

PROCESSES = 8
ROUNDS = 1000 // PROCESSES
MAY = {"mkdir": {"0", "EEXIST"}, "rmdir": {"0", "ENOENT", "EBUSY"}}

job = sys.argv[1]


def tried(call, *arguments):
    try:
        call(*arguments)
        return "0"
    except OSError as e:
        return errno.errorcode[e.errno]


def work(_):
    results = collections.Counter()
    for _ in range(ROUNDS):
        for call in os.mkdir, os.rmdir:
            results[call.__name__, tried(call, job)] += 1
    return results


def look():
    while True:
        for name in "status.json", "video.mp4":
            try:
                with open(f"{job}/{name}", "rb") as file:
                    assert file.read(), name
            except FileNotFoundError:
                pass


if __name__ == "__main__":
    looker = multiprocessing.Process(target=look)
    looker.start()
    with multiprocessing.Pool(PROCESSES) as pool:
        results = sum(pool.map(work, range(PROCESSES), 1), collections.Counter())
    assert looker.is_alive(), "the looker met another error"
    looker.terminate()
    looker.join()
    for (call, error), count in sorted(results.items()):
        print(call, error, count)
        assert error in MAY[call], (call, error)
    assert results["mkdir", "0"] - results["rmdir", "0"] == os.path.isdir(job)
