"""`python -m docaxis_signature`: the signature service as a process (see `docaxis_process`)."""

import sys

from docaxis_process.needs import Need
from docaxis_process.service_process import ServiceDefinition, main
from docaxis_proto import signature_v1_pb2_grpc
from docaxis_signature.service import compose
from docaxis_signature.settings import SignatureSettings

DEFINITION = ServiceDefinition(
    name="signature",
    grpc_name="docaxis.signature.v1.Signature",
    register=signature_v1_pb2_grpc.add_SignatureServicer_to_server,
    settings=SignatureSettings,
    compose=compose,
    needs=frozenset({Need.STORE, Need.FILES, Need.SIGNER}),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
