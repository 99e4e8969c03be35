"""Labels whose values come from users, kept to a bounded number: every new value costs a scrape for ever."""

OTHER = "other"
_LONGEST = 128


class Bounded:
    """The first `limit` combinations keep their names; all later ones are `other`, in every label."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[tuple[str, ...]] = set()

    def __call__(self, *values: str) -> tuple[str, ...]:
        """The label values to use."""
        names = tuple(value[:_LONGEST] for value in values)
        if names not in self._known:
            if len(self._known) >= self._limit:
                return (OTHER,) * len(names)
            self._known.add(names)
        return names
