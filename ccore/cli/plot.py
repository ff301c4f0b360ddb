# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw recordings of `necropy record`, by matplotlib, or as lines of text without it.

Part of the program: plot.c hands it to the first Python that can run it. Exit status as
necropy's; NEEDS_MATPLOTLIB asks for another Python.
"""

import argparse
import csv
import os
import sys

NEEDS_MATPLOTLIB = 77
BLOCKS = u"▁▂▃▄▅▆▇█"
WIDTH = 60
MIB = 1024.0 * 1024.0

# what is drawn together: title, unit, columns
PANELS = (
    ("memory", "MiB", ("rss", "shr", "pss")),
    ("address space", "MiB", ("vmsize",)),
    ("objects of the collector", "", ("long_lived", "generation0", "generation1", "generation2",
                                      "frozen")),
    ("pymalloc arenas", "", ("arenas",)),
    ("System V attaches", "", ("attaches",)),
)
BYTES = ("vmsize", "rss", "shr", "pss")
MARKERS = "os^Dv*PX"
SUFFIXES = (".svg", ".png", ".pdf")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(1, message)


def parse(arguments):
    parser = Parser(prog="necropy plot", add_help=False)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("-o", dest="output")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--columns")
    parser.add_argument("--mark", action="append", default=[])
    options = parser.parse_args(arguments)
    if not options.output and not options.open:
        fail(1, "plot draws into a file, or on the terminal: add -o FILE.svg or --open")
    if options.output and os.path.splitext(options.output)[1].lower() not in SUFFIXES:
        fail(1, "%s: must end in %s" % (options.output, ", ".join(SUFFIXES)))
    return options


def fail(status, text):
    sys.stderr.write("necropy: %s\n" % text)
    sys.exit(status)


class Run(object):
    """One recording: {column: [(seconds, value)]}."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.torn = 0
        self.series = {}
        try:
            with open(path) as text:
                self.read(text)
        except (OSError, IOError, UnicodeDecodeError, csv.Error) as problem:
            fail(2, "cannot read %s: %s" % (path, getattr(problem, "strerror", None) or problem))
        if not any(self.series.values()):
            fail(2, "%s has no samples" % path)

    def read(self, text):
        rows = csv.reader(text)
        names = next(rows, [])
        if names[:2] != ["time", "elapsed"]:
            fail(2, "%s is no recording: it does not begin with time,elapsed" % self.path)
        for row in rows:
            try:
                if len(row) != len(names):
                    raise ValueError
                at = float(row[1])
                values = [(name, int(x)) for name, x in zip(names[2:], row[2:]) if x]
            except ValueError:
                self.torn += 1
                continue
            for name, x in values:
                self.series.setdefault(name, []).append((at, x))


def panels_of(runs, wanted):
    """[(title, unit, columns)] of what there is to draw."""
    there = set(name for run in runs for name, points in run.series.items() if points)
    if wanted:
        columns = wanted.split(",")
        unknown = [name for name in columns if name not in there]
        if unknown:
            fail(1, "no recording has values of %s; there are: %s"
                 % (unknown[0], ", ".join(sorted(there))))
        return [(name, "MiB" if name in BYTES else "", (name,)) for name in columns]
    found = [(title, unit, tuple(name for name in columns if name in there))
             for title, unit, columns in PANELS]
    # a panel of zeros says nothing
    return [panel for panel in found
            if any(x for run in runs for name in panel[2] for _, x in run.series.get(name, ()))]


def marks_of(texts):
    marks = []
    for text in texts:
        at, _, words = text.partition("=")
        try:
            marks.append((float(at), words))
        except ValueError:
            fail(1, "--mark %s: must be SECONDS=TEXT" % text)
    return marks


# --- text

def amount(name, x):
    return "%.1f MiB" % (x / MIB) if name in BYTES else "{:,}".format(x)


def sparkline(points):
    """Each character is the largest value of its part of the time."""
    start, end = points[0][0], points[-1][0]
    slots = [None] * min(WIDTH, len(points))
    for at, x in points:
        i = int((at - start) / (end - start) * len(slots)) if end > start else 0
        i = min(i, len(slots) - 1)
        slots[i] = x if slots[i] is None else max(slots[i], x)
    low, high = min(x for _, x in points), max(x for _, x in points)
    last, line = points[0][1], ""
    for x in slots:
        last = last if x is None else x
        line += BLOCKS[(last - low) * (len(BLOCKS) - 1) // (high - low) if high > low else 0]
    return line


def draw_text(runs, panels):
    for run in runs:
        names = [name for _, _, columns in panels for name in columns if name in run.series]
        print("%s: %.1f s" % (run.name, max(points[-1][0] for points in run.series.values())))
        for name in names:
            points = run.series[name]
            print("  %-12s %-*s  %s → %s" % (name, WIDTH, sparkline(points),
                                             amount(name, points[0][1]),
                                             amount(name, points[-1][1])))


# --- pictures

def draw_panel(axes, runs, panel, marks):
    title, unit, columns = panel
    for r, run in enumerate(runs):
        for c, name in enumerate(columns):
            points = run.series.get(name)
            if not points:
                continue
            scale = MIB if unit else 1.0
            axes.plot([at for at, _ in points], [x / scale for _, x in points],
                      color="C%d" % (r if len(runs) > 1 else c), linewidth=1,
                      marker=MARKERS[c % len(MARKERS)], markersize=3,
                      markevery=max(1, len(points) // 60),
                      label=name if len(runs) == 1 else "%s: %s" % (run.name, name))
    for at, words in marks:
        axes.axvline(at, color="0.5", linestyle=":")
        axes.annotate(words, (at, 1), xycoords=("data", "axes fraction"), rotation=90,
                      verticalalignment="top", fontsize="small")
    axes.set_title(title, loc="left", fontsize="medium")
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    axes.grid(True, color="0.9")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize="small")


def draw_picture(runs, panels, marks, path):
    try:
        import matplotlib
    except ImportError:
        sys.exit(NEEDS_MATPLOTLIB)
    matplotlib.use("agg")
    # the same recordings give the same picture
    matplotlib.rcParams["svg.hashsalt"] = "necropy"
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(len(panels), 1, sharex=True, squeeze=False,
                                   figsize=(10, 1 + 2.2 * len(panels)))
    for row, panel in zip(axes, panels):
        draw_panel(row[0], runs, panel, marks)
    axes[-1][0].set_xlabel("seconds")
    form = os.path.splitext(path)[1][1:].lower()
    temporary = "%s.%d.unfinished" % (path, os.getpid())
    os.umask(0o077)  # for its owner only
    try:
        figure.savefig(temporary, format=form, bbox_inches="tight",
                       metadata={"Date": None} if form == "svg" else None)
        os.rename(temporary, path)
    except (OSError, IOError) as problem:
        if os.path.exists(temporary):
            os.unlink(temporary)
        fail(2, "cannot write %s: %s" % (path, problem.strerror))


def main():
    options = parse(sys.argv[1:])
    runs = [Run(path) for path in options.runs]
    panels = panels_of(runs, options.columns)
    marks = marks_of(options.mark)
    if options.output:
        draw_picture(runs, panels, marks, options.output)
    if options.open:
        draw_text(runs, panels)
    torn = [run for run in runs if run.torn]
    for run in torn:
        sys.stderr.write("necropy: %s: %d lines are not whole and were left out\n"
                         % (run.path, run.torn))
    sys.exit(3 if torn else 0)


if __name__ == "__main__":
    main()
