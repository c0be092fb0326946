"""Rehearses an outage on the live configuration, in this process alone, and measures what comes of it."""
