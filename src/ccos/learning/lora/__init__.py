"""LoRA adapters from what people approved: data, training, conversion, and proof in the engine."""
