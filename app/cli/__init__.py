"""The `llm-test-bench` command: one file per command group; parses and prints, the work is done by the rooms."""
