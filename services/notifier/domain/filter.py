"""A filter: a small expression on the data of an event, by which an endpoint says what else it wants to hear.

    status == "active" and achievement_id in ["01a2…", "01a3…"]
    not (verdict == "valid" or exists(links.achievement))

The grammar, in which words are separated by spaces or signs:

    expression = conjunction *( "or" conjunction )
    conjunction = negation *( "and" negation )
    negation = "not" negation / "(" expression ")" / "exists" "(" path ")" / comparison
    comparison = path ( "==" / "!=" / "<" / "<=" / ">" / ">=" ) literal / path "in" "[" literal *( "," literal ) "]"
    path = name *( "." name )
    literal = string / number / "true" / "false" / "null"

A comparison with what is not there, or is of another kind, is false; `!=` is exactly `not … ==`. So every expression is
true or false for every event. It is compiled to an SQL/JSON path that the database evaluates while it fans out.
"""

import json
import re
from dataclasses import dataclass

MAX_LENGTH = 500
MAX_DEPTH = 16
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/])*")
    |(?P<number>-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?![0-9A-Za-z_.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<sign>==|!=|<=|>=|[<>()\[\],])
    |(?P<end>$))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_LITERALS = ("true", "false", "null")
_RESERVED = {"and", "or", "not", "in", "exists", *_LITERALS}


class InvalidFilter(Exception):
    """The text is no filter; `column` counts from 1."""

    def __init__(self, detail: str, column: int) -> None:
        super().__init__(f"{detail}, at column {column}")
        self.column = column


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def compiled(text: str) -> str:
    """The filter as an SQL/JSON path predicate (SQL:2016, as PostgreSQL has it). Raises InvalidFilter."""
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"a filter has at most {MAX_LENGTH} characters", MAX_LENGTH + 1)
    reader = _Reader(_tokens(text))
    expression = reader.expression(0)
    reader.expect("", "the end")
    return expression


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while True:
        match = _TOKEN.match(text, place)
        if match is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            raise InvalidFilter("there is no such word, sign, text or number", column)
        kind = match.lastgroup or "end"
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        if kind == "end":
            return found
        place = match.end()


class _Reader:
    """Reads one token after the other, and writes what it read as a path. Each method gives a predicate that is true
    or false, never unknown."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._place = tokens, 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _took(self, text: str) -> bool:
        if self._next.text != text:
            return False
        self._place += self._next.kind != "end"
        return True

    def _fail(self, wanted: str) -> InvalidFilter:
        return InvalidFilter(f"{wanted} should stand here", self._next.column)

    def expect(self, text: str, name: str) -> None:
        """Pass over `text`. Raises InvalidFilter where something else stands."""
        if not self._took(text):
            raise self._fail(name)

    def expression(self, depth: int) -> str:
        """Alternatives."""
        parts = [self._conjunction(depth)]
        while self._took("or"):
            parts.append(self._conjunction(depth))
        return f"({' || '.join(parts)})"

    def _conjunction(self, depth: int) -> str:
        parts = [self._negation(depth)]
        while self._took("and"):
            parts.append(self._negation(depth))
        return f"({' && '.join(parts)})"

    def _negation(self, depth: int) -> str:
        if depth >= MAX_DEPTH:
            raise InvalidFilter(f"more than {MAX_DEPTH} levels", self._next.column)
        if self._took("not"):
            return f"!({self._negation(depth + 1)})"
        if self._took("("):
            inner = self.expression(depth + 1)
            self.expect(")", "a closing parenthesis")
            return inner
        if self._took("exists"):
            self.expect("(", "an opening parenthesis")
            path = self._path()
            self.expect(")", "a closing parenthesis")
            return f"exists({path})"
        return self._comparison()

    def _comparison(self) -> str:
        path = self._path()
        if self._took("in"):
            self.expect("[", "an opening bracket")
            literals = [self._literal()]
            while self._took(","):
                literals.append(self._literal())
            self.expect("]", "a closing bracket")
            return _certain(" || ".join(f"{path} == {literal}" for literal in literals))
        for sign in _COMPARISONS:
            if self._took(sign):
                literal = self._literal()
                if sign == "!=":
                    return f"!({_certain(f'{path} == {literal}')})"
                return _certain(f"{path} {sign} {literal}")
        raise self._fail("a comparison or `in`")

    def _path(self) -> str:
        token = self._next
        if token.kind != "word" or token.text in _RESERVED:
            raise self._fail("the name of a member")
        self._place += 1
        return "$" + "".join(f'."{name}"' for name in token.text.split("."))

    def _literal(self) -> str:
        token = self._next
        if token.kind not in ("string", "number") and token.text not in _LITERALS:
            raise self._fail("a text, a number, true, false or null")
        self._place += 1
        return json.dumps(json.loads(token.text)) if token.kind == "string" else token.text


def _certain(predicate: str) -> str:
    """What is unknown, a comparison of different kinds, counts as false: or its negation would not be true either."""
    return f"(({predicate}) && !(({predicate}) is unknown))"
