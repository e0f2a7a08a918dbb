# SPDX-License-Identifier: MIT
"""
Measures the figures that cometfs wants to reach: bench.py [NAME…]. Every figure is a ratio or a count
within one run on one machine; nothing here is a test.
"""
import os
import pathlib
import platform
import signal
import sys
import traceback

sys.dont_write_bytecode = True  # the tree stays as it is

import plot
import rig
import table

FAMILIES = ["reads", "download", "status", "polls", "remembered", "mkdirs", "stalled"]


def interrupt(*_):
    raise KeyboardInterrupt


def measure(name):
    """The rows of one family; what cannot be measured is a row, too."""
    print(f"{name} …", file=sys.stderr, flush=True)
    try:
        return __import__(name).rows(), True
    except rig.CannotMeasure as why:
        return [table.Row(name, note=str(why))], False
    except Exception as why:  # whatever it is, the other figures are worth having
        traceback.print_exc()
        return [table.Row(name, note=f"{type(why).__name__}: {why}")], False


def machine():
    model = "?"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(": ")[2]
    return f"{os.cpu_count()} processors ({model}), Linux {platform.release()}"


def main(names):
    unknown = set(names) - set(FAMILIES)
    if unknown:
        sys.exit(f"bench.py: {', '.join(unknown)}: there are {', '.join(FAMILIES)}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    rig.OUT.mkdir(parents=True, exist_ok=True)
    rows, good = [], True
    rig.clear()
    try:
        for name in names or FAMILIES:
            found, well = measure(name)
            rows += found
            good = good and well
    finally:
        rig.clear()
    table.write(rig.OUT, rows, machine())
    print((rig.OUT / "table.md").read_text())
    try:
        plot.draw(rig.OUT, rows)
    except rig.CannotMeasure as why:
        print(f"no plot: {why}")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
