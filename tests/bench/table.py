# SPDX-License-Identifier: MIT
"""Rows of the table: what was measured, against what, and what is to be reached."""
import dataclasses
import json


def seconds(value):
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(value):
    return f"{value:,.0f} bytes"


@dataclasses.dataclass
class Row:
    """
    With against, what is to be reached is a ratio, measured / against; without, a measured value.
    No at_most and no at_least: only said, nothing to be reached.
    """
    what: str
    measured: float = None
    show: callable = number
    against: float = None
    against_what: str = ""
    at_most: float = None
    at_least: float = None
    runs: int = 1
    note: str = ""

    def ratio(self):
        if self.measured is None or not self.against:
            return None
        return self.measured / self.against

    def score(self):
        """1 or less: reached. How often the goal has to be taken; None without a goal."""
        value = self.ratio() if self.against else self.measured
        if value is None or (self.at_most is None and self.at_least is None):
            return None
        if self.at_most is not None:
            return value / self.at_most if self.at_most > 0 else float(value > 0) * (1 + value)
        return self.at_least / value if value > 0 else float("inf")

    def goal(self):
        word, value = ("or less", self.at_most) if self.at_most is not None else ("or more", self.at_least)
        if value is None:
            return ""
        shown = f"{value:.3g}" if self.against else self.show(value) if value else "none"
        return shown if value == 0 else f"{shown} {word}"

    def cells(self):
        if self.measured is None:
            return [self.what, f"not measured: {self.note}", "", "", self.goal(), "?"]
        ratio, score = self.ratio(), self.score()
        against = f"{self.show(self.against)}, {self.against_what}" if self.against else self.against_what
        runs = f" (median of {self.runs})" if self.runs > 1 else ""
        reached = "" if score is None else "yes" if score <= 1 else "no"
        return [self.what, self.show(self.measured) + runs, against,
                "" if ratio is None else f"{ratio:.3g}", self.goal(), reached]

    def figures(self):
        fields = dataclasses.asdict(self)
        del fields["show"]
        return {**fields, "ratio": self.ratio(), "score": self.score()}


HEAD = ["what", "measured", "against", "ratio", "to reach", "reached?"]


def markdown(rows):
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    notes = [f"- {row.what}: {row.note}" for row in rows if row.note and row.measured is not None]
    return "\n".join(lines + ([""] + notes if notes else [])) + "\n"


def write(out, rows, machine):
    (out / "table.md").write_text(f"{markdown(rows)}\n{machine}\n")
    (out / "figures.json").write_text(json.dumps([row.figures() for row in rows], indent=2) + "\n")
