"""The documents say what the program does: undocumented settings, commands and rooms fail here."""
