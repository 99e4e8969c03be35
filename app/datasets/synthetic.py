"""Made-up prompts of about a wanted length, each one different from its first word on, so that no prefix cache helps.

Length is counted in words: the words are common and short, about one token each for the tokenisers in use.
"""

import random

_WORDS = """
time year people way day man thing woman life child world school state family student group country problem hand
part place case week company system program question work government number night point home water room mother area
money story fact month lot right study book eye job word business issue side kind head house service friend father
power hour game line end member law car city community name president team minute idea body information back parent
face others level office door health person art war history party result change morning reason research moment air
teacher force
""".split()  # noqa: SIM905  (a list would be a page long)


def prompt(seed: int, number: int, tokens: int) -> str:
    """The `number`-th prompt of a seed, about `tokens` long; the same arguments always give the same text."""
    draw = random.Random(f"prompt-{seed}-{number}")  # noqa: S311  (reproducible text, not a secret)
    words = draw.choices(_WORDS, k=max(1, tokens - 2))
    return f"{draw.randrange(16**8):08x} {' '.join(words)}"
