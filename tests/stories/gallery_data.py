# SPDX-License-Identifier: MIT
"""The data of index.html as JSON, from standard input; the page has to be whole. Or a check of it: oddly FILE DIRECTORY,
copies it in odd ways; whole FILE..., together FILE, forgotten FILE, late FILE, fill STORE, which see."""
import errno
import json
import mmap
import os
import sqlite3
import sys
import threading
import time

OPENING, CLOSING = b'<script type="application/json" id="data">', b"</script>"


def data_of(page):
    if not page.rstrip(b" \n").endswith(b"</html>"):
        sys.exit(f"it ends with {page.rstrip()[-30:]}, {len(page)} bytes")
    return json.loads(page.split(OPENING, 1)[1].split(CLOSING, 1)[0])


def by_sendfile(file, to):
    size = os.fstat(file.fileno()).st_size
    done = 0
    while done < size and (sent := os.sendfile(to.fileno(), file.fileno(), done, size - done)):
        done += sent


def by_mmap(file, to):
    with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        to.write(view[:])


def in_pieces(file, to):
    """From the end to the beginning."""
    size = os.fstat(file.fileno()).st_size
    pieces = [os.pread(file.fileno(), 5000, at) for at in reversed(range(0, size, 5000))]
    to.write(b"".join(reversed(pieces)))


def oddly(path, directory):
    for how in by_sendfile, by_mmap, in_pieces:
        with open(path, "rb", buffering=0) as file, open(os.path.join(directory, how.__name__), "wb") as to:
            how(file, to)


def whole(*paths):
    """Each is a whole page, which has this job in it."""
    for path in paths:
        assert "job-00001" in ids(path), path


def ids(path):
    with open(path, "rb") as file:
        return [job[0] for job in data_of(file.read())["jobs"]]


def together(path):
    """Twenty who open it at the same time, and hold it open: one page, as the time in it tells."""
    os.stat(path)
    fds, begin = [], threading.Barrier(20)

    def one():
        begin.wait()
        fds.append(os.open(path, os.O_RDONLY))
    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    editions = {}
    for fd in fds:
        page = os.pread(fd, 1 << 24, 0)
        assert len(page) == os.fstat(fd).st_size
        editions.setdefault(data_of(page)["taken"], set()).add(page)
    assert all(len(pages) == 1 for pages in editions.values())
    assert len(editions) <= 2, editions.keys()  # a second may have passed between them
    # One who holds it open has it still, whatever comes after it.
    first = os.pread(fds[0], 1 << 24, 0)
    end = time.monotonic() + 30
    os.mkdir(os.path.join(os.path.dirname(path), "jobs/later"))
    while "later" not in ids(path):
        assert time.monotonic() < end
    assert os.pread(fds[0], 1 << 24, 0) == first


def forgotten(path):
    """Eight have it open, each another edition, and read on or not; by a clock that is ours."""
    clock = os.path.join(os.path.dirname(path), "../clock")
    seconds = 0

    def later(by):
        nonlocal seconds
        seconds += by
        with open(clock + ".new", "w", encoding="ascii") as file:
            file.write(f"+{seconds}s\n")
        os.rename(clock + ".new", clock)

    fds, pages = [], []
    for _ in range(8):
        later(2)
        fds.append(os.open(path, os.O_RDONLY))
        pages.append(os.pread(fds[-1], 1 << 24, 0))
    assert len({data_of(page)["taken"] for page in pages}) == 8
    os.mkdir(os.path.join(os.path.dirname(path), "jobs", "news"))
    later(50)
    os.pread(fds[0], 1, 0)
    later(50)
    assert "news" in ids(path), "those who forgot it keep it from us"
    # Of them one has lost it, who read longest ago, and is told; the others have what they had.
    for number, fd in enumerate(fds):
        try:
            assert os.pread(fd, 1 << 24, 0) == pages[number]
            assert number != 1
        except OSError as error:
            assert number == 1 and error.errno == errno.ESTALE, (number, error)
        os.close(fd)


def late(path):
    """The page is made when it is opened, not when somebody looks at its attributes, or lists the directory."""
    looked = time.time_ns() // 1000000 + 1
    os.stat(path)
    os.listdir(os.path.dirname(path))
    while time.time_ns() // 1000000 <= looked:
        time.sleep(0.001)
    with open(path, "rb") as file:
        assert data_of(file.read())["taken"] > looked


def fill(store):
    """5,000 jobs in a store that nobody uses: copies of the row of its first, as mkdir would take seconds."""
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../bench"))
    import seed
    with sqlite3.connect(os.path.join(store, "catalog.sqlite")) as db:
        seed.copy_row(db, "job", 5000, lambda serial, number: {"serial": serial + 1000 + number, "id": f"job-{number + 1:05}"})


def main():
    if len(sys.argv) == 1:
        json.dump(data_of(sys.stdin.buffer.read()), sys.stdout)
        return
    how, *paths = sys.argv[1:]
    {"oddly": oddly, "whole": whole, "together": together, "forgotten": forgotten, "late": late, "fill": fill}[how](*paths)


main()
