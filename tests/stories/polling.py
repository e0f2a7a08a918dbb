# SPDX-License-Identifier: MIT
"""
polling.py WAY MOUNT SOURCE ID...: programs that wait for changes of status.json with poll(2), select and
epoll, as for a file of sysfs. What WAY does is said by its function.
"""
import json
import os
import select
import subprocess
import sys
import threading

WAY, MOUNT, SOURCE, *IDS = sys.argv[1:]
NEWS = select.POLLPRI | select.POLLERR
FINAL = ("done", "failed", "expired")


def happen(name):
    """Has the provider go on."""
    subprocess.run(["curl", "-fsS", "-m", "30", "-X", "POST", f"{SOURCE}/_event/{name}"],
                   stdout=subprocess.DEVNULL, check=True)


def path(job, file="status.json"):
    return f"{MOUNT}/jobs/{job}/{file}"


class Poller:
    """An open file of its own, and a way to wait for it."""
    level = True  # told until he has read, and not of each change

    def __init__(self, job, file="status.json"):
        self.descriptor = os.open(path(job, file), os.O_RDONLY)
        self.prepare()

    def read(self):
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return json.loads(os.read(self.descriptor, 1 << 20))

    def prepare(self):
        """What a program does before it waits."""


class ByPoll(Poller):
    def wait(self, seconds=None):
        poll = select.poll()
        poll.register(self.descriptor, select.POLLPRI)
        return [what for _, what in poll.poll(seconds if seconds is None else seconds * 1000)]


class BySelect(Poller):
    def wait(self, seconds=None):
        return [NEWS] * len(select.select([], [], [self.descriptor], seconds)[2])


class ByEpoll(Poller):
    EVENTS = select.EPOLLPRI

    def prepare(self):
        self.epoll = select.epoll()
        self.epoll.register(self.descriptor, self.EVENTS)

    def wait(self, seconds=None):
        return [what for _, what in self.epoll.poll(seconds)]


class ByEpollEdge(ByEpoll):
    EVENTS = select.EPOLLPRI | select.EPOLLET
    level = False


WAYS = ByPoll, BySelect, ByEpoll, ByEpollEdge


def see(job, **expected):
    """Waits until a new open shows this."""
    while True:
        with open(path(job), encoding="utf-8") as file:
            document = json.load(file)
        if all(document[key] == value for key, value in expected.items()):
            return


def assert_silent(pollers):
    for poller in pollers:
        assert not poller.wait(0), poller


def assert_told(pollers, **expected):
    """All are woken until they have read this."""
    for poller in pollers:
        assert poller.wait(60) == [NEWS], poller
        assert not poller.level or poller.wait(60) == [NEWS], poller
        document = poller.read()
        assert all(document[key] == value for key, value in expected.items()), (poller, document)
    assert_silent(pollers)


def once():
    """Each change of state and of progress is told to each until he reads it, whatever he waits with; he may
    sleep then, or look later. Other changes are not told."""
    job = IDS[0]
    see(job, state="queued")
    pollers = [way(job) for way in WAYS for _ in range(2)]
    see(job, state="queued")
    assert_silent(pollers)
    for poller in pollers[::2]:
        poller.read()
    assert_silent(pollers)
    sleepers = [threading.Thread(target=assert_told, args=([poller],), kwargs={"state": "running"})
                for poller in pollers]
    for sleeper in sleepers:
        sleeper.start()
    happen("run")
    for sleeper in sleepers:
        sleeper.join()
    for step, progress in (("more", 50), ("most", 99)):
        happen(step)
        see(job, progress=progress)
        assert_told(pollers, progress=progress)
    # What changes in each poll is no news.
    polls = pollers[0].read()["poll"]["count"]
    while pollers[0].read()["poll"]["count"] < polls + 2:
        see(job, progress=99)
    assert_silent(pollers)
    happen("done")
    see(job, state="done")
    # Its video comes in, and that is told too.
    for poller in pollers:
        while poller.read()["video"]["state"] != "ready":
            assert poller.wait(60)
    assert_silent([poller for poller in pollers if poller.level])


def between():
    """What changes between an open, or a read, and the first wait is not lost; later neither. Who has read it
    is not told."""
    job, steps = IDS[0], iter((("run", 12), ("more", 50), ("most", 99)))
    see(job, state="queued")

    def change():
        step, progress = next(steps)
        happen(step)
        see(job, progress=progress)
        return progress

    opened = [ByPoll(job), BySelect(job)] + [Poller(job), Poller(job)]
    for poller in opened[::2]:
        poller.read()
    progress = change()
    for poller, way in zip(opened[2:], WAYS[2:]):
        poller.__class__ = way
        poller.prepare()
    for poller in opened:
        assert poller.wait(60) == [NEWS], poller
        assert poller.read()["progress"] == progress
    assert_silent(opened)
    # Read, then a change, then a wait; and the other way round.
    for poller in opened:
        poller.read()
    assert_told(opened, progress=change())
    progress = change()
    for poller in opened:
        assert poller.read()["progress"] == progress
    assert_silent([poller for poller in opened if poller.level])


def readable():
    """Whoever waits for something to read need not wait; and what is no status.json has no news."""
    job = IDS[0]
    see(job, state="done")
    while not os.path.exists(path(job, "video.mp4")):
        pass
    for file in "status.json", "response.json", "video.mp4":
        for flags in os.O_RDONLY, os.O_RDONLY | os.O_NONBLOCK:
            descriptor = os.open(path(job, file), flags)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN | select.POLLPRI)
            what = 0
            while what & ~NEWS != select.POLLIN or what & NEWS:
                os.pread(descriptor, 1 << 20, 0)
                (_, what), = poll.poll()
                assert what & select.POLLIN and (file == "status.json" or not what & NEWS), (file, what)
            assert select.select([descriptor], [], [])[0] == [descriptor]
    for way in ByPoll, ByEpoll:
        assert_silent([way(job, "response.json"), way(job, "video.mp4")])


def forgotten():
    """A job that goes while somebody waits for it: he is woken, and not for ever."""
    job = IDS[0]
    see(job, state="queued")
    pollers = [way(job) for way in WAYS]
    sleepers = [threading.Thread(target=poller.wait) for poller in pollers[:2]]
    for poller in pollers:
        poller.read()
    for sleeper in sleepers:
        sleeper.start()
    os.rmdir(f"{MOUNT}/jobs/{job}")
    for sleeper in sleepers:
        sleeper.join()
    for poller in pollers[2:]:
        assert poller.wait(60) == [NEWS], poller
    for poller in pollers:
        try:
            poller.read()
            assert False, "there is something to read of a job that is gone"
        except FileNotFoundError:
            pass
    assert_silent([poller for poller in pollers if poller.level])
    # Of another one of that name they hear nothing.
    os.mkdir(f"{MOUNT}/jobs/{job}")
    see(job, state="queued")
    assert_silent(pollers)


def sleeps():
    """Waits, until the mount is not there any more."""
    poller = ByPoll(IDS[0])
    print("ready", flush=True)
    assert poller.wait() == [select.POLLERR]


def sleeps_once():
    """Waits for one change."""
    poller = ByPoll(IDS[0])
    assert poller.read()["state"] == "queued"
    print("ready", flush=True)
    assert poller.wait(60) == [NEWS]
    assert poller.read()["state"] != "queued"


def follow(poller, ends):
    wakes, document = 0, poller.read()
    while document["state"] not in FINAL:
        assert poller.wait()
        wakes += 1
        document = poller.read()
    ends.append((wakes, document))


def many():
    """Of a thousand changes, all who wait see at least the last, and nobody is woken more often than
    something has changed."""
    ends, threads = [], []
    for job in IDS:
        os.mkdir(f"{MOUNT}/jobs/{job}")
        threads += [threading.Thread(target=follow, args=(way(job), ends)) for way in WAYS]
    for thread in threads:
        thread.start()
    happen("go")
    for thread in threads:
        thread.join()
    assert len(ends) == len(IDS) * len(WAYS)
    # 100 of progress, 3 of state; and what was before the first wait may be told twice.
    assert all(wakes <= 104 for wakes, _ in ends), ends
    print(sum(wakes for wakes, _ in ends), "wakes", flush=True)


{way.__name__: way for way in (once, between, readable, forgotten, sleeps, sleeps_once, many)}[WAY]()
