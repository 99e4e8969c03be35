"""One entry of a file that users bring → the messages of a request. Pure; errors name the place."""

import re
from dataclasses import dataclass, replace
from typing import Any

from app.adapters.media import MAX_PARTS, Media, MediaError
from app.datasets.entry_media import MEDIA_KEYS, MediaReader
from app.datasets.lengths import estimated_tokens

MAX_TURNS = 1_000
MAX_TEXT = 2_000_000  # characters of one text
MAX_TOKENS = 1_000_000
_TEXT_KEYS = ("prompt", "text", "question", "instruction", "query", "input")
TOKEN_KEYS = ("output_tokens", "max_tokens", "max_completion_tokens", "output_length")
_ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
    "model": "assistant",
}  # fmt: skip
_EXPECTED = "a text, or an object with prompt, text, question, messages, conversations or body"
_SURROGATE = re.compile("[\ud800-\udfff]")


class DatasetError(ValueError):
    """What is wrong with a file, and where; the message names it."""


@dataclass(frozen=True, slots=True)
class Message:
    """Who says what. `parts`, where it shows images or sounds, are all of it, in order; `content` is its text."""

    role: str
    content: str
    parts: tuple[str | Media, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.content or self.parts)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a file: its messages, and the length of answer that it asks for (None: not said)."""

    messages: tuple[Message, ...]
    output_tokens: int | None = None

    @property
    def prompt(self) -> str | None:
        """The text, if a single user message is all there is."""
        only = self.messages[0]
        return only.content if len(self.messages) == 1 and not only.parts else None

    @property
    def media(self) -> list[Media]:
        """The images and sounds of all messages."""
        return [part for message in self.messages for part in message.parts if isinstance(part, Media)]

    def showing(self, media: list[Media]) -> "Item":
        """The same with these before the text of the last user message."""
        last = max(place for place, message in enumerate(self.messages) if message.role == "user")
        message = self.messages[last]
        texts = message.parts or ((message.content,) if message.content else ())
        shown = replace(message, parts=(*media, *texts))
        return replace(self, messages=(*self.messages[:last], shown, *self.messages[last + 1 :]))

    def first_turn(self) -> "Item":
        """What goes up to the first answer, which says how long an answer to ask for."""
        kept: list[Message] = []
        for message in self.messages:
            if message.role == "assistant" and any(one.role == "user" for one in kept):
                return Item(tuple(kept), self.output_tokens or estimated_tokens(message.content))
            if message.role != "assistant":
                kept.append(message)
        return replace(self, messages=tuple(kept))

    def without_last_answer(self) -> "Item":
        """Everything up to the last user message; an answer behind it says how long an answer to ask for."""
        last = max(place for place, message in enumerate(self.messages) if message.role == "user")
        behind = [message for message in self.messages[last + 1 :] if message.role == "assistant"]
        output_tokens = self.output_tokens or (estimated_tokens(behind[0].content) if behind else None)
        return Item(self.messages[: last + 1], output_tokens)

    def cut_to(self, turns: int) -> "Item":
        """No more than so many user messages, and the answer to the last of them."""
        users = [place for place, message in enumerate(self.messages) if message.role == "user"]
        return self if len(users) <= turns else replace(self, messages=self.messages[: users[turns]])


class EntryReader:
    """Reads one entry; `where` names it in errors."""

    def __init__(self, where: str, column: str | None, media: MediaReader | None = None) -> None:
        self._where = where
        self._column = column
        self._media = media or MediaReader()
        self.is_chat = False  # found to be a recorded chat

    def item(self, entry: Any) -> Item | None:
        """The entry as an item; None for a recorded chat without a question."""
        if isinstance(entry, str):
            return Item((Message("user", self._text(entry)),))
        if not isinstance(entry, dict):
            raise self._wrong(f"must be {_EXPECTED}")
        if isinstance(entry.get("body"), dict):  # a line of an OpenAI batch file
            entry = entry["body"]
        item = self._object(entry) if self._column is None else self._single(entry, self._column)
        return item if item is None or self._column in MEDIA_KEYS else self._with_media(item, entry)

    def _with_media(self, item: Item, entry: dict[str, Any]) -> Item:
        try:
            media = list(self._media.beside(entry))
        except MediaError as error:
            raise self._wrong(str(error)) from None
        if len(media) > MAX_PARTS - 1:
            raise self._wrong(f"holds more than {MAX_PARTS - 1} images and sounds")
        return item.showing(media) if media else item

    def _object(self, entry: dict[str, Any]) -> Item | None:
        output_tokens = self._output_tokens(entry)
        for key in ("conversations", "conversation"):
            if isinstance(entry.get(key), list):
                self.is_chat = True
                return self._chat(self._messages(entry[key], key), output_tokens)
        if "messages" in entry:
            messages = self._messages(entry["messages"], "messages")
            if not any(message.role == "user" for message in messages):
                raise self._wrong("messages must have one of role user")
            return Item(tuple(message for message in messages if message.says_something), output_tokens)
        if isinstance(entry.get("instruction"), str) and isinstance(entry.get("input"), str) and entry["input"]:
            text = self._text(f"{entry['instruction']}\n\n{entry['input']}", "instruction")  # as Alpaca's are
            return Item((Message("user", text),), output_tokens)
        for key in _TEXT_KEYS:
            if key in entry:
                return self._single(entry, key)
        raise self._wrong(f"must be {_EXPECTED}")

    def _single(self, entry: dict[str, Any], key: str) -> Item:
        return Item((Message("user", self._text(entry.get(key), key)),), self._output_tokens(entry))

    @staticmethod
    def _chat(messages: tuple[Message, ...], output_tokens: int | None) -> Item | None:
        messages = tuple(message for message in messages if message.says_something)
        return Item(messages, output_tokens) if any(message.role == "user" for message in messages) else None

    def _messages(self, value: Any, key: str) -> tuple[Message, ...]:
        if not isinstance(value, list) or len(value) > MAX_TURNS or (not value and key == "messages"):
            raise self._wrong(f"{key} must be a list of 1 to {MAX_TURNS} messages")
        return tuple(self._message(one, key, number) for number, one in enumerate(value, 1))

    def _message(self, value: Any, key: str, number: int) -> Message:
        where = f"{key}, message {number}"
        if not isinstance(value, dict):
            raise self._wrong(f"{where}: must be an object with role and content (or from and value)")
        said_by = value.get("role", value.get("from"))
        role = _ROLES.get(said_by.lower()) if isinstance(said_by, str) else None
        if role is None:
            raise self._wrong(f"{where}: the role must be system, user or assistant, not {said_by!r}"[:300])
        content = value.get("content", value.get("value"))
        parts: tuple[str | Media, ...] = ()
        if isinstance(content, list):  # OpenAI's content parts
            if len(content) > MAX_PARTS:
                raise self._wrong(f"{where}: must have at most {MAX_PARTS} parts")
            parts = tuple(self._part(part, where) for part in content)
            content = "\n".join(part for part in parts if isinstance(part, str))
            shows = any(isinstance(part, Media) for part in parts)
            parts = tuple(filter(None, parts)) if shows else ()
            if shows and role != "user":
                raise self._wrong(f"{where}: only a user's message may hold images or audio")
        if content is None and role == "assistant":  # a tool call
            content = ""
        may_be_empty = role == "assistant" or key != "messages" or bool(parts)
        return Message(role, self._text(content, where, may_be_empty=may_be_empty), parts)

    def _part(self, part: Any, where: str) -> str | Media:
        try:
            return self._media.part(part)
        except MediaError as error:
            raise self._wrong(f"{where}: {error}") from None

    def _text(self, value: Any, key: str | None = None, *, may_be_empty: bool = False) -> str:
        name = f"{key} " if key else ""
        if isinstance(value, list) and len(value) == 1:  # `input: ["…"]` of embeddings batches
            value = value[0]
        if not isinstance(value, str) or not (value or may_be_empty):
            raise self._wrong(f"{name}must be a text that is not empty")
        if len(value) > MAX_TEXT:
            raise self._wrong(f"{name}must be at most {MAX_TEXT} characters long")
        if "\0" in value or _SURROGATE.search(value):
            raise self._wrong(f"{name}must not contain the character NUL or half of a surrogate pair")
        return value

    def _output_tokens(self, entry: dict[str, Any]) -> int | None:
        for key in TOKEN_KEYS:
            value = entry.get(key)
            if value is None:
                continue
            if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
                value = int(value[:20])
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_TOKENS:
                raise self._wrong(f"{key} must be a whole number from 1 to {MAX_TOKENS}")
            return value
        return None

    def _wrong(self, problem: str) -> DatasetError:
        return DatasetError(f"{self._where}: {problem}")
