"""Why a model stopped, the same under every vendor; the vendor's own word is kept beside it. Pure."""

from typing import Literal

FinishKind = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]
"""`stop`: it was done, or met a stop sequence; `length`: a limit on tokens or the context was reached."""

_WORDS: dict[FinishKind, str] = {
    "stop": "stop end_turn stop_sequence complete completed eos eos_token word pause_turn end done stop_token steered",
    "length": """length max_tokens max_output_tokens model_length limit model_context_window_exceeded max_length
        error_limit context_length continuation max_messages""",
    "tool_calls": "tool_calls tool_use tool_call function_call requires_action",
    "content_filter": """content_filter content_filtered refusal safety recitation blocklist prohibited_content spii
        image_safety image_prohibited_content image_recitation guardrail_intervened error_toxic model_armor language
        sensitive escalation pup_limited_disabled""",
    "error": """error timeout failed cancelled malformed_function_call malformed_response malformed_model_output
        malformed_tool_use unexpected_tool_call too_many_tool_calls missing_thought_signature user_cancel
        insufficient_system_resource network_error abort no_image image_other""",
}
_KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words.split()}


def finish_kind(finish_reason: str | None) -> FinishKind | None:
    """What the vendor's word means; None for no word, `other` for one that is not known."""
    return None if finish_reason is None else _KIND_OF_WORD.get(finish_reason.lower(), "other")
