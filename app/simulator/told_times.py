"""What answers say about the server's own times."""

from typing import Any

import msgspec


class ToldTimes(msgspec.Struct, frozen=True):
    """What an answer says about the server's own times: in headers as OpenAI and proxies do, or as llama.cpp does."""

    headers: dict[str, str] = {}
    timings: dict[str, float] = {}

    @classmethod
    def of(cls, where: str, ttft_ms: float, itl_ms: float, tokens: int) -> "ToldTimes":
        """The times of an answer of `tokens`; `where` is `none`, `headers`, `body` or `both`."""
        predicted_ms = itl_ms * (tokens - 1)
        headers = {
            "openai_processing_ms": f"{ttft_ms:g}",
            "Server_Timing": f'prefill;dur={ttft_ms:g};desc="simulated, all of it", decode;dur={predicted_ms:g}',
        }
        timings = {"prompt_ms": ttft_ms, "predicted_n": tokens, "predicted_ms": predicted_ms}
        return cls(headers if where in {"headers", "both"} else {}, timings if where in {"body", "both"} else {})

    def with_headers(self, headers: dict[str, str]) -> "ToldTimes":
        """The same with further headers."""
        return ToldTimes(self.headers | headers, self.timings)

    def header_lines(self) -> bytes:
        """As they stand in a head."""
        return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in self.headers.items()).encode()

    def fields(self) -> dict[str, Any]:
        """As they stand in a body."""
        return {"timings": self.timings} if self.timings else {}
