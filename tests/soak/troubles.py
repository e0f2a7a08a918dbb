# SPDX-License-Identifier: MIT
"""Who makes trouble: stopped and killed readers, a stopped echo, an empty cache, a wrong key."""
import json
import os
import pathlib
import signal
import subprocess
import time

from rig import PATIENCE_S, die_with_parent, now
from worker import REQUEST_S, Worker

KEY = "soak-key"


def write_key(path, key):
    path.with_suffix(".new").write_text(key)
    path.with_suffix(".new").rename(path)


class Torturer(Worker):
    """Stops programs in the middle of a read, lets them go on, and kills them."""

    def work(self):
        names = self.some(8)
        videos = [self.path(job, "video.mp4") for job in names if self.exists(f"jobs/{job}/video.mp4")]
        target = self.rng.choice(videos or [f"{self.mount}/.cometfs/events"])
        words = self.rng.choice((["cat", target], ["dd", "iflag=direct", "bs=32K", f"if={target}"],
                                 ["cat", f"{self.mount}/.cometfs/events"],
                                 ["cat", *(self.path(job) for job in names)], ["tar", "-cf", "/dev/null", self.jobs]))
        with self.request(words[0] + " that is stopped", 2 * REQUEST_S):
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
            for _ in range(self.rng.randint(0, 3)):
                self.pause(0.2)
                child.send_signal(signal.SIGSTOP)
                self.pause(1)
                child.send_signal(signal.SIGCONT)
            self.pause(0.2)
            begun = now()
            child.kill()
            child.wait()
        if now() - begun > REQUEST_S:
            self.wrong(f"{words} took {now() - begun:.1f} s to die")
        self.counts["killed"] += 1


class Stopper(Worker):
    """The process that acts for inotify is stopped for a while: nobody else may wait for it."""

    changes = True

    def open(self):
        """The daemon's only child."""
        tasks = pathlib.Path(f"/proc/{self.soak.daemon.child.pid}/task")
        self.echo = [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
        if len(self.echo) != 1 or pathlib.Path(f"/proc/{self.echo[0]}/comm").read_text() != "cometfs-echo\n":
            self.wrong(f"the daemon has the children {self.echo}")

    def work(self):
        self.pause(self.soak.seldom_s)
        os.kill(self.echo[0], signal.SIGSTOP)
        self.pause(2)
        os.kill(self.echo[0], signal.SIGCONT)
        self.counts["stopped"] += 1


class Dropper(Worker):
    """The kernel forgets what it need not keep. Only root may have it do so."""

    changes = True
    way = pathlib.Path("/proc/sys/vm/drop_caches")

    def work(self):
        self.pause(self.soak.seldom_s)
        if os.access(self.way, os.W_OK) and os.geteuid() == 0:
            with self.request("drop_caches", 3 * REQUEST_S):
                self.way.write_text("3\n")
            self.counts["dropped"] += 1


class Rekeyer(Worker):
    """The key is refused for a while, and then another one is read."""

    changes = True

    def work(self):
        self.pause(3 * self.soak.seldom_s)
        self.rekey("wrong-key")
        if self.rng.random() < 0.7:
            self.wait_for("refused")
        self.pause(1.5)
        self.rekey(KEY)
        self.wait_for("accepted")
        self.counts["refused"] += 1

    def rekey(self, key):
        write_key(self.soak.key_file, key)
        os.kill(self.soak.daemon.child.pid, signal.SIGHUP)  # Popen's own would look for a child of ours

    def wait_for(self, state):
        with self.request(f"the key to be {state}", PATIENCE_S):
            end = now() + PATIENCE_S
            while self.state() != state:
                if now() > end:
                    raise TimeoutError(f"the key is {self.state()} and should be {state}")
                time.sleep(0.05)

    def state(self):
        with open(f"{self.mount}/.cometfs/stats.json", encoding="utf-8") as stats:
            return json.load(stats)["key"]["state"]


