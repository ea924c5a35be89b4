"""Generate `libs/docaxis_proto` from `proto/`: messages, gRPC stubs and their types.

`--check` generates into a temporary folder and fails where the committed code differs.
"""

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
TARGET = ROOT / "libs" / "docaxis_proto"
INIT = '"""Generated from `proto/docaxis_proto/` by `make proto`; never edited by hand."""\n'


def generate(folder: Path) -> None:
    """Write the generated package into `folder`/docaxis_proto."""
    files = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.proto"))
    scripts = Path(sys.executable).parent
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path={SOURCES}",
            f"--python_out={folder}",
            f"--grpc_python_out={folder}",
            f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
            f"--mypy_out=quiet:{folder}",
            f"--mypy_grpc_out=quiet:{folder}",
            *files,
        ],
        check=True,
        cwd=SOURCES,
    )
    package = folder / "docaxis_proto"
    for stub in package.glob("*_pb2_grpc.py*"):  # only services need them
        if not _has_service(SOURCES / "docaxis_proto" / (stub.name.split("_pb2")[0] + ".proto")):
            stub.unlink()
    (package / "__init__.py").write_text(INIT)
    (package / "py.typed").write_text("")


def _has_service(source: Path) -> bool:
    return any(line.startswith("service ") for line in source.read_text().splitlines())


def main() -> int:
    """Generate in place, or with `--check` compare; returns the exit status."""
    with tempfile.TemporaryDirectory() as temporary:
        generate(Path(temporary))
        fresh = Path(temporary) / "docaxis_proto"
        if "--check" in sys.argv[1:]:
            names = {path.name for path in (*fresh.iterdir(), *TARGET.glob("*.py*"))}
            stale = sorted(
                name
                for name in names
                if not (TARGET / name).is_file()
                or not (fresh / name).is_file()
                or not filecmp.cmp(fresh / name, TARGET / name, shallow=False)
            )
            if stale:
                sys.stderr.write(f"generated code is stale, run `make proto`: {stale}\n")
            return bool(stale)
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(fresh, TARGET)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
