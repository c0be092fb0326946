"""Questions that ask the same: what comes together, what stays apart, and what growth keeps."""

import random

import numpy as np
import pytest

from ccos.knowledge.clustering import ALIKE, by_typicality, grouped, heirs, likeness

DELIVERY = ["제주도 배송 며칠 걸려요?", "제주 배송은 얼마나 걸리나요", "제주도까지배송며칠걸려요"]
GIFT = ["선물 포장 되나요?", "선물포장 가능한가요", "선물 포장지 고를 수 있나요"]
ENGLISH = ["Do you ship to Germany?", "Can you ship this to Germany please", "shipping to germany possible?"]
ALL = [text for three in zip(DELIVERY, GIFT, ENGLISH, strict=True) for text in three]


def texts_of(groups, texts):
    return sorted(sorted(texts[n] for n in group) for group in groups if group)


def test_what_asks_the_same_comes_together_in_either_language_and_without_spaces():
    assert texts_of(grouped(likeness(ALL)), ALL) == sorted(map(sorted, (DELIVERY, GIFT, ENGLISH)))


def test_the_order_in_which_questions_came_changes_nothing_where_it_is_clear():
    shuffled = random.Random(7).sample(ALL, len(ALL))
    assert texts_of(grouped(likeness(shuffled)), shuffled) == texts_of(grouped(likeness(ALL)), ALL)


def test_the_same_again_gives_the_same():
    first, again = likeness(ALL), likeness(ALL)
    assert (first == again).all() and grouped(first) == grouped(again)


@pytest.mark.parametrize("texts", [[], ["!!!"], ["", "   ", "ㅋㅋㅋ"], ["환불"]])
def test_little_or_nothing_to_compare_makes_no_trouble(texts):
    assert [len(group) for group in grouped(likeness(texts))] == [1] * len(texts)


def test_likeness_is_symmetric_and_one_with_itself():
    alike = likeness([*ALL, "!!!"])
    assert np.allclose(alike, alike.T, atol=1e-6)
    assert np.allclose(np.diag(alike)[:-1], 1.0, atol=1e-5) and alike[-1].sum() == 0.0


def test_a_known_group_stays_at_its_place_as_it_grows():
    known = [[1], [0], [2]]  # gift, delivery, germany: one question each, in this order
    groups = grouped(likeness(ALL), known=known)
    assert [len(group) for group in groups] == [3, 3, 3]
    assert [ALL[group[0]] for group in groups] == [GIFT[0], DELIVERY[0], ENGLISH[0]]


def test_known_groups_never_meet_but_still_grow():
    groups = grouped(likeness(ALL), known=[[0], [3]])
    assert 0 in groups[0] and 3 in groups[1]
    assert 6 in groups[0] + groups[1]


def test_a_group_goes_on_from_the_one_it_has_most_in_common_with_and_each_has_one_heir():
    assert heirs([[0, 1, 2], [3, 4]], [[0, 1], [3]]) == [0, 1]
    assert heirs([[0, 1, 2, 3]], [[3], [0, 1]]) == [1]  # two were joined: the larger part goes on
    assert heirs([[0, 1], [2], [5]], [[0, 1, 2]]) == [0, None, None]  # one fell apart, one is new
    assert heirs([[0], [1]], [[0, 1]]) == [0, None]
    assert heirs([[0, 1]], [[1], [0]]) == [0]
    assert heirs([], [[0]]) == [] and heirs([[0]], []) == [None]


def test_an_empty_known_group_keeps_its_place():
    groups = grouped(likeness(ALL), known=[[], [0]])
    assert groups[0] == [] and 0 in groups[1] and len(groups[1]) == 3


def test_groups_join_by_the_mean_over_all_pairs_and_not_by_the_nearest():
    chain = np.array([[1, 0.5, 0, 0], [0.5, 1, 0.3, 0], [0, 0.3, 1, 0.6], [0, 0, 0.6, 1]], np.float32)
    assert grouped(chain, least=0.2) == [[0, 1], [2, 3]]  # their mean is 0.075, though 1 and 2 share 0.3
    assert grouped(chain, least=0.05) == [[0, 1, 2, 3]]


def test_exactly_the_least_likeness_is_enough():
    pair = np.array([[1, ALIKE], [ALIKE, 1]], np.float32)
    assert grouped(pair, least=float(pair[0, 1])) == [[0, 1]]
    assert grouped(pair, least=float(pair[0, 1]) + 1e-3) == [[0], [1]]


def test_chains_find_what_joining_the_nearest_pair_again_and_again_finds():
    dice = np.random.default_rng(3)
    for _ in range(20):
        half = dice.random((12, 12))
        alike = ((half + half.T) / 2).astype(np.float32)
        assert sorted(grouped(alike, least=0.5)) == sorted(naive(alike, 0.5))


def naive(alike, least):
    groups = [[n] for n in range(len(alike))]
    while len(groups) > 1:
        mean, a, b = max(
            (float(alike[np.ix_(groups[a], groups[b])].mean()), a, b)
            for a in range(len(groups))
            for b in range(a)
        )
        if mean < least:
            break
        groups[b] = sorted(groups[b] + groups.pop(a))
    return groups


def test_the_most_typical_question_is_the_one_most_like_the_others():
    texts = ["선물 포장 되나요?", "선물 포장 되나요? 리본 색도 고를 수 있는지요", "선물 포장"]
    order = by_typicality(likeness([*texts, "배송 언제 와요"]), [0, 1, 2])
    assert sorted(order) == [0, 1, 2] and order[0] == 0
