from support.ccos_command import ccos, ccos_home  # noqa: F401
