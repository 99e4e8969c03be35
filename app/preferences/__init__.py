"""What may be changed without a restart: settings of the service by an administrator, preferences by each user.

Knows which settings those are and who is told of a change; what a setting does is the business of its own room.
"""
