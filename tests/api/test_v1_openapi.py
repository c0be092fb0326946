"""What /v1 says of itself in the OpenAPI document."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI

from ccos.api.app import create_app
from ccos.api.v1.openapi import describe
from ccos.api.v1.routes import routes
from ccos.wiring import Ccos


def document() -> dict[str, Any]:
    return create_app(cast(Ccos, SimpleNamespace())).openapi()


def test_every_route_is_in_it_with_its_method():
    paths = document()["paths"]
    for route in routes():
        path = route.path.replace(":path", "")
        assert {method.lower() for method in route.methods or () if method != "HEAD"} == set(paths[path])


def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name():
    said = document()
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(said)))
    assert names <= set(said["components"]["schemas"]) and "ChatCompletionRequest" in names
    operations = [way["operationId"] for path in said["paths"].values() for way in path.values()]
    assert len(operations) == len(set(operations))


def test_no_shape_takes_the_name_of_another():
    bare = FastAPI.openapi(create_app(cast(Ccos, SimpleNamespace())))
    own = set(describe({"paths": {}})["components"]["schemas"])
    assert own.isdisjoint(bare["components"]["schemas"])


def test_it_may_be_asked_for_twice():
    app = create_app(cast(Ccos, SimpleNamespace()))
    assert app.openapi() == app.openapi()
