"""Tokenizers for random-weight files: byte-level BPE, and the llama kind (SPM), both learnt from the sample.

How many tokens a text has decides what it costs, so merges are learnt until a Korean sentence has about as
many as with a multilingual model: some 0.7 a character. The rest of a vocabulary is filled up, since picking
one of 152,064 tokens costs what it costs.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import gguf

from ccos import sample

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.tiny_gguf import CHATML, CONTROL_TOKENS, printable_bytes

MERGES = 2_400
SPACE = "\u2581"
KINDS = ("bpe", "spm")

Kind = gguf.TokenType


@dataclass(frozen=True, slots=True)
class Learnt:
    """Symbols in the order they were learnt, and the pairs they were merged from."""

    symbols: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]


def add_tokenizer(writer: gguf.GGUFWriter, kind: str, vocabulary: int) -> None:
    """Write a tokenizer of exactly `vocabulary` tokens with a ChatML template."""
    if kind == "spm":
        _spm(writer, vocabulary)
    else:
        _bpe(writer, vocabulary)
    writer.add_chat_template(CHATML)


def _bpe(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    alphabet = printable_bytes()
    words = Counter(tuple(alphabet[b] for b in word.encode()) for word in _words(" "))
    learnt = learn(words, list(alphabet.values()), MERGES)
    filling = vocabulary - len(learnt.symbols) - len(CONTROL_TOKENS)
    tokens = [*learnt.symbols, *(f"\u0100filler{n}" for n in range(filling)), *CONTROL_TOKENS]
    _common(writer, "gpt2", tokens, [Kind.NORMAL] * (len(tokens) - len(CONTROL_TOKENS)))
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_merges([" ".join(pair) for pair in learnt.merges])
    writer.add_bos_token_id(len(tokens) - len(CONTROL_TOKENS))


def _spm(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    words = Counter(tuple(word) for word in _words(SPACE))
    letters = sorted({letter for word in words for letter in word} | {SPACE, "\n", *map(chr, range(33, 127))})
    learnt = learn(words, letters, MERGES)
    head = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [Kind.UNKNOWN, Kind.CONTROL, Kind.CONTROL, *([Kind.BYTE] * 256)]
    filling = vocabulary - len(head) - len(learnt.symbols) - len(CONTROL_TOKENS)
    tokens = [*head, *learnt.symbols, *(f"\u0001filler{n}" for n in range(filling)), *CONTROL_TOKENS]
    kinds += [Kind.NORMAL] * (len(tokens) - len(head) - len(CONTROL_TOKENS))
    _common(writer, "llama", tokens, kinds)
    # What was merged first is merged first again; single letters are the last resort.
    scores = {"".join(pair): -float(rank) for rank, pair in enumerate(learnt.merges)}
    writer.add_token_scores([scores.get(token, -1e5) if token not in head else 0.0 for token in tokens])
    writer.add_bos_token_id(1)
    writer.add_add_space_prefix(True)


def _common(writer: gguf.GGUFWriter, model: str, tokens: list[str], kinds: list[Kind]) -> None:
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types([int(kind) for kind in [*kinds, *([Kind.CONTROL] * len(CONTROL_TOKENS))]])
    writer.add_eos_token_id(len(tokens) - len(CONTROL_TOKENS) + CONTROL_TOKENS.index("<|im_end|>"))
    writer.add_add_bos_token(False)


@cache
def _words(space: str) -> tuple[str, ...]:
    """Every word of the sample's tickets, answers and procedures, with the blank before it."""
    texts = [f"{t.subject} {t.description}" for t in sample.tickets()]
    texts += [answer.text for answer in sample.approved_answers()]
    with sample.kb_folder() as folder:
        texts += [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    return tuple(space + word for text in texts for word in text.split())


def learn(words: Counter[tuple[str, ...]], alphabet: list[str], merges: int) -> Learnt:
    """Byte-pair encoding (Sennrich et al., 2016): the most frequent pair becomes a symbol, and so on."""
    spelt = [list(word) for word in words]
    counts = list(words.values())
    pairs: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)

    def note(number: int, sign: int) -> None:
        for pair in pairwise(spelt[number]):
            pairs[pair] += sign * counts[number]
            where[pair].add(number)

    for number in range(len(spelt)):
        note(number, 1)
    symbols, done = dict.fromkeys(alphabet), []
    for _ in range(merges):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            break
        done.append(best)
        symbols["".join(best)] = None
        for number in where.pop(best):
            note(number, -1)
            spelt[number] = _merged(spelt[number], best)
            note(number, 1)
        del pairs[best]
    return Learnt(tuple(symbols), tuple(done))


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for piece in word:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out
