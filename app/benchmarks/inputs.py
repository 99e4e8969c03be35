"""Whether targets take what a workload holds: embeddings, images, audio. Found out before the run. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from app.adapters import registry
from app.adapters.capabilities import Capabilities
from app.adapters.media import Media, MediaKind, problems
from app.benchmarks import plan_workloads
from app.benchmarks.workloads import ConversationList, EmbeddingInputs, PromptList, SyntheticPrompts, WorkloadSpec
from app.core.errors import InvalidRequestError
from app.loadgen.plan import Conversations, MadeUpMedia, Prompts, Synthetic

_SAMPLES: dict[MediaKind, Media] = {
    "image": Media("image", "image/png", "AAAA"),
    "audio": Media("audio", "audio/wav", "AAAA"),
}
_ABILITIES = {"image": ("vision", "images"), "audio": ("audio", "audio")}


def media_of(spec: WorkloadSpec) -> list[Media]:
    """Every image and sound that requests hold; of made-up ones, a sample of each kind."""
    if not isinstance(spec, PromptList | ConversationList | SyntheticPrompts):
        return []
    plan = plan_workloads.workload(spec)
    if isinstance(plan, Synthetic):
        return list(_made_up(plan.media))
    turns = plan.message_lists if isinstance(plan, Prompts) else plan.given if isinstance(plan, Conversations) else ()
    return [part for one in turns for turn in one for part in turn.parts if isinstance(part, Media)]


def check_kinds(spec: WorkloadSpec, kinds: Sequence[str], definitions: Sequence[Any] = ()) -> list[Media]:
    """Check the kinds of a benchmark's targets, given in target order; the images and sounds that were found.

    `definitions` are those of custom providers, None for every other one; they may be left out where there are none.

    Raises:
        InvalidRequestError: with the path `targets.N.provider` of each that cannot be asked so, and what can be.
    """
    media = media_of(spec)
    found = []
    for index, (name, definition) in enumerate(zip_longest(kinds, definitions)):
        kind = registry.kind(name, definition)
        wrong = problems(media, kind.adapter.takes)
        if isinstance(spec, EmbeddingInputs) and kind.embeddings is None:
            able = [other for other in registry.names() if registry.kind(other).embeddings is not None]
            wrong = [f"has no embeddings; kinds that have are {', '.join(able)}"]
        found += [(f"targets.{index}.provider", f"the provider kind '{name}' {problem}") for problem in wrong]
    _refuse(found)
    return media


def check_models(media: Sequence[Media], models: Sequence[tuple[str, Capabilities]]) -> None:
    """Check the models of the targets by what their providers say of them; what is not known passes.

    Raises:
        InvalidRequestError: with the path `targets.N.model` of each that takes no images, or no audio.
    """
    found = []
    for index, (model, can) in enumerate(models):
        for kind in dict.fromkeys(one.kind for one in media):
            ability, what = _ABILITIES[kind]
            if getattr(can, ability) is False:
                path = f"targets.{index}.model"
                found.append(
                    (path, f"the model '{model}' takes no {what}, as its provider lists it; choose one that does")
                )
    _refuse(found)


def _made_up(media: MadeUpMedia) -> Iterator[Media]:
    if media.images:
        yield _SAMPLES["image"]
    if media.audio_ms:
        yield _SAMPLES["audio"]


def _refuse(found: Sequence[tuple[str, str]]) -> None:
    if found:
        raise InvalidRequestError(
            "; ".join(f"{path}: {message}" for path, message in found),
            errors=[{"path": path, "message": message} for path, message in found],
        )
