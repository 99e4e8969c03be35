"""What users install: the wheel, and the Makefile."""
