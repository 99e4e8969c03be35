"""The WebSocket gateway: subscriptions, bounded queues, heartbeats. Decides nothing about benchmarks."""
