"""What the simulator does to a request: when each chunk is due and which requests fail, all from one seed."""

import random
from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal[
    "http_400", "http_403", "http_404", "http_422", "http_429", "http_500", "http_503", "http_504", "http_529",
    "context_length", "quota", "stream_error", "truncate", "cut", "stall", "reset", "junk"
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
FORMATS = (
    "openai", "openai-responses", "anthropic", "gemini", "cohere", "ollama", "llamacpp-completion", "bedrock",
    "replicate", "mistral",
)  # fmt: skip
"""Names of the wire formats; `routes` has what is behind them."""

_RANGES: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "ttft_ms": (0, 3_600_000),
    "itl_ms": (0, 3_600_000),
    "jitter": (0, 1),
    "tokens": (1, 10_000_000),
    "error_rate": (0, 1),
    "tokens_per_word": (0.01, 100),
    "overhead_tokens": (0, 1_000_000),
    "slots": (0, 1_000_000),
    "cache_read": (0, 1),
    "cache_write": (0, 1),
    "reasoning": (0, 10_000_000),
    "pings": (0, 10_000_000),
    "rate_limit": (0, 10_000_000),
}
TIMINGS = ("none", "headers", "body", "both")


@dataclass(frozen=True)
class Behaviour:
    """The simulator's settings. Times are milliseconds, rates shares of requests (0 to 1)."""

    host: str = field(default="127.0.0.1", metadata={"help": "Address to listen on."})
    port: int = field(default=9000, metadata={"help": "Port to listen on; 0 picks a free one."})
    ttft_ms: float = field(default=200.0, metadata={"help": "Time to first token."})
    itl_ms: float = field(default=20.0, metadata={"help": "Time between tokens."})
    jitter: float = field(default=0.0, metadata={"help": "Standard deviation of both, as a share of their value."})
    tokens: int = field(default=100, metadata={"help": "Tokens per answer, unless the request's limit is smaller."})
    error_rate: float = field(default=0.0, metadata={"help": "Share of requests that fail."})
    errors: str = field(default="http_500", metadata={"help": f"Faults to choose from: {','.join(FAULTS)}."})
    seed: int = field(default=0, metadata={"help": "Same seed, same timings and faults."})
    model: str = field(default="simulated", metadata={"help": "Name of the only model."})
    api_key: str | None = field(default=None, metadata={"help": "Require this key."})
    tokens_per_word: float = field(default=1.0, metadata={"help": "Input tokens that usage counts for each word."})
    overhead_tokens: int = field(default=0, metadata={"help": "Input tokens that usage adds to each prompt."})
    requests_log: str | None = field(
        default=None, metadata={"help": "Write the body of every request to this JSONL file."}
    )
    log: str | None = field(default=None, metadata={"help": "Write the true send times to this JSONL file."})
    slots: int = field(
        default=0, metadata={"help": "Requests worked on at once; the others wait their turn. 0: no limit."}
    )
    certificate: str | None = field(
        default=None, metadata={"help": "Serve HTTPS with this PEM file: certificate chain and private key."}
    )
    reasoning: int = field(default=0, metadata={"help": "How many of the tokens, from the first on, are reasoning."})
    cache_read: float = field(default=0.0, metadata={"help": "Share of the prompt that usage calls read from a cache."})
    cache_write: float = field(default=0.0, metadata={"help": "Share of the prompt that usage calls put into a cache."})
    usage: str = field(
        default="on", metadata={"help": "Whether answers report token counts: on, off, or always, even unasked."}
    )
    pings: int = field(default=0, metadata={"help": "Send a ping before every so many tokens; 0: never."})
    text: str = field(default="", metadata={"help": "Say these words, again and again, instead of the usual ones."})
    rate_limit: int = field(
        default=0,
        metadata={"help": "Requests a minute that headers of answers tell of, counting down; 0: no such headers."},
    )
    formats: str = field(
        default="", metadata={"help": f"Speak only these, told apart by path: {','.join(FORMATS)}; by default all."}
    )
    timings: str = field(
        default="none", metadata={"help": f"Where answers tell the server's own times: {', '.join(TIMINGS)}."}
    )

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be between {least} and {most}, not {getattr(self, name)}")
        if self.timings not in TIMINGS:
            raise ValueError(f"timings must be one of {', '.join(TIMINGS)}, not {self.timings!r}")
        if self.usage not in {"on", "off", "always"}:
            raise ValueError(f"usage must be on, off or always, not {self.usage}")
        strange = [name for name in self.spoken if name not in FORMATS]
        if strange:
            raise ValueError(f"unknown format {', '.join(strange)}; known are {', '.join(FORMATS)}")
        unknown = set(self.faults) - set(FAULTS)
        if unknown:
            raise ValueError(f"unknown fault {', '.join(sorted(unknown))}; known are {', '.join(FAULTS)}")

    @property
    def faults(self) -> list[str]:
        """The faults to choose from."""
        return [name.strip() for name in self.errors.split(",") if name.strip()]

    @property
    def spoken(self) -> tuple[str, ...]:
        """The formats that are spoken."""
        return tuple(name.strip() for name in self.formats.split(",") if name.strip()) or FORMATS


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to one request. Offsets are nanoseconds after its arrival, one per token."""

    offsets_ns: list[int]
    fault: str | None


def course(behaviour: Behaviour, number: int, tokens: int) -> Course:
    """The course of the `number`-th request; depends on nothing but its arguments."""
    draw = random.Random(f"{behaviour.seed}-{number}")  # noqa: S311  (a simulation)
    fault = draw.choice(behaviour.faults) if draw.random() < behaviour.error_rate else None
    ttft_ns, itl_ns = behaviour.ttft_ms * 1e6, behaviour.itl_ms * 1e6
    if not behaviour.jitter:
        return Course([round(ttft_ns + itl_ns * index) for index in range(tokens)], fault)
    at = max(0.0, draw.gauss(ttft_ns, ttft_ns * behaviour.jitter))
    offsets = [round(at)]
    for _ in range(tokens - 1):
        at += max(0.0, draw.gauss(itl_ns, itl_ns * behaviour.jitter))
        offsets.append(round(at))
    return Course(offsets, fault)
