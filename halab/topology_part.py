"""What every part of topology.yaml is, and the plain values in it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from halab import address_plan

Address = Annotated[IPv4Address, BeforeValidator(address_plan.address)]
Network = Annotated[IPv4Network, BeforeValidator(address_plan.network)]
Interface = Annotated[IPv4Interface, BeforeValidator(address_plan.interface)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Part(BaseModel):
    """Any part of the topology: nothing unknown in it, nothing changed after it is read."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
