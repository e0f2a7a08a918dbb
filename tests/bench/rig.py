# SPDX-License-Identifier: MIT
"""What all figures share: a directory on the disk, mounts, processes and their figures, the clean-up."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
OUT = BUILD / "bench"
WORK = OUT / "work"
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 120
KEY = "bench-key"
os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian has nginx, for users too


class CannotMeasure(Exception):
    """Says why; it is shown in the row."""


def need(program):
    if shutil.which(program) is None:
        raise CannotMeasure(f"{program} is not installed")


def wait_until(condition, what, pause_s=0.002):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise CannotMeasure(f"in vain waited for {what}")
        time.sleep(pause_s)


def timed(do):
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def median_of(runs, do):
    return statistics.median(do() for _ in range(runs))


def directory(name):
    """A new empty directory on the disk."""
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def clear():
    """Takes away what an earlier run has left, should somebody have killed it."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4]
        if point.startswith(f"{WORK}/"):
            subprocess.run(["umount", "-l", point], check=False)
    shutil.rmtree(WORK, ignore_errors=True)


def drop_caches():
    """Whether the kernel has forgotten all files: only root may ask for it."""
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True


def run(command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def die_with_parent():
    """Between fork and exec: a daemon of ours does not outlive us."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextlib.contextmanager
def process(command, log, **more):
    """Runs until the end of the block; then it is ended, and waited for."""
    with open(log, "ab") as out:
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=out, preexec_fn=die_with_parent, **more)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def alive(child, log):
    if child.poll() is not None:
        lines = pathlib.Path(log).read_text(errors="replace").splitlines()
        raise CannotMeasure(f"{child.args[0]} ended: {lines[-1] if lines else child.returncode}")
    return True


@contextlib.contextmanager
def mounted(command, point, log, **more):
    """Runs a file system in the foreground, mounted at point."""
    point.mkdir(exist_ok=True)
    with process(command, log, **more) as child:
        try:
            wait_until(lambda: alive(child, log) and os.path.ismount(point), f"{point} to be mounted")
            yield child
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE_S)
            if child.returncode is None or os.path.ismount(point):
                subprocess.run(["fusermount3", "-uqz", str(point)], check=False)


def cometfs_command(source, point, store, options):
    return [BUILD / "cometfs", source, point, "-f", "-o", f"store={store}{options and ','}{options}"]


@contextlib.contextmanager
def cometfs(source, at, options=""):
    """A mount at at/mnt with the store at/store."""
    command = cometfs_command(source, at / "mnt", at / "store", options)
    os.environ["COMETAPI_KEY"] = KEY
    with mounted(command, at / "mnt", at / "log") as child:
        yield child


@contextlib.contextmanager
def provider(at, script, *more):
    """The tests' provider; gives its base URL."""
    (at / "script").write_text(script)
    port = at / "port"
    port.unlink(missing_ok=True)
    command = [BUILD / "provider", "--port-file", port, *more, at / "script"]
    with process(command, at / "provider.log", cwd=ROOT) as child:
        wait_until(lambda: alive(child, at / "provider.log") and port.exists() and port.read_text(),
                   "the provider")
        yield f"http://127.0.0.1:{int(port.read_text())}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_s(pid):
    """Processor time of a process and its threads until now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status_numbers(path, *names):
    lines = (line.split(":") for line in path.read_text().splitlines())
    return sum(int(value.split()[0]) for name, value in lines if name in names)


def memory_bytes(pid):
    return status_numbers(pathlib.Path(f"/proc/{pid}/status"), "VmRSS") * 1024


def switches(pid):
    """How often its threads have begun to run, or were taken off a processor."""
    return sum(status_numbers(path, "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
               for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))


def child_cpu_s(command, **more):
    """Runs a command; its processor time, and how long it took."""
    begun = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, **more)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise CannotMeasure(f"{command[0]} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begun
