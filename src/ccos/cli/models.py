"""`ccos models`: the model files of this machine; one module a command, imported when called."""

from __future__ import annotations

import click

from ccos.cli.stopping import StoppableGroup

COMMANDS = {
    "list": ("ccos.cli.models_list:show", "The models here, and which of them serve."),
    "add": ("ccos.cli.models_add:add", "Register a model file."),
    "pull": ("ccos.cli.models_pull:pull", "Download a model file."),
    "verify": ("ccos.cli.models_verify:verify", "Whether a model is whole, loads and answers."),
    "promote": ("ccos.cli.models_promote:promote", "Take a proven model into service."),
    "bench": ("ccos.cli.models_bench:bench", "How fast a model is on this machine."),
    "rollback": ("ccos.cli.models_rollback:rollback", "Back to the model that served before."),
    "retire": ("ccos.cli.models_remove:retire", "Take a tier's model out of service."),
    "remove": ("ccos.cli.models_remove:remove", "Forget a model and delete its file."),
    "adapters": ("ccos.cli.models_adapters:adapters", "LoRA adapters for a tenant or a task."),
}


@click.group(cls=StoppableGroup, table=COMMANDS)
def models() -> None:
    """Local models: get them, prove them, take them into service and back."""
