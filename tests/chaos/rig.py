# SPDX-License-Identifier: MIT
"""The processes that are under test: the provider, the daemon; how they begin, and how they are killed."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
PATIENCE_S = 60
TIMEOUT_S = 2  # the daemon's patience with a server that stalls
OPTIONS = f"interval=0.2,interval_watched=0.1,poll_rate=0,downloads=6,timeout={TIMEOUT_S}"
os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian has mkfs, for users too
libc = ctypes.CDLL(None, use_errno=True)


class Broken(Exception):
    """The rig itself does not work, or the daemon does not start: nothing more can be tried."""


def now():
    return time.monotonic()


def wait_until(condition, what, patience_s=PATIENCE_S):
    end = now() + patience_s
    while not condition():
        if now() > end:
            raise Broken(f"in vain waited for {what}")
        time.sleep(0.005)


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def die_with_parent():
    """Between fork and exec: nothing of ours outlives us."""
    libc.prctl(1, signal.SIGKILL)


def start(command, log):
    with open(log, "ab") as out:
        return subprocess.Popen([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL,
                                stdout=out, stderr=out, preexec_fn=die_with_parent)


def unmount(point):
    """Also when nobody is behind it any more."""
    subprocess.run(["fusermount3", "-uqz", str(point)], check=False)


class Provider:
    def __init__(self, at, script, *more):
        (at / "script").write_text(script)
        self.log = at / "provider.log"
        self.log.touch()
        port = at / "port"
        self.child = start([BUILD / "provider", "--port-file", port, "--log", self.log, *more, at / "script"],
                           at / "provider.out")
        wait_until(lambda: self.child.poll() is not None or port.exists() and port.read_text(), "the provider")
        if self.child.poll() is not None:
            raise Broken((at / "provider.out").read_text())
        self.url = f"http://127.0.0.1:{int(port.read_text())}"

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Daemon:
    """One life of cometfs. tricks are words for strace: see moments.py."""

    def __init__(self, provider, store, at, tricks=(), options=OPTIONS):
        self.point = at / "mnt"
        self.log = at / "daemon.log"
        self.point.mkdir(exist_ok=True)
        self.log.touch()
        self.logged = self.log.stat().st_size
        os.environ["COMETAPI_KEY"] = "chaos-key"
        tracer = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", *tricks] if tricks else []
        self.child = start([*tracer, BUILD / "cometfs", provider.url, self.point, "-f",
                            "-o", f"store={store},{options}"], self.log)

    def ended(self):
        return self.child.poll() is not None

    def ends(self):
        """Who was killed lets go of his mount a moment before he is over."""
        wait_until(self.ended, "its end")
        return True

    def mounted(self):
        return os.path.ismount(self.point)

    def wait_mounted(self):
        """Whether it came so far: a trick may have killed it before."""
        wait_until(lambda: self.ended() or self.mounted(), "the mount")
        return not self.ended()

    def said(self):
        with open(self.log, "rb") as log:
            log.seek(self.logged)
            return log.read().decode(errors="replace").splitlines()

    def kill(self):
        if not self.ended():
            self.child.kill()
        self.child.wait(PATIENCE_S)

    def freeze(self):
        """Stops all threads: from then on it writes nothing. One that is inside fsync ends that first."""
        self.child.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.child.pid}/task")
        wait_until(lambda: all(re.search(r"\) [TtZX] ", stat.read_text()) for stat in tasks.glob("*/stat")),
                   "all threads to stop")

    def stop(self):
        """In good order; whether it ended well."""
        self.child.terminate()
        self.child.wait(PATIENCE_S)
        return self.child.returncode == 0 and not self.mounted()


def check_store(store):
    """cometfs --check: its exit code, and what it says."""
    done = subprocess.run([BUILD / "cometfs", "--check", "-o", f"store={store}"], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def can_trace():
    """Only for root: of a daemon that somebody else traces, fusermount3 would not get its rights."""
    return os.geteuid() == 0 and shutil.which("strace") is not None
