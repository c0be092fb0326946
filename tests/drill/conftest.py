from support.browser import browser  # noqa: F401
