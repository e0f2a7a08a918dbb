# SPDX-License-Identifier: MIT
"""From the moment that a job is done until its whole video is on disk, beside curl -o of the same URL."""
import os
import statistics
import time

import rig
import seed
import table
import web

MEBIBYTES = 512
RUNS = 5
DONE = ('{"code":"success","message":"","data":{"task_id":"$1","status":"SUCCESS","progress":"100%",'
        '"data":{"status":"done","video":{"url":"@BASE@/files/video.mp4","duration":1,"respect_moderation":true}}}}')


def make_video(path):
    with open(path, "wb") as file:
        file.write(b"\0\0\0\x18ftypisom")
        for _ in range(MEBIBYTES):
            file.write(os.urandom(1 << 20))
    os.sync()


def cometfs_s(server):
    """From mkdir: this provider says done to the first poll, which is made at once."""
    at = rig.directory("download")
    with rig.cometfs(server.base, at):
        begun = time.perf_counter()
        (at / "mnt/jobs" / seed.FIRST).mkdir()
        rig.wait_until(lambda: seed.status(at)["video"]["state"] == "ready", "the video", 0.01)
        took = time.perf_counter() - begun
        if seed.status(at)["video"]["size"] != (server.files / "video.mp4").stat().st_size:
            raise rig.CannotMeasure("it is not the whole video")
        return took


def curl_s(server):
    """Until curl ends, and until its file is on the disk."""
    copy = rig.directory("download-curl") / "video.mp4"
    begun = time.perf_counter()
    rig.run(["curl", "-q", "-sS", "-o", copy, f"{server.base}/files/video.mp4"])
    ended = time.perf_counter()
    rig.run(["sync", "-d", copy])
    return ended - begun, time.perf_counter() - begun


def turn(server):
    """One of each, with nothing of the one before it still on its way to the disk."""
    os.sync()
    ours = cometfs_s(server)
    os.sync()
    return ours, *curl_s(server)


def rows():
    rig.need("curl")
    with web.nginx("download-nginx", DONE) as server:
        make_video(server.files / "video.mp4")
        ours, curl, synced = (statistics.median(column) for column in zip(*(turn(server) for _ in range(RUNS))))
    name = f"a job is done, until its {MEBIBYTES} MB are on disk"
    return [
        table.Row(name, ours, table.seconds, curl, "curl -o, which does not wait for the disk",
                  at_most=1.2, runs=RUNS),
        table.Row(name, ours, table.seconds, synced, "curl -o and sync -d of its file", at_most=1.2, runs=RUNS),
    ]
