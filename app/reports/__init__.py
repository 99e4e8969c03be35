"""Exports of results as streams of bytes. Knows formats and rows, not how rows were measured."""
