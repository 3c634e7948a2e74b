"""The supplement of a paper: structures, table, methods paragraph, citations and checksums in one archive."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from alphacrystal.config import PredictConfig
from alphacrystal.report import cif_text, summary_csv

if TYPE_CHECKING:
    from alphacrystal.export._listed import ListedStructure
    from alphacrystal.report import RunSummary

EPOCH = (1980, 1, 1, 0, 0, 0)  # time of all files in the archive, so that equal content gives equal archives
#: Settings that do not change a result, or that belong to a machine.
LEFT_OUT = ("workers", "models", "device")
#: Entries of references.bib that every supplement cites.
ALWAYS = ("alphacrystal2", "pymatgen", "ase", "materialsproject")


def supplement_zip(run: RunSummary, listed: Sequence[ListedStructure]) -> bytes:
    """The archive; the same run and rows give the same bytes."""
    keys = citation_keys(run)
    texts = {
        f"structures/{item.name}.cif": cif_text(item.structure, item.row.space_group_number, name=item.name)
        for item in listed
    }
    texts |= {
        "summary.csv": summary_csv([item.row for item in listed]),
        "methods.md": methods_text(run, listed, keys),
        "references.bib": bibtex(keys),
        "settings.json": json.dumps(_facts(run), indent=2, sort_keys=True, ensure_ascii=False) + "\n",
    }
    contents = {name: text.encode("utf-8") for name, text in sorted(texts.items())}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items())
    contents["SHA256SUMS"] = sums.encode("ascii")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return stream.getvalue()


def _facts(run: RunSummary) -> dict[str, Any]:
    """The facts that repeat the run, without those of the machine."""
    return {
        "formula": run.formula,
        "configuration": _portable(run.configuration),
        "seed": run.seed,
        "versions": run.versions,
        "model_hashes": run.model_hashes,
        "potential": run.potential,
        "hull_reference": run.hull_reference,
    }


def _portable(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those of the machine; of paths only the names of the files."""

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [shown(item) for item in value]
        return PurePath(value).name if isinstance(value, str) and "/" in value else value

    return {name: shown(value) for name, value in configuration.items() if name not in LEFT_OUT}


def citation_keys(run: RunSummary) -> tuple[str, ...]:
    """Keys of ``references.bib`` for the programs and potentials of a run."""
    settings = run.configuration
    potential = (run.potential or "").lower()
    keys = list(ALWAYS)
    second = str(settings.get("rerank") or "").lower()
    keys += [name for name in ("chgnet", "sevennet", "m3gnet") if name in potential or name in second]
    if potential.endswith("+d3"):
        keys += ["d3", "d3bj"]
    if settings.get("phonons"):
        keys += ["phonopy", "seekpath"]
    return tuple(keys)


def bibtex(keys: Sequence[str]) -> str:
    """The entries of some keys, in the order of the keys."""
    text = files("alphacrystal.export").joinpath("data/references.bib").read_text(encoding="utf-8")
    entries = {entry.partition("{")[2].partition(",")[0]: entry for entry in text.strip().split("\n\n")}
    return "\n\n".join(entries[key] for key in keys) + "\n"


def methods_text(run: RunSummary, listed: Sequence[ListedStructure], keys: Sequence[str]) -> str:
    """A methods paragraph in Markdown with the settings that differ from the defaults."""
    version = run.versions.get("alphacrystal", "of unknown version")
    method = (
        f"Crystal structures of {run.formula} were predicted with AlphaCrystal {version} [@alphacrystal2]. "
        "Its networks were trained on structures of the Materials Project [@materialsproject]."
    )
    sentences = [
        method,
        f"The search gave {run.candidates} candidates (seed {run.seed}).",
    ]
    if run.potential is None:
        sentences.append("The candidates were not relaxed.")
    else:
        known = [key for key in ("chgnet", "sevennet", "m3gnet", "d3", "d3bj") if key in keys]
        cited = f" [{'; '.join(f'@{key}' for key in known)}]" if known else ""
        pressure = f" at {run.pressure_gpa:g} GPa" if run.pressure_gpa else ""
        fmax = run.configuration.get("fmax", PredictConfig.model_fields["fmax"].default)
        sentences.append(
            f"They were relaxed{pressure} with the potential {run.potential}{cited} until all forces were "
            f"below {fmax} eV/Å, with fixed space group; {run.relaxed} relaxations have a result."
        )
    if run.hull_reference:
        sentences.append(f"Energies above the convex hull refer to {run.hull_reference}.")
    if "phonopy" in keys:
        sentences.append(
            "Phonons were computed with phonopy [@phonopy], their band paths with SeeK-path [@seekpath]."
        )
    sentences.append(
        f"Structures were compared, symmetrised and written with pymatgen [@pymatgen], moyo and ASE [@ase]. "
        f"This archive contains {len(listed)} of {run.structures} structures of the ranked list."
    )
    changed = _changed(run.configuration)
    settings = [f"- `{name}`: {json.dumps(value, ensure_ascii=False)}" for name, value in changed.items()]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(run.versions.items()))
    parts = [
        "# Methods",
        " ".join(sentences),
        "Settings that differ from the defaults of this version:"
        if settings
        else "All settings are defaults.",
        *(["\n".join(settings)] if settings else []),
        f"Versions: {versions}.",
        *(["Notes of the run:\n\n" + "\n".join(f"- {note}" for note in run.notes)] if run.notes else []),
        "Citations: `references.bib`. Checksums: `SHA256SUMS` (`sha256sum -c SHA256SUMS`).",
    ]
    return "\n\n".join(parts) + "\n"


def _changed(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run that differ from the defaults."""
    defaults = PredictConfig().model_dump(mode="json")
    return {
        name: value for name, value in sorted(_portable(configuration).items()) if value != defaults.get(name)
    }
