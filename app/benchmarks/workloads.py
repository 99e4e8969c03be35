"""What is asked: the part `workload` of a spec. A new kind of workload is one more class in the union at the end."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from app.benchmarks.content_parts import Content, check_size, text_of
from app.benchmarks.spec_parts import STORED, Prompt, SpecPart

MAX_TOKENS = 1_000_000
MAX_PROMPTS = 100_000
MAX_TURNS = 1_000

Tokens = Annotated[int, Field(ge=1, le=MAX_TOKENS)]


class CutLength(SpecPart):
    """A distribution without ends of its own, cut to limits."""

    mean: float = Field(gt=0, le=MAX_TOKENS, description="Mean, in tokens.")
    stdev: float = Field(ge=0, le=MAX_TOKENS, description="Standard deviation, in tokens.")
    minimum: Tokens = Field(1, description="Shorter ones are made this long.")
    maximum: Tokens = Field(MAX_TOKENS, description="Longer ones are made this long.")

    @model_validator(mode="after")
    def _in_order(self, info: ValidationInfo) -> Self:
        if self.minimum > self.maximum and info.context is not STORED:
            raise ValueError("minimum must not exceed maximum")
        return self


class NormalLength(CutLength):
    """Normally distributed, cut to the limits."""

    kind: Literal["normal"] = "normal"


class LognormalLength(CutLength):
    """Lognormally distributed with this mean and standard deviation, cut to the limits: few long ones, many short."""

    kind: Literal["lognormal"] = "lognormal"


class UniformLength(SpecPart):
    """Every length from `minimum` to `maximum` alike."""

    kind: Literal["uniform"] = "uniform"
    minimum: Tokens = Field(description="Shortest.")
    maximum: Tokens = Field(description="Longest.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("minimum must not exceed maximum")
        return self


class EmpiricalLength(SpecPart):
    """Drawn from observed lengths."""

    kind: Literal["empirical"] = "empirical"
    values: list[Tokens] = Field(min_length=1, max_length=MAX_PROMPTS, description="Observed lengths.")
    weights: list[Annotated[float, Field(ge=0)]] | None = Field(
        None, description="How often each occurs; all alike when left out."
    )

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if self.weights is not None and (len(self.weights) != len(self.values) or not sum(self.weights) > 0):
            raise ValueError("weights must be as many as values, and not all zero")
        return self


Length = (
    Tokens
    | Annotated[
        NormalLength | LognormalLength | UniformLength | EmpiricalLength,
        Field(discriminator="kind"),
    ]
)
"""A number of tokens, or a distribution of it."""

WordsPerToken = Annotated[float, Field(gt=0, le=100)]
_WORDS_PER_TOKEN = (
    "Words of made-up text per token. Left out, a few short requests before the run find it out from the server's own "
    "`usage`, and the summary says so."
)


class OnePrompt(SpecPart):
    """Every request sends the same prompt (beware of server-side caches)."""

    kind: Literal["prompt"] = "prompt"
    prompt: Prompt = Field(description="The user message.")


class ChatTurn(SpecPart):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"] = Field(description="Who says it.")
    content: Content = Field(
        description="What is said: a text, or a list of parts of type text, image_url, input_audio or audio_url."
    )

    @model_validator(mode="after")
    def _only_users_show(self) -> Self:
        if self.role != "user" and not isinstance(self.content, str):
            if any(part.type != "text" for part in self.content):
                raise ValueError("only a user's message may hold images or audio")
            if not text_of(self.content):
                raise ValueError("the text must not be empty")
        return self


class PromptItem(SpecPart):
    """One request of a list: a prompt, or messages that end with a user's."""

    prompt: Prompt | None = Field(None, description="The user message.")
    messages: list[ChatTurn] | None = Field(
        None, min_length=1, max_length=MAX_TURNS, description="A whole conversation, sent as one request."
    )
    output_tokens: Tokens | None = Field(None, description="Sent as the cap on output tokens of this request.")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        if self.messages is not None and self.messages[-1].role != "user":
            raise ValueError("the last of messages must be the user's")
        return self


class PromptList(SpecPart):
    """Requests take the prompts in order, again from the first when they run out."""

    kind: Literal["list"] = "list"
    prompts: list[Prompt | PromptItem] = Field(
        min_length=1, max_length=MAX_PROMPTS, description="User messages, or objects with more; one per request."
    )

    @model_validator(mode="after")
    def _can_travel(self, info: ValidationInfo) -> Self:
        if info.context is not STORED:
            lists = (item.messages or () for item in self.prompts if not isinstance(item, str))
            check_size(turn.content for turns in lists for turn in turns)
        return self


class MadeUpImages(SpecPart):
    """Images of one size, different in every request."""

    count: int = Field(1, ge=1, le=16, description="Images in each request.")
    width: int = Field(512, ge=1, le=4_096, description="Pixels.")
    height: int = Field(512, ge=1, le=4_096, description="Pixels.")


class MadeUpAudio(SpecPart):
    """Noise as a WAV file of 16 bits and one channel, different in every request."""

    seconds: float = Field(ge=0.1, le=120, description="How long.")
    sample_rate_hz: int = Field(16_000, ge=8_000, le=48_000, description="Samples per second.")


class SyntheticPrompts(SpecPart):
    """Made-up prompts of about `input_tokens`, unique per request, asking for exactly `output_tokens`."""

    kind: Literal["synthetic"] = "synthetic"
    input_tokens: Length = Field(description="Length of each prompt, approximately.")
    output_tokens: Length = Field(description="Sent as the cap on output tokens.")
    words_per_token: WordsPerToken | None = Field(None, description=_WORDS_PER_TOKEN)
    images: MadeUpImages | None = Field(None, description="Images before the text, as PNG.")
    audio: MadeUpAudio | None = Field(None, description="A sound before the text.")


class SharedPrefixPrompts(SpecPart):
    """Prefix-cache study: every request begins with one of `groups` long prefixes and ends in text of its own."""

    kind: Literal["shared_prefix"] = "shared_prefix"
    groups: int = Field(1, ge=1, le=100_000, description="Different prefixes; each request draws one.")
    prefix_tokens: Tokens = Field(description="Length of the shared part.")
    input_tokens: Length = Field(description="Length of the part of its own.")
    output_tokens: Length = Field(description="Sent as the cap on output tokens.")
    uniqueness: float = Field(
        1, ge=0, le=1, description="Share of requests whose own part nobody else sends; the rest repeat one per group."
    )
    words_per_token: WordsPerToken | None = Field(None, description=_WORDS_PER_TOKEN)


class ThinkTime(SpecPart):
    """Pause of a user between an answer and the next question."""

    mean_seconds: float = Field(0, ge=0, le=3_600, description="0: none.")
    distribution: Literal["fixed", "exponential"] = Field("fixed", description="How pauses differ.")


class SyntheticConversations(SpecPart):
    """Made-up conversations: every request carries the turns before it, with the server's own answers.

    In a closed loop a user keeps its conversation to the end; in an open loop an arrival starts a conversation.
    """

    kind: Literal["conversation"] = "conversation"
    turns: int = Field(ge=1, le=MAX_TURNS, description="Requests in each conversation.")
    input_tokens: Length = Field(description="Length of each user message.")
    output_tokens: Length = Field(description="Sent as the cap on output tokens of each answer.")
    think_time: ThinkTime = Field(default_factory=ThinkTime)
    words_per_token: WordsPerToken | None = Field(None, description=_WORDS_PER_TOKEN)


class ConversationList(SpecPart):
    """Given conversations: the user turns are sent one by one, with the server's own answers between them.

    In a closed loop a user keeps its conversation to the end; in an open loop an arrival starts a conversation.
    """

    kind: Literal["conversation_list"] = "conversation_list"
    conversations: list[Annotated[list[ChatTurn], Field(min_length=1, max_length=MAX_TURNS)]] = Field(
        min_length=1,
        max_length=MAX_PROMPTS,
        description="Each a list of messages; assistant messages in it only say how long an answer to ask for.",
    )
    think_time: ThinkTime = Field(default_factory=ThinkTime)

    @model_validator(mode="after")
    def _can_travel(self, info: ValidationInfo) -> Self:
        if info.context is not STORED:
            check_size(turn.content for turns in self.conversations for turn in turns)
        return self

    @model_validator(mode="after")
    def _someone_asks(self) -> Self:
        if not all(any(turn.role == "user" for turn in turns) for turns in self.conversations):
            raise ValueError("every conversation needs a user message")
        return self


class EmbeddingInputs(SpecPart):
    """Embedding requests; give `texts`, or `input_tokens` for made-up ones."""

    kind: Literal["embeddings"] = "embeddings"
    texts: list[Prompt] | None = Field(None, min_length=1, max_length=MAX_PROMPTS, description="Taken in turn.")
    input_tokens: Length | None = Field(None, description="Length of each made-up text.")
    batch_size: int = Field(1, ge=1, le=2_048, description="Texts per request.")
    words_per_token: WordsPerToken | None = Field(None, description=_WORDS_PER_TOKEN)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.texts is None) == (self.input_tokens is None):
            raise ValueError("give either texts or input_tokens")
        return self


class TraceRequest(SpecPart):
    """Lengths of one recorded request."""

    input_tokens: Tokens = Field(description="Length of the prompt.")
    output_tokens: Tokens = Field(description="Length of the answer, sent as the cap on output tokens.")
    blocks: list[int] | None = Field(
        None,
        max_length=100_000,
        description="Names of its prefix blocks; requests share the text of equal leading ones.",
    )


class TracePrompts(SpecPart):
    """Made-up prompts of recorded lengths, in the trace's order; usually with a load of kind `trace`."""

    kind: Literal["trace"] = "trace"
    requests: list[TraceRequest] = Field(min_length=1, max_length=1_000_000, description="In order; taken in turn.")
    block_tokens: int = Field(512, ge=1, le=100_000, description="Tokens in one of `blocks`.")
    words_per_token: WordsPerToken | None = Field(None, description=_WORDS_PER_TOKEN)


WorkloadSpec = Annotated[
    OnePrompt
    | PromptList
    | SyntheticPrompts
    | SharedPrefixPrompts
    | SyntheticConversations
    | ConversationList
    | EmbeddingInputs
    | TracePrompts,
    Field(discriminator="kind"),
]
