"""Values and rules. Nothing here does I/O, reads a clock or imports another part of CCOS."""
