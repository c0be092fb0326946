from support.postgres import embedded_server  # noqa: F401
from support.store import database, store_urls, tenant  # noqa: F401
