"""Permissions and the built-in roles. A permission not listed here does not exist; see `roles.py` for further roles."""

from enum import StrEnum


class Permission(StrEnum):
    """What a caller may be allowed to do."""

    BENCHMARK_CREATE = "benchmark.create"
    BENCHMARK_READ = "benchmark.read"
    BENCHMARK_CANCEL = "benchmark.cancel"
    BENCHMARK_DELETE = "benchmark.delete"
    BENCHMARK_SHARE = "benchmark.share"
    RESULTS_READ = "results.read"
    RESULTS_EXPORT = "results.export"
    PROVIDER_READ = "provider.read"
    PROVIDER_MANAGE = "provider.manage"
    PROVIDER_TEST = "provider.test"
    PLUGIN_MANAGE = "plugin.manage"
    METRICS_READ = "metrics.read"
    ACCOUNT_SELF = "account.self"
    USER_MANAGE = "user.manage"
    ADMIN_AUDIT = "admin.audit"
    ADMIN_SETTINGS = "admin.settings"
    ADMIN_SEE_ALL = "admin.see_all"
    """Sees, and with the permission for an action also changes, what others own."""


class Role(StrEnum):
    """The built-in roles, from most to least powerful."""

    ADMIN = "admin"
    USER = "user"
    VIEWER = "viewer"


_VIEWER = frozenset(
    {
        Permission.BENCHMARK_READ,
        Permission.RESULTS_READ,
        Permission.PROVIDER_READ,
        Permission.METRICS_READ,
        Permission.ACCOUNT_SELF,
    }
)
_USER = _VIEWER | {
    Permission.BENCHMARK_CREATE,
    Permission.BENCHMARK_CANCEL,
    Permission.BENCHMARK_DELETE,
    Permission.BENCHMARK_SHARE,
    Permission.RESULTS_EXPORT,
    Permission.PROVIDER_TEST,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.USER: _USER,
    Role.VIEWER: _VIEWER,
}
