"""What a search is made of: everything, unless somebody measures what each part adds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """`words` and `jamo` are the two families of terms. `titles`: titles are searched too. `sentences`: each
    sentence of a longer query is asked by itself. `synonyms`: other words of the same thing are searched.
    `reranking`: `knowledge.ranking` orders the candidates. `dense`: vectors are searched beside, where there
    are any."""

    words: bool = True
    jamo: bool = True
    titles: bool = True
    sentences: bool = True
    synonyms: bool = True
    reranking: bool = True
    dense: bool = True


WHOLE = Recipe()
