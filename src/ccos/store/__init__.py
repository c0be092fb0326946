"""PostgreSQL, the truth: schema, migrations, repositories, row-level security, durable jobs.

`Database` opens transactions that are bound to one tenant; the modules named after what they hold
(`tenants`, `keys`, `tickets`, `drafts`, `decisions`, `knowledge`, `spend`, `breakers`, `jobs`) take such a
transaction.
Import the module you need: this package imports nothing, so that the command line starts fast.
"""
