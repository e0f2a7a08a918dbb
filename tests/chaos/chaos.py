#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Kills cometfs, and cuts the power of its disk, at random moments of a busy run. See README.md.

A world is a provider, a store and a set of jobs. It has a few lives of the daemon, each of which ends
by a kill, or by a power cut, while clients are at work; and a last one, that ends well. What was
promised is checked after each.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the tree stays as it is

import clients
import disk
import ledger
import rig
from moments import Moment, Watch
from rig import BUILD, PATIENCE_S, Broken, now
from store import NONE, REMOVED, Store, asked_again
from world import World

LIVES = 5
NEVER = float("inf")
# What the daemon's log must not have: the end of such a line would be a lost or doubled video.
BAD_WORDS = ("assert", "Sanitizer", "runtime error", "no job knows", "has to be fetched again", "is lost",
             "not deleted yet", "cannot be written", "cannot be opened")


class Run:
    """One world, from its beginning to its end."""

    def __init__(self, seed, at, on_disk):
        self.rng = random.Random(seed)
        self.at = at
        self.wrong = []
        self.daemon = self.provider = self.disk = None
        self.pids = {}
        self.way = self.rng.choice(disk.WAYS) if on_disk else None
        self.store_path = (at / "disk" if on_disk else at) / "store"
        self.world = World(self.rng, at)
        self.states = {name: {ledger.ABSENT} for name in self.world.jobs}
        self.raced = {job.name for job in self.world.raced}
        self.sizes = {source.size for job in self.world.jobs.values() for source in job.sources}
        self.life = 0
        self.begun = 0
        self.moment = None  # when it ends
        self.before = None  # the store, when this life began
        self.logged = 0  # how long the provider's log was then

    def open(self):
        if self.way:
            self.disk = disk.Disk(self.at / "disk")
            self.disk.open(self.way)
        self.provider = rig.Provider(self.at, self.world.script())

    def close(self):
        """Whatever has happened."""
        if self.disk:
            self.disk.thaw()
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        if self.daemon:
            self.daemon.kill()
            rig.unmount(self.daemon.point)
        if self.provider:
            self.provider.stop()
        if self.disk:
            self.disk.close()

    def fault(self, what):
        self.wrong.append(f"life {self.life}: {what}")
        print(f"    NOT SO, life {self.life}: {what}", flush=True)

    # ---- one life -----------------------------------------------------------------------------

    def ledgers(self):
        path = self.at / f"ledgers-{self.life}"
        path.mkdir(exist_ok=True)
        return path

    def begin(self, tricks=()):
        """Looks at what the last life has left, and starts another one on it."""
        self.before = Store(self.store_path)
        for what in self.before.check(self.world.jobs):
            self.fault(what)
        self.check_states()
        self.logged = self.provider.log.stat().st_size
        self.begun = now()
        self.daemon = rig.Daemon(self.provider, self.store_path, self.at, tricks)

    def check_states(self):
        """Each job is what it may be; from here on, it is what it is."""
        for name, may in self.states.items():
            row = self.before.by_name.get(name)
            state = ledger.ABSENT if row is None else ledger.REMOVED if row["video"] == REMOVED else ledger.THERE
            if state not in may:
                self.fault(f"{name} is {state}, but was answered for as {'/'.join(sorted(may))}")
            self.states[name] = {state}

    def check_mount(self):
        """Before any client: what the mount shows is what the catalog had."""
        names = sorted(os.listdir(self.daemon.point / "jobs"))
        if names != sorted(self.before.by_name):
            self.fault(f"listed is {names}, in the catalog was {sorted(self.before.by_name)}")

    def start_clients(self):
        jobs_fd = os.open(self.daemon.point / "jobs", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        rng = random.Random(self.rng.random())
        for name, client in clients.make(self.world, rng, jobs_fd, self.ledgers()):
            self.pids[clients.fork(client)] = name
            os.close(client.ledger.file)
        os.close(jobs_fd)

    def places(self):
        return {"videos": self.store_path / "videos", "store": self.store_path, "ledgers": self.ledgers(),
                "provider": self.at}

    def live(self, moment):
        """A life until its moment. A kill may come before the mount is there."""
        self.moment = moment
        self.begin(moment.tricks)
        if moment.kind == "start":
            time.sleep(moment.delay_s)
            return
        if not self.daemon.wait_mounted():
            return
        watch = Watch(moment, self.places())
        try:
            self.check_mount()
            self.start_clients()
            watch.wait(self.daemon, self.sizes)
        except OSError as error:
            if error.errno not in clients.DEAD or not self.daemon.ends():
                raise
        finally:
            watch.close()

    # ---- its end ------------------------------------------------------------------------------

    def kill(self):
        """Gives the time from which on nothing counts that was said: never."""
        self.daemon.kill()
        return NEVER

    def copy(self):
        """A copy of the store takes its place, taken while no thread of the daemon ran."""
        cut_at = now()
        if not self.daemon.ended():
            self.daemon.freeze()
        following = self.store_path.with_name("store.next")
        there = self.store_path.exists()
        if there:
            shutil.copytree(self.store_path, following)
        self.daemon.kill()
        shutil.rmtree(self.store_path, ignore_errors=True)
        if there:
            following.rename(self.store_path)
        return cut_at

    def cut(self):
        cut_at = self.disk.freeze()
        self.disk.copy()
        self.daemon.kill()
        return cut_at

    def end(self, way):
        """Ends the life, and looks whether all that was said and done in it was right."""
        end_at = now()
        cut_at = {"kill": self.kill, "copy": self.copy, "cut": self.cut}[way]()
        rig.unmount(self.daemon.point)
        self.join_clients()
        if way == "cut":
            self.disk.change()
        if self.daemon.child.returncode != -signal.SIGKILL:
            said = " / ".join(self.daemon.said()[-3:])
            self.fault(f"it ended by itself, with {self.daemon.child.returncode}: {said}")
        self.check_life(cut_at, 0 if self.moment.kills else end_at)

    def join_clients(self):
        """Each has to be over soon: nobody hangs in a mount that is dead."""
        end = now() + PATIENCE_S
        while self.pids and now() < end:
            pid, code = os.waitpid(-1, os.WNOHANG) if self.pids else (0, 0)
            if pid == 0:
                time.sleep(0.002)
            elif pid in self.pids:
                name = self.pids.pop(pid)
                if code != 0:
                    self.fault(f"{name} ended with {code}")
        for pid, name in self.pids.items():
            where = pathlib.Path(f"/proc/{pid}/wchan").read_text()
            self.fault(f"{name} hangs, in {where}")
            os.kill(pid, signal.SIGKILL)
        self.pids.clear()

    def check_life(self, cut_at, errors_until):
        ends, wrong, begun = ledger.read(self.ledgers())
        for what in wrong:
            self.fault(what)
        for line in self.daemon.said():
            if any(word in line for word in BAD_WORDS):
                self.fault(f"the log says: {line}")
        touched = {job for call, job in begun if call == "rmdir"}
        for what in asked_again(self.asked(), self.before, self.world, touched):
            self.fault(what)
        self.check_lists(ends, touched)
        self.check_errors(ends, begun, errors_until)
        self.states, wrong = ledger.fold(self.states, ends, cut_at, self.raced)
        for what in wrong:
            self.fault(what)

    def asked(self):
        """What the provider was asked for in this life."""
        with open(self.provider.log, "rb") as log:
            log.seek(self.logged)
            return log.read().decode().splitlines()

    def check_lists(self, ends, touched):
        """One that was forgotten and tracked again meanwhile may be met at both its places."""
        for end in ends:
            if end.call == "list" and end.job not in touched:
                self.fault(f"{end.job} is listed twice")

    def check_errors(self, ends, begun, until):
        """A video that stays the same, and that nobody deletes, can be slow, but is no error to read."""
        for end in ends:
            if end.call in ("open", "read") and end.said == "EIO" and end.at < until \
                    and self.world.jobs[end.job].steady and ("rm", end.job) not in begun:
                self.fault(f"{end.job}: EIO at {end.call}, at {end.at - self.begun:.2f} s")

    # ---- the last life ------------------------------------------------------------------------

    def finish(self):
        self.life += 1
        self.begin()
        if not self.daemon.wait_mounted():
            raise Broken("the daemon does not start: " + " / ".join(self.daemon.said()[-3:]))
        self.check_mount()
        self.check_videos()
        if not self.daemon.stop():
            self.fault(f"it did not end well: {self.daemon.child.returncode}")
        self.check_life(NEVER, NEVER)
        code, said = rig.check_store(self.store_path)
        if code != 0:
            self.fault(f"--check ends with {code}: {said}")
        after = Store(self.store_path)
        for what in after.check(self.world.jobs):
            self.fault(what)
        return sum(row["video"] not in (NONE, REMOVED) for row in after.by_name.values())

    def check_videos(self):
        last = Watching(self.daemon.point / "jobs")
        for name, row in self.before.by_name.items():
            if row["video"] == REMOVED:
                if last.exists(name):
                    self.fault(f"{name}: its video was removed, and is back")
                continue
            try:
                status = last.ready(name)
                data = last.video(name)
            except (Broken, OSError) as error:
                self.fault(f"{name}: {error}")
                continue
            good = [source for source in self.world.jobs[name].sources if data == source.bytes[:]]
            if not good:
                self.fault(f"{name}: its video is not the source")
            elif status["sha256"] != good[0].sha256 or last.xattr(name) not in (None, good[0].sha256):
                self.fault(f"{name}: its hash is {status['sha256']}, and should be {good[0].sha256}")


class Watching:
    """A mount as its users see it in the end."""

    def __init__(self, jobs):
        self.jobs = jobs

    def status(self, name):
        return json.loads((self.jobs / name / "status.json").read_text())["video"]

    def ready(self, name):
        rig.wait_until(lambda: self.status(name)["state"] == "ready", f"{name} to be ready")
        return self.status(name)

    def video(self, name):
        return (self.jobs / name / "video.mp4").read_bytes()

    def exists(self, name):
        return (self.jobs / name / "video.mp4").exists()

    def xattr(self, name):
        """None where there are none."""
        try:
            return os.getxattr(self.jobs / name / "video.mp4", "user.cometfs.sha256").decode()
        except OSError:
            return None


def clear(at):
    """Leaves the logs and the ledgers, not the videos."""
    for path in at.iterdir():
        if path.name.startswith("outer-") and path.is_file():
            path.unlink()
    shutil.rmtree(at / "sources")


def play_life(run, way):
    moment = Moment(run.rng)
    run.life += 1
    begun = now()
    run.live(moment)
    print(f"  life {run.life}: {run.before}; {way} after {now() - begun:.2f} s, {moment}", flush=True)
    run.end(way)


def play(seed, number, rounds, can_cut):
    """One world; whether all of it was so."""
    on_disk = can_cut and number % 2 == 1
    at = pathlib.Path(tempfile.mkdtemp(prefix=f"world-{number}-", dir=BUILD / "chaos"))
    tally = {}
    run = Run(f"{seed}.{number}", at, on_disk)
    print(f"world {number}, " + (f"on a disk with {run.way}" if on_disk else "in a directory"), flush=True)
    try:
        run.open()
        for _ in range(rounds):
            way = run.rng.choice(("cut", "cut", "kill") if on_disk else ("kill", "kill", "kill", "copy"))
            play_life(run, way)
            tally[way] = tally.get(way, 0) + 1
        videos = run.finish()
        print(f"  the end: {len(run.before.by_name)} jobs, {videos} videos are whole", flush=True)
    except Broken as error:
        run.fault(str(error))
    finally:
        run.close()
    if run.wrong:
        print(f"  logs: {at}; again: make chaos SEED={seed} WORLD={number} ROUNDS={rounds}", flush=True)
        clear(at)
    else:
        shutil.rmtree(at)
    return not run.wrong, tally


def main():
    rounds = int(os.environ.get("ROUNDS") or 100)
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(1000000))
    number = int(os.environ.get("WORLD") or 0)
    (BUILD / "chaos").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD / "chaos") as at:
        why_not = disk.why_not(pathlib.Path(at))
    print(f"SEED={seed}" + (f"; no power is cut: {why_not}" if why_not else ""), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    good, total, left = True, {}, rounds
    while left > 0:
        lives = min(left, LIVES)
        held, tally = play(seed, number, lives, why_not is None)
        good = good and held
        total = {way: total.get(way, 0) + tally.get(way, 0) for way in {*total, *tally}}
        left -= lives
        number += 1
    print(f"{rounds} rounds: " + ", ".join(f"{total[way]} {way}" for way in sorted(total))
          + ("; all held" if good else "; NOT all held"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
