"""What happened, told to whoever listens: event types, topics, the bus (memory or Redis), publish-on-commit.

Knows nothing about WebSockets, GraphQL or tables.
"""
