"""`llm-test-bench cluster`: certificates for a private cluster, and how a running one is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import examples

cluster_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Make certificates for a cluster, and see how it is.",
)


@cluster_app.command(
    "certs",
    epilog=examples(
        "llm-test-bench cluster certs",
        "llm-test-bench cluster certs --out /etc/llm-test-bench/certs --host scheduler.example --host 10.0.0.5",
    ),
)
def certs(
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("certs"),
    hosts: Annotated[
        list[str], typer.Option("--host", metavar="NAME", help="Further name or address of the scheduler. Repeat it.")
    ] = [],  # noqa: B006 - typer copies it
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long they are good.")] = 825,
    renew: Annotated[
        bool, typer.Option("--renew", help="Replace certificates that are there, under their CA.")
    ] = False,
) -> None:
    """Make a private CA, and a certificate for the scheduler, the workers and the servers (keys with mode 0600).

    Only who has one of these can talk to the cluster. Keep ca-key.pem away from it: it is only needed to make more.
    """
    from app.cluster.certificates import make_certificates  # noqa: PLC0415 - help stays fast

    written = make_certificates(out, hosts, days, now=datetime.now(UTC), renew=renew)
    for path in written:
        print(path)
    print(f"\nThe scheduler: --tls-ca {out}/ca.pem --tls-cert {out}/scheduler.pem --tls-key {out}/scheduler-key.pem")
    print("Workers and servers likewise, with worker.pem and server.pem (or distributed.tls_ca, tls_cert, tls_key).")


@cluster_app.command("status", epilog=examples("llm-test-bench cluster status --server http://127.0.0.1:8080"))
def status(
    server: Annotated[
        str, typer.Option(envvar="LLM_TEST_BENCH_SERVER", help="The server to ask.")
    ] = "http://127.0.0.1:8080",
    api_key: Annotated[str | None, typer.Option(envvar="LLM_TEST_BENCH_API_KEY", help="API key for it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer of the server.")] = False,
) -> None:
    """Show workers, what runs on them, and who waits. Exits with 1 when the cluster cannot be used."""
    from app.cli.server_client import ServerClient  # noqa: PLC0415 - help stays fast

    with ServerClient(server, api_key) as client:
        found = client.call("GET", "/cluster")
    print(json.dumps(found, indent=2) if as_json else _shown(found))
    if found["problem"] or not found["slots"]:
        raise typer.Exit(1)


def _shown(found: dict[str, Any]) -> str:
    slots = f"{found['slots_taken']} of {found['slots']} slots taken"
    runs = f"{found['running']} benchmarks run (limit {found['max_running']}), {found['waiting']} wait"
    lines = [f"{found['mode']}, version {found['version']}: {slots}; {runs}"]
    if found["problem"]:
        lines.append(f"problem: {found['problem']}")
    for worker in found["workers"]:
        offset = worker["clock_offset_ms"]
        clock = "clock not known" if offset is None else f"clock {offset:+.3f} ms ± {worker['clock_error_ms']:.3f}"
        tags = ", ".join(worker["tags"]) or "no tags"
        lines.append(
            f"  {worker['name']}: {worker['status']}, {len(worker['running'])}/{worker['slots']} slots, {tags}, "
            f"{clock}, version {worker['version']}"
        )
    for item in found["queue"]:
        why = item["missing"] or item["reason"].replace("_", " ")
        lines.append(f"  {item['position']}. {item['name'] or '(of another user)'}: {why}")
    return "\n".join(lines)
