"""A program under a real pseudo-terminal, and somebody who types: waits for prompts, never for time."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

PROMPT = re.compile(r"\n(sr[:\w-]*> |\.\.> )$")
TOKENS = re.compile(r"(?s)(\x1b\[([0-9;?]*)([A-Za-z@]))|(.)")
SECONDS = 90

CTRL_C, CTRL_D, TAB, ENTER, UP = "\x03", "\x04", "\t", "\r", "\x1b[A"


def width(character):
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Page:
    """Where a terminal of endless width puts what it is sent."""

    def __init__(self):
        self.rows, self.row, self.column = [[]], 0, 0

    def put(self, character):
        cells = self.rows[self.row]
        cells += [" "] * (self.column - len(cells))
        cells[self.column:self.column + width(character)] = [character] + [""] * (width(character) - 1)
        self.column += width(character)

    def to_row(self, row):
        self.row = max(row, 0)
        self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]

    def obey(self, count, letter):
        if letter in "AB":
            self.to_row(self.row + (count or 1) * (1 if letter == "B" else -1))
        elif letter in "CD":
            self.column = max(0, self.column + (count or 1) * (1 if letter == "C" else -1))
        elif letter == "G":
            self.column = (count or 1) - 1
        elif letter == "K":
            del self.rows[self.row][self.column:]
        elif letter == "P":
            del self.rows[self.row][self.column:self.column + (count or 1)]
        elif letter == "@":
            self.rows[self.row][self.column:self.column] = [" "] * (count or 1)
        elif letter == "J":
            del self.rows[self.row][self.column:], self.rows[self.row + 1:]

    def control(self, character):
        if character == "\n":
            self.to_row(self.row + 1)
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character != "\a":
            self.put(character)


def bare(text):
    """What a person reads of it."""
    page = Page()
    for escape, count, letter, character in TOKENS.findall(text):
        if letter:
            page.obey(int(count) if count.isdigit() else 0, letter)
        elif not escape:
            page.control(character)
    return "\n".join("".join(cells) for cells in page.rows)


class Terminal:
    def __init__(self, argv, columns=100, **more):
        self.master, slave = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen([str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **more)
        os.close(slave)
        self.raw = ""
        self.bytes = b""

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def pump(self, seconds):
        """More of what the program prints; False when it has hung up."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            self.bytes += os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += self.bytes.decode(errors="ignore")
        self.bytes = b""
        return True

    def shown(self, found, what):
        """All that was printed until found(text) is true. The last line, on which the cursor stands, is shown again."""
        deadline = time.monotonic() + SECONDS
        while not found(bare(self.raw)):
            assert time.monotonic() < deadline, f"no {what} in {self.raw!r}"
            assert self.pump(0.2) or found(bare(self.raw)), f"hung up before {what}: {self.raw!r}"
        text = bare(self.raw)
        self.raw = text.rpartition("\n")[2]
        return text

    def until(self, part):
        return self.shown(lambda text: part in text, repr(part))

    def prompt(self):
        """What was printed before the next prompt."""
        return self.shown(PROMPT.search, "prompt")

    def say(self, line, end=ENTER):
        """Types a line, and gives what it printed."""
        self.send(line + end)
        return self.prompt().partition("\n")[2].removesuffix("sr> ").removesuffix("..> ")

    def ended(self):
        """The exit code, once the program has ended."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self.pump(0.05)
        return self.process.poll()

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)
        os.close(self.master)
