"""Texts of others as a terminal may see them: names that users gave, what a server answered, what a model said."""

_OBEYED = dict.fromkeys(
    [code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]
    # Marks that turn the direction of what follows, so that a text reads as another one.
    + [*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)],
    "�",
)


def plain(text: str) -> str:
    """`text` without what a terminal would obey: it could set the clipboard, or hide the lines before it."""
    return text.translate(_OBEYED)
