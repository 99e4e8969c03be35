"""Prompt sets: lists, files, synthetic generators. Pure functions of a seed; knows nothing about providers or runs."""
