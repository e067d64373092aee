"""Examine a folder of pictures: which can be used, what is wrong with the others, and can a model be trained on it?

`helpers.pictures.images.load` goes by the same report, so what is shown here is what is trained on.
"""

from collections import Counter, defaultdict

import tqdm.auto

from helpers.pictures import dealing, look_alikes, naming, opening
from helpers.pictures import report as reports
from helpers.pictures.listing import SPLITS, listed, split_of
from helpers.pictures.report import Report, of_file, row

FEW_IN_CLASS = 20  # a quarter of them, five, would be tested
LARGEST_SERIES = 0.5  # of a class: pictures that are more alike share a layout, such as one ground
UNEQUAL = 4  # times as many pictures in the largest class as in the smallest


def examine(folder, keep=None, known=None, seed=0):
    """Decode every picture of a folder once, and return a `Report` of what can be used; the folder is not changed.

    Parameters
    ----------
    folder : path
        Holds ``class/picture`` or ``train|validation|test/class/picture`` (or ``val``, ``Training`` and the like);
        hidden files are passed over. Or a table of labels beside the pictures, as CSV: the columns file and label, and
        perhaps group (pictures that belong together) and split.
    keep : callable, optional
        Called with the path, the decoded picture and its `helpers.pictures.look_alikes.Mark`, for each that is one.
    known : dict, optional
        Path → mark of pictures that were examined before: they are not decoded again; nothing is said of them alone.
    seed : int
        Decides which pictures go into which split, where the folder has no splits.

    Raises
    ------
    ValueError
        When `folder` is no folder and no table, cannot be read, or holds more files than
        `helpers.pictures.listing.MOST_FILES`.
    """
    listing = listed(folder)
    marks, known = {}, known or {}
    bad, rows = dict(listing.bad), list(listing.rows)
    for path in tqdm.auto.tqdm(listing.files, desc="examining", unit="file", leave=False, delay=1):
        if path in known:
            marks[path] = known[path]
            continue
        try:
            opened = opening.opened(path, listing.folder)
        except opening.PictureError as error:
            bad[path] = error.reason
            rows.append(of_file(listing.name(path), error.reason, "refused" if error.refused else "left out"))
            continue
        marks[path] = look_alikes.mark(opened.picture, opened.taken)
        rows += [of_file(listing.name(path), *note) for note in opened.notes]
        if keep:
            keep(path, opened.picture, marks[path])
    copies = _compare(listing, {path: mark.fingerprint for path, mark in marks.items()}, bad, rows)
    marks = {path: mark for path, mark in marks.items() if path not in bad}
    splits = {split: {name: [] for name in classes} for split, classes in listing.counts.items()}
    for path in marks:
        if path not in copies:
            split, name = listing.files[path]
            splits[split][name].append(path)
    counts = {split: {name: len(paths) for name, paths in classes.items()} for split, classes in splits.items()}
    rows += [*_judged(counts, listing), *_on_groups(splits, listing)]
    (twins, alike, layouts), bursts = _twins(listing, marks, copies), look_alikes.bursts(marks)
    series = _series(marks, copies, listing.groups, (twins, bursts, alike))
    dealt = {} if reports.obstacles(rows) else dealing.dealt(splits, series, seed)
    homes = {path: split for split, classes in dealt.items() for paths in classes.values() for path in paths}
    rows += _on_series(listing, homes, twins, bursts)
    rows += [*_on_layouts(listing, counts, homes, layouts), *_on_divided(listing, homes)]
    dealt = {} if reports.obstacles(rows) else dealt
    whole = _kept_whole(series, homes)
    return Report(listing.folder, reports.in_order(rows), splits, bad, copies, listing.beside, whole, dealt)


def obstacles(listing):
    """Return what makes training impossible even if every file of a listing is a picture."""
    return reports.obstacles([*_judged(listing.counts, listing), *listing.rows])


def _compare(listing, fingerprints, bad, rows):
    """Return the copies to leave out; the same picture in two classes is added to `bad`."""
    copies, splits = {}, list(listing.counts)
    for paths in look_alikes.groups(fingerprints):
        classes = {path: listing.files[path][1] for path in paths}
        # A test keeps its pictures; of "IMG_7.png" and "IMG_7 copy.png" the first is kept.
        kept = max(paths, key=lambda path: (splits.index(listing.files[path][0]), -len(path.name)))
        for path in paths:
            others = [other for other in paths if classes[other] != classes[path]]
            if others:
                rows.append(row("same_in_another_class", listing.name(path), other=listing.name(others[0])))
                bad[path] = rows[-1].found
            elif path != kept:
                copies[path] = kept
                rows.append(row("copy", listing.name(path), other=listing.name(kept)))
    return copies


def _twins(listing, marks, copies):
    """Return pairs of pictures of perhaps one scene, pairs that may share a layout alone, and the layouts.

    A layout is what more than half of a class looks alike in: number → (split, class) → pictures.
    """
    marks = {path: mark for path, mark in marks.items() if path not in copies}
    pairs = look_alikes.look_alikes({path: look_alikes.sketch(mark.shades) for path, mark in marks.items()})
    sizes = Counter(listing.files[path] for path in marks)
    layouts, together = defaultdict(lambda: defaultdict(list)), look_alikes.joined(marks, pairs)
    for path in marks:
        layouts[together[path]][listing.files[path]].append(path)
    for classes in layouts.values():
        for place in [one for one, paths in classes.items() if len(paths) <= max(3, LARGEST_SERIES * sizes[one])]:
            del classes[place]
    twins, alike = [], []
    for pair in pairs:
        in_layout = all(listing.files[path] in layouts[together[path]] for path in pair)
        (alike if in_layout else twins).append(pair)
    return twins, alike, layouts.values()


def _series(marks, copies, groups, links):
    """Return picture → number of its series, from what may belong together to what must: the groups of a table."""
    first, of_groups = {}, list(copies.items())
    for path in marks:
        of_groups += [(path, first.setdefault(group, path)) for group in groups.get(path, ())]
    series = []
    for left_out in range(len(links) + 1):
        pairs = [*of_groups, *(pair for some in links[: len(links) - left_out] for pair in some)]
        together = look_alikes.joined(marks, pairs)
        members = Counter(together[path] for path in marks if path not in copies)
        series.append({path: number for path, number in together.items() if members[number] > 1 and path not in copies})
    return series


def _kept_whole(series, homes):
    """Return picture → number of the largest series of it that is in one split."""
    numbers = {}
    for depth, together in enumerate(series):
        places = defaultdict(set)
        for path, number in together.items():
            places[number].add(homes.get(path))
        for path, number in together.items():
            if len(places[number]) == 1:
                numbers.setdefault(path, (depth, number))
    order = {number: place for place, number in enumerate(dict.fromkeys(numbers.values()))}
    return {path: order[number] for path, number in numbers.items()}


def _on_series(listing, homes, twins, bursts):
    """Yield a row for each picture that looks like another or was taken within seconds of it: are they in one split?"""
    said = set()
    for kind, pairs in (("look_alike", twins), ("burst", bursts)):
        for path, other in pairs:
            given = {listing.files[path][0], listing.files[other][0]}
            divided = homes.get(path) != homes.get(other)
            if path not in said and (path in homes and other in homes or not homes):
                said.add(path)
                kind_of_pair = f"{kind}_across" if len(given) > 1 else f"{kind}_divided" if divided else kind
                values = {"seconds": look_alikes.SECONDS, "measured": "test" if "test" in given else "validation"}
                yield row(kind_of_pair, listing.name(path), other=listing.name(other), **values)


def _on_layouts(listing, counts, homes, layouts):
    """Yield a row for each class of which more than half looks alike."""
    for classes in layouts:
        names = {place: naming.shown("/".join(filter(None, place))) for place in classes}
        places = {homes.get(path) for paths in classes.values() for path in paths}
        where = "all in one split" if len(places) == 1 else "in several splits"
        for place, paths in classes.items():
            others, (first, second) = [name for name in names.values() if name != names[place]], paths[:2]
            also = f"; also some in {', '.join(others[:3])}" if others else ""
            values = {"first": listing.name(first), "second": listing.name(second), "where": where, "also": also}
            split, name = place
            yield row("many_look_alikes", names[place], alike=len(paths), number=counts[split][name], **values)


def _on_groups(splits, listing):
    """Yield a row for each class whose groups, as the table tells them, are fewer than the splits to fill."""
    parts = len(dealing.drawn(splits))
    for name, paths in splits.get("", splits.get("train", {})).items() if parts > 1 else ():
        groups = {tuple(listing.groups.get(path, [path])) for path in paths}
        if len(groups) < min(parts, len(paths)):
            yield row("too_few_series", naming.shown(name), groups=naming.counted(len(groups), "group"), parts=parts)


def _on_divided(listing, homes):
    """Yield a row for each group that the table itself puts into several splits, and one where dealing had to."""
    members = defaultdict(list)
    for path, groups in listing.groups.items():
        for group in groups if path in homes else ():
            members[group].append(path)
    given = {group: {listing.files[path][0] for path in paths} for group, paths in members.items()}
    for group, splits in given.items():
        if len(splits) > 1:
            yield row("group_across", naming.shown(f"group {group}"), splits=" and ".join(sorted(splits)))
    if torn := [g for g, paths in members.items() if len(given[g]) == 1 and len({homes[path] for path in paths}) > 1]:
        names = ", ".join(naming.shown(repr(group)) for group in torn[:3])
        yield row("group_divided", "(all)", groups=names + (" and others" if len(torn) > 3 else ""))


def _judged(counts, listing):
    """Return the rows on classes and their sizes."""
    totals = Counter()
    for classes in counts.values():
        totals.update(classes)
    return [*_on_classes(totals, listing), *_on_sizes(counts, totals, listing), *_on_splits(counts, listing)]


def _on_classes(totals, listing):
    wrapped = len(totals) == 1 and listing.nested and not any(totals.values())  # `_on_sizes` says what to do
    advice = f"; or give the table of labels: images.load('.../{listing.tables[0]}')" if listing.tables else ""
    if len(totals) < 2 and not wrapped:
        kind = "one_class" if totals else "no_class"
        yield row(kind, "(all)", listing.table, name=naming.shown("".join(totals)), advice=advice)
    similar = defaultdict(list)
    for name in totals:
        similar["".join(naming.plain(name).split())].append(name)
        if naming.stored_name(name) != name:
            yield row("odd_name", naming.shown(name), stored=naming.stored_name(name))
    if len(splits := {split_of(name) for name in totals} - {None}) > 1 and not listing.table:
        yield row("splits_for_classes", ", ".join(sorted(totals)), splits=" and ".join(sorted(splits)), advice=advice)
    for names in similar.values():
        if len(names) > 1:
            yield row("similar_names", ", ".join(map(repr, names)), listing.table)


def _on_sizes(counts, totals, listing):
    parts, impossible = len(dealing.drawn(counts)), False
    for split, classes in counts.items():
        for name, number in classes.items():
            about, inside = naming.shown(f"{split}/{name}" if split else name), listing.nested.get((split, name))
            if number == 0:
                impossible, turned = True, inside and len(totals) > 1 < len(inside) and all(map(split_of, inside))
                kind = "splits_in_class" if turned else "only_folders" if inside else "empty"
                yield row(kind, about, listing.table, name=about, split=inside[0] if inside else "")
            elif split in ("", "train") and number < parts:
                impossible, words = True, {2: "two", 3: "three"}[parts]
                yield row("too_few_to_split", about, pictures=naming.counted(number), parts=words, least=parts)
            elif not split and number < FEW_IN_CLASS:
                tested = naming.counted(max(1, round(number / 4)))
                yield row("few", about, pictures=naming.counted(number), tested=tested, least=FEW_IN_CLASS)
    if len(totals) > 1 and not impossible and max(totals.values()) >= UNEQUAL * min(totals.values()):
        most, least = max(totals, key=totals.get), min(totals, key=totals.get)
        both = {key: f"{naming.shown(name)} {totals[name]}" for key, name in (("most", most), ("least", least))}
        yield row("unequal", "(all)", **both)


def _on_splits(counts, listing):
    known, missing = sorted(set().union(*counts.values())), dealing.drawn(counts)
    for split in SPLITS if "" not in counts and counts else ():
        if split in counts:
            if lacking := [naming.shown(name) for name in known if name not in counts[split]]:
                yield row("classes_missing", split, listing.table, names=", ".join(lacking))
        elif "train" in counts:
            share = dealing.SHARES[split] / sum(dealing.SHARES[other] for other in missing)
            yield row("split_drawn", split, listing.table, split=split, share=share)
        else:
            others = "the others" if split == "train" else "'train'"
            yield row("split_missing", split, listing.table, others=others, splits=", ".join(SPLITS))
