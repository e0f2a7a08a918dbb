# SPDX-License-Identifier: MIT
"""The worst `cat status.json` beside 200 readers of a video that stalls, and a provider that does not answer."""
import contextlib
import pathlib
import statistics
import subprocess

import rig
import seed
import table

READERS = 200
SAMPLES = 200
STALLED, DEAD = seed.FIRST, seed.job_id(1)
SCRIPT = f"""
job {DEAD}
  answer hang
job *
  answer done
video big.mp4
  size 2M
  serve stall=1M
"""


def waits(pid, video):
    """It has the video open, and does not run."""
    at = pathlib.Path(f"/proc/{pid}")
    try:
        state = at.joinpath("stat").read_text().rpartition(")")[2].split()[0]
        return str(at.joinpath("fd/3").readlink()) == str(video) and state in "SD"
    except OSError:
        return False


@contextlib.contextmanager
def readers(video):
    """They stand in a read of the half that does not come."""
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(rig.process(["cat", video], "/dev/null")) for _ in range(READERS)]
        rig.wait_until(lambda: all(waits(child.pid, video) for child in children), "the readers", 0.2)
        yield
        if any(child.poll() is not None for child in children):
            raise rig.CannotMeasure("a reader has ended")
        for child in children:
            child.kill()


def samples_s(jobs):
    """One cat after the other, of the job that is stalled and of the one that nobody answers for."""
    paths = [jobs / STALLED / "status.json", jobs / DEAD / "status.json"]
    return [rig.timed(lambda: rig.run(["cat", paths[number % 2]], stdout=subprocess.DEVNULL))
            for number in range(SAMPLES)]


def rows():
    at = rig.directory("stalled")
    with rig.provider(at, SCRIPT) as source, rig.cometfs(source, at, "timeout=600"):
        jobs = at / "mnt/jobs"
        for name in STALLED, DEAD:
            (jobs / name).mkdir()
        rig.wait_until(lambda: (seed.status(at)["video"]["bytes"] or 0) >= 1 << 20, "the first half")
        quiet = samples_s(jobs)
        with readers(jobs / STALLED / "video.mp4"):
            took = samples_s(jobs)
    return [table.Row(f"worst `cat status.json` beside {READERS} stalled readers and a dead provider", max(took),
                      table.seconds, at_most=0.05,
                      note=f"worst of {SAMPLES}, their median {table.seconds(statistics.median(took))}; with no "
                           f"reader the worst is {table.seconds(max(quiet))}; the process cat is in it")]
