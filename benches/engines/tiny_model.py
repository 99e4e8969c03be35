"""Makes a tiny model of random weights in the GGUF format. Runs in the engines' environment (`gguf`, `numpy`).

A Llama of four layers with a SentencePiece vocabulary: the bytes, printable ASCII, and syllables that merge into words.
Nothing but numbers out of one seeded generator, so the same seed makes the same file, byte for byte.

It never ends by itself and never says half a character: the first dimension of the residual stream is a constant that
no layer touches, and the output weights turn it into a bonus for words and a malus for control and byte tokens. So an
answer has exactly as many tokens as were asked for, and each of them has a text.

usage: python tiny_model.py FILE [SEED]
"""

import string
import sys
from pathlib import Path

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 4, 256, 8, 512, 4096
CONSTANT, BONUS = 8.0, 1.0
WORDS = 400
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # token types of GGUF
TEMPLATE = (  # llama-cpp-python leaves the first token to the template; llama.cpp adds it if it is not there
    "{{ bos_token }}{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


def vocabulary(random: np.random.Generator) -> tuple[list[str], list[float], list[int]]:
    """Tokens, their scores (merges of a higher score come first) and their types."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256]
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    pairs = random.permutation(len(syllables) ** 2)[:WORDS]
    words = [syllables[pair // len(syllables)] + syllables[pair % len(syllables)] for pair in pairs]
    letters = ["\u2581", *(letter for letter in string.printable[:94])]
    pieces = [*letters, *syllables, *words, *("\u2581" + piece for piece in [*syllables, *words])]
    tokens += pieces
    types += [NORMAL] * len(pieces)
    scores = [float(len(token)) if kind == NORMAL else 0.0 for token, kind in zip(tokens, types, strict=True)]
    return tokens, scores, types


def tensors(random: np.random.Generator, types: list[int]) -> dict[str, np.ndarray]:
    """Every weight, by its name in a GGUF file."""

    def weights(rows: int, columns: int) -> np.ndarray:
        return random.normal(0.0, columns**-0.5, (rows, columns)).astype(np.float32)

    embedding, output = weights(len(types), WIDTH) * WIDTH**0.5, weights(len(types), WIDTH)
    embedding[:, 0] = CONSTANT
    output[:, 0] = np.where(np.array(types) == NORMAL, BONUS, -BONUS)
    found = {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": np.ones(WIDTH, np.float32)}
    for layer in range(LAYERS):
        block = {
            "attn_norm": np.ones(WIDTH, np.float32),
            "attn_q": weights(WIDTH, WIDTH),
            "attn_k": weights(WIDTH, WIDTH),
            "attn_v": weights(WIDTH, WIDTH),
            "attn_output": weights(WIDTH, WIDTH),
            "ffn_norm": np.ones(WIDTH, np.float32),
            "ffn_gate": weights(INNER, WIDTH),
            "ffn_up": weights(INNER, WIDTH),
            "ffn_down": weights(WIDTH, INNER),
        }
        for name in ("attn_output", "ffn_down"):
            block[name][0] = 0.0  # keeps the constant
        found |= {f"blk.{layer}.{name}.weight": values for name, values in block.items()}
    return found


def write(path: Path, seed: int) -> None:
    """Write the model's file."""
    random = np.random.default_rng(seed)
    tokens, scores, types = vocabulary(random)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"tiny random {seed}")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(value=True)
    writer.add_add_eos_token(value=False)
    writer.add_chat_template(TEMPLATE)
    for name, values in tensors(random, types).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4)
