"""`python -m app.simulator`: the simulator for programs.

Prints one JSON line, `{"port": N}`, when it listens, and another when it ends:
`{"requests": N, "send_lag_ns": {"p50": …, "p99": …, "max": …}}`.
"""

import argparse
import contextlib
import dataclasses
import json
import sys

from app.simulator.behaviour import Behaviour
from app.simulator.server import serve


def main() -> int:
    """Serve until a signal or, if asked, the end of standard input; 2 when the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="python -m app.simulator", description=__doc__)
    for item in dataclasses.fields(Behaviour):
        kind = {int: int, float: float}.get(item.type if isinstance(item.type, type) else str, str)
        flag = "--" + item.name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=item.default, help=item.metadata["help"])
    parser.add_argument(
        "--exit-with-stdin", action="store_true", help="end when standard input closes, so as not to outlive its owner"
    )
    arguments = vars(parser.parse_args())
    owner_fd = sys.stdin.fileno() if arguments.pop("exit_with_stdin") else None
    try:
        behaviour = Behaviour(**arguments)
    except ValueError as error:
        parser.error(str(error))
    try:
        simulator = serve(
            behaviour,
            lambda port: print(f'{{"port": {port}}}', flush=True),  # noqa: T201  (its interface)
            owner_fd=owner_fd,
        )
    except OSError as error:
        print(f"cannot serve: {error}", file=sys.stderr)  # noqa: T201
        return 1
    lag = simulator.send_lag.facts()
    with contextlib.suppress(OSError):  # its owner may be gone
        print(json.dumps({"requests": simulator.requests, "send_lag_ns": lag}), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
