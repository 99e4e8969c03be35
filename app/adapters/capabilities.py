"""What can be done with a kind of provider, or with one model: true, false, or None for "not known".

Of a kind, true means that its API takes it for some of its models; servers of one's own are None where it depends on
what they were started with.
"""

import msgspec


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Features and limits. `embeddings` means that a benchmark of embeddings can run; lengths are in tokens."""

    streaming: bool | None = None
    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_mode: bool | None = None
    embeddings: bool | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None


def of_kind(
    *,
    vision: bool | None = True,
    audio: bool | None = False,
    tools: bool | None = True,
    json_mode: bool | None = True,
    embeddings: bool | None = False,
    streaming: bool = True,
) -> Capabilities:
    """Of a vendor's API; lengths are a model's matter."""
    return Capabilities(
        streaming=streaming, vision=vision, audio=audio, tools=tools, json_mode=json_mode, embeddings=embeddings
    )


# What a server of one's own can do depends on its model and its flags.
OWN_SERVER = of_kind(vision=None, audio=None, tools=None, json_mode=None, embeddings=None)
