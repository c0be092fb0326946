"""The board of the providers' pulses, with breakers that all processes on the database share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from ccos.domain.errors import NoPrice
from ccos.domain.prompt import Prompt
from ccos.domain.tier import Task
from ccos.store.database import Database
from ccos.store.ending import end
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.shared_board import SharedBoard

ANY_PROMPT = Prompt(Task.CHAT, "", ())


async def open_board(providers: Sequence[Provider], database: Database, stack: AsyncExitStack) -> SharedBoard:
    """With what was known before this process began, and kept in step until the stack closes.

    What has no credential is of this process alone: the rules, and models in its own children.
    """
    cards = [provider.card for provider in providers]
    board = SharedBoard(
        (card.deployment for card in cards),
        database,
        own={card.deployment for card in cards if not card.credential},
    )
    for provider in providers:
        if _lacks_a_price(provider):
            board.note(provider.card.deployment, _without_price)
    await board.load()
    running = asyncio.create_task(board.run(), name="breakers")

    async def stop() -> None:
        await end([running])
        await board.close()

    stack.push_async_callback(stop)
    return board


def _lacks_a_price(provider: Provider) -> bool:
    """A price is known or not for every prompt alike, so health can tell before the first one comes."""
    if not provider.card.paid:
        return False
    try:
        provider.estimate(ANY_PROMPT)
    except NoPrice:
        return True
    return False


def _without_price(pulse: Pulse) -> Pulse:
    return replace(pulse, disabled_reason=NoPrice.code)
