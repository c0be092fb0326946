from support.ccos_command import ccos, ccos_home, shop  # noqa: F401
