"""About how many tokens a request will cost, before it is sent: what a rate limit in tokens goes by."""

from app.loadgen.plan import Conversations, Embeddings, Lengths, Plan, Prompts, Synthetic, Trace

_CHARACTERS_PER_TOKEN = 4  # English text under the tokenisers in use


def estimated_tokens(plan: Plan, number: int) -> float:  # noqa: PLR0911  (one a kind)
    """Input and output tokens of arrival `number`: recorded or mean lengths, or a quarter of the characters.

    Output that nobody limits counts as none; what it was is charged when the answer says so.
    """
    workload, asked = plan.workload, plan.sampling.get("max_tokens") or 0
    system = len(plan.sampling.get("system") or "") / _CHARACTERS_PER_TOKEN
    if isinstance(workload, Synthetic):
        return system + workload.prefix_tokens + _mean(workload.input_tokens) + (_mean(workload.output_tokens) or asked)
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
        return system + sum(len(turn.content) for turn in turns) / _CHARACTERS_PER_TOKEN + asked
    assert isinstance(workload, Prompts)
    which = number % (len(workload.prompts) or len(workload.message_lists))
    if workload.prompts:
        characters = len(workload.prompts[which])
    else:
        characters = sum(len(turn.content) for turn in workload.message_lists[which])
    wanted = workload.output_tokens[which] if workload.output_tokens else 0
    return system + characters / _CHARACTERS_PER_TOKEN + (wanted or asked)


def _mean(lengths: Lengths) -> float:
    return max(lengths.mean, lengths.minimum)
