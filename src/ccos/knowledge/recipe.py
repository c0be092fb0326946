"""What a search is made of: everything, unless somebody measures what each part adds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """`words` and `jamo` are the two families of terms; `titles` searches in titles too; `sentences` also
    asks each sentence of a longer query; `reranking` orders the candidates by `knowledge.ranking`."""

    words: bool = True
    jamo: bool = True
    titles: bool = True
    sentences: bool = True
    reranking: bool = True


WHOLE = Recipe()
