#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Everything at once, for MINUTES: see README.md."""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the tree stays as it is
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "chaos"), str(TESTS / "stories")]

import rig
from rig import BUILD, PATIENCE_S, Broken, now

import boards
import changes
import documents
import events
import health
import kinds
import troubles
import videos
import walks
import worker
from worker import FINAL, how_far

OPTIONS = "interval=0.3,interval_watched=0.1,poll_rate=120,downloads=6,timeout=3"
END_S = 30  # for the daemon, and for who is at work then
SANITIZED = "san" in BUILD.name
MOST_MORE_KB = (400 if SANITIZED else 40) << 10  # between two quiet moments; sanitizers keep what was freed
MOST_SIGBUS = 5  # of one worker, in a run
MOST_MORE_FDS = 40  # connections that stay

WORKERS = {
    "document-a": documents.Reader, "document-b": documents.Reader, "holder": documents.Holder,
    "waiter": documents.Waiter, "epoll": documents.EpollWaiter, "handles": documents.Handles,
    "follower": events.Follower, "sleeper": events.Sleeper, "poller": events.Poller,
    "reader-a": videos.Reader, "reader-b": videos.Reader, "copier": videos.Copier, "checker": videos.Checker,
    "prober": videos.Prober, "walker": walks.Walker, "packer": walks.Packer, "figures": walks.Figures,
    "inotifywait": walks.Watcher, "feeder": changes.Feeder, "churner-a": changes.Churner,
    "churner-b": changes.Churner, "churner-c": changes.Churner, "lister": changes.Lister, "folder": changes.Folder,
    "torturer-a": troubles.Torturer, "torturer-b": troubles.Torturer, "stopper": troubles.Stopper,
    "dropper": troubles.Dropper, "rekeyer": troubles.Rekeyer,
}
if os.environ.get("ONLY"):
    WORKERS = {name: WORKERS[name] for name in os.environ["ONLY"].split(",")}


class Soak:
    def __init__(self, seed, minutes, at):
        self.seed, self.at = seed, at
        self.seconds = minutes * 60
        short = minutes < 1
        self.jobs = 25 if short else 60
        self.seldom_s = 1.5 if short else 6
        self.good = True
        self.faults = collections.Counter()
        self.daemon = self.provider = self.health = None
        self.pids = {}
        self.mount = str(at / "mnt")
        self.store = at / "store"
        self.key_file = at / "key"
        self.ledgers = at / "ledgers"
        self.ledgers.mkdir()
        self.kinds = kinds.Kinds(random.Random(seed), at / "sources", short)
        self.board = boards.Board(len(WORKERS))
        self.read = dict.fromkeys(WORKERS, 0)
        self.counts = collections.Counter()
        self.slowest = []
        self.hung = set()
        self.quiet = []  # what was measured when all rested

    def fault(self, what):
        """Those that are alike are counted, and the first few of them told."""
        self.good = False
        kind = re.sub(r"\w+-(churn|folder|feeder)[-\d]*|\d+", "N", what)[:70]
        self.faults[kind] += 1
        if self.faults[kind] > 3:
            return
        print(f"    NOT SO, at {now() - self.begun:.1f} s: {what}", flush=True)

    # ---- it begins ----------------------------------------------------------------------------

    def open(self):
        self.begun = now()
        every = f"log_path={self.at}/sanitizer"
        os.environ["ASAN_OPTIONS"] = f"{every}:halt_on_error=1:detect_stack_use_after_return=1:quarantine_size_mb=32"
        os.environ["UBSAN_OPTIONS"] = f"{every}:halt_on_error=1:print_stacktrace=1"
        os.environ["TSAN_OPTIONS"] = f"{every}:halt_on_error=0:second_deadlock_stack=1"
        os.environ["LC_ALL"] = "C"
        troubles.write_key(self.key_file, troubles.KEY)
        self.provider = rig.Provider(self.at, self.kinds.script(), "--key", troubles.KEY)
        self.start_daemon()

    def start_daemon(self):
        self.daemon = rig.Daemon(self.provider, self.store, self.at, options=f"{OPTIONS},key_file={self.key_file}")
        self.health = health.Health(self.daemon, self.at)
        if not self.daemon.wait_mounted():
            raise Broken("the daemon does not start: " + " / ".join(self.daemon.said()[-3:]))

    def start_workers(self):
        self.board.phase = boards.RUN
        for slot, (name, cls) in enumerate(WORKERS.items()):
            self.pids[name] = worker.fork(cls(self, name, slot))

    def close(self):
        """Whatever has happened."""
        for name, pid in self.pids.items():
            print(f"    {name} is killed", flush=True)
            os.kill(pid, signal.SIGKILL)
        if self.daemon:
            self.daemon.kill()
            rig.unmount(self.daemon.point)
        if self.provider:
            self.provider.stop()

    # ---- while it lasts -----------------------------------------------------------------------

    def watch(self, condition, most_s):
        """Looks after all until the condition holds, or for so long; whether it holds."""
        end = now() + most_s
        while not condition():
            if now() > end:
                return False
            self.look()
            time.sleep(0.1)
        return True

    def look(self):
        for report in self.health.reports():
            self.fault(report)
        for name in WORKERS:
            self.look_at(name)
        if self.daemon.ended() and self.board.phase != boards.DYING:
            raise Broken(f"the daemon has ended, with {self.daemon.child.returncode}")
        self.join()

    def look_at(self, name):
        since, patience_s, what = self.board.get(list(WORKERS).index(name))
        if since and now() - since > patience_s + 15 and (name, since) not in self.hung:
            self.hung.add((name, since))
            self.fault(f"{name} hangs for {now() - since:.0f} s in {what}; {stack(self.pids.get(name))}")
        with open(self.ledgers / name, "rb") as ledger:
            ledger.seek(self.read[name])
            lines = ledger.read().decode(errors="replace").splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                self.read[name] += len(line.encode())
                self.take(name, *line.rstrip("\n").split(" ", 2)[1:])

    def take(self, name, kind, words):
        if kind == "count":
            what, count = words.split(" ")
            self.counts[name, what] += int(count)
        elif kind == "slowest":
            self.slowest.append(f"{words} by {name}")
        else:
            self.fault(f"{name}: {words}")

    def begin_again(self, name):
        """Who has a document mapped when its job is forgotten gets SIGBUS, as of a file that was cut."""
        self.counts[name, "ended by SIGBUS"] += 1
        self.counts[name, "work"] += 1
        if self.counts[name, "ended by SIGBUS"] > MOST_SIGBUS:
            self.fault(f"{name} has ended by SIGBUS once more")
        elif self.board.phase < boards.ENDING:
            self.pids[name] = worker.fork(WORKERS[name](self, name, list(WORKERS).index(name)))

    def join(self):
        for name, pid in list(self.pids.items()):
            ended, code = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.pids[name]
                if os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGBUS:
                    self.begin_again(name)
                elif code != 0 or (self.board.phase < boards.ENDING and code == 0):
                    self.fault(f"{name} has ended, with {code}")

    def rest(self):
        """All rest for a moment, and nothing waits: what the daemon has then."""
        slots = [slot for slot, cls in enumerate(WORKERS.values()) if cls.pauses]
        self.board.phase = boards.PAUSE
        if not self.watch(lambda: all(self.board.paused(slot) for slot in slots), 2 * worker.PROGRAM_S):
            self.fault(f"not all rest: {[self.board.get(slot)[2] for slot in slots if not self.board.paused(slot)]}")
        if not self.watch(lambda: health.parked(self.mount) == (0, 0), worker.REQUEST_S):
            self.fault(f"nobody reads, but {health.parked(self.mount)} reads and changes are parked")
        self.quiet.append(self.health.sample())
        print(f"  at {now() - self.begun:.0f} s it has %d kB, %d descriptors, %d threads" % self.quiet[-1], flush=True)

    def run(self):
        self.start_workers()
        self.watch(lambda: False, self.seconds * 0.3)
        self.rest()
        self.board.phase = boards.RUN
        self.watch(lambda: False, self.seconds * 0.7)
        self.rest()
        if self.quiet[1][0] > self.quiet[0][0] + MOST_MORE_KB or self.quiet[1][1] > self.quiet[0][1] + MOST_MORE_FDS:
            self.fault(f"the daemon grows: {self.quiet}")

    # ---- its end ------------------------------------------------------------------------------

    def end(self):
        """Who changes something ends; then the daemon does, in the middle of all else; then everybody."""
        self.board.phase = boards.ENDING
        changing = {name for name, cls in WORKERS.items() if cls.changes}
        if not self.watch(lambda: not changing & set(self.pids), worker.PROGRAM_S):
            self.fault(f"{changing & set(self.pids)} do not end")
        self.look()
        self.check_churned()
        before = self.documents()
        self.watch(lambda: False, 1)
        self.stop_daemon()
        return before

    def stop_daemon(self):
        """It ends in time, with all that belongs to it."""
        pid = self.daemon.child.pid
        children = [int(child) for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
                    for child in tasks.read_text().split()]
        self.board.phase = boards.DYING
        begun = now()
        self.daemon.child.terminate()
        if not self.watch(self.daemon.ended, END_S):
            self.fault(f"SIGTERM does not end it in {END_S} s; {stack(pid)}")
            return
        took = now() - begun
        if self.daemon.child.returncode != 0 or self.daemon.mounted():
            self.fault(f"it did not end well: {self.daemon.child.returncode}, mounted: {self.daemon.mounted()}")
        if not self.watch(lambda: not self.pids, END_S):
            self.fault(f"the daemon has ended, but not {sorted(self.pids)}")
        self.look()
        left = [child for child in children if pathlib.Path(f"/proc/{child}").exists()]
        if left:
            self.fault(f"its process {left} is left")
        print(f"  it ended after {took:.2f} s", flush=True)

    def check_churned(self):
        """As often as a job was made one more than it was taken away, it is there."""
        for number in range(changes.NAMES):
            job = changes.churned(self.kinds, number)
            made, gone = (sum(count for (_, what), count in self.counts.items() if what == f"{call}:{job}")
                          for call in ("mkdir", "rmdir"))
            if made - gone != os.path.isdir(f"{self.mount}/jobs/{job}"):
                self.fault(f"{job} was made {made} times, taken away {gone} times, and is there: "
                           f"{os.path.isdir(f'{self.mount}/jobs/{job}')}")

    def documents(self):
        """Each job's inode, and what its document says."""
        found = {}
        for job in os.listdir(f"{self.mount}/jobs"):
            with open(f"{self.mount}/jobs/{job}/status.json", "rb") as file:
                found[job] = os.fstat(file.fileno()).st_ino, json.loads(file.read())
        return found

    # ---- once more ----------------------------------------------------------------------------

    def check_remembered(self, before):
        """A second mount shows the same, and has all videos in the end."""
        self.board.phase = boards.RUN
        self.start_daemon()
        after = self.documents()
        if set(after) != set(before):
            self.fault(f"other jobs are there than before: {set(after) ^ set(before)}")
        for job in set(before) & set(after):
            self.compare(job, before[job], after[job])
        if not self.watch(lambda: not self.unready(), PATIENCE_S):
            self.fault(f"videos do not come: {self.unready()}")
        videos_read = sum(self.check_video(job) for job in before)
        print(f"  a second mount has the same {len(before)} jobs; {videos_read} videos are whole", flush=True)
        self.stop_daemon()
        code, said = rig.check_store(self.store)
        if code != 0:
            self.fault(f"--check ends with {code}: {said}")

    def compare(self, job, before, after):
        if before[0] != after[0]:
            self.fault(f"{job}: its inode was {before[0]}, and is {after[0]}")
        at_rest = before[1]["state"] in FINAL and before[1]["video"]["state"] != "fetching"
        if (at_rest and before[1] != after[1]) or how_far(after[1]) < how_far(before[1]):
            self.fault(f"{job}: was {before[1]}, and is {after[1]}")

    def unready(self):
        return [job for job, (_, document) in self.documents().items()
                if document["state"] == "done" and document["video"]["state"] not in ("ready", "removed")]

    def check_video(self, job):
        path = pathlib.Path(f"{self.mount}/jobs/{job}/video.mp4")
        if not path.exists():
            return False
        if path.read_bytes() != self.kinds.of(job).source.bytes[:]:
            self.fault(f"{job}: its video is not the source")
        return True

    def tell(self):
        """What was done; that nobody has done anything is a fault."""
        totals = collections.Counter()
        for (name, what), count in self.counts.items():
            if ":" in what:
                what = what.partition(":")[0]
            totals[what] += count
        print("  " + ", ".join(f"{totals[what]} {what.replace('_', ' ')}" for what in sorted(totals)))
        for kind, count in self.faults.items():
            if count > 3:
                print(f"    NOT SO, {count} times: {kind}")
        print("  the slowest: " + "; ".join(sorted(self.slowest, reverse=True)[:3]))
        for name in WORKERS:
            if self.counts[name, "work"] == 0:
                self.fault(f"{name} has done nothing")


def stack(pid):
    """Where a process is, all of its threads."""
    found = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            found[(task / "stack").read_text() or (task / "wchan").read_text()] += 1
        except OSError as error:
            found[str(error)] += 1
    return "; ".join(f"{count} in {where!r}" for where, count in found.items())


def main():
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(1000000))
    minutes = float(os.environ.get("MINUTES") or 5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    (BUILD / "soak").mkdir(parents=True, exist_ok=True)
    at = pathlib.Path(tempfile.mkdtemp(dir=BUILD / "soak"))
    again = f"SEED={seed} MINUTES={minutes:g} BUILD={os.environ.get('BUILD', 'build')}"
    print(f"{again}, in {at}", flush=True)
    soak = Soak(seed, minutes, at)
    try:
        soak.open()
        soak.run()
        before = soak.end()
        soak.tell()
        soak.check_remembered(before)
    except Broken as error:
        soak.fault(str(error))
    finally:
        soak.close()
    for rest in ("sources", "store"):
        shutil.rmtree(at / rest, ignore_errors=True)
    if soak.good:
        shutil.rmtree(at)
    print("all held" if soak.good else f"NOT all held; logs: {at}; again: make soak {again}")
    return 0 if soak.good else 1


if __name__ == "__main__":
    sys.exit(main())
