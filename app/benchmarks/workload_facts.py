"""What a summary says about the prompts of its run: how their lengths were made, and whether caches could help."""

from collections.abc import Mapping
from typing import Any

from app.benchmarks import plan_workloads
from app.benchmarks.token_models import told
from app.benchmarks.token_probe import Probed, makes_text_up
from app.benchmarks.workloads import (
    ConversationList,
    EmbeddingInputs,
    OnePrompt,
    PromptList,
    SharedPrefixPrompts,
    SyntheticConversations,
    TracePrompts,
    WorkloadSpec,
)
from app.loadgen.plan import TokenModel

_AGAIN = " The same seed sends the same prompts again: to a server that still caches them, use another seed."


def workload_facts(spec: WorkloadSpec, probed: Mapping[int, Probed]) -> dict[str, Any]:
    """The summary's `workload`; `probed` has what probes found, by target.

    `words_per_token` is null where no text was made up, and where targets differ; then `by_target` has each.
    """
    workload = plan_workloads.workload(spec)
    models = [found.tokens for _, found in sorted(probed.items())]
    assumed: TokenModel = getattr(workload, "tokens", TokenModel())
    if not models or assumed.source == "given":
        models = [assumed]
    made_up = makes_text_up(workload)
    is_one = all(model == models[0] for model in models)
    sources = {model.source for model in models}
    return {
        **(told(models[0]) if made_up and is_one else {"words_per_token": None, "overhead_tokens": None}),
        "source": next(iter(sources)) if len(sources) == 1 else "mixed",
        "probe_requests": sum(found.requests for found in probed.values()),
        "uniqueness": uniqueness(spec),
        "by_target": [
            {"target_index": index, **told(found.tokens), "probe_requests": found.requests}
            for index, found in sorted(probed.items())
        ]
        if made_up and not is_one
        else [],
    }


def uniqueness(spec: WorkloadSpec) -> str:  # noqa: PLR0911  (one a kind)
    """One or two sentences on which prompts repeat, so that the effect of server-side caches can be judged."""
    if isinstance(spec, OnePrompt):
        return "Every request sends the same prompt: a server that caches prompts or answers looks faster than it is."
    if isinstance(spec, PromptList):
        return (
            f"{len(spec.prompts)} given prompts, taken in turn; they repeat after that many requests, "
            "and from then on server-side caches may help."
        )
    if isinstance(spec, SharedPrefixPrompts):
        own = "each goes on with text that no other prompt has"
        if spec.uniqueness < 1:
            own = (
                f"about {spec.uniqueness:.0%} go on with text that no other prompt has, the rest repeat one per prefix"
            )
        begin = f"Every prompt begins with one of {spec.groups} shared prefixes of about {spec.prefix_tokens} tokens"
        return f"{begin}; {own}.{_AGAIN}"
    if isinstance(spec, SyntheticConversations):
        return (
            "Every conversation is unique from its first word on; each later turn repeats its whole history, "
            f"as chats do, so prefix caches help within a conversation.{_AGAIN}"
        )
    if isinstance(spec, ConversationList):
        return (
            f"{len(spec.conversations)} given conversations, taken in turn; each later turn repeats its whole history. "
            "Conversations repeat after that many, and from then on server-side caches may help."
        )
    if isinstance(spec, EmbeddingInputs) and spec.texts is not None:
        return f"{len(spec.texts)} given texts, taken in turn; they repeat after that many."
    if isinstance(spec, TracePrompts):
        shared = any(request.blocks for request in spec.requests)
        how = "share the text of equal leading blocks, as recorded" if shared else "are unique from their first word on"
        return f"Prompts of recorded lengths {how}.{_AGAIN}"
    what = "text" if isinstance(spec, EmbeddingInputs) else "prompt"
    return f"Every {what} is unique from its first word on, so prefix caches cannot help.{_AGAIN}"
