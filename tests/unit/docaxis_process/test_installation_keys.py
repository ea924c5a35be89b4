"""The keys of an installation: processes believe each other by them, and each has its own alone."""

import stat
from pathlib import Path

import pytest
from cryptography import x509

from docaxis_process.installation_keys import HOLDERS, OTHERS, make_installation_keys
from docaxis_proto import registry_v1_pb2 as pb
from docaxis_proto.registry_v1_pb2_grpc import RegistryServicer, RegistryStub
from docaxis_proto.registry_v1_pb2_grpc import add_RegistryServicer_to_server as add
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.grpc_server import GrpcServer
from docaxis_runtime.tls import TlsFiles
from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.private_files import PrivateFileRefused


class OneOrganisation(RegistryServicer):
    async def ListOrganisations(self, request: object, context: object) -> object:  # type: ignore[override]
        return pb.ListOrganisationsReply()


def files(folder: Path, holder: str) -> TlsFiles:
    own = folder / holder
    return TlsFiles(own / "tls.crt", own / "tls.key", own / "ca.crt")


async def test_processes_believe_each_other_by_them(tmp_path: Path) -> None:
    make_installation_keys(tmp_path)
    servicer = OneOrganisation()  # type: ignore[abstract] # the others are not called
    server = GrpcServer("registry", "0.0.0.0:0", [(add, servicer)], tls=files(tmp_path, "registry"))
    await server.start()
    connection = Connection(f"dns:///localhost:{server.port}", tls=files(tmp_path, "gateway"))
    try:
        await connection.client(RegistryStub).ListOrganisations(pb.ListOrganisationsRequest())
    finally:
        await connection.close()
        await server.stop()


def test_each_is_named_as_it_is_called_in_compose_and_in_kubernetes(tmp_path: Path) -> None:
    make_installation_keys(tmp_path, "axis")
    for holder in (*HOLDERS, *OTHERS):
        certificate = x509.load_pem_x509_certificate((tmp_path / holder / "tls.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = names.get_values_for_type(x509.DNSName)
        assert {holder, f"{holder}.axis.svc", "localhost"} <= set(told)


def test_all_are_private_and_none_has_anothers(tmp_path: Path) -> None:
    made = make_installation_keys(tmp_path)
    assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o600}
    keys = [(tmp_path / each / "tls.key").read_bytes() for each in (*HOLDERS, *OTHERS)]
    assert len(set(keys)) == len(keys)
    assert not list(tmp_path.glob("registry/s3-*"))
    assert [each.parent.name for each in made if each.name == "ca.key"] == ["authority"]
    KeyFileSigner(tmp_path / "signature" / "receipts.pem")


def test_a_second_run_changes_nothing_and_mends_what_a_dead_one_left(tmp_path: Path) -> None:
    made = make_installation_keys(tmp_path)
    before = {each: each.read_bytes() for each in made}
    assert make_installation_keys(tmp_path) == []
    (tmp_path / "routing" / "tls.crt").unlink()
    (tmp_path / "gateway" / "s3-secret-key").unlink()
    again = make_installation_keys(tmp_path)
    assert {each.name for each in again} == {"tls.crt", "s3-secret-key"}
    changed = {each for each in made if each.read_bytes() != before[each]}
    assert changed == {tmp_path / "routing" / "tls.crt"}


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_installation_keys(tmp_path)
    (tmp_path / "authority" / "ca.key").chmod(0o644)
    (tmp_path / "routing" / "tls.crt").unlink()
    with pytest.raises(PrivateFileRefused):
        make_installation_keys(tmp_path)
