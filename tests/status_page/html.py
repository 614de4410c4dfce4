"""A page as a browser takes it apart: its tags, texts and table cells."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_APART = {"td", "th", "dt", "dd", "small"}
_EMPTY = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Parsed(HTMLParser):
    """What a page holds.

    Attributes:
        tags: every tag with its attributes, in order.
        text: all text but that of the style sheet.
        rows: the cells of every table row.
    """

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.text += " " * (tag in _APART)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()
        self.text += " " * (tag in _APART)

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if self.rows and self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        """The cells of the row that begins with a cell."""
        (found,) = [row for row in self.rows if row and row[0] == first]
        return found

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())


def parsed(page: str) -> Parsed:
    """A page; every tag of it must be closed where it belongs."""
    result = Parsed()
    result.feed(page)
    result.close()
    assert not result.open, f"never closed: {result.open}"
    return result
