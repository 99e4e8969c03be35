"""LLM Test Bench: measure, evaluate and optimise LLM endpoints, with the instrument's own error beside every number."""
