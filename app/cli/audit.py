"""`llm-test-bench audit …`: the audit trail, in this machine's database or on a server."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.plain import plain

audit_app = typer.Typer(
    help="Check the audit trail.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("llm-test-bench audit verify"),
)


@audit_app.callback()
def _group() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@audit_app.command(
    "verify",
    epilog=examples(
        "llm-test-bench audit verify",
        "llm-test-bench audit verify --anchor 812:5e1f…  # the head that an earlier check printed, kept elsewhere",
    ),
)
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="Head of an earlier check; its row must still be the same."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of an LLM Test Bench server; without it, this machine's database is read.",
            envvar="LLM_TEST_BENCH_SERVER",
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(help="API key of that server (ltb_…), with admin.audit.", envvar="LLM_TEST_BENCH_API_KEY"),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Find rows that were changed, removed, moved, put in or cut off; exit code 1 when there are any.

    What the database alone cannot show is that all of it was put back to an older state: keep the head that is printed
    somewhere else, and give it as --anchor next time.
    """
    found = _remote(server, api_key, anchor) if server is not None else _local(anchor, config, data_dir)
    if as_json:
        print(json.dumps(found))
    else:
        for problem in found["findings"]:
            print(plain(problem))
        for warning in found["warnings"]:
            print(f"warning: {warning}")
        verdict = "intact" if found["intact"] else "NOT INTACT"
        print(f"{found['entries']} entries, {verdict}")
        print(f"head: {found['head']}")
    if not found["intact"]:
        raise typer.Exit(1)


def _remote(server: str, api_key: str | None, anchor: str | None) -> Any:
    from app.cli.server_client import ServerClient  # noqa: PLC0415 - help stays fast

    with ServerClient(server, api_key) as client:
        return client.call("GET", "/audit/verify" + (f"?{urlencode({'anchor': anchor})}" if anchor else ""))


def _local(anchor: str | None, config: Any, data_dir: Any) -> Any:
    from app.accounts.audit_check import parse_anchor  # noqa: PLC0415 - help stays fast
    from app.accounts.audit_views import AuditCheck  # noqa: PLC0415
    from app.cli.local_accounts import with_accounts  # noqa: PLC0415

    wanted = parse_anchor(anchor) if anchor else None
    return with_accounts(lambda accounts: _checked(accounts, wanted, AuditCheck.of), config, data_dir)


async def _checked(accounts: Any, anchor: Any, view: Any) -> Any:
    return view(await accounts.verify_audit(anchor)).model_dump(mode="json")
