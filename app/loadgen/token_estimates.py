"""About how many tokens a request will cost, before it is sent: what a rate limit in tokens goes by."""

from collections.abc import Iterable

from app.adapters.media import Media
from app.loadgen.plan import Conversations, Embeddings, Lengths, MadeUpMedia, Plan, Prompts, Synthetic, Trace, Turn

_CHARACTERS_PER_TOKEN = 4  # English text under the tokenisers in use
_PIXELS_PER_TOKEN = 750  # Claude API documentation, "Vision"; others count in tiles of about the same
_IMAGE_TOKENS = 1_024 * 1_024 // _PIXELS_PER_TOKEN  # of one whose size is not known
_AUDIO_TOKENS_PER_SECOND = 32  # Gemini API documentation, "Audio understanding"
_AUDIO_BYTES_PER_SECOND = 16_000  # of a recording that is compressed a little


def media_tokens(wanted: MadeUpMedia) -> float:
    """About how many tokens the images and the sound of a request are."""
    images = wanted.images * wanted.width * wanted.height / _PIXELS_PER_TOKEN
    return images + wanted.audio_ms * _AUDIO_TOKENS_PER_SECOND / 1000


def turn_tokens(turns: Iterable[Turn]) -> float:
    """About how many tokens given images and sounds of messages are, beside the text."""
    total = 0.0
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, Media):
                seconds = len(part.data) * 3 / 4 / _AUDIO_BYTES_PER_SECOND
                total += _IMAGE_TOKENS if part.kind == "image" else _AUDIO_TOKENS_PER_SECOND * seconds
    return total


def estimated_tokens(plan: Plan, number: int) -> float:  # noqa: PLR0911  (one a kind)
    """Input and output tokens of arrival `number`: recorded or mean lengths, or a quarter of the characters.

    Output that nobody limits counts as none; what it was is charged when the answer says so.
    """
    workload, asked = plan.workload, plan.sampling.get("max_tokens") or 0
    system = len(plan.sampling.get("system") or "") / _CHARACTERS_PER_TOKEN
    if isinstance(workload, Synthetic):
        own = workload.prefix_tokens + _mean(workload.input_tokens) + media_tokens(workload.media)
        return system + own + (_mean(workload.output_tokens) or asked)
    if isinstance(workload, Trace):
        which = number % len(workload.input_tokens)
        return system + workload.input_tokens[which] + workload.output_tokens[which]
    if isinstance(workload, Embeddings):
        texts, size = workload.texts, workload.batch_size
        if not texts:
            return _mean(workload.input_tokens) * size
        batch = (texts[(number * size + position) % len(texts)] for position in range(size))
        return sum(map(len, batch)) / _CHARACTERS_PER_TOKEN
    if isinstance(workload, Conversations):
        if not workload.given:
            return system + _mean(workload.input_tokens) + (_mean(workload.output_tokens) or asked)
        turns = workload.given[number % len(workload.given)]
        said = sum(len(turn.content) for turn in turns) / _CHARACTERS_PER_TOKEN
        return system + said + turn_tokens(turns) + asked
    assert isinstance(workload, Prompts)
    which = number % (len(workload.prompts) or len(workload.message_lists))
    if workload.prompts:
        said = len(workload.prompts[which]) / _CHARACTERS_PER_TOKEN
    else:
        turns = workload.message_lists[which]
        said = sum(len(turn.content) for turn in turns) / _CHARACTERS_PER_TOKEN + turn_tokens(turns)
    wanted = workload.output_tokens[which] if workload.output_tokens else 0
    return system + said + (wanted or asked)


def _mean(lengths: Lengths) -> float:
    return max(lengths.mean, lengths.minimum)
