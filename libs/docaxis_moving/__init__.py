"""Moving house: an axis's log and files as a folder, written from one form and read into another.

It knows ports alone, so a standalone and a cluster are the same to it.

| module | what |
|---|---|
| `layout` | what an export is: manifest, segments, their digests |
| `journal` | what of an export is finished, so that a killed one goes on |
| `plan` | what there is to carry: streams of the log, and how far groups came |
| `log_segments`, `file_segments` | records as gzip, files as tar |
| `exporting` | the log and the files into a folder |
| `new_home` | what an adapter's log offers to be moved into |
| `importing`, `filling` | a folder into an empty axis, checked record by record |

Carried are events, outcomes that are still kept, commands that are not decided yet, how far
reactions and effects came, and files. Left out are states and views (made again), checkpoints,
positions and the epoch: the new home has a later one of its own (L4), and no cursor, state or view
of another place is believed there.
"""

from docaxis_moving.errors import ExportDamaged, MoveRefused
from docaxis_moving.exporting import Exported, export_axis
from docaxis_moving.importing import Imported, import_axis

__all__ = [
    "ExportDamaged",
    "Exported",
    "Imported",
    "MoveRefused",
    "export_axis",
    "import_axis",
]
