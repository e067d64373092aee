"""Print how much of each room of `helpers` the last test run covered: ``make coverage``."""

from pathlib import Path

import coverage
import pandas as pd

ROOT = Path(__file__).parent.parent
WANTED = 90  # per cent of a room's statements


def by_room(data):
    """Return a table of statements, those that were run, and their share: a row a room.

    Parameters
    ----------
    data : coverage.Coverage
        With its data loaded.
    """
    rows = []
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        _, statements, _, missing, _ = data.analysis2(str(path))
        inside = path.relative_to(ROOT / "helpers").parts
        room = "/".join(inside[:2] if inside[0] == "course" and len(inside) > 2 else inside[:1])
        rows.append((room, len(statements), len(statements) - len(missing)))
    table = pd.DataFrame(rows, columns=["room", "statements", "run"]).groupby("room").sum()
    table.loc["all"] = table.sum()
    table["per cent"] = (100 * table["run"] / table["statements"].clip(lower=1)).round(1)
    return table


def main():
    """Print the table and name the rooms below what is wanted."""
    data = coverage.Coverage(data_file=ROOT / ".coverage")
    data.load()
    table = by_room(data)
    print(table.to_string())
    low = table[table["per cent"] < WANTED]
    print(f"below {WANTED} %: {', '.join(low.index) or 'none'} (what only runs in other processes is not counted)")


if __name__ == "__main__":
    main()
