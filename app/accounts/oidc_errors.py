"""Why a sign-in at an identity provider failed: a code for the sign-in page, words for the log.

What the provider itself said never reaches the page: it comes by way of an address that anybody can write.
"""

from typing import ClassVar

from app.core.errors import TestBenchError


class OidcError(TestBenchError):
    """Root; `reason` is what the sign-in page is told."""

    code = "UNAUTHORIZED"
    http_status = 401
    reason: ClassVar[str] = "answer"


class OidcFlowError(OidcError):
    """The answer does not belong to a sign-in that this browser began, or that sign-in is over."""

    reason = "flow"


class OidcDeniedError(OidcError):
    """The provider says that the user, or the provider, declined."""

    reason = "denied"


class OidcUnreachableError(OidcError):
    """The provider is down, slow, or at an address that may not be asked."""

    reason = "unreachable"


class OidcAnswerError(OidcError):
    """The provider's answer is not one that proves who somebody is."""

    reason = "answer"


class OidcConfigError(OidcError):
    """The provider is not set up as the configuration says (the secret is missing, or it refuses the client)."""

    reason = "config"


class OidcNotAllowedError(OidcError):
    """The user proved who they are; the configuration lets only others in."""

    reason = "not_allowed"


class OidcNoAccountError(OidcError):
    """There is no account, and none is made."""

    reason = "no_account"


class OidcDisabledError(OidcError):
    """The account is disabled."""

    reason = "disabled"


REASONS = tuple(
    kind.reason
    for kind in (
        OidcFlowError,
        OidcDeniedError,
        OidcUnreachableError,
        OidcAnswerError,
        OidcConfigError,
        OidcNotAllowedError,
        OidcNoAccountError,
        OidcDisabledError,
    )
)
