"""A real HTTP server with known timings that speaks providers' wire formats and, on request, logs the truth.

Knows nothing of the service; borrows only the poller and the lag histogram of the instrument.
`server.py` is its loop, `openai_chat.py` and `embeddings.py` its wire formats,
`behaviour.py` what it does and when, `truth.py` the log.
"""
