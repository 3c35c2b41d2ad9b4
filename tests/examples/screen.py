"""A small model of a terminal's screen: what a person would see of the bytes that a program writes."""
import re
import unicodedata


def width(character):
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """Understands \\r \\n \\b, printable text with its wrapping, and of CSI: A B C D, H, J, K; colours and modes are
    ignored. Everything else is an error, so that the program cannot use what is not tested."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.wrap = False  # the last column was written: the next character goes to the next row
        self.waiting = b""

    def feed(self, data):
        self.waiting += data
        try:
            text, self.waiting = self.waiting.decode(), b""
        except UnicodeDecodeError as error:
            if len(self.waiting) - error.start > 3:
                raise
            text, self.waiting = self.waiting[:error.start].decode(), self.waiting[error.start:]
        while text:
            if text[0] == "\x1b":
                match = re.match(r"\x1b\[(\??)([0-9;]*)([@-~])", text)
                if not match:
                    if re.fullmatch(r"\x1b(\[\??[0-9;]*)?", text):
                        self.waiting = text.encode() + self.waiting
                        return
                    raise AssertionError(f"an escape sequence that is not known: {text[:20]!r}")
                self.control(*match.groups())
                text = text[match.end():]
            else:
                self.put(text[0])
                text = text[1:]

    def control(self, private, parameters, letter):
        if letter == "m" or (private and letter in "hl"):
            return
        number = int(parameters or 0)
        self.wrap = False
        if letter in "ABCD":
            steps = max(number, 1)
            if letter in "AB":
                self.row = min(max(self.row + (steps if letter == "B" else -steps), 0), self.rows - 1)
            else:
                self.column = min(max(self.column + (steps if letter == "C" else -steps), 0), self.columns - 1)
        elif letter == "H" and not parameters:
            self.row = self.column = 0
        elif letter == "K" and number == 0:
            self.clear(self.row, self.column)
        elif letter == "J" and number == 0:
            self.clear(self.row, self.column)
            for row in range(self.row + 1, self.rows):
                self.clear(row, 0)
        elif letter == "J" and number == 2:
            for row in range(self.rows):
                self.clear(row, 0)
        else:
            raise AssertionError(f"CSI {private}{parameters}{letter} is not known")

    def clear(self, row, column):
        self.cells[row][column:] = [" "] * (self.columns - column)

    def new_row(self):
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self.cells = self.cells[1:] + [[" "] * self.columns]

    def put(self, character):
        if character == "\r":
            self.column, self.wrap = 0, False
        elif character == "\n":
            self.new_row()
            self.wrap = False
        elif character == "\b":
            self.column, self.wrap = max(self.column - 1, 0), False
        elif ord(character) < 32:
            raise AssertionError(f"a control character on its way to the screen: {character!r}")
        elif width(character) == 0:
            at = self.column if self.wrap else self.column - 1
            self.cells[self.row][max(at, 0)] += character
        else:
            wide = width(character)
            if self.wrap or self.column + wide > self.columns:
                self.new_row()
                self.column, self.wrap = 0, False
            self.cells[self.row][self.column:self.column + wide] = [character] + [""] * (wide - 1)
            self.wrap = self.column + wide == self.columns
            self.column = min(self.column + wide, self.columns - 1)

    def lines(self):
        """The rows as text, without white space at their ends, and without the empty ones below."""
        lines = ["".join(cells).rstrip() for cells in self.cells]
        while lines and not lines[-1]:
            lines.pop()
        return lines
