"""Images and audio that a kind, or a model, cannot take are refused over REST, at the target's own field."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.adapters.capabilities import Capabilities
from app.benchmarks.endpoints import router
from app.core.http import install_error_handlers
from tests.benchmarks.conftest import FakeProviders, Hosting
from tests.factories import make_spec

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SHOWN = {
    "kind": "list",
    "prompts": [{"messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": "what?"}]}]}],
}
MADE_UP = {"kind": "synthetic", "input_tokens": 8, "output_tokens": 2}


class Blind(FakeProviders):
    """Its only model is known to take neither."""

    async def capabilities(self, name: str, model: str) -> Capabilities:
        return Capabilities(vision=False, audio=False)


async def answer(hosting: Hosting, providers: FakeProviders, workload: dict[str, Any]) -> httpx.Response:
    async with hosting(providers) as bench:
        app = FastAPI()
        install_error_handlers(app)
        app.include_router(router)

        async def authenticate(_: Any) -> Any:
            return bench.caller

        app.state.benchmarks, app.state.authenticate = bench.service, authenticate
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api/v1") as client:
            return await client.post("/benchmarks", json=make_spec(workload=workload))


@pytest.mark.parametrize(
    ("providers", "workload", "path", "says"),
    [
        (FakeProviders(kind="deepseek"), SHOWN, "targets.0.provider", "takes no images"),
        (FakeProviders(kind="anthropic"), MADE_UP | {"audio": {"seconds": 1}}, "targets.0.provider", "takes no audio"),
        (Blind(), SHOWN, "targets.0.model", "takes no images, as its provider lists it"),
        (Blind(), MADE_UP | {"images": {"count": 1}}, "targets.0.model", "takes no images"),
    ],
    ids=["kind, image", "kind, audio", "model, image", "model, made-up image"],
)
async def test_what_cannot_be_taken_is_refused_at_its_field(
    providers: FakeProviders, workload: dict[str, Any], path: str, says: str, hosting: Hosting
) -> None:
    refused = await answer(hosting, providers, workload)
    assert refused.status_code in {400, 422}, refused.text
    (error,) = refused.json()["error"]["details"]["errors"]
    assert error["path"] == path
    assert says in error["message"]


async def test_what_nobody_knows_of_is_accepted(hosting: Hosting) -> None:
    assert (await answer(hosting, FakeProviders(), SHOWN)).status_code == 202
