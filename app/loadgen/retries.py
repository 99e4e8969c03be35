"""Whether a failed try is worth another, and when: pure rules.

Source: `Retry-After` is RFC 9110 section 10.2.3; `retry-after-ms` and `x-should-retry` are what the vendors' own
clients honour; full jitter is from "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

import random
from email.utils import parsedate_to_datetime

from app.loadgen.frames import Record
from app.loadgen.http1 import HeaderList, header
from app.loadgen.plan import Limits

_RETRYABLE_STATUS = {408, 409, 429}
_RETRYABLE_TYPES = {"connect", "tls", "timeout_connect", "disconnected"}


def retry_delay_ns(record: Record, headers: HeaderList, limits: Limits, now_ns: int, rng: random.Random) -> int | None:
    """Nanoseconds to wait before the next try, or None when there shall be none.

    `record` is the failed try, `now_ns` Unix nanoseconds for a `Retry-After` that is a date.
    """
    if record.status == "ok" or record.attempts >= limits.max_attempts or not _is_retryable(record, headers):
        return None
    asked = _asked_delay_ns(headers, now_ns)
    if asked is not None:
        return asked if asked <= limits.max_delay_ns else None
    ceiling = min(limits.base_delay_ns * 2 ** (record.attempts - 1), limits.max_delay_ns)
    return int(rng.random() * ceiling)


def asked_pause_ns(headers: HeaderList, limits: Limits, now_ns: int) -> int:
    """How long the user of a request that was given up waits before the next one: as asked, up to the cap; else 0."""
    return min(_asked_delay_ns(headers, now_ns) or 0, limits.max_delay_ns)


def _is_retryable(record: Record, headers: HeaderList) -> bool:
    said = header(headers, b"x-should-retry")
    if said is not None:
        return said.strip().lower() == b"true"
    status = record.http_status
    if status == 429 and record.error_kind == "quota":  # waiting does not fill an empty account
        return False
    if status is None:
        return record.error_type in _RETRYABLE_TYPES
    return status in _RETRYABLE_STATUS or status >= 500


def _asked_delay_ns(headers: HeaderList, now_ns: int) -> int | None:
    for name, scale in ((b"retry-after-ms", 1_000_000), (b"retry-after", 1_000_000_000)):
        value = (header(headers, name) or b"").decode("latin-1").strip()
        if not value:
            continue
        try:
            seconds = float(value)
        except ValueError:
            try:
                return max(0, int(parsedate_to_datetime(value).timestamp() * 1e9) - now_ns)
            except ValueError:
                continue
        if 0 <= seconds < 1e9:
            return int(seconds * scale)
    return None
