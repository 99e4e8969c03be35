"""Counts tokens with the model's own vocabulary, beside any server. Runs in the engines' environment (`llama_cpp`).

usage: python count_tokens.py MODEL < texts.json > counts.json
"""

import json
import sys

from llama_cpp import Llama

if __name__ == "__main__":
    model = Llama(sys.argv[1], vocab_only=True, verbose=False)
    texts = json.load(sys.stdin)
    json.dump([len(model.tokenize(text.encode(), add_bos=True, special=True)) for text in texts], sys.stdout)
