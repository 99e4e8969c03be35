"""Who is calling and what they may do: users, sign-in, tokens, API keys, roles, audit.

Knows nothing about benchmarks or providers; other rooms ask it one question: `require(permission)`.
"""
