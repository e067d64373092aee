"""All that is looked at in the data alone."""

from helpers.doctor import caching, classes, leaks


def check(case):
    """Yield findings about the data."""
    yield from leaks.shared_pictures(case)
    altered = set()
    for split in case.splits[1:]:
        for finding in leaks.second_look(split):
            if finding.alarm and finding.name == "augmentation-in-evaluation":
                altered.add(split.name)
            yield finding
    yield from leaks.prepared_differently(case)
    yield from caching.check(case, altered)
    yield from classes.unequal(case)
    yield from classes.sorted_by_class(case.train)
