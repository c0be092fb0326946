"""A small file like one of `ccos train tiny`: random weights, and the tokens that placeholders are said with."""

from pathlib import Path

from ccos.learning.tiny.export import write_gguf
from ccos.learning.tiny.shape import Shape, random_weights
from ccos.learning.tiny.tokenizer import learn
from ccos.providers.tiny.speech import CONTROL


def build_drafter_gguf(path: Path) -> Path:
    tokenizer = learn(["반품 환불 교환 배송 문의 " * 20, "refund return parcel order " * 20], 320, CONTROL)
    shape = Shape(vocabulary=len(tokenizer.tokens), width=64, layers=1, feed_forward=64)
    return write_gguf(path, shape, random_weights(shape, 1), tokenizer)
