"""A real HTTP server with known timings that speaks providers' wire formats and, on request, logs the truth.

Knows nothing of the service; borrows only the poller and the lag histogram of the instrument.
`server.py` is its loop, `behaviour.py` what it does and when, `truth.py` the log. `script.py` says what an answer says,
`formats.py` how it becomes bytes, with one file for each wire format, and `routes.py` which path speaks which.
"""
