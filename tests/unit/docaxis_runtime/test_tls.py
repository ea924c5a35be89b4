"""Which addresses are reached from this machine alone."""

import pytest

from docaxis_runtime.tls import is_loopback, require_safe

HERE = [
    "127.0.0.1:50051",
    "localhost:50051",
    "[::1]:50051",
    "ipv4:127.0.0.1:50051",
    "ipv6:[::1]:50051",
    "dns:///localhost:50051",
    "ipv4:127.0.0.1:50051,127.0.0.1:50052,127.1.2.3:50053",
    "ipv6:[::1]:50051,[::1]:50052",
]
ELSEWHERE = [
    "routing:50051",
    "0.0.0.0:50051",
    "dns:///routing:50051",
    "dns:///127.0.0.1.example.org:50051",
    # A resolver of another's choice says who localhost is.
    "dns://10.0.0.2/localhost:50051",
    "ipv4:127.0.0.1:50051,10.0.0.2:50051",
    "ipv4:10.0.0.2:50051,127.0.0.1:50051",
    "ipv4:127.0.0.1:50051,",
    # Only those two schemes take a list.
    "127.0.0.1:50051,127.0.0.1:50052",
    "dns:///127.0.0.1:50051,127.0.0.1:50052",
]


@pytest.mark.parametrize("address", HERE)
def test_calls_on_this_machine_need_no_tls(address: str) -> None:
    assert is_loopback(address)
    require_safe(address, None)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_calls_to_other_machines_need_it(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(ValueError, match="TLS"):
        require_safe(address, None)
