"""Configured endpoints: address, wire format, encrypted credentials, health and model lists.

Knows how to reach a provider for small control calls (httpx); the measured load is `loadgen`'s alone.
"""
