"""Whether the document that describes a custom provider is right: every fault named by its place in the file. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from app.adapters import custom_template
from app.adapters.custom_definition import (
    BODY_PLACEHOLDERS,
    CONVERSATION,
    KEY_PLACEHOLDERS,
    MAX_BYTES,
    MAX_TITLE,
    MEDIA_PLACEHOLDERS,
    MESSAGE_PLACEHOLDERS,
    SHOWING,
    CountName,
    Definition,
    Failure,
    Models,
    OwnCapabilities,
    Request,
    Select,
    Stream,
    Usage,
    as_list,
    selector_lists,
)
from app.adapters.custom_template import TemplateError
from app.adapters.selectors import Selector

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,2048}")
_PATH = re.compile(r"/[\x21\x22\x24-\x3e\x40-\x7e]{0,1000}")  # no blank, no query, no fragment
_OWN_HEADERS = {
    "host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer",
    "accept-encoding", "expect", "keep-alive", "proxy-connection",
}  # fmt: skip
_SECRET_HEADER = re.compile(r"(?i)authorization|cookie|api-?key|token|secret|password|credential")
_SECRET_QUERY = re.compile(r"(?i)(.*[_-])?(key|secret|password|passwd|token|sig|signature|credentials?|authorization)")
_SECRET_FIELD = re.compile(r"(?i)(.*[_-])?(api_?key|secret|password|passwd|token|credentials?|authorization)")
_SECRET_VALUE = re.compile(
    r"(?i:\b(bearer|basic)\s+[^\s{]{8,})|\b(sk|pk|rk|gsk|xai|hf|r8|fw|ghp|gho|ghs|pplx|nvapi|glpat)[-_][\w-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_PARTS = ("text_part", "image_part", "audio_part")
_WORDS = (("`object`", "a table"), ("`str`", "text"), ("`bool`", "true or false"), ("`array`", "a list"))
_NO_SECRET = (
    "looks like a secret, and a definition is not kept secret: write {api_key} there and give the key apart (api_key, "
    "or api_key_ref such as env:NAME)"
)


class DefinitionError(ValueError):
    """A definition is wrong; `problems` has the path of each wrong field with what is wrong and what is allowed."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in problems))
        self.problems = problems


def understood(document: Any) -> Definition:
    """The document as a definition.

    Raises:
        DefinitionError: naming each wrong field.
    """
    try:
        size = len(msgspec.json.encode(document))
        definition = msgspec.convert(document, Definition) if size <= MAX_BYTES else None
    except msgspec.ValidationError as error:
        raise DefinitionError([_shape_problem(str(error))]) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise DefinitionError([("", f"cannot be read: {error}")]) from None
    if definition is None:
        raise DefinitionError([("", f"has {size} bytes as JSON; allowed are {MAX_BYTES}")])
    if problems := [*_problems(definition)]:
        raise DefinitionError(problems)
    return definition


def _problems(definition: Definition) -> Iterator[tuple[str, str]]:
    yield from _request_problems(definition.request)
    yield from _answer_problems(definition)
    if definition.models is not None:
        yield from _path_problem("models.path", definition.models.path, ())
        if not definition.models.id:
            yield "models.id", "is required: where the names of models are, such as $.data[*].id"
    if definition.name is not None and not _NAME.fullmatch(definition.name):
        yield (
            "name",
            "must be lower case letters, digits, '.', '_' and '-', at most 64, and begin with one of the first",
        )
    if definition.title is not None and not (definition.title.isprintable() and 0 < len(definition.title) <= MAX_TITLE):
        yield "title", f"must be printable and have at most {MAX_TITLE} characters"
    if definition.base_url is not None:
        yield from _address_problems(definition.base_url)


def _answer_problems(definition: Definition) -> Iterator[tuple[str, str]]:
    for path, selectors in selector_lists(definition):
        for text in as_list(selectors):
            try:
                Selector(text)
            except ValueError as error:
                yield path, str(error)
    for name in ("select", "body"):
        part = getattr(definition, name)
        if part is not None and not part.text:
            yield f"{name}.text", "is required: where the text of the answer is, such as $.choices[*].delta.content"
    usage = definition.usage
    if (usage.cache_read or usage.cache_write) and usage.input_includes_cached is None:
        yield "usage.input_includes_cached", "is required with cache_read or cache_write: true or false"
    if usage.reasoning and usage.output_includes_reasoning is None:
        yield "usage.output_includes_reasoning", "is required with reasoning: true or false"
    yield from _transport_problems(definition)


def _transport_problems(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.stream.content_type is not None and not _HEADER_VALUE.fullmatch(definition.stream.content_type):
        yield "stream.content_type", "is no content type"
    if definition.stream.named and definition.stream.framing != "sse":
        yield "stream.named", "is for framing sse: nothing else has names of events"
    for name, header in definition.usage.headers.items():
        if not _HEADER_NAME.fullmatch(header):
            yield f"usage.headers.{name}", "is no name of a header"


def _request_problems(request: Request) -> Iterator[tuple[str, str]]:
    yield from _path_problem("request.path", request.path, ("model",))
    if request.stream_path is not None:
        yield from _path_problem("request.stream_path", request.stream_path, ("model",))
    yield from _header_problems(request.headers)
    for name, value in request.query.items():
        path = f"request.query.{name}"
        yield from _template_problem(path, value, KEY_PLACEHOLDERS)
        if _SECRET_QUERY.fullmatch(name) and "{api_key}" not in value:
            yield path, _NO_SECRET
    yield from _template_problem("request.body", request.body, BODY_PLACEHOLDERS)
    yield from _template_problem("request.message", request.message, MESSAGE_PLACEHOLDERS)
    if not CONVERSATION & set(custom_template.placeholders(request.body)):
        names = custom_template.braced(tuple(sorted(CONVERSATION)))
        yield "request.body", f"carries no conversation; it needs one of {names}"
    if missing := set(MESSAGE_PLACEHOLDERS) - set(custom_template.placeholders(request.message)):
        yield "request.message", f"lacks {custom_template.braced(tuple(sorted(missing)))}"
    yield from _part_problems(request)
    for name in ("path", "stream_path", "headers", "query", "body", "message", "roles", *_PARTS):
        yield from _secrets(f"request.{name}", getattr(request, name))


def _part_problems(request: Request) -> Iterator[tuple[str, str]]:
    yield from _template_problem("request.text_part", request.text_part, ("text",))
    if "text" not in custom_template.placeholders(request.text_part):
        yield "request.text_part", "lacks {text}"
    for name in _PARTS[1:]:
        template = getattr(request, name)
        if template is None:
            continue
        path = f"request.{name}"
        yield from _template_problem(path, template, MEDIA_PLACEHOLDERS)
        if not {"url", "data"} & set(custom_template.placeholders(template)):
            yield path, "lacks {url} (an address, or a data: URI) or {data} (base64)"
        if not SHOWING & set(custom_template.placeholders(request.body)):
            yield path, "needs {messages} or {turns} in request.body, which is where its parts are sent"


def _header_problems(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        path = f"request.headers.{name}"
        yield from _template_problem(path, value, ("api_key",))
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            yield path, "is no header: use printable ASCII on one line, at most 128 and 2048 characters"
        elif name.lower() in _OWN_HEADERS:
            yield path, "is set by the program itself"
        elif _SECRET_HEADER.search(name) and "{api_key}" not in value:
            yield path, _NO_SECRET


def _template_problem(path: str, value: Any, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    try:
        custom_template.compiled(value, allowed, path)
    except TemplateError as error:
        yield error.path, error.message


def _path_problem(path: str, value: str, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from _template_problem(path, value, allowed)
    if not _PATH.fullmatch(value):
        yield path, "must start with / and hold printable ASCII without blanks, ? and #; a query goes to request.query"


def _secrets(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _SECRET_VALUE.search(value):
            yield path, _NO_SECRET
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if path.startswith("request.body") and _SECRET_FIELD.fullmatch(name) and _is_literal(one):
                yield f"{path}.{name}", _NO_SECRET.replace("write {api_key} there", "send {api_key} in a header")
            else:
                yield from _secrets(f"{path}.{name}", one)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _secrets(f"{path}[{at}]", one)


def _is_literal(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not list(custom_template.placeholders(value))


def _address_problems(base_url: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(base_url)
    except ValueError as error:
        yield "base_url", f"is no address ({error})"
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname or not base_url.isprintable() or " " in base_url:
        yield "base_url", f"must be http://… or https://…, not {base_url!r}"
    elif "@" in parts.netloc:
        yield "base_url", "must hold no user or password; " + _NO_SECRET
    elif "?" in base_url or "#" in base_url:
        yield "base_url", "must not have a query or a fragment; request.query takes the former"


def _shape_problem(text: str) -> tuple[str, str]:
    """A message of msgspec with the field's path in front, and what is allowed in its place."""
    message, _, at = text.partition(" - at `$")
    place = at.rstrip("`").lstrip(".")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL)
    if unknown is not None:
        allowed = ", ".join(_type_at(place).__struct_fields__)
        return ".".join(filter(None, (place, unknown[1]))), f"is unknown; allowed here are {allowed}"
    if key := re.fullmatch(r"(.*) - at `key` in `\$\.?(.*)`", text):  # of a table whose names are given
        names = get_args(CountName) if key[2].startswith("usage") else ("system", "user", "assistant")
        return key[2], f"{key[1]}; allowed are {', '.join(names)}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", message)
    if missing is not None:
        return ".".join(filter(None, (place, missing[1]))), "is required"
    message = message.replace(" | null`", "`")
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return place, message


def _type_at(place: str) -> type[msgspec.Struct]:
    parts: dict[str, type[msgspec.Struct]] = {
        "request": Request, "stream": Stream, "select": Select, "body": Select, "usage": Usage, "error": Failure,
        "models": Models, "capabilities": OwnCapabilities,
    }  # fmt: skip
    return parts.get(place, Definition)
