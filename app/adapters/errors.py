"""Error bodies: the provider's own words, and what kind of failure they mean, whatever shape the body has. Pure."""

import re
from typing import Any, Literal

import msgspec

TEXT_LIMIT = 2000

ErrorKind = Literal[
    "auth", "quota", "rate_limit", "overloaded", "context_length", "content_filter", "invalid_request", "server"
]
"""The same failures under every vendor. `quota` is money or a plan that is used up: waiting does not help, where
`rate_limit` is over in a while; `overloaded` is the provider short of capacity, `server` any other fault of its own."""

# The names that vendors give to kinds of errors (`type`, `code`, `status`, `__type`, the tag of an exception), in
# lower case without separators, by what they mean.
_NAMES: dict[ErrorKind, str] = {
    "auth": """authenticationerror invalidapikey invalidauthentication unauthenticated unauthorized permissionerror
        permissiondenied permissiondeniederror accessdeniedexception accessdenied invalidtoken invalidsignatureexception
        unrecognizedclientexception missingauthenticationtokenexception expiredtokenexception
        incompletesignatureexception organizationnotfound authenticationfailed apikeyinvalid""",
    "quota": """insufficientquota billingerror billinghardlimitreached quotaexceeded servicequotaexceededexception
        insufficientbalance insufficientcredits spendlimitreached usagelimitreached paymentrequired
        insufficientuserquota contractspendlimitreached enforcedspendlimitreached linkedorganizationspendlimitreached
        linkedorganizationbillingunavailable""",
    "rate_limit": """ratelimiterror ratelimited ratelimitexceeded ratelimit throttlingexception throttlederror
        toomanyrequests toomanyrequestsexception requests tokens resourceexhausted rpmlimitexceeded""",
    "overloaded": """overloadederror overloaded engineoverloaded unavailable serviceunavailable serviceunavailableerror
        serviceunavailableexception modelnotreadyexception slowdown capacityexceeded enginecoreoverloaded
        insufficientsystemresource""",
    "context_length": """contextlengthexceeded exceedcontextsizeerror modelcontextwindowexceeded stringabovemaxlength
        contextwindowexceeded inputtoolong""",
    "content_filter": """contentfilter contentpolicyviolation responsibleaipolicyviolation contentfiltered
        imagecontentpolicyviolation moderation safety prohibitedcontent blocklist spii jailbreak""",
    "invalid_request": """invalidrequesterror invalidrequest badrequest badrequesterror validationexception validation
        validationerror invalidargument notfounderror notfound notfoundexception resourcenotfoundexception modelnotfound
        failedprecondition outofrange unprocessableentity requesttoolarge unsupportedparameter invalidvalue
        invalidprompt invalidtype missingrequiredparameter unknownparameter""",
    "server": """servererror internalservererror internalserverexception internal internalerror apierror timeouterror
        deadlineexceeded modelerrorexception modelstreamerrorexception modeltimeoutexception generation generationerror
        incompletegeneration unknown dataloss aborted gatewaytimeout badgateway requesttimeout timeout""",
}
_KIND_OF_NAME = {name: kind for kind, names in _NAMES.items() for name in names.split()}

# What providers say in words where their names are too coarse; the first that fits wins.
_WORDS: tuple[tuple[ErrorKind, re.Pattern[str]], ...] = (
    (
        "context_length",
        re.compile(
            r"context[ _-]?(length|window|size|limit)|maximum (allowed )?(context|input|prompt|sequence|model) "
            r"|(prompt|input) is too long|exceeds? the (available|maximum|model'?s) context"
            r"|too many (input )?tokens in|too many tokens: (?!max tokens)|tokens in request more than max"
            r"|(number of input tokens|input token count .*) exceeds|model token limit"
            r"|`?inputs`? (tokens|must have less)|reduce the length of the (messages|prompt)"
        ),
    ),
    (
        "content_filter",
        re.compile(
            r"content (management )?(policy|filter)|responsible ai|safety (system|policy|settings)"
            r"|was blocked|(requires|flagged by) moderation|input was flagged"
        ),
    ),
    (
        "quota",
        re.compile(
            r"insufficient[ _](quota|balance|credits?|funds)|credit balance|billing hard limit"
            r"|(spend|spending|usage) limit|not enough credits|out of credits"
            r"|exceeded your (monthly|current) (quota|included credits)|exceeds the service quota"
        ),
    ),
    ("overloaded", re.compile(r"not ready to serve inference|service tier capacity exceeded")),
)
_BY_STATUS: dict[int, ErrorKind] = {
    401: "auth",
    402: "quota",
    403: "auth",
    408: "server",
    424: "server",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
_COARSE: set[ErrorKind | None] = {"invalid_request", "server", "rate_limit", None}
_NAME_FIELDS = ("code", "error_code", "type", "status", "__type", "error_type", "reason", "blockReason")


def error_body_text(status: int, body: bytes) -> str:
    """`error.message`, `error`, `message` or `detail` of a JSON body, else how the body begins."""
    value = _decoded(body)
    if value is None:
        text = body[: TEXT_LIMIT * 2].decode(errors="replace").strip()
        return (text or f"status {status} with an empty body")[:TEXT_LIMIT]
    found = _message(value)
    return (found if found is not None else msgspec.json.encode(value).decode())[:TEXT_LIMIT]


def error_kind(status: int | None, body: bytes) -> ErrorKind:
    """What kind of failure an error body means; `status` is None for an error inside a stream that began with 200.

    The provider's own names count first, its words where those are coarse, the status last: Gemini calls a wrong key
    an `INVALID_ARGUMENT`, OpenAI sends 429 for an empty account, Azure 400 for its content filter.
    """
    value = _decoded(body)
    names = _names(value)
    kinds = [kind for name in names if (kind := _KIND_OF_NAME.get(_plain(name))) is not None]
    fine = next((kind for kind in kinds if kind not in _COARSE), None)
    if fine is not None:
        return fine
    if "RESOURCE_EXHAUSTED" in names:  # Gemini says "quota" and "billing" of limits that are over in a minute, too
        return "quota" if b"PerDay" in body else "rate_limit"
    text = (_message(value) or body[: TEXT_LIMIT * 2].decode(errors="replace")).lower()
    worded = next((kind for kind, pattern in _WORDS if pattern.search(text)), None)
    if status is None:
        status = next((int(name) for name in names if name.isdigit()), None)
    by_status = _BY_STATUS.get(status or 0)
    if by_status in {"auth", "quota", "rate_limit"}:  # these statuses say more than a coarse name
        kinds.insert(0, by_status)
    return worded or next(iter(kinds), None) or by_status or _by_class(status)


def _by_class(status: int | None) -> ErrorKind:
    return "invalid_request" if status is not None and 400 <= status < 500 else "server"


def _decoded(body: bytes) -> Any:
    try:
        value: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    return value[0] if isinstance(value, list) and value else value


def _message(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next((found for one in value if (found := _message(one)) is not None), None)
    if isinstance(value, dict):
        for key in ("error", "message", "Message", "detail", "msg"):
            if key in value and (found := _message(value[key])) is not None:
                return found
    return None


def _names(value: Any, depth: int = 4) -> list[str]:
    """What the body calls the error, the innermost name first, since it is the most precise."""
    if not isinstance(value, dict | list) or not depth:
        return []
    items = list(value.items()) if isinstance(value, dict) else [("", one) for one in value]
    inner = [name for _, one in items for name in _names(one, depth - 1)]
    mine = [str(one) for key, one in items if key in _NAME_FIELDS and isinstance(one, str | int)]
    tags = [key for key, one in items if key.endswith("Exception") and isinstance(one, dict)]
    return inner + tags + mine


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.rpartition("#")[2].partition(":")[0].lower())
