"""The requests of a custom provider: its definition's templates, filled in. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters import custom_template
from app.adapters.base import ChatRequest, HttpRequest, Message
from app.adapters.custom_definition import (
    BODY_PLACEHOLDERS,
    KEY_PLACEHOLDERS,
    MEDIA_PLACEHOLDERS,
    MESSAGE_PLACEHOLDERS,
    Definition,
    Request,
)
from app.adapters.custom_template import ABSENT, Fill
from app.adapters.media import AUDIO_TYPES, IMAGE_TYPES, Media, Takes
from app.adapters.wire_format import joined, split_system

_HISTORY = {"messages", "turns", "transcript"}
_SYSTEM = {"messages", "system", "transcript"}
_encode = msgspec.json.Encoder().encode


class Asking:
    """Writes the requests of one definition; `stream_type` is what a stream is accepted as."""

    def __init__(self, definition: Definition, stream_type: str) -> None:
        request = definition.request
        self._request = request
        self._stream_type = stream_type
        self._body = custom_template.compiled(request.body, BODY_PLACEHOLDERS, "request.body")
        self._message = custom_template.compiled(request.message, MESSAGE_PLACEHOLDERS, "request.message")
        self._text_part = custom_template.compiled(request.text_part, ("text",), "request.text_part")
        self._media_parts = {
            kind: custom_template.compiled(template, MEDIA_PLACEHOLDERS, f"request.{kind}_part")
            for kind, template in (("image", request.image_part), ("audio", request.audio_part))
            if template is not None
        }
        self._takes = takes(request)
        self._headers = _each(request.headers, ("api_key",), "request.headers")
        self._query = _each(request.query, KEY_PLACEHOLDERS, "request.query")
        self._used = set(custom_template.placeholders(request.body))

    def chat(self, request: ChatRequest, api_key: str | None, *, stream: bool) -> HttpRequest:
        """A chat.

        Raises:
            ValueError: the template has no place for what is to be said.
        """
        body = self._body(self._values(request, stream=stream))
        path = self._request.path if not stream else self._request.stream_path or self._request.path
        return HttpRequest(
            self._request.method,
            self._target(path, request.model, api_key),
            [
                ("Content-Type", "application/json"),
                *self._sent(self._stream_type if stream else "application/json", api_key),
            ],
            _encode(joined({} if body is ABSENT else body, request.extra)),
        )

    def models(self, path: str, api_key: str | None) -> HttpRequest:
        """A GET of the model list."""
        return HttpRequest("GET", self._target(path, None, api_key), self._sent("application/json", api_key), b"")

    def _sent(self, accept: str, api_key: str | None) -> list[tuple[str, str]]:
        headers = _filled(self._headers, {"api_key": api_key})
        is_said = any(name.lower() == "accept" for name, _ in headers)
        return headers if is_said else [("Accept", accept), *headers]

    def _target(self, path: str, model: str | None, api_key: str | None) -> str:
        pairs = _filled(self._query, {"api_key": api_key, "model": model})
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        whole = path.replace("{model}", quote(model or "", safe="/"))
        return f"{whole}?{query}" if query else whole

    def _values(self, request: ChatRequest, *, stream: bool) -> Mapping[str, Any]:
        system, turns = split_system(request.messages)
        if system is not None and not _SYSTEM & self._used:
            raise ValueError(
                "request.body takes no system prompt; that needs {messages}, {system} or {transcript} in it"
            )
        if len(turns) > 1 and not _HISTORY & self._used:
            raise ValueError("request.body takes no conversation; that needs {messages}, {turns} or {transcript} in it")
        users = [turn.content for turn in turns if turn.role == "user"]
        return {
            "model": request.model,
            "messages": [self._turn(one) for one in request.messages] if "messages" in self._used else None,
            "turns": [self._turn(one) for one in turns] if "turns" in self._used else None,
            "system": system,
            "prompt": users[-1] if users else None,
            "transcript": transcript(turns if "system" in self._used else request.messages),
            "stream": stream,
            "max_tokens": request.output_tokens or request.max_tokens,
            "ignore_eos": True if request.output_tokens is not None else None,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop": list(request.stop) if request.stop else None,
            "seed": request.seed,
        }

    def _turn(self, message: Message) -> Any:
        role = self._request.roles.get(message.role, message.role)
        parts = [self._part(part) for part in message.parts]
        return self._message({"role": role, "content": parts or message.content})

    def _part(self, part: str | Media) -> Any:
        if isinstance(part, str):
            return self._text_part({"text": part})
        if problem := self._takes.problem(part):
            raise ValueError(f"this API {problem}")
        values = {"url": part.data_uri, "data": part.data, "media_type": part.media_type, "format": part.format}
        return self._media_parts[part.kind]({name: value or None for name, value in values.items()})


def takes(request: Request) -> Takes:
    """What a definition has parts for; addresses only where `{url}` is all that a part needs."""
    images, audio = request.image_part, request.audio_part
    return Takes(
        IMAGE_TYPES if images is not None else (),
        images is not None and _takes_urls(images),
        AUDIO_TYPES if audio is not None else (),
        audio is not None and _takes_urls(audio),
    )


def _takes_urls(template: dict[str, Any]) -> bool:
    return set(custom_template.placeholders(template)) == {"url"}


def transcript(messages: tuple[Message, ...] | list[Message]) -> str:
    """A conversation as one text: that of its only message, or every message behind its role."""
    if len(messages) == 1:
        return messages[0].content
    return "".join(f"{message.role}: {message.content}\n\n" for message in messages) + "assistant:"


def _each(fields: Mapping[str, str], allowed: tuple[str, ...], path: str) -> list[tuple[str, Fill]]:
    return [(name, custom_template.compiled(text, allowed, f"{path}.{name}")) for name, text in fields.items()]


def _filled(fields: list[tuple[str, Fill]], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those whose placeholders all have a value: no key, no header of it."""
    made = ((name, fill(values)) for name, fill in fields)
    return [(name, str(value)) for name, value in made if value is not ABSENT]
