# SPDX-License-Identifier: MIT
"""Draws each figure as a bar: how much of what is allowed it takes. Left of the line is reached."""
import rig

REACHED, MISSED = "#2b7a78", "#d1603d"
CUT = 2.5  # a bar that is longer ends there, with a mark
ROW_PIXELS, FRAME_PIXELS, WIDTH_PIXELS = 28, 120, 1500
NAMES = 0.33  # share of the picture for the names; the bars have as much as the words behind them

SCRIPT = """
set encoding utf8
set datafile separator "\\t"
$bars << END
{bars}
END
set tmargin 4
set bmargin 4
set label "cometfs: {reached} of {count} figures reached" at 0, graph 1 offset 0,1.8 font ",13" noenhanced
set label "taken of what is allowed: 1 is the goal, less is better" at 0, graph 0 offset 0,-2.4 noenhanced
set xrange [0:{right} * 2]
set yrange [{count} - 0.4:-0.6]
set ytics () nomirror scale 0 textcolor rgb "black" noenhanced
set xtics 0,0.5,{right} nomirror textcolor rgb "#555555"
set border 0
unset key
set lmargin at screen {names}
set rmargin at screen 0.99
set for [x = 0:{right} * 2] arrow from x / 2.0, graph 0 to x / 2.0, graph 1 nohead back linecolor rgb "#e4e4e4"
set arrow from 1, graph 0 to 1, graph 1 nohead front linewidth 2 linecolor rgb "black"
set label "to reach" at {right} * 1.04, graph 1 offset 0,0.7 textcolor rgb "#555555"
set label "measured" at {right} * 1.36, graph 1 offset 0,0.7 textcolor rgb "#555555"
set style fill solid 1 noborder
draw = 'plot $bars using (0):1:(0):2:($1-0.34):($1+0.34):4:ytic(3) with boxxyerror linecolor rgb variable, \\
	$bars using ($2):1:7 with labels left noenhanced, \\
	$bars using ({right} * 1.04):1:5 with labels left noenhanced, \\
	$bars using ({right} * 1.36):1:6 with labels left noenhanced'
set terminal svg size {width},{height} font "DejaVu Sans,11" background "#ffffff"
set output "{out}/plot.svg"
eval draw
set output
if (strstrt(GPVAL_TERMINALS, "pngcairo")) set terminal pngcairo size {width},{height} font "DejaVu Sans,9"; \\
else set terminal png size {width},{height}
set output "{out}/plot.png"
eval draw
set output
"""


def bar(place, row):
    """A line of data: place, length, name, colour, what is to be reached, what was measured, the mark."""
    score, ratio = row.score(), row.ratio()
    measured = row.show(row.measured) if ratio is None else f"{ratio:.3g} × {row.against_what}"
    color = int((REACHED if score <= 1 else MISSED)[1:], 16)
    fields = place, min(score, CUT), row.what, color, row.goal(), measured, "▸" if score > CUT else ""
    return "\t".join(str(field) for field in fields)


def draw(out, rows):
    """plot.svg and plot.png of the rows that have a goal."""
    rows = [row for row in rows if row.score() is not None]
    if not rows:
        return
    rig.need("gnuplot")
    longest = min(max(row.score() for row in rows), CUT)
    script = SCRIPT.format(
        bars="\n".join(bar(place, row) for place, row in enumerate(rows)), out=out, count=len(rows),
        reached=sum(row.score() <= 1 for row in rows), right=max(longest, 1) * 1.04, names=NAMES,
        width=WIDTH_PIXELS, height=FRAME_PIXELS + ROW_PIXELS * len(rows))
    rig.run(["gnuplot"], input=script, text=True)
