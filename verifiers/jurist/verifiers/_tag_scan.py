"""Finds a template's tags in a text, whole or chunk by chunk.

Tags are literal and case-sensitive: `<think>`, `</think>`. The first two places of each marker are all that a verdict
needs, so a marker seen twice is looked for no longer. Everything rests on `str.find`, which is linear on any text; a
common regular expression takes 43 s over 40,000 tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["UNSEEN", "TagReport", "TagScan", "is_blank", "trim"]

UNSEEN = (
    r"\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
"""What does not show on a page, as a regular expression has it between brackets: controls, white space, default
ignorables (UAX 44) and the blanks that Unicode counts as letters or symbols, the Hangul fillers and the empty braille
cell."""
_VISIBLE = re.compile(f"[^{UNSEEN}]")
# Cut from a body's ends: white space, and marks that belong to no letter. Variation selectors and flag tags stay, since
# they may end an emoji.
_MARKS = (
    "\x00\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_CUT = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + _MARKS
_NOWHERE = -1


def is_blank(text: str) -> bool:
    """Whether nothing in *text* shows on a page."""
    if (
        text[:1].isalnum() and text[0] < "\u115f"
    ):  # most texts; the first letter that does not show is the Hangul filler
        return False
    return _VISIBLE.search(text.lstrip()) is None


def trim(text: str) -> str:
    """Cut white space and invisible marks off both ends; a blank text becomes ""."""
    return "" if is_blank(text) else text.strip(_CUT)


@lru_cache(maxsize=256)
def _markers(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(marker for tag in tags for marker in (f"<{tag}>", f"</{tag}>"))


@dataclass(frozen=True, slots=True)
class TagReport:
    """Where the markers of a template `<a>..</a> <b>..</b> ..` stand in a text.

    `first` and `second` hold a place for each marker (a's opening, a's closing, b's opening, ..), -1 where there is
    none. Indices of methods count tags.
    """

    text: str
    tags: tuple[str, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]

    @classmethod
    def of(cls, text: str, tags: tuple[str, ...]) -> TagReport:
        """Find the markers of a whole text."""
        first: list[int] = []
        second: list[int] = []
        for marker in _markers(tags):
            first.append(at := text.find(marker))
            second.append(_NOWHERE if at == _NOWHERE else text.find(marker, at + len(marker)))
        return cls(text, tags, tuple(first), tuple(second))

    def faults(self, *, open_ended: bool = False) -> list[str]:
        """Name what is wrong, as sorted codes.

        missing_NAME_open, missing_NAME_close, duplicate_NAME_open, duplicate_NAME_close; where every marker stands
        once, wrong_order; where the order is right too, text_before, text_between, text_after (not with *open_ended*)
        and empty_NAME.
        """
        if _NOWHERE in self.first or max(self.second) != _NOWHERE:
            return sorted(self._count_faults())
        if sorted(self.first) != list(self.first):
            return ["wrong_order"]
        found = [f"empty_{tag}" for i, tag in enumerate(self.tags) if is_blank(self.body(i) or "")]
        return sorted(found + self.outside(open_ended=open_ended))

    def _count_faults(self) -> list[str]:
        ends = [f"{tag}_{end}" for tag in self.tags for end in ("open", "close")]
        return [
            f"{'missing' if place == _NOWHERE else 'duplicate'}_{end}"
            for i, (end, place) in enumerate(zip(ends, self.first, strict=True))
            if not self.stands_once(i)
        ]

    def stands_once(self, marker: int) -> bool:
        """Whether marker number *marker* stands exactly once."""
        return self.first[marker] != _NOWHERE and self.second[marker] == _NOWHERE

    def outside(self, *, open_ended: bool = False) -> list[str]:
        """Name the places where text stands outside of the tags, as far as the markers that are there can tell."""
        markers = _markers(self.tags)
        last = len(markers) - 1
        found: list[str] = []
        if self.stands_once(0) and not self.text[: self.first[0]].isspace() and self.first[0]:
            found.append("text_before")
        for i in range(1, last, 2):
            between = self.text[self.first[i] + len(markers[i]) : self.first[i + 1]]
            if self.stands_once(i) and self.stands_once(i + 1) and between and not between.isspace():
                found.append("text_between")
                break
        after = self.text[self.first[last] + len(markers[last]) :]
        if not open_ended and self.stands_once(last) and after and not after.isspace():
            found.append("text_after")
        return found

    def body(self, tag: int) -> str | None:
        """Read from the tag's first opening to the next closing."""
        start = self.first[2 * tag]
        if start == _NOWHERE:
            return None
        ends = [place for place in (self.first[2 * tag + 1], self.second[2 * tag + 1]) if place > start]
        return self.text[start + len(self.tags[tag]) + 2 : ends[0]] if ends else None

    def sole_body(self, tag: int) -> str | None:
        """Read the tag's body, trimmed; None unless it is the only one and holds no other marker."""
        start, end = self.first[2 * tag], self.first[2 * tag + 1]
        if not (self.stands_once(2 * tag) and self.stands_once(2 * tag + 1)) or self._holds_marker(start, end):
            return None
        return trim(self.text[start + len(self.tags[tag]) + 2 : end]) if start < end else None

    def _holds_marker(self, start: int, end: int) -> bool:
        """Whether a marker begins between two places; one that stands more than twice is looked for."""
        places = zip(_markers(self.tags), self.first, self.second, strict=True)
        return any(
            start < first < end or (second != _NOWHERE and self.text.find(marker, start, end) != _NOWHERE)
            for marker, first, second in places
        )

    def tail(self, tag: int) -> str | None:
        """Read what follows the tag's closing; None unless that stands exactly once."""
        place = self.first[2 * tag + 1]
        return self.text[place + len(self.tags[tag]) + 3 :] if self.stands_once(2 * tag + 1) else None

    def leads(self) -> bool:
        """Whether the text opens with the first tag, once and with a visible body, and something visible follows."""
        opens = self.stands_once(0) and self.stands_once(1) and not self.text[: self.first[0]].strip()
        body, tail = self.body(0), self.tail(0)
        return opens and body is not None and tail is not None and not is_blank(body) and not is_blank(tail)

    def in_order(self) -> int:
        """Count the markers that stand once and in the template's order: the longest such run, gaps allowed."""
        found = [place for i, place in enumerate(self.first) if self.stands_once(i)]
        longest: list[int] = []
        for i, at in enumerate(found):
            longest.append(1 + max((longest[j] for j in range(i) if found[j] < at), default=0))
        return max(longest, default=0)


class TagScan:
    """Reads a text in chunks and says where its markers stand; a chunk costs time in its own length alone.

    *tags* are the names, in the order wanted; *open_ended* says that text may follow the last of them. `spoilt` tells
    whether no continuation can repair the text: a marker stands twice or before its forerunner, text stands outside, or
    a body was closed with nothing to be seen in it. Where none of these holds, some continuation makes it right.
    """

    __slots__ = (
        "_chunks", "_first", "_found", "_length", "_open_ended", "_passed", "_read", "_second", "_tags", "_visible",
        "_window", "spoilt",
    )  # fmt: skip

    def __init__(self, tags: tuple[str, ...], *, open_ended: bool = False) -> None:
        self.spoilt = False
        self._tags = tags
        self._open_ended = open_ended
        self._first = [_NOWHERE] * (2 * len(tags))
        self._second = [_NOWHERE] * (2 * len(tags))
        self._found = 0
        self._chunks: list[str] = []
        self._length = 0
        self._window = ""
        # How many markers were passed in their order, up to where the text was looked at since, and whether anything
        # was to be seen there.
        self._passed = 0
        self._read = 0
        self._visible = False

    def feed(self, chunk: str) -> None:
        """Read on. A marker may be split between chunks at any place."""
        markers = _markers(self._tags)
        carry = max(map(len, markers)) - 1
        window = self._window[-carry:] + chunk
        origin = self._length - len(window) + len(chunk)
        for i, marker in enumerate(markers):
            if self._second[i] == _NOWHERE:
                self._search(i, marker, window, origin)
        self._chunks.append(chunk)
        self._length += len(chunk)
        self._window = window
        if self._found > self._passed or not self._visible:
            while not self.spoilt and self._pass(markers, window, origin):
                pass
            self.spoilt |= self._found > self._passed

    def _search(self, i: int, marker: str, window: str, origin: int) -> None:
        start = 0
        if self._first[i] != _NOWHERE:
            start = max(self._first[i] + len(marker) - origin, 0)
        elif (at := window.find(marker)) != _NOWHERE:
            self._first[i] = origin + at
            self._found += 1
            start = at + len(marker)
        else:
            return
        if (at := window.find(marker, start)) != _NOWHERE:
            self._second[i] = origin + at
            self.spoilt = True

    def _pass(self, markers: tuple[str, ...], window: str, origin: int) -> bool:
        """Look at what stands before the next marker; whether that is there, so that there may be more to look at."""
        ended = self._passed == len(markers)
        at = _NOWHERE if ended else self._first[self._passed]
        if at == _NOWHERE and (self._visible or (ended and self._open_ended)):
            return False
        marker = "" if ended else markers[self._passed]
        stop = self._length - _begun(marker, window) if at == _NOWHERE else at
        inside = self._passed % 2 == 1
        text = window[max(self._read - origin, 0) : max(stop - origin, 0)]
        self._visible = self._visible or (inside and not is_blank(text))
        self.spoilt = stop < self._read or (not inside and bool(text.strip()))
        self._read = stop
        if at == _NOWHERE:
            return False
        self.spoilt |= inside and not self._visible
        self._visible = False
        self._read += len(marker)
        self._passed += 1
        return True

    def report(self) -> TagReport:
        """Take what has been read so far as a whole text."""
        return TagReport("".join(self._chunks), self._tags, tuple(self._first), tuple(self._second))


def _begun(marker: str, text: str) -> int:
    """Count the characters at the end of a text that may become a marker."""
    at = text.rfind(marker[:1], max(len(text) - len(marker) + 1, 0)) if marker else _NOWHERE
    return len(text) - at if at != _NOWHERE and marker.startswith(text[at:]) else 0
