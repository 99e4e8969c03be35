"""Prometheus exposition and health. Reads, never decides."""
