"""How the export of traces is doing, for Prometheus."""

from typing import TYPE_CHECKING

from app.monitoring.families import CounterFamily

if TYPE_CHECKING:  # it needs the extra `otel`
    from app.monitoring.span_delivery import SpanDelivery


class TraceFamilies:
    """Counts of a delivery, as they are when asked."""

    def __init__(self, delivery: "SpanDelivery") -> None:
        self._delivery = delivery

    def text(self) -> str:
        """Its lines."""
        spans = CounterFamily(
            "llm_trace_spans_total",
            "Spans by what became of them: exported, or lost as queue_full, failed, rejected, unsent.",
            ("outcome",),
        )
        for outcome, number in self._delivery.counts.items():
            spans.add(number, outcome)
        waiting = f"llm_trace_spans_waiting {self._delivery.waiting}\n"
        return (
            f"{spans.text()}# HELP llm_trace_spans_waiting Spans that are not delivered yet.\n"
            f"# TYPE llm_trace_spans_waiting gauge\n{waiting}"
        )
