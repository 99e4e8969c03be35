"""Arrival number → request body, as the engine will send it. The one place that bundles take bodies from."""

from collections.abc import Callable

from app.adapters import registry
from app.adapters.base import ChatRequest, Message
from app.datasets import synthetic
from app.loadgen.plan import Plan, Prompts, Synthetic


def body_of(plan: Plan) -> Callable[[int], bytes] | None:
    """The function that makes the body of arrival `number`; None where bodies depend on the answers before them."""
    workload, sampling = plan.workload, dict(plan.sampling)
    if not isinstance(workload, Prompts | Synthetic):
        return None
    adapter = registry.get(plan.endpoint.adapter)
    system, stop = sampling.pop("system", None), sampling.pop("stop", None)
    before = (Message("system", system),) if system else ()
    output_tokens = round(workload.output_tokens.mean) if isinstance(workload, Synthetic) else None

    def body(number: int) -> bytes:
        if isinstance(workload, Synthetic):
            prompt = synthetic.prompt(plan.seed, number, round(workload.input_tokens.mean))
        else:
            prompt = workload.prompts[number % len(workload.prompts)]
        request = ChatRequest(
            model=plan.endpoint.model,
            messages=(*before, Message("user", prompt)),
            stop=tuple(stop) if stop else None,
            output_tokens=output_tokens,
            **sampling,
        )
        return adapter.encode(request, None).body

    return body
