"""Text that leaves the house: plain, short, and without event values unless the settings allow them."""

import re

HIDDEN = "(hidden)"
"""What is shown instead of a text that may hold an event value."""

_ADDRESS = re.compile(r"[^\s<>\"'()]+@[^\s<>\"'(),;]+")
_QUOTED = re.compile(r"\"[^\"]*\"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|[\"`].*$|(?<!\w)'.*$")
"""A quoted part, up to the end where it is not closed; an apostrophe within a word opens none."""

_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_LINK = re.compile(r"\b(https?|ftp|mailto|javascript|data):", re.IGNORECASE)

_ID = re.compile(r"[\w.:+=-]{1,80}", re.ASCII)
"""An id that is only an id: a sender may put any text there, such as an address or words of a person."""

_OWN = "tracks_assets."


def plain(text: str, longest: int = 600) -> str:
    """A text from outside as one line that no receiver takes for markup, a link or a mention.

    Args:
        text: any text.
        longest: characters to keep.
    """
    line = " ".join(_INVISIBLE.sub(" ", text).split())
    line = line.replace("<", "\u2039").replace(">", "\u203a").replace("`", "'").replace("](", "] (")
    line = _LINK.sub(r"\1 :", line).replace("@", "@\u2060")
    line = re.sub(r"([*~|\\#])\1+", r"\1", line)
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}\u2026"


def cause_text(error: str, message: str, *, show_values: bool) -> str:
    """The cause of a failure, in a form that may leave the house.

    An error of this project is written by it, up to the words of an engine, which it puts in parentheses, and to
    values, which it quotes: these are hidden. Of any other error only the class is shown.

    Args:
        error: the exception's class, with its module where it has one.
        message: its text.
        show_values: whether event values may be shown.
    """
    name = error.rsplit(".", 1)[-1] or "an error"
    text = message.strip()
    if show_values:
        return plain(f"{name}: {text}" if text else name)
    if not error.startswith(_OWN):
        return f"{name} (the run's page has the text)"
    return plain(hide_values(text))


def id_text(event_id: str, *, show_values: bool) -> str:
    """An event id in a form that may leave the house: one that holds other text than an id is hidden.

    Args:
        event_id: the id as it was delivered.
        show_values: whether event values may be shown.
    """
    return plain(event_id, 80) if show_values or _ID.fullmatch(event_id) else HIDDEN


def hide_values(text: str) -> str:
    """A text of this project or of Dagster without what may be an event value: quotes, parentheses and addresses."""
    return _ADDRESS.sub(HIDDEN, _QUOTED.sub(HIDDEN, without_parentheses(text)))


def without_parentheses(text: str) -> str:
    """A text whose parts in parentheses are hidden; one that is never closed is hidden up to the end."""
    kept, depth = [], 0
    for character in text:
        if character == "(":
            kept.append(HIDDEN if depth == 0 else "")
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def fingerprint(error: str, message: str) -> str:
    """What two failures of one cause have in common: the text without numbers and ids, which differ each time."""
    text = re.sub(r"[0-9a-f]*\d[0-9a-f:.,_-]*", "#", message.lower())
    return f"{error}:{' '.join(text.split())[:300]}"
