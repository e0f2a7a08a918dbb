# SPDX-License-Identifier: MIT
"""
events.py WAY EVENTS: programs that read .cometfs/events with system calls of their own. What WAY does is
said by its function. Whoever has to see something happen says `ready` first.
"""
import errno
import fcntl
import json
import os
import select
import signal
import sys

WAY, EVENTS = sys.argv[1:3]
MOUNT = os.path.dirname(os.path.dirname(EVENTS))


def refused(number, call, *arguments):
    try:
        result = call(*arguments)
    except OSError as e:
        assert e.errno == number, e
    else:
        sys.exit(f"{call} gave {result!r}")


def readable(descriptor):
    """What poll(2), select and epoll say at once: they have to agree."""
    poll, epoll = select.poll(), select.epoll()
    poll.register(descriptor, select.POLLIN | select.POLLPRI)
    epoll.register(descriptor, select.EPOLLIN | select.EPOLLPRI)
    answers = poll.poll(0), epoll.poll(0), select.select([descriptor], [], [descriptor], 0)[0::2]
    epoll.close()
    said = {bool(answers[0]), bool(answers[1]), bool(answers[2][0])}
    assert len(said) == 1 and not answers[2][1], answers
    assert all(event & (select.POLLIN | select.POLLRDNORM) == event for _, event in answers[0] + answers[1])
    return said.pop()


def no_place(descriptor):
    """It is a stream: nobody can go anywhere in it."""
    for whence in os.SEEK_SET, os.SEEK_CUR, os.SEEK_END:
        refused(errno.ESPIPE, os.lseek, descriptor, 0, whence)
    refused(errno.ESPIPE, os.pread, descriptor, 10, 0)
    assert os.fstat(descriptor).st_size == 0
    refused(errno.EACCES, os.open, EVENTS, os.O_WRONLY)
    refused(errno.EACCES, os.open, EVENTS, os.O_RDWR)


def nonblock():
    """It does not wait, also when that is told it later; and waits with poll(2), select and epoll."""
    early, late = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK), os.open(EVENTS, os.O_RDONLY)
    fcntl.fcntl(late, fcntl.F_SETFL, os.O_NONBLOCK)
    no_place(early)
    for descriptor in early, late:
        refused(errno.EAGAIN, os.read, descriptor, 4096)
        assert not readable(descriptor)
    waiters = [select.poll(), select.epoll()]
    for waiter in waiters:
        waiter.register(early, select.POLLIN)
        waiter.register(late, select.POLLIN)
    print("ready", flush=True)
    both = sorted([(early, select.POLLIN), (late, select.POLLIN)])
    for waiter in waiters:
        ready = []
        while sorted(set(ready)) != both:
            ready += waiter.poll()
    assert select.select([early, late], [], [])[0] == [early, late]
    # As long as there is something to read, also a part of a line.
    assert os.read(early, 1) == b"{" and readable(early)
    lines = b"{" + os.read(early, 1 << 20)
    assert [json.loads(line)["event"] for line in lines.splitlines()] == ["tracked"], lines
    assert os.read(late, 1 << 20) == lines
    for descriptor in early, late:
        assert not readable(descriptor)
        refused(errno.EAGAIN, os.read, descriptor, 4096)


def asleep():
    """It waits once with each of poll(2), select, epoll and read, for another event each time."""
    descriptor = os.open(EVENTS, os.O_RDONLY)
    poll, epoll = select.poll(), select.epoll()
    poll.register(descriptor, select.POLLIN)
    epoll.register(descriptor, select.EPOLLIN | select.EPOLLET)
    for wait in poll.poll, epoll.poll, lambda: select.select([descriptor], [], []), lambda: True:
        print("ready", flush=True)
        assert wait()
        print(os.read(descriptor, 1 << 20).decode(), end="", flush=True)


def shared():
    """Several who share what one has opened, as a shell's children do: each can be ended while it waits,
    and what happens comes to one of them."""
    descriptor, (end, begin) = os.open(EVENTS, os.O_RDONLY), os.pipe()
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            while True:
                os.write(begin, os.read(descriptor, 4096))
        children.append(child)
    print("ready", flush=True)
    sys.stdin.readline()
    for child, number in zip(children, (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)):
        os.kill(child, number)
        assert os.waitpid(child, 0)[1] == number
    print("ready", flush=True)
    sys.stdin.readline()
    os.kill(children[3], signal.SIGKILL)
    os.close(begin)
    with open(end, encoding="utf-8") as pipe:
        print(sorted(json.loads(line)["request_id"] for line in pipe))


def numbered(lines):
    """Each line by its number, counted from the open on; and how many were dropped before the first."""
    at, known, first = 0, {}, 0
    for line in lines:
        event = json.loads(line)
        if event["event"] == "dropped":
            assert (event["request_id"], event["old"]) == (None, None), line
            at += event["new"]
            first = first or (0 if known else at)
        else:
            known[at] = line
            at += 1
    return known, first


def slow():
    """Of two who began at the same moment one reads nothing until far more has happened than is kept."""
    for number in range(150):
        os.mkdir(f"{MOUNT}/jobs/slow-{number}")
    with open(EVENTS, encoding="utf-8") as fast, open(EVENTS, encoding="utf-8") as late:
        print("ready", flush=True)
        # The fast one may lose some too, on a machine that is busy.
        lines = [next(fast) for _ in range(6000)]
        got = [next(late) for _ in range(2000)]
    (seen, _), (told, first) = numbered(lines), numbered(got)
    assert '"dropped"' in got[0] and first >= 6000 - 4096, got[0]
    # It goes on with the first that is there still.
    both = seen.keys() & told.keys()
    assert both and all(seen[number] == told[number] for number in both)
    print("dropped", first, flush=True)


{way.__name__: way for way in (nonblock, asleep, shared, slow)}[WAY]()
