"""An axis that speaks TLS itself and asks for certificates, with credentials of each kind."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from docaxis_client.administration import Administration
from docaxis_client.credentials import Credentials, thumbprint_of
from docaxis_standalone.administrators import create_administrator
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from tests.grpc.authority import Authority


@dataclass(frozen=True, slots=True)
class SecuredAxis:
    """`agencies` issues what systems show, `authority` the axis's own certificate."""

    axis: Axis
    authority: Authority
    agencies: Authority
    chief: Administration

    @property
    def clients(self) -> Path:
        return self.axis.folder.clients

    def credentials(self, name: str) -> Credentials:
        return Credentials.load(self.clients / f"{name}.json")

    def profile(self, name: str, **fields: str) -> Path:
        """Write a credentials file of the system that sends."""
        content = {
            "system_id": self.credentials("office").system_id,
            "organisations": ["G22"],
            "base_url": self.axis.url,
            "authority_file": str(self.authority.path),
            **fields,
        }
        path = self.clients / f"{name}.json"
        path.write_text(json.dumps(content))
        return path

    async def with_secret(self, name: str) -> Path:
        """Credentials with a shared secret that an administrator had made."""
        made = await self.chief.add_credential(self.credentials("office").system_id, "hmac")
        assert made.secret is not None
        self.private(f"{name}.secret", made.secret + "\n")
        return self.profile(name, key_id=made.id, secret_file=f"{name}.secret")

    async def with_certificate(
        self,
        name: str,
        issuer: Authority | None = None,
        *,
        registered: bool = True,
        valid_for: timedelta = timedelta(days=1),
    ) -> Path:
        """Credentials with a client certificate."""
        files = (issuer or self.agencies).issue(name, valid_for=valid_for)
        if registered:
            await self.chief.add_credential(
                self.credentials("office").system_id,
                "certificate",
                thumbprint=thumbprint_of(files.certificate),
            )
        return self.profile(
            name, certificate_file=str(files.certificate), private_key_file=str(files.key)
        )

    def private(self, name: str, content: str) -> Path:
        path = self.clients / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path


@asynccontextmanager
async def secured_axis(
    folder: Path, environment: pytest.MonkeyPatch, *, asks_for_certificates: bool = True
) -> AsyncIterator[SecuredAxis]:
    """One with the demonstration's systems."""
    authority, agencies = Authority(folder, "axis-ca"), Authority(folder, "agencies-ca")
    own = authority.issue("axis")
    environment.setenv("DOCAXIS_GATEWAY_TLS_CERTIFICATE", str(own.certificate))
    environment.setenv("DOCAXIS_GATEWAY_TLS_KEY", str(own.key))
    authorities = "DOCAXIS_GATEWAY_TLS_CLIENT_AUTHORITIES"
    if asks_for_certificates:
        environment.setenv(authorities, str(agencies.path))
    else:
        environment.delenv(authorities, raising=False)
    async with running_axis(folder / "data") as axis:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        path = await create_administrator(axis.folder.root, "chief", axis.url)
        mine = replace(Credentials.load(path), authority_file=authority.path)
        for each in axis.folder.clients.glob("*.json"):
            told = json.loads(each.read_text())
            each.write_text(json.dumps({**told, "authority_file": str(authority.path)}))
        async with Administration(None, mine, language="en") as chief:
            yield SecuredAxis(axis, authority, agencies, chief)
