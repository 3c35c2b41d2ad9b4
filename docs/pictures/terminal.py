#!/usr/bin/env python3
"""Runs commands in a terminal of its own and draws what came out as an SVG: what the picture shows is what was printed.

  terminal.py OUT.svg COMMAND...      each COMMAND is a line for bash

The terminal is COLUMNS (100) wide; the program sees a real one, and paler text is drawn paler. Nothing is edited afterwards.
"""
import html
import os
import pty
import re
import sys

COLUMNS = int(os.environ.get("COLUMNS", "100"))
WIDTH, HEIGHT, MARGIN = 8.4, 19, 14
STYLE = {"plain": "#d8dee9", "dim": "#7d8799", "command": "#a3d97b"}


def record(command):
    """All bytes that the command wrote to its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS))
        os.environ.pop("NO_COLOR", None)
        os.execvp("bash", ["bash", "-c", f"stty cols {COLUMNS} rows 40; {command}"])
    said = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # so Linux says that the other end is closed
            break
        if not piece:
            break
        said += piece
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit(f"{command}: ends with {os.waitstatus_to_exitcode(status)}:\n{said.decode(errors='replace')}")
    return said.decode()


def screen(text):
    """What the terminal showed in the end: lines of (character, style)."""
    lines, column, style = [[]], 0, "plain"
    for escape, control, character in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z])|([\r\n])|([^\x1b\r\n])", text):
        if escape.endswith("m"):
            style = "dim" if escape in ("\x1b[2m", "\x1b[90m") else "plain"
        elif escape.endswith("K"):
            del lines[-1][column:]
        elif control == "\r":
            column = 0
        elif control == "\n":
            lines.append([])
            column = 0
        elif character:
            if column == COLUMNS:
                lines.append([])
                column = 0
            lines[-1][column:column + 1] = [(character, style)]
            column += 1
    return lines if lines[-1] else lines[:-1]


def spans(line):
    """Runs of one style: (column, text, style)."""
    begin = 0
    for end in range(1, len(line) + 1):
        if end == len(line) or line[end][1] != line[begin][1]:
            yield begin, "".join(character for character, _ in line[begin:end]), line[begin][1]
            begin = end


def svg(lines, commands):
    width, height = round(COLUMNS * WIDTH + 2 * MARGIN), round(len(lines) * HEIGHT + 2 * MARGIN)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
           f"<title>{html.escape('; '.join(commands))}</title>",
           f'<rect width="{width}" height="{height}" rx="8" fill="#1e2430"/>']
    for row, line in enumerate(lines):
        for column, text, style in spans(line):
            if text.strip():
                out.append(f'<text x="{MARGIN + column * WIDTH:.1f}" y="{MARGIN + (row + 0.75) * HEIGHT:.1f}" textLength="{len(text) * WIDTH:.1f}" '
                           f'fill="{STYLE[style]}">{html.escape(text).replace(" ", chr(160))}</text>')
    return "\n".join([*out, "</svg>", ""])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    lines = []
    for command in sys.argv[2:]:
        typed = "$ " + command
        lines += [[(character, "command") for character in typed[at:at + COLUMNS]] for at in range(0, len(typed), COLUMNS)]
        lines += [*screen(record(command)), []]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(svg(lines[:-1], sys.argv[2:]))


main()
