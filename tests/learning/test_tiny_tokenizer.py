"""Our byte pairs: nothing is lost, and no text makes a control token."""

import pytest

from ccos.domain.errors import BadInput
from ccos.learning.tiny.tokenizer import learn

TEXTS = [
    "반품하고 싶어요 반품 배송비가 얼마예요",
    "where is my refund, please",
    "it's late... 배송이 늦어요 ㅠㅠ",
] * 4


@pytest.fixture(scope="module")
def tokenizer():
    return learn(TEXTS, 400, ("<|end|>", "<|ask|>"))


@pytest.mark.parametrize(
    "text", [*TEXTS[:3], "", " ", "\n\n a\t", "🙂 ½ ① x_y", "٣ ²", "don't  stop", "ㅋㅋㅋ"]
)
def test_what_is_read_is_written_again(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_common_words_take_fewer_tokens_than_bytes(tokenizer):
    assert len(tokenizer.encode("반품")) < len("반품".encode())


def test_a_control_token_in_a_text_is_plain_words_unless_asked_for(tokenizer):
    number = tokenizer.number("<|end|>")
    assert number not in tokenizer.encode("a<|end|>")
    assert tokenizer.encode("a<|end|>", control=True)[-1] == number
    assert tokenizer.decode([number]) == ""


def test_the_same_texts_give_the_same_tokens(tokenizer):
    assert learn(TEXTS, 400, ("<|end|>", "<|ask|>")).tokens == tokenizer.tokens


def test_a_vocabulary_smaller_than_the_bytes_is_refused():
    with pytest.raises(BadInput, match="at least 257"):
        learn(TEXTS, 256, ("<|end|>",))
