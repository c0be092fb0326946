"""The loop that learns: decisions become labels, labels a calibration, sent replies a library.

Pure steps over values; nothing here reads a database or a clock. Needs numpy only.
"""
