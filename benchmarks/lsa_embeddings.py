"""A small honest embedding model for figures, served as /v1/embeddings; no part of the product.

    python benchmarks/lsa_embeddings.py KB.jsonl [--port 8077] [--width 384]

Latent semantic analysis (Deerwester et al. 1990) of the knowledge base's own text: letter 2- to 4-grams of
words, weighed by rarity, brought down to `width` numbers. It learns which letters go together in these
articles and knows nothing of the language beyond them; a trained multilingual model should do better.
"""

from __future__ import annotations

import argparse
import gzip
import json
from array import array
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline


def texts(path: Path) -> list[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = [json.loads(line) for line in lines]
    return [
        "\n".join(str(row.get(name) or "") for name in ("title", "question", "body", "answer"))
        for row in rows
    ]


def trained(corpus: list[str], width: int) -> Pipeline:
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    return make_pipeline(grams, TruncatedSVD(width, random_state=7)).fit(corpus)


def serve(model: Pipeline, port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            vectors = np.asarray(model.transform(asked["input"]), dtype=np.float32)
            vectors[:, 0] += 1e-6  # a text without any known letters is no vector otherwise
            rows = [
                {"index": n, "embedding": b64encode(array("f", each).tobytes()).decode()}
                for n, each in enumerate(vectors)
            ]
            body = json.dumps({"data": rows, "usage": {"prompt_tokens": 1}}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    parser.add_argument("--port", type=int, default=8077)
    parser.add_argument("--width", type=int, default=384)
    options = parser.parse_args()
    model = trained(texts(options.kb), options.width)
    print(f"ready on port {options.port}", flush=True)
    serve(model, options.port)
