"""Rows of the suite as a table, as Markdown, and beside those of an earlier run.

A row: work, group, ours, unit, better ("more" or "less"), part (of the limit, or None), limit (its name), peers {name: figure in the same unit};
and for a roofline operations_per_byte and operations_per_second."""
import re

from . import machine as machines

NOTABLE = 0.05  # a change that is marked


def ratio(row, figure):
    """How many times better ours is than another figure of the same unit."""
    return row["ours"] / figure if row["better"] == "more" else figure / row["ours"]


def figure_text(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cells(row):
    part = "" if row["part"] is None else f"{100 * row['part']:.0f} % of {row['limit']}"
    peers = "; ".join(f"{name} {figure_text(figure)}" for name, figure in row["peers"].items())
    ratios = "; ".join(f"{ratio(row, figure):.2f}" for figure in row["peers"].values())
    return [row["work"], f"{figure_text(row['ours'])} {row['unit']}", part, peers, ratios]


HEAD = ["work", "ours", "part of the limit", "peers", "ratio"]


def text(rows):
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def markdown(results):
    """The section of a README that one CPU's run makes."""
    found = results["limits"]
    limits = ", ".join(f"{name} {found[name] / 1e9:.0f} {unit}" for name, unit in machines.LIMITS.items() if found[name])
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(row)) + " |" for row in results["rows"]]
    return (f"{found['isa']}, {found['threads']} threads, {found['compiler']}, {results['date']}. Limits: {limits}.\n\n" + "\n".join(lines) + "\n")


def with_section(readme, title, section):
    """The README's text with this CPU's section in it: in place of the one of the same CPU, or else at the end. All others stay."""
    begin, end = f"<!-- suite: {title} -->\n", "<!-- end of the suite's table -->\n"
    whole = f"{begin}## The suite on {title}\n\n{section}{end}"
    old = re.compile(re.escape(begin) + ".*?" + re.escape(end), flags=re.S)
    if old.search(readme):
        return old.sub(lambda _: whole, readme, count=1)
    return readme.rstrip("\n") + "\n\n" + whole


def same_cpu(old, new):
    """None, or why two runs are not of one CPU and one number of threads."""
    for what, a, b in ([(key, old["machine"].get(key), new["machine"].get(key)) for key in ("name", "family", "model")] +
                       [(key, old["limits"].get(key), new["limits"].get(key)) for key in ("isa", "threads")]):
        if a != b:
            return f"{what}: {a} then, {b} now"
    return None


def changes(old, new):
    """(work, then, now, how much better now as a fraction) of each row that both have, limits first."""
    found = [(f"limit {name}", old["limits"][name] / 1e9, new["limits"][name] / 1e9, new["limits"][name] / old["limits"][name] - 1)
             for name in machines.LIMITS if old["limits"].get(name) and new["limits"].get(name)]
    before = {row["work"]: row for row in old["rows"]}
    for row in new["rows"]:
        then = before.get(row["work"])
        if then and then["unit"] == row["unit"]:
            found.append((row["work"], then["ours"], row["ours"], ratio(row, then["ours"]) - 1))
    return found


def compare(old, new):
    if old.get("schema") != new["schema"]:
        return f"not compared: the earlier file has schema {old.get('schema')}, this suite writes {new['schema']}"
    if old["quick"] != new["quick"]:
        return "not compared: one of the two is --quick"
    if why := same_cpu(old, new):
        return f"not compared: it is of another machine ({why})"
    found = changes(old, new)
    width = max(len(work) for work, *_ in found) if found else 0
    lines = [f"beside {old['date']}; more than {100 * NOTABLE:.0f} % is marked"]
    for work, then, now, change in found:
        mark = "" if abs(change) <= NOTABLE else "  better" if change > 0 else "  WORSE"
        lines.append(f"{work:{width}} {figure_text(then):>9} {figure_text(now):>9} {100 * change:+6.1f} %{mark}")
    run = [row for row in old["rows"] if row["group"] in new["groups"]]
    for what, rows, others in ("gone", run, new["rows"]), ("new", new["rows"], old["rows"]):
        names = {row["work"] for row in others}
        lines += [f"{what}: {row['work']}" for row in rows if row["work"] not in names]
    return "\n".join(lines)
