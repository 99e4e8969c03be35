"""An answer as steps in time: which bytes are due when, with the faults that are in it. Pure."""

from collections.abc import Iterator

from app.simulator.behaviour import Course
from app.simulator.formats import Answer, Format, error_response, refusal_response

RESET = b""
_STALL_NS = 3600 * 10**9
_STATUS_FAULTS = {
    "http_400": (400, "simulated bad request"),
    "http_403": (403, "simulated denial"),
    "http_404": (404, "simulated missing model"),
    "http_422": (422, "simulated wrong field"),
    "http_429": (429, "simulated rate limit"),
    "http_500": (500, "simulated failure"),
    "http_503": (503, "simulated unavailability"),
    "http_504": (504, "simulated gateway timeout"),
    "http_529": (529, "simulated overload"),
}
_INSTEAD_OF_A_STREAM = {*_STATUS_FAULTS, "context_length", "quota", "reset", "junk"}

Step = tuple[int, bytes, bool]
"""`(due in nanoseconds after arrival, bytes, whether they are a token)`; `RESET` closes the connection."""


def chat_steps(form: Format, answer: Answer, plan: Course, *, stream: bool, ping_every: int) -> Iterator[Step]:
    """A chat's answer, or what comes in its place: a stream, or one whole body."""
    if stream and plan.fault not in _INSTEAD_OF_A_STREAM:
        return _stream(answer, plan, ping_every)
    whole = answer.whole_failure() if plan.fault == "stream_error" else answer.whole()
    return whole_steps(whole, plan, form, is_token=True)


def whole_steps(answer: bytes, plan: Course, form: Format, *, is_token: bool = False) -> Iterator[Step]:
    """One body, or its fault; `form` writes the errors."""
    first, last, fault = plan.offsets_ns[0], plan.offsets_ns[-1], plan.fault
    if fault in _STATUS_FAULTS:
        yield first, error_response(form, *_STATUS_FAULTS[fault]), False
    elif fault in {"context_length", "quota"}:
        yield first, refusal_response(form.too_long if fault == "context_length" else form.no_quota), False
    elif fault == "reset":
        yield first, RESET, False
    elif fault == "junk":
        yield first, b"\x00\x01 this is not HTTP \xff\r\n\r\n", False
        yield first, RESET, False
    else:
        yield last, answer, is_token


def _stream(answer: Answer, plan: Course, ping_every: int) -> Iterator[Step]:
    yield 0, answer.head(), False
    half = len(plan.offsets_ns) // 2 if plan.fault else -1
    ping = answer.ping() if ping_every else b""
    for number, offset in enumerate(plan.offsets_ns):
        if ping and number % ping_every == 0:
            yield offset, ping, False
        if number == half:
            if plan.fault == "stall":
                yield _STALL_NS, RESET, False
            elif plan.fault == "stream_error":
                yield offset, answer.in_band_error(), False
            elif plan.fault == "cut":
                yield offset, answer.cut(), False
            else:
                yield offset, RESET, False
            return
        yield offset, answer.token(number), True
    yield plan.offsets_ns[-1], answer.end(), False
