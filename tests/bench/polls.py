# SPDX-License-Identifier: MIT
"""5,000 unfinished jobs, each polled every second, beside curl --parallel and wrk on the same nginx."""
import re
import statistics
import subprocess
import time

import rig
import seed
import table
import web

JOBS = 5000
WARM_UP_S = 5
MEASURE_S = 20
CURL_RUNS = 5
OPTIONS = "interval=1,interval_watched=1,poll_rate=0"


def measure_cometfs(server, at):
    """Polls a second, and processor time a poll."""
    with rig.cometfs(server.base, at, OPTIONS) as daemon:
        time.sleep(WARM_UP_S)
        polls, cpu, begun = server.count(), rig.cpu_s(daemon.pid), time.monotonic()
        time.sleep(MEASURE_S)
        polls, cpu, took = (server.count() - polls, rig.cpu_s(daemon.pid) - cpu,
                            time.monotonic() - begun)
        if polls == 0:
            raise rig.CannotMeasure("no poll came")
        return polls / took, cpu / polls


def curl_config(server, at):
    lines = [f'header = "Authorization: Bearer {rig.KEY}"\n']
    for number in range(JOBS):
        lines.append(f'url = "{server.base}/grok/v1/videos/{seed.job_id(number)}"\noutput = "/dev/null"\n')
    (at / "curl").write_text("".join(lines))


def measure_curl(server, at, *options):
    """Requests a second, and processor time a request: medians."""
    command = ["curl", "-q", "-s", "-S", "--no-progress-meter", "-K", at / "curl", "--parallel", *options]
    rates, costs = [], []
    for _ in range(CURL_RUNS):
        before = server.count()
        cpu, took = rig.child_cpu_s(command)
        if server.count() - before < JOBS:
            raise rig.CannotMeasure("curl did not ask for all")
        rates.append(JOBS / took)
        costs.append(cpu / JOBS)
    return statistics.median(rates), statistics.median(costs)


def measure_wrk(server):
    """Requests a second: what one nginx gives."""
    rig.need("wrk")
    url = f"{server.base}/grok/v1/videos/{seed.FIRST}"
    said = rig.run(["wrk", "-t1", "-c32", "-d5s", "-H", f"Authorization: Bearer {rig.KEY}", url],
                   stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"Requests/sec:\s*([\d.]+)", said)[1])


def rows():
    rig.need("curl")
    with web.nginx("polls-nginx") as server:
        at = rig.directory("polls")
        seed.fill(at, server.base, JOBS, OPTIONS, lambda job: job["poll"]["count"] > 0)
        rate, cost = measure_cometfs(server, at)
        curl_config(server, at)
        curl_rate, curl_cost = measure_curl(server, at)
        fast_rate, fast_cost = measure_curl(server, at, "--parallel-max", "128")
        most = measure_wrk(server)
    name = f"{JOBS:,} unfinished jobs, interval 1 s"
    return [
        table.Row(f"{name}: polls a second", rate, against=min(JOBS, most), at_least=0.99,
                  against_what="what is due" if most > JOBS else "what wrk gets from the same nginx",
                  note=f"over {MEASURE_S} s; this nginx answers wrk {most:,.0f} times a second, curl --parallel "
                       f"{curl_rate:,.0f} times, with --parallel-max 128 {fast_rate:,.0f} times"),
        table.Row(f"{name}: processor time a poll", cost, table.seconds, curl_cost,
                  "curl --parallel of the same URLs", at_most=1,
                  note=f"curl: median of {CURL_RUNS} runs; its figure has its start in it"),
        table.Row(f"{name}: processor time a poll", cost, table.seconds, fast_cost,
                  "curl --parallel --parallel-max 128", at_most=1),
    ]
