"""Roles: the built-in ones and those of the configuration, and what each may do."""

from collections.abc import Iterable, Mapping

import structlog

from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.core.errors import ConfigError, InvalidRequestError
from app.core.settings import SecuritySettings

log = structlog.get_logger(__name__)


class Roles:
    """Every role of this installation by name."""

    def __init__(self, custom: Mapping[str, frozenset[Permission]] | None = None, default: str = Role.VIEWER) -> None:
        self._permissions: dict[str, frozenset[Permission]] = {
            **{role.value: permissions for role, permissions in ROLE_PERMISSIONS.items()},
            **(custom or {}),
        }
        self.default = default
        self._complained: set[str] = set()

    @classmethod
    def configured(cls, settings: SecuritySettings) -> "Roles":
        """The roles that the configuration asks for.

        Raises:
            ConfigError: a permission or a default role that does not exist, or a role that is there twice.
        """
        problems: list[dict[str, str]] = []
        custom: dict[str, frozenset[Permission]] = {}
        for number, role in enumerate(settings.roles):
            if role.name in custom or role.name in set(Role):
                key = f"security.roles.{number}.name"
                problems.append({"key": key, "message": f"there is a role '{role.name}' already"})
            permissions, unknown = expand(role.permissions)
            custom[role.name] = permissions
            problems += [
                {
                    "key": f"security.roles.{number}.permissions",
                    "message": f"no such permission: '{name}'; {_allowed()}",
                }
                for name in unknown
            ]
        known = [*(role.value for role in Role), *custom]
        if settings.default_role not in known:
            message = f"there is no role '{settings.default_role}'; use one of {', '.join(known)}"
            problems.append({"key": "security.default_role", "message": message})
        if problems:
            lines = "\n".join(f"  {problem['key']}: {problem['message']}" for problem in problems)
            raise ConfigError(f"wrong configuration:\n{lines}", errors=problems)
        return cls(custom, settings.default_role)

    @property
    def names(self) -> tuple[str, ...]:
        """Every role, the built-in ones first."""
        return tuple(self._permissions)

    def permissions(self, name: str) -> frozenset[Permission]:
        """What a role may do. A stored role that the configuration has lost may do what viewers may, and is logged."""
        found = self._permissions.get(name)
        if found is None:
            if name not in self._complained:
                self._complained.add(name)
                log.warning("a user has a role that the configuration does not know; it counts as 'viewer'", role=name)
            return ROLE_PERMISSIONS[Role.VIEWER]
        return found

    def check(self, name: str) -> str:
        """`name`.

        Raises:
            InvalidRequestError: there is no such role.
        """
        if name not in self._permissions:
            allowed = ", ".join(self._permissions)
            raise InvalidRequestError(
                f"role: there is no role {name!r}; use one of {allowed}",
                errors=[{"path": "role", "message": "no such role", "allowed": allowed}],
            )
        return name


def expand(names: Iterable[str]) -> tuple[frozenset[Permission], list[str]]:
    """The permissions that `names` mean, and the names that mean none.

    A name is a permission, a family such as `benchmark.*`, or `*` for all.
    """
    found: set[Permission] = set()
    unknown = []
    for name in names:
        family = name.removesuffix("*")
        meant = {permission for permission in Permission if permission == name or _is_in(permission, name, family)}
        found |= meant
        if not meant:
            unknown.append(name)
    return frozenset(found), unknown


def _is_in(permission: Permission, name: str, family: str) -> bool:
    return name == "*" or (name.endswith(".*") and permission.startswith(family))


def _allowed() -> str:
    return f"use {', '.join(Permission)}, a family such as 'benchmark.*', or '*'"
