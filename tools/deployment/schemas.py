"""The form of every object, checked offline.

Kubernetes' own schemas come with the package `kubernetes-validate`. Those of custom resources are
in `deploy/k8s/schemas`: written by hand, of the fields that are used here, after the documentation
of Strimzi and cert-manager. A field that is not in them is told, so a slip of the pen is.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator

VERSIONS = ("1.31", "1.36")
"""Of Kubernetes: the oldest and the newest that manifests are checked against."""


def problems(objects: Sequence[Mapping[str, Any]], where: str, schemas: Path) -> Iterator[str]:
    """What is not in the form that Kubernetes takes."""
    for each in objects:
        told = f"{where}: {each['kind']} {each['metadata']['name']}"
        if "." in each["apiVersion"] and not each["apiVersion"].partition("/")[0].endswith(
            ".k8s.io"
        ):
            yield from _custom(each, told, schemas)
        else:
            yield from _native(each, told)


def _native(each: Mapping[str, Any], told: str) -> Iterator[str]:
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(dict(each), version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            yield f"{told}: {path}: {error.message} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{told}: {error.message}"


def _custom(each: Mapping[str, Any], told: str, schemas: Path) -> Iterator[str]:
    group, _, version = each["apiVersion"].partition("/")
    path = schemas / f"{each['kind'].lower()}.{group}_{version}.yaml"
    if not path.exists():
        yield f"{told}: there is no schema {path.name}"
        return
    for error in _validator(path).iter_errors(each):
        yield f"{told}: {'.'.join(map(str, error.absolute_path))}: {error.message}"


@cache
def _validator(path: Path) -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(path.read_text()))
