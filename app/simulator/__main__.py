"""`python -m app.simulator`: the simulator for programs. Prints one JSON line, `{"port": N}`, when it listens."""

import argparse
import dataclasses
import sys

from app.simulator.behaviour import Behaviour
from app.simulator.server import serve


def main() -> int:
    """Serve until a signal; 2 when the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="python -m app.simulator", description=__doc__)
    for item in dataclasses.fields(Behaviour):
        kind = {int: int, float: float}.get(item.type if isinstance(item.type, type) else str, str)
        flag = "--" + item.name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=item.default, help=item.metadata["help"])
    try:
        behaviour = Behaviour(**vars(parser.parse_args()))
    except ValueError as error:
        parser.error(str(error))
    try:
        serve(behaviour, lambda port: print(f'{{"port": {port}}}', flush=True))  # noqa: T201  (its interface)
    except OSError as error:
        print(f"cannot serve: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
