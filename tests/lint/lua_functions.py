"""The functions of a Lua file, as far as their measures go: where each begins, how long its body is, how many parameters
it has and how deeply its branches and loops nest."""

import re
from typing import NamedTuple

TOKEN = re.compile(r"""--\[(=*)\[.*?\]\1\] | --[^\n]* | \[(=*)\[.*?\]\2\] | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
                       | (?P<word>\w+|[()])""", re.S | re.X)


class Function(NamedTuple):
    line: int
    lines: int  # between its first line and its end
    parameters: int
    nesting: int


class Open:
    """A block whose end has not come yet."""

    def __init__(self, word, line, parameters=0):
        self.word, self.line, self.parameters, self.nesting = word, line, parameters, 0


def words(text):
    for hit in TOKEN.finditer(text):
        if hit["word"]:
            yield hit["word"], text.count("\n", 0, hit.start()) + 1


def count_parameters(tokens, at):
    """Without `...`, which is as many as a caller likes."""
    first = next(i for i in range(at, len(tokens)) if tokens[i][0] == "(") + 1
    last = next(i for i in range(first, len(tokens)) if tokens[i][0] == ")")
    return last - first


def note_nesting(blocks):
    inside = 0
    for block in reversed(blocks):
        if block.word == "function":
            block.nesting = max(block.nesting, inside)
            return
        inside += block.word != "do"


def functions(text):
    """Every function, in the order of their ends."""
    tokens, blocks, in_head = list(words(text)), [], False
    for at, (word, line) in enumerate(tokens):
        if word == "function":
            blocks.append(Open(word, line, count_parameters(tokens, at)))
        elif word == "do" and in_head:
            in_head = False
        elif word in ("if", "for", "while", "repeat", "do"):
            blocks.append(Open(word, line))
            in_head = word in ("for", "while")
            note_nesting(blocks)
        elif word in ("end", "until"):
            block = blocks.pop()
            if block.word == "function":
                yield Function(block.line, max(line - block.line - 1, 0), block.parameters, block.nesting)
