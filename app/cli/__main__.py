"""`python -m app.cli` is the same as `llm-test-bench`."""

from app.cli import main

main()
