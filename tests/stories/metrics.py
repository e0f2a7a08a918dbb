# SPDX-License-Identifier: MIT
"""Checks that each file is a metrics.prom: the text format of Prometheus to the letter, and what
promtool check metrics asks for. Prints the first complaint about each that is not."""
import math
import re
import sys

NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})\{{({LABEL}(?:,{LABEL})*)\}} +(\+Inf|NaN|[0-9]+(?:\.[0-9]+)?)")
TYPES = ("counter", "gauge", "histogram")
SUFFIXES = ("_bucket", "_sum", "_count")
# Of each quantity Prometheus has one unit, and its name is written out.
NOT_UNITS = """ms s m h d ns us millis milliseconds microseconds nanoseconds minutes hours days weeks b kb
    mb gb tb kib mib gib kilobytes megabytes gigabytes kibibytes mebibytes gibibytes bits percent""".split()


class Wrong(Exception):
    pass


def demand(good, *what):
    if not good:
        raise Wrong(" ".join(str(w) for w in what))


def check_name(name, kind):
    words = name.split("_")
    demand(name.startswith("cometfs_"), "not ours:", name)
    demand(name.endswith("_total") == (kind == "counter"), "_total is of counters:", name)
    demand(not name.endswith(SUFFIXES), "the end is that of a histogram's sample:", name)
    demand(not any(w in NOT_UNITS for w in words), "not a base unit:", name)
    demand(not any(w in TYPES for w in words), "the type in the name:", name)


def labels_of(text):
    pairs = [pair.split("=", 1) for pair in re.findall(LABEL, text)]
    labels = dict(pairs)
    demand(len(labels) == len(pairs), "a label twice:", text)
    demand("mountpoint" in labels, "of which mount?", text)
    return labels


def check_histogram(name, samples):
    limits = [float(labels["le"].strip('"')) for end, labels, _ in samples if end == "_bucket"]
    counts = [value for end, _, value in samples if end == "_bucket"]
    rest = {end: value for end, _, value in samples if end != "_bucket"}
    demand(len(samples) == len(limits) + 2 and set(rest) == {"_sum", "_count"}, name, rest)
    demand(limits == sorted(set(limits)) and limits[-1] == math.inf, name, "limits:", limits)
    demand(counts == sorted(counts) and counts[-1] == rest["_count"], name, "counts:", counts)


def check_sample(line, name, kind):
    match = SAMPLE.fullmatch(line)
    demand(match, "no sample:", line)
    full, text, number = match.groups()
    end = full[len(name):]
    demand(full.startswith(name), "not among those of", name, ":", line)
    demand(end in (SUFFIXES if kind == "histogram" else ("",)), "not of a", kind, ":", line)
    labels = labels_of(text)
    demand(("le" in labels) == (end == "_bucket"), "le is of buckets:", line)
    demand(kind == "gauge" or math.isfinite(float(number)), "a count of", number, "in", line)
    return end, labels, float(number)


def check_family(lines, known):
    head = [re.fullmatch(rf"# {word} ({NAME}) (.+)", line) for word, line in zip(("HELP", "TYPE"), lines)]
    demand(len(lines) > 2 and all(head), "no HELP and TYPE before", lines[:2])
    name, kind = head[1].groups()
    demand(head[0][1] == name and name not in known, "HELP and TYPE once, together:", name)
    known.add(name)
    demand(kind in TYPES, "no such type:", kind)
    check_name(name, kind)
    samples = [check_sample(line, name, kind) for line in lines[2:]]
    series = [(end, tuple(sorted(labels.items()))) for end, labels, _ in samples]
    demand(len(set(series)) == len(series), "one of them twice:", name)
    if kind == "histogram":
        check_histogram(name, samples)


def check(data):
    text = data.decode("utf-8")
    demand(text.endswith("\n"), "the last line has no end")
    lines = text[:-1].split("\n")
    begins = [at for at, line in enumerate(lines) if line.startswith("# HELP ")]
    demand(begins and begins[0] == 0, "no HELP at the beginning")
    known = set()
    for begin, end in zip(begins, begins[1:] + [len(lines)]):
        check_family(lines[begin:end], known)


def main():
    good = True
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            data = file.read()
        try:
            check(data)
        except (Wrong, UnicodeDecodeError) as wrong:
            print(f"{path}: {wrong}")
            good = False
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
