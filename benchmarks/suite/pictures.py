"""The suite's pictures as SVG: bars of the parts of the limits, a roofline, and curves."""
import math
from xml.sax.saxutils import escape

COLOURS = ["#2471a3", "#c0392b", "#239b56", "#8e44ad", "#ca6f1e", "#222222", "#b7950b", "#e84393", "#117864",
           "#5d6d7e", "#7d6608", "#d98880", "#1abc9c", "#4a235a", "#6e2c00"]  # the first is ours
PALE = "#a9cce3"  # ours where marks lie on it
LETTER = 6.6  # pixels of a character of 12, about


# ---- elements

def text_at(x, y, text, anchor="start", size=12, turned=0, colour="#222"):
    turn = f' transform="rotate({turned} {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{turn}>{escape(text)}</text>\n'


def line(x1, y1, x2, y2, colour, width=1.0, dashes=""):
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"{dashed}/>\n'


def box(x, y, width, height, fill):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>\n'


def dot(x, y, colour, tip):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"><title>{escape(tip)}</title></circle>\n'


def path(points, colour):
    places = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{places}" fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"/>\n'


def document(width, height, elements):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'font-family="sans-serif">\n{box(0, 0, width, height, "white")}{elements}</svg>\n')


def width_of(texts):
    return LETTER * max(map(len, texts), default=0)


# ---- axes

def mark_text(value):
    return f"{value / 1000:g}k" if value >= 10000 else f"{value:g}"


class LogAxis:
    """From pixel `begin` to pixel `end`, marked at powers of ten, and at 2 and 5 between them where there are few."""

    def __init__(self, values, begin, end):
        values = [v for v in values if v > 0] or [1]
        low, high = math.log10(min(values)), math.log10(max(values))
        marks = [m * 10.0 ** p for p in range(math.floor(low) - 1, math.ceil(high) + 1) for m in ((1, 2, 5) if high - low < 2.5 else (1,))]
        first = max(m for m in marks if math.log10(m) <= low + 1e-9)
        last = min([m for m in marks if math.log10(m) >= high - 1e-9] + [10.0 ** math.ceil(high)])
        if first == last:
            last = first * 10
        self.marks = [m for m in marks + [last] if first <= m <= last]
        self.marks = sorted(set(self.marks))
        self.low, self.high, self.begin, self.end = math.log10(first), math.log10(last), begin, end

    def at(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)


def frame(across, up, x_name, y_name, left=58):
    """Grid, marks and names of two axes; `left`: where the name of the y axis stands before it."""
    out = ""
    for mark in across.marks:
        x = across.at(mark)
        out += line(x, up.end, x, up.begin, "#e5e5e5") + text_at(x, up.begin + 17, mark_text(mark), "middle", 11)
    for mark in up.marks:
        y = up.at(mark)
        out += line(across.begin, y, across.end, y, "#e5e5e5") + text_at(across.begin - 7, y + 4, mark_text(mark), "end", 11)
    out += line(across.begin, up.end, across.begin, up.begin, "#444") + line(across.begin, up.begin, across.end, up.begin, "#444")
    out += text_at((across.begin + across.end) / 2, up.begin + 38, x_name, "middle")
    return out + text_at(across.begin - left + 16, (up.begin + up.end) / 2, y_name, "middle", turned=-90)


def spread(places, gap, low, high):
    """The places, in their order, moved until neighbours are `gap` apart, around where they were, between low and high if there is room."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups = []  # of neighbours that touch: [sum of wanted beginnings, members]
    for i in order:
        groups.append([places[i], [i]])
        while len(groups) > 1 and groups[-1][0] / len(groups[-1][1]) - groups[-2][0] / len(groups[-2][1]) < gap * len(groups[-2][1]):
            wanted, members = groups.pop()
            groups[-1][0] += wanted - gap * len(groups[-1][1]) * len(members)
            groups[-1][1] += members
    moved = [wanted / len(members) + gap * k for wanted, members in groups for k in range(len(members))]
    moved = [max(low + gap * k, min(high - gap * (len(moved) - 1 - k), place)) for k, place in enumerate(moved)]
    out = [0.0] * len(places)
    for i, place in zip(order, moved):
        out[i] = place
    return out


# ---- the pictures

def bars(title, rows, ratio):
    """Each row's part of its limit, and what part its peers reach. ratio(row, figure): how many times better ours is."""
    rows = [row for row in rows if row["part"] is not None]
    names = list(dict.fromkeys(name for row in rows for name in row["peers"]))
    colours = {name: COLOURS[1 + i % (len(COLOURS) - 1)] for i, name in enumerate(names)}
    left, top, width, thick, gap = 24 + width_of(row["work"] for row in rows), 78, 420, 14, 7
    parts = [row["part"] for row in rows] + [row["part"] / ratio(row, figure) for row in rows for figure in row["peers"].values()]
    most = max(1.0, math.ceil(10 * max(parts, default=1)) / 10)
    notes = 20 + width_of(f"100 % of {row['limit']}" for row in rows)

    def x_of(part):
        return left + width * part / most

    bottom = top + len(rows) * (thick + gap)
    out = text_at(16, 24, title, size=15)
    x = 16
    for name, colour in [("tfm", PALE), *colours.items()]:
        out += box(x, 40, 14 if name == "tfm" else 3, 11, colour) + text_at(x + 20, 50, name)
        x += 44 + width_of([name])
    x_end = x
    step = 0.25 if most <= 1.5 else 0.5 if most <= 3 else math.ceil(most / 6)
    for i in range(int(most / step + 1e-9) + 1):
        x = x_of(i * step)
        out += line(x, top - 6, x, bottom, "#e5e5e5") + text_at(x, top - 11, f"{100 * i * step:.0f} %", "middle", 11)
    for i, row in enumerate(rows):
        y = top + i * (thick + gap)
        out += text_at(left - 8, y + 11, row["work"], "end") + box(left, y, width * row["part"] / most, thick, PALE)
        for name, figure in row["peers"].items():
            out += box(x_of(row["part"] / ratio(row, figure)) - 1.5, y - 2, 3, thick + 4, colours[name])
        out += text_at(left + width + 10, y + 11, f"{100 * row['part']:.0f} % of {row['limit']}")
    out += line(left, top - 6, left, bottom, "#444")
    return document(max(left + width + notes, x_end), bottom + 16, out)


def roofline(title, limits, rows):
    """Limits as roofs, over operations per byte; works as points whose names stand at the right."""
    rows = [row for row in rows if row["operations_per_byte"]]
    roofs = [(name, limits[name]) for name in ("float32", "bf16", "int8") if limits[name]]
    left, top, width = 70, 44, 520
    height = max(360, 15 * len(rows))
    xs = [row["operations_per_byte"] for row in rows] + [rate / limits["reading"] for _, rate in roofs]
    ys = [row["operations_per_second"] / 1e9 for row in rows] + [rate / 1e9 for _, rate in roofs]
    across, up = LogAxis([min(xs) / 2, *xs], left, left + width), LogAxis([min(ys) / 2, *ys, max(ys) * 1.3], top + height, top)
    low, high = 10 ** across.low, 10 ** across.high
    out = text_at(16, 24, title, size=15) + frame(across, up, "operations per byte", "G operations per second", left)
    floor = 10 ** up.low
    best = max(rate for _, rate in roofs)
    begin, end = max(low, floor * 1e9 / limits["reading"]), min(high, best / limits["reading"])
    out += path([(across.at(x), up.at(x * limits["reading"] / 1e9)) for x in (begin, end)], "#444")
    slope = math.atan2(up.at(10) - up.at(1), across.at(10) - across.at(1))
    middle = begin ** 0.7 * end ** 0.3
    reading = f"reading {limits['reading'] / 1e9:.0f} GB/s"
    out += text_at(across.at(middle) + 7 * math.sin(slope), up.at(middle * limits["reading"] / 1e9) - 7 * math.cos(slope), reading, "middle", 11,
                   round(math.degrees(slope)))
    for name, rate in roofs:
        corner = rate / limits["reading"]
        out += path([(across.at(min(corner, high)), up.at(rate / 1e9)), (across.end, up.at(rate / 1e9))], "#444")
    for (name, rate), y in zip(roofs, spread([up.at(rate / 1e9) - 5 for _, rate in roofs], 13, top, top + height)):
        out += text_at(across.at(min(rate / limits["reading"], high)) + 6 + 16 / abs(math.tan(slope)), y, f"{name} {rate / 1e9:.0f} G/s", size=11)
    groups = list(dict.fromkeys(row["group"] for row in rows))
    points = [(across.at(row["operations_per_byte"]), up.at(row["operations_per_second"] / 1e9)) for row in rows]
    for (x, y), place, row in zip(points, spread([y for _, y in points], 15, top, top + height), rows):
        colour = COLOURS[groups.index(row["group"]) % len(COLOURS)]
        out += line(x, y, across.end + 20, place, "#ccc", 0.6) + text_at(across.end + 24, place + 4, row["work"], size=11, colour=colour)
    for (x, y), row in zip(points, rows):
        out += dot(x, y, COLOURS[groups.index(row["group"]) % len(COLOURS)], f"{row['work']}: {row['operations_per_second'] / 1e9:.0f} G/s")
    return document(left + width + 36 + width_of(row["work"] for row in rows), top + height + 54, out)


def chart(one, x, y):
    """One curve's picture, 430 by 300, at (x, y)."""
    points = [point for each in one["lines"] for point in each["points"]]
    across, up = LogAxis([p[0] for p in points], x + 62, x + 400), LogAxis([p[1] for p in points], y + 232, y + 50)
    title = one["name"] if len(one["name"]) <= 58 else one["name"][:57] + "…"
    out = text_at(x + 10, y + 22, title, size=13) + frame(across, up, one["x"], one["y"])
    legend = x + 14
    for i, each in enumerate(one["lines"]):
        colour = COLOURS[i % len(COLOURS)]
        places = [(across.at(px), up.at(py)) for px, py in each["points"]]
        out += path(places, colour) if len(places) > 1 else ""
        for (px, py), (cx, cy) in zip(each["points"], places):
            out += dot(cx, cy, colour, f"{px:g}: {py:.4g}")
        name = each["name"] + ("" if each["exponent"] is None else f", exponent {each['exponent']:.2f}")
        out += box(legend, y + 33, 16, 3, colour) + text_at(legend + 21, y + 38, name, size=11)
        legend += 44 + width_of([name])
    return out


def curves(title, all_curves):
    columns, wide, tall = 2, 440, 300
    out = text_at(16, 24, title, size=15)
    for i, one in enumerate(all_curves):
        out += chart(one, (i % columns) * wide, 36 + i // columns * tall)
    return document(columns * wide, 36 + tall * max(1, math.ceil(len(all_curves) / columns)), out)
