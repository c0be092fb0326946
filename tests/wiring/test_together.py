"""Jobs that live and end together."""

import asyncio

import pytest

from ccos.worker import together


@pytest.mark.parametrize("fault", [None, ValueError("ill")])
async def test_when_one_ends_the_others_end_in_order_and_its_fault_is_told(fault):
    ended = []

    async def first():
        if fault:
            raise fault

    async def other():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("other")

    if fault:
        with pytest.raises(ValueError, match="ill"):
            await together(other(), first())
    else:
        await together(other(), first())
    assert ended == ["other"]
    both = asyncio.create_task(together(other(), other()))
    await asyncio.sleep(0.01)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    assert ended == ["other"] * 3
