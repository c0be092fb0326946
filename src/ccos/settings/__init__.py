"""What an operator sets: variables of the environment, and the servers listed in `ccos.toml`."""

from ccos.settings.deployments import Deployment, Deployments, read_deployments
from ccos.settings.environment import (
    Given,
    Settings,
    default_text,
    given,
    is_secret,
    load,
    unknown_names,
    variable,
)

__all__ = [
    "Deployment",
    "Deployments",
    "Given",
    "Settings",
    "default_text",
    "given",
    "is_secret",
    "load",
    "read_deployments",
    "unknown_names",
    "variable",
]
