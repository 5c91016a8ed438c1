"""What the import and export formats mean: which object a content becomes, and how it comes out again."""

from __future__ import annotations

from dataclasses import dataclass

from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.store import Document

LANGUAGES = {"PYTHON": "py", "SQL": "sql", "SCALA": "scala", "R": "r"}
COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
MARK = "Databricks notebook source"


@dataclass(frozen=True)
class Imported:
    """The object an import makes: its path may have lost a notebook's extension."""

    path: str
    object_type: str
    language: str | None


def recognize_import(path: str, content: bytes, import_format: str, language: str | None) -> Imported:
    """Decide what an import creates.

    Raises:
        ApiError: 400 for an unknown format or language, 501 for formats that are not served.
    """
    if language is not None and language not in LANGUAGES:
        raise bad_request(f"Unknown language {language!r}; one of {', '.join(LANGUAGES)} is expected")
    if import_format == "SOURCE":
        if language is None:
            raise bad_request("language is required to import a notebook with format SOURCE; use AUTO for files")
        return Imported(path, "NOTEBOOK", language)
    if import_format == "RAW":
        return Imported(path, "FILE", None)
    if import_format == "AUTO":
        return _recognize_by_content(path, content)
    if import_format in ("JUPYTER", "HTML", "DBC", "R_MARKDOWN"):
        raise not_implemented(f"Import format {import_format} is not served; use SOURCE, AUTO or RAW")
    raise bad_request(f"Unknown import format {import_format!r}")


def export_content(document: Document, content: bytes, export_format: str) -> tuple[bytes, str]:
    """Return the exported bytes and their file type.

    Raises:
        ApiError: 400 for an unknown format, 501 for formats that are not served.
    """
    if export_format in ("JUPYTER", "HTML", "DBC", "R_MARKDOWN"):
        raise not_implemented(f"Export format {export_format} is not served; use SOURCE, AUTO or RAW")
    if export_format not in ("SOURCE", "AUTO", "RAW"):
        raise bad_request(f"Unknown export format {export_format!r}")
    language = document.get("language")
    if document["object_type"] != "NOTEBOOK" or language is None:
        return content, document["path"].rsplit(".", 1)[-1] if "." in document["path"] else "txt"
    head = f"{COMMENTS[language]} {MARK}".encode()
    return (content if content.startswith(head) else head + b"\n" + content), LANGUAGES[language]


def _recognize_by_content(path: str, content: bytes) -> Imported:
    stem, _, extension = path.rpartition(".")
    if extension.lower() == "ipynb" and stem:
        raise not_implemented("Jupyter notebooks are not served; import the source format")
    for language, known in LANGUAGES.items():
        if stem and extension.lower() == known and content.startswith(f"{COMMENTS[language]} {MARK}".encode()):
            return Imported(stem, "NOTEBOOK", language)
    return Imported(path, "FILE", None)
