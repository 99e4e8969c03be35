"""Real engines, built from source: what they say and when, against what the instrument says. `make test-engines`."""
