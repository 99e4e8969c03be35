"""Histograms, percentiles, summaries: pure functions and value objects. Knows nothing about where numbers come from."""
