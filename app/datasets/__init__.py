"""What is asked: made-up texts, given prompts, recorded traces, conversations, files. Pure functions of a seed.

`requests.py` turns the number of an arrival into the bytes of its request (`conversations.py` the turns of a
conversation), from `lengths.py` (how long), `synthetic.py` (which words) and an adapter (which wire format). `files.py`
reads what users bring. Nothing here depends on how a run is cut into shards, and nothing knows providers or runs.
"""
