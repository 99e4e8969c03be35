"""A real HTTP server with known timings that speaks providers' wire formats and logs the truth.

Knows nothing of the service: it could stand alone.
"""
