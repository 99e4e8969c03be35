"""Creating twice by mistake: a POST with an `Idempotency-Key` that is sent again gets the first answer again.

As in draft-ietf-httpapi-idempotency-key-header-07. Per user, credential and route; answers are kept for 24 hours,
encrypted, because one of them shows an API key. `middleware` wraps the app, `service` decides, `repository` asks the
database.
"""
