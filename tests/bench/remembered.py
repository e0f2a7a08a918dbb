# SPDX-License-Identifier: MIT
"""100,000 remembered jobs: the start, the memory, lists of them, and how often an idle daemon wakes up."""
import os
import statistics
import subprocess
import time

import rig
import seed
import table

JOBS = 100000
START_RUNS = 3
LIST_RUNS = 5
IDLE_S = 10
IDLE_WINDOWS = 3
DONE = "job *\n  answer done\nvideo clip.mp4\n  size 4K\n"
FAILED = "job *\n  answer failed\nvideo clip.mp4\n  size 4K\n"
NOBODY = "http://127.0.0.1:9"
LIST = ["ls", "jobs"]
WALK = ["find", "jobs", "-type", "f", "-size", "+1"]


def answers(path):
    """The first answer: the directory, and the list of the last job."""
    try:
        os.stat(path / "jobs")
        return bool(os.listdir(path / "jobs" / seed.job_id(JOBS - 1)))
    except OSError:
        return False


def start_s(at):
    """From exec to the first answer."""
    begun = time.perf_counter()
    with rig.cometfs(NOBODY, at):
        rig.wait_until(lambda: answers(at / "mnt"), "the first answer", 0.001)
        return time.perf_counter() - begun


def start_rows(at, name):
    cold = []
    for _ in range(START_RUNS):
        if rig.drop_caches():
            cold.append(start_s(at))
    warm = rig.median_of(START_RUNS, lambda: start_s(at))
    found = [table.Row(f"{name}: start to first answer", warm, table.seconds, at_most=2, runs=START_RUNS)]
    if cold:
        found.append(table.Row(f"{name}: the same, from the disk",
                               statistics.median(cold), table.seconds, at_most=2, runs=len(cold)))
    return found


def idle_switches(pid):
    """The least of some windows: somebody else's df may wake the daemon in one."""
    least = None
    for _ in range(IDLE_WINDOWS):
        before = rig.switches(pid)
        time.sleep(IDLE_S)
        count = rig.switches(pid) - before
        least = count if least is None else min(least, count)
        if least == 0:
            break
    return least


def idle_row(pid, name):
    return table.Row(f"{name}: wake-ups in {IDLE_S} idle seconds", idle_switches(pid),
                     at_most=0, note=f"switches to its threads; the least of up to {IDLE_WINDOWS} windows")


def times(command, path, runs=1):
    """The first time, and the next."""
    environment = {**os.environ, "LC_ALL": "C"}

    def once():
        return rig.timed(lambda: rig.run(command, cwd=path, env=environment, stdout=subprocess.DEVNULL))
    return once(), rig.median_of(runs, once)


def native_s():
    """As many directories on the disk, with as many files as a done job has: of LIST and of WALK."""
    plain = rig.directory("remembered-plain")
    (plain / "jobs").mkdir()
    for number in range(JOBS):
        job = plain / "jobs" / seed.job_id(number)
        os.mkdir(job)
        for name in "status.json", "response.json", "video.mp4":
            (job / name).touch()
    return [times(command, plain, LIST_RUNS)[1] for command in (LIST, WALK)]


def walk_rows(at, name, native):
    """The kernel keeps all of it; after the first time it asks once more for times of access."""
    mount = at / "mnt"
    first, second = times(WALK, mount)
    again = times(WALK, mount, LIST_RUNS)[1]
    return [table.Row(f"{name}: `{' '.join(WALK)}`, later ones", again, table.seconds, native,
                      "as many files on the disk", runs=LIST_RUNS,
                      note=f"the first {table.seconds(first)}, the second {table.seconds(second)}")]


def list_rows(at, name, native):
    mount = at / "mnt"
    first, again = times(LIST, mount, LIST_RUNS)
    row = table.Row
    found = [row(f"{name}: `ls jobs`, the first", first, table.seconds, at_most=0.3,
                 note="LC_ALL=C, output to /dev/null, as the next ones"),
             row(f"{name}: `ls jobs`, later ones", again, table.seconds, at_most=0.3, runs=LIST_RUNS,
                 note=f"as many directories on the disk: {table.seconds(native)}")]
    for command in ["ls", "-f", "jobs"], ["find", "jobs", "-maxdepth", "1"], ["ls", "-l", "jobs"]:
        first, again = times(command, mount)
        found.append(row(f"{name}: `{' '.join(command)}`", again, table.seconds,
                         note=f"the second time; the first {table.seconds(first)}"))
    listed = rig.median_of(LIST_RUNS, lambda: rig.timed(lambda: os.listdir(mount / "jobs")))
    found.append(row(f"{name}: Python's os.listdir", listed, table.seconds, runs=LIST_RUNS))
    return found


def empty_memory():
    at = rig.directory("remembered-none")
    with rig.cometfs(NOBODY, at) as daemon:
        os.listdir(at / "mnt/jobs")
        return rig.memory_bytes(daemon.pid)


def measure(script, state, name, native):
    at = rig.directory(f"remembered-{state}")
    before = empty_memory()
    with rig.provider(at, script) as source:
        seed.fill(at, source, JOBS, "interval=0.2", lambda job: job["state"] == state and
                  job["video"]["state"] in ("none", "ready"))
    found = start_rows(at, name)
    with rig.cometfs(NOBODY, at) as daemon:
        rig.wait_until(lambda: answers(at / "mnt"), "the first answer")
        memory = (rig.memory_bytes(daemon.pid) - before) / JOBS
        found.append(table.Row(f"{name}: memory a job", memory, table.size, at_most=1024,
                               note="what stays in memory, less that of an empty mount"))
        found.append(idle_row(daemon.pid, name))
        found += list_rows(at, name, native[0]) + walk_rows(at, name, native[1])
        memory = (rig.memory_bytes(daemon.pid) - before) / JOBS
        found.append(table.Row(f"{name}: memory a job after the lists", memory, table.size, at_most=1024))
    return found


def rows():
    native = native_s()
    return (measure(DONE, "done", f"{JOBS:,} done jobs", native) +
            measure(FAILED, "failed", f"{JOBS:,} failed jobs", native))
