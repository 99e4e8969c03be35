"""How a user proved who they are, and for how long that holds before they must prove it again. Pure."""

from datetime import datetime, timedelta

from app.core.settings import SecuritySettings

PASSWORD = "password"
_CHARACTERS = 16  # of `sign_ins.method`


def oidc_method(provider: str) -> str:
    """The method of those who signed in at `provider`."""
    return f"oidc:{provider}"[:_CHARACTERS]


class SignInMethods:
    """The methods in force, and how long each one's sign-ins may go on."""

    def __init__(self, settings: SecuritySettings) -> None:
        self._refresh_life = timedelta(days=settings.refresh_token_days)
        self._takes_passwords = settings.enable_password
        self._longest: dict[str, timedelta] = {}
        for provider in settings.oidc:  # long names may share their first letters: then the shorter time holds
            method, longest = oidc_method(provider.name), timedelta(days=provider.sign_in_days)
            self._longest[method] = min(longest, self._longest.get(method, longest))

    def life_left(self, method: str, began_at: datetime, now: datetime) -> timedelta:
        """How long a refresh token given now may live; nothing left means that the user must sign in anew.

        A sign-in at a provider ends some day however often it is refreshed, because only a new one shows whether the
        provider still knows the user, and in which groups. It ends as well when its method is switched off.
        """
        if method == PASSWORD:
            return self._refresh_life if self._takes_passwords else timedelta(0)
        longest = self._longest.get(method)
        return timedelta(0) if longest is None else min(self._refresh_life, began_at + longest - now)
