from support.postgres import embedded_server  # noqa: F401
from support.store import store_urls  # noqa: F401
