"""Learning from labels: evaluation, training, certified thresholds, replays."""
