# SPDX-License-Identifier: MIT
"""flips.py MNT JOBS: tracks so many jobs, and follows all of their events. After each it looks: no file and
no directory may say what was before it, and no document may be torn. Meanwhile others read in all ways,
and never see a job go back."""
import json
import multiprocessing
import os
import sys

sys.dont_write_bytecode = True  # the tree stays as it is

from ways import ALL, by_mmap, by_pieces, by_read, read_held, read_new

MNT, JOBS = sys.argv[1], int(sys.argv[2])
RANK = ["unknown", "queued", "running", "done", "failed"]
FINAL = ("done", "failed")


def path(name):
    return f"{MNT}/jobs/{name}/status.json"


def how_far(document):
    """What never goes back."""
    return RANK.index(document["state"]), document["progress"] or 0


def parse(name, text, how):
    try:
        return json.loads(text)
    except ValueError:
        sys.exit(f"{name}: torn, read by {how}: {text!r}")


def watch_all(names, way, over):
    """Reads them round and round."""
    seen = dict.fromkeys(names, (0, 0))
    while not over.is_set():
        for name in names:
            now = how_far(parse(name, read_new(path(name), way), way.__name__))
            if now < seen[name]:
                sys.exit(f"{name}: back from {seen[name]} to {now}, read by {way.__name__}")
            seen[name] = now


def reached(event):
    """How far the job is that an event speaks of; None: it says nothing of that."""
    if event["event"] == "state":
        return RANK.index(event["new"]), 0
    return None


def check(event, held):
    name, least = event["request_id"], reached(event)
    documents = {way.__name__: read_new(path(name), way) for way in ALL}
    documents["held"] = read_held(held[name])
    for how, text in documents.items():
        document = parse(name, text, how)
        if event["event"] == "progress":
            assert document["progress"] >= event["new"] or document["state"] in FINAL, (event, how, document)
        if least is not None:
            assert how_far(document) >= least, (event, how, document)
    if least is not None and event["old"] != "unknown":
        assert not os.path.lexists(f"{MNT}/by-state/{event['old']}/{name}"), event
        assert name not in os.listdir(f"{MNT}/by-state/{event['old']}"), event
    if event["new"] in FINAL:
        assert os.readlink(f"{MNT}/by-state/{event['new']}/{name}") == f"../../jobs/{name}", event
        assert name in os.listdir(f"{MNT}/by-state/{event['new']}"), event


def main():
    names = [f"flip-{number}" for number in range(JOBS)]
    events = open(f"{MNT}/.cometfs/events", encoding="utf-8")
    for name in names:
        os.mkdir(f"{MNT}/jobs/{name}")
    held = {name: os.open(path(name), os.O_RDONLY) for name in names}
    for name in names:
        parse(name, read_held(held[name]), "held")
    over = multiprocessing.Event()
    watchers = [multiprocessing.Process(target=watch_all, args=(names, way, over), daemon=True)
                for way in (by_read, by_pieces, by_mmap)]
    for watcher in watchers:
        watcher.start()
    open_jobs, changes = set(names), 0
    for line in events:
        event = json.loads(line)
        if event["event"] not in ("state", "progress"):
            continue
        check(event, held)
        changes += 1
        if event["event"] == "state" and event["new"] in FINAL:
            open_jobs.discard(event["request_id"])
        if not open_jobs:
            break
    over.set()
    for watcher in watchers:
        watcher.join()
        assert watcher.exitcode == 0, "somebody has read what he should not"
    print(f"{changes} changes")


main()
