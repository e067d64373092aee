"""Find the files that a table of labels names, perhaps as they were called on another machine."""

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from helpers.pictures import naming


class Finder:
    """Finds files by what a table writes: their paths, or paths of another machine, or their names alone.

    A folder as it is written stands for one folder here: that at the very path, or else, for a path from the root of
    another machine, that of the same name. Without a folder, a name is looked for beside the table, and where most are
    not there, anywhere.
    """

    def __init__(self, folder):
        self.folder, self.pictures = folder, set()
        self.inside = defaultdict(lambda: defaultdict(list))  # parts of a folder here → plain name → paths
        self.anywhere = defaultdict(list)  # plain name → (folder, path), without what is hidden
        for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            parts, picture = path.relative_to(folder).parts, naming.ending_of(path) in naming.ENDINGS
            hidden = any(part[0] == "." for part in parts)
            for name in {_plain(path.name), _plain(path.stem if picture else path.name)}:
                self.inside[parts[:-1]][name].append(path)
                self.anywhere[name] += [] if hidden else [(parts[:-1], path)]
            self.pictures |= {path} if picture and not hidden else set()
        self.called, self.here = defaultdict(list), defaultdict(list)  # the last part, all parts → folders here
        for parts in self.inside:
            self.here[tuple(map(_plain, parts))].append(parts)
            self.called[tuple(map(_plain, parts[-1:]))].append(parts)

    def found(self, names):
        """Return name → path of its file, or the kind of finding where there is none; and folder → number found there.

        The folders are those in which files were found although the table writes others, or none.
        """
        parts, written = {name: _parts(name) for name in sorted(set(names))}, defaultdict(list)
        for name, own in parts.items():
            written[own[:-1]].append(name)
        homes = {folder: self._here(folder, of) for folder, of in written.items()}
        exact = {folder for folder, home in homes.items() if home is not None}
        others = {folder: self._alike(folder, of) for folder, of in written.items() if folder and folder not in exact}
        named = any(folder for folder in exact) or any(_shared(folder, home) for folder, home in others.items())
        claimed = Counter()
        for folder, home in others.items():
            claimed[home] = max(claimed[home], _shared(folder, home))
        for folder, home in others.items():
            relative = folder[0] != ROOT and exact - {()}
            weak = _shared(folder, home) < claimed[home] or (named and not _shared(folder, home))
            homes[folder] = None if relative or weak else home
        found = {name: self._one(own, homes[own[:-1]]) for name, own in parts.items()}
        _settle(found, parts)
        elsewhere = (path for name, path in found.items() if isinstance(path, Path) and parts[name][:-1] not in exact)
        return found, Counter(path.parent.relative_to(self.folder).as_posix() for path in elsewhere)

    def held(self, names):
        """Return how many of the names find a file."""
        found, _ = self.found(names)
        return sum(isinstance(found[name], Path) for name in names)

    def _here(self, folder, names):
        """Return the folder at the path that is written; the table's own only if half of the files are there."""
        known = [folder] if folder in self.inside else self.here.get(tuple(map(_plain, folder)), [])
        if len(known) != 1:
            return None
        held = sum(bool(self._named(_parts(name), known[0])) for name in names)
        return known[0] if folder or held * 2 >= len(names) else None

    def _alike(self, folder, names):
        """Return the folder here that a folder of another machine stands for; `SEVERAL` where more than one fits."""
        called = self.called.get((_plain(folder[-1]),), [])
        votes = Counter(dict.fromkeys(called, 0)) if folder[-1] != ROOT else Counter()
        for name in names if not votes else ():
            votes.update({home for home, _ in self.anywhere[_plain(_parts(name)[-1])]})
        rank = {home: (_shared(folder, home), votes[home], -len(home)) for home in votes}
        highest = max(rank.values(), default=None)
        best = [home for home in rank if rank[home] == highest]
        return best[0] if len(best) == 1 else SEVERAL if best else None

    def _named(self, parts, home):
        """Return the paths in a folder here that a name may mean: those of its very letters, or of any capitals."""
        if home is None or not parts:
            return []
        return _of_name(parts[-1], self.inside[home].get(_plain(parts[-1]), []) if home in self.inside else [])

    def _one(self, parts, home):
        if not parts:
            return "no_file_named"
        if parts[0] == "..":
            return "file_outside"
        paths = self._named(parts, home)
        if home is None and len(parts) == 1:
            paths = _of_name(parts[-1], [path for _, path in self.anywhere[_plain(parts[-1])]])
        return "several_files" if len(paths) > 1 or home == SEVERAL else paths[0] if paths else "no_file"


ROOT, SEVERAL = "/", ("/",)  # what begins the path of another machine; no folder here is called so


def _settle(found, parts):
    """Leave a file to one of several names that find it: the one that writes it in full, or none."""
    claims = defaultdict(set)
    for name, path in found.items():
        claims[path].add(parts[name])
    for name, path in found.items():
        if isinstance(path, Path) and len(claims[path]) > 1:
            exact = [own for own in claims[path] if own == path.parts[-len(own) :]]
            longest = max(exact, key=len, default=None)
            if parts[name] != longest or sum(len(own) == len(longest) for own in exact) > 1:
                found[name] = "file_of_another"


def _of_name(name, paths):
    """Return the paths that a name may mean: with the ending it has, or else any, of the same letters first."""
    if naming.ending_of(name) in naming.ENDINGS:
        paths = [path for path in paths if _plain(path.name) == _plain(name)]
    return [path for path in paths if path.name == name] or paths


def _plain(name):
    """Return a file's name in small letters; other than for `naming.plain`, ``ß`` is not ``ss``: it is another file."""
    return unicodedata.normalize("NFC", name).lower()


def _parts(name):
    r"""Return the parts of a path as any system writes it, the first of them ``/`` for ``/home``, ``C:\``, ``file://``."""
    name = re.sub(r"^[a-z][a-z0-9+]+:/+", "/", name.replace("\0", ""), flags=re.IGNORECASE)
    path = PureWindowsPath(unquote(name) if re.search("%[0-9A-Fa-f]{2}", name) else name)
    parts = []
    for part in path.parts:
        if part == path.anchor:
            parts.append(ROOT)
        elif part == ".." and parts and parts[-1] not in ("..", ROOT):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return tuple(parts)


def written(name):
    """Return a file's name as a table writes it, as a path within a folder."""
    return "/".join(part for part in _parts(name) if part not in (ROOT, ".."))


def _shared(folder, home):
    """Return how many folders at the end of a written path are also at the end of one that is here."""
    pairs = zip(reversed(folder), reversed(home or ()), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: _plain(pair[0]) == _plain(pair[1]), pairs))
