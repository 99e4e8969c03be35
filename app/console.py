"""Where the `llm-test-bench` command starts: so small that Ctrl-C ends it cleanly also while the rest is loading.

Loading takes a third of a second, on a busy machine some seconds, in which Python would answer with a traceback.
"""

import os
import signal
from typing import NoReturn

EXIT_INTERRUPTED = 130


def main() -> NoReturn:
    """Load the command line and run it."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(EXIT_INTERRUPTED))  # nothing to clean up yet
    from app.cli import main as run  # noqa: PLC0415 - what takes the time

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
