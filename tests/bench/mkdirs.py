# SPDX-License-Identifier: MIT
"""mkdir of 5,000 jobs, each durable, beside as many synced records on the same disk."""
import os
import statistics

import rig
import seed
import table
import web

JOBS = 5000
RUNS = 3
RECORD = 4096
IDS = "\n".join(seed.job_id(number) for number in range(JOBS))


def synced_records_s(at):
    """pwrite and fdatasync of each record, in a file whose blocks are there and written."""
    fd = os.open(at / "records", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(fd, bytes(RECORD * JOBS))
        os.fsync(fd)

        def write():
            for number in range(JOBS):
                os.pwrite(fd, bytes([number % 255]) * RECORD, number * RECORD)
                os.fdatasync(fd)
        return rig.timed(write)
    finally:
        os.close(fd)


def mkdir_s(server, xargs):
    at = rig.directory("mkdirs")
    with rig.cometfs(server.base, at):
        took = rig.timed(lambda: rig.run([*xargs, "mkdir"], cwd=at / "mnt/jobs", input=IDS, text=True))
        if len(os.listdir(at / "mnt/jobs")) != JOBS:
            raise rig.CannotMeasure("not all jobs are there")
        return took


def rows():
    with web.nginx("mkdirs-nginx") as server:
        turns = [(synced_records_s(rig.directory("mkdirs-disk")), mkdir_s(server, ["xargs"]),
                  mkdir_s(server, ["xargs", "-P8", f"-n{JOBS // 8}"])) for _ in range(RUNS)]
    disk, one, eight = (statistics.median(column) for column in zip(*turns))
    name = f"mkdir of {JOBS:,} jobs"
    return [
        table.Row(f"{name}, one process", one, table.seconds, at_most=5, runs=RUNS),
        table.Row(f"{name}, eight processes", eight, table.seconds, at_most=5, runs=RUNS),
        table.Row(f"{name}, one process, and the disk alone", one, table.seconds, disk,
                  f"{JOBS:,} records of {RECORD:,} bytes, each written and synced", runs=RUNS),
    ]
