"""Features in shards are those of memory, whoever computes them, and whatever stops, dies or is damaged on the way."""

import json
import os
import signal
import sys
import weakref

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from made_pictures import noise

from helpers import storage
from helpers.pictures import features, shard_files, shard_worker, shards
from helpers.pictures.fitting import pixels

parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `many` is not installed")
SIDE, COUNT, SHARD = 32, 90, 8
NUMBER = 12  # shards: eleven of eight pictures, and one of two


def build(seed=1, filters=6, pooled=True):
    image = keras.Input((SIDE, SIDE, 3))
    kernel = keras.initializers.GlorotUniform(seed)
    maps = keras.layers.Conv2D(filters, 5, 3, activation="relu", kernel_initializer=kernel)(image / 255)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps) if pooled else maps)


TRUNK = build()
LABELS = [index % 3 for index in range(COUNT)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"Bild {index:03d} 猫.png" for index in range(COUNT)]
    for path in paths:
        noise().save(path)
    return paths


@pytest.fixture(scope="module")
def expected(files):
    return in_memory(TRUNK, files)


def in_memory(trunk, paths, fit="stretch"):
    batches = [(pixels(path, (SIDE, SIDE), fit), [0]) for path in paths]
    return features.run(trunk, batches, precision="float32")[0]


def write(files, target, labels=LABELS, trunk=TRUNK, **settings):
    settings = {"shard": SHARD, "batch": 4, "precision": "float32"} | settings
    return shards.write(trunk, files, labels, target, **settings)


@pytest.fixture(scope="module")
def written(files, tmp_path_factory):
    """A folder that is only read."""
    target = tmp_path_factory.mktemp("written") / "features"
    assert write(files, target) == shards.Written(COUNT, NUMBER, NUMBER, {})
    return target


def whole(data):
    """Return all that one pass gives, features and labels."""
    return [np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True)]


def read(target, **settings):
    return whole(shards.dataset(target, **settings))


def times(target):
    return {path.name: path.stat().st_mtime_ns for path in target.glob("part-*")}


def flipped(path):
    """Return the bytes of a shard, one bit in the middle of its first features turned."""
    data, column = bytearray(path.read_bytes()), parquet.read_metadata(path).row_group(0).column(2)
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    return bytes(data)


def by_hand(target, rows):
    """Write rows as four shards, the label of each its number."""
    size = len(rows) // 4
    about = {"pictures": len(rows), "shard": size, "shape": rows.shape[1:], "labels": True}
    (target / "about.json").write_text(json.dumps(about))
    for number, part in enumerate(np.split(rows, 4)):
        shard_files.save(target / f"part-{number:05d}.parquet", ["x"] * size, [number] * size, part, {}, "")


class TestWrite:
    def test_gives_what_memory_gives_in_the_order_of_the_files(self, written, expected):
        rows, labels = read(written)
        np.testing.assert_allclose(rows, expected, atol=1e-5)
        assert labels.tolist() == LABELS and labels.dtype == np.int32 and rows.dtype == np.float32

    def test_a_shard_is_a_table_that_anyone_can_read(self, written, files, expected):
        table = pd.read_parquet(written / "part-00001.parquet")
        assert table["file"].tolist() == [str(file) for file in files[SHARD : 2 * SHARD]]
        assert table["label"].tolist() == LABELS[SHARD : 2 * SHARD]
        np.testing.assert_allclose(np.stack(table["features"]), expected[SHARD : 2 * SHARD], atol=1e-5)
        assert {path.name for path in written.iterdir()} == {
            *("about.json", "files.arrow", "trunk.keras"),
            *(f"part-{index:05d}.parquet" for index in range(NUMBER)),
        }

    def test_maps_keep_their_shape_and_pictures_their_fit(self, files, tmp_path):
        trunk = build(pooled=False)
        write(files[:10], tmp_path, LABELS[:10], trunk, fit="pad")
        rows, _ = read(tmp_path)
        assert rows.shape == (10, 10, 10, 6)
        np.testing.assert_allclose(rows, in_memory(trunk, files[:10], "pad"), atol=1e-5)

    def test_bfloat16_is_kept_to_by_a_later_call(self, files, tmp_path, expected, monkeypatch):
        monkeypatch.setattr(features, "preferred", lambda: "float32")  # as on another machine
        write(files[:10], tmp_path, LABELS[:10], precision="bfloat16")
        (tmp_path / "part-00000.parquet").unlink()
        assert write(files[:10], tmp_path, LABELS[:10], precision=None).computed == 1
        rows, _ = read(tmp_path)
        assert 1e-5 < np.abs(rows - expected[:10]).max() < 0.05
        assert json.loads((tmp_path / "about.json").read_text())["precision"] == "bfloat16"

    def test_relative_names_and_no_labels(self, files, tmp_path, monkeypatch, expected):
        monkeypatch.chdir(files[0].parent)
        write([file.name for file in files[:10]], "../relative", None)
        rows = np.concatenate(list(shards.dataset("../relative", 5, labels=False).as_numpy_iterator()))
        np.testing.assert_allclose(rows, expected[:10], atol=1e-5)
        with pytest.raises(ValueError, match="without labels"):
            shards.dataset("../relative")

    def test_holds_a_few_batches_of_pictures_however_many_there_are(self, files, tmp_path, monkeypatch):
        alive, most = weakref.WeakSet(), []

        def watched(*arguments):
            picture = pixels(*arguments).view(Watched)
            alive.add(picture)
            most.append(len(alive))
            return picture

        class Watched(np.ndarray):
            __hash__ = object.__hash__

        monkeypatch.setattr(shard_worker.fitting, "pixels", watched)
        write(files, tmp_path, shard=COUNT)
        assert len(most) == COUNT and 4 <= max(most) <= 3 * 4


class TestContinue:
    @pytest.fixture
    def stopped(self, files, tmp_path, monkeypatch):
        """A folder whose run ended at the 30th picture, in the fourth shard."""
        seen = []

        def stopping(*arguments):
            seen.append(arguments)
            if len(seen) == 30:
                raise KeyboardInterrupt
            return pixels(*arguments)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(shard_worker.fitting, "pixels", stopping)
            write(files, tmp_path)
        return tmp_path

    def test_goes_on_where_a_run_was_stopped(self, stopped, files, expected):
        before = times(stopped)
        assert sorted(before) == [f"part-{index:05d}.parquet" for index in range(3)]
        with pytest.raises(storage.StorageError, match=r"3 of 12 shards; part-00003.parquet is missing.*write again"):
            shards.dataset(stopped)
        assert write(files, stopped) == shards.Written(COUNT, NUMBER, NUMBER - 3, {})
        assert before.items() <= times(stopped).items()
        np.testing.assert_allclose(read(stopped)[0], expected, atol=1e-5)

    @pytest.mark.parametrize("where", ["cut", "pages", "end", "empty", "another", "text"])
    def test_computes_a_damaged_shard_again(self, files, tmp_path, expected, where):
        write(files[:16], tmp_path, LABELS[:16])
        path, other = tmp_path / "part-00001.parquet", tmp_path / "part-00000.parquet"
        data, before = path.read_bytes(), times(tmp_path)
        damaged = {"cut": data[:-100], "pages": flipped(path), "end": data[:-20] + bytes(16) + data[-4:], "empty": b""}
        path.write_bytes({**damaged, "another": other.read_bytes(), "text": b"no table"}[where])
        assert write(files[:16], tmp_path, LABELS[:16]).computed == 1
        assert times(tmp_path)[other.name] == before[other.name]
        np.testing.assert_allclose(read(tmp_path)[0], expected[:16], atol=1e-5)

    def test_another_trunk_list_or_setting_is_refused_and_nothing_changes(self, files, tmp_path):
        write(files[:16], tmp_path, LABELS[:16])
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        new = files[0].with_name("copy.png")
        new.write_bytes(files[0].read_bytes())
        refused = [
            ("trunk", {"trunk": build(seed=2)}),
            ("files", {"files": [new, *files[1:16]]}),
            ("pictures", {"files": files[:15], "labels": LABELS[:15]}),
            ("files", {"labels": LABELS[1:17]}),
            ("labels", {"labels": None}),
            ("fit", {"fit": "crop"}),
            ("shard", {"shard": 4}),
            ("precision", {"precision": "bfloat16"}),
        ]
        for words, change in refused:
            with pytest.raises(ValueError, match=f"holds other features .*{words}.*another folder"):
                write(**{"files": files[:16], "target": tmp_path, "labels": LABELS[:16]} | change)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_a_picture_that_changed_makes_another_list(self, files, tmp_path):
        path = tmp_path / "changing.png"
        noise().save(path)
        write([path], tmp_path / "features", [0])
        noise(41).save(path)
        with pytest.raises(ValueError, match="holds other features .*files"):
            write([path], tmp_path / "features", [0])

    @pytest.mark.parametrize("text", [None, "{", "[]"])
    def test_shards_of_unknown_origin_are_not_touched(self, files, tmp_path, text):
        write(files[:4], tmp_path, LABELS[:4])
        (tmp_path / "about.json").unlink() if text is None else (tmp_path / "about.json").write_text(text)
        before = times(tmp_path)
        with pytest.raises(ValueError, match=r"no about\.json that can be read"):
            write(files[:4], tmp_path, LABELS[:4])
        with pytest.raises(ValueError, match=r"no about\.json that can be read"):
            shards.dataset(tmp_path)
        assert times(tmp_path) == before


class TestBadPictures:
    def test_are_named_and_left_out_and_the_rest_is_kept(self, files, tmp_path, capsys, expected):
        (tmp_path / "text.png").write_text("no picture")
        (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
        broken = str(tmp_path / os.fsdecode(b"broken\xff.png"))
        some = [
            files[0],
            tmp_path / "text.png",
            files[1],
            tmp_path / "none.jpg",
            tmp_path / "cut.jpg",
            broken,
            files[2],
        ]
        target = tmp_path / "features"
        done = write(some, target, range(7), shard=5)
        assert (done.pictures, done.computed, list(done.bad)) == (
            3,
            2,
            [str(file) for file in [*some[1:2], *some[3:6]]],
        )
        assert "holds text" in done.bad[str(some[1])]
        printed = capsys.readouterr().out
        assert printed.startswith("Left out 4 files that cannot be used") and "\udcff" not in printed
        rows, labels = read(target)
        assert labels.tolist() == [0, 2, 6]
        np.testing.assert_allclose(rows, expected[:3], atol=1e-5)
        again = write(some, target, range(7), shard=5)
        assert (again.pictures, again.computed, again.bad) == (3, 0, done.bad)

    def test_of_many_ten_are_printed(self, files, tmp_path, capsys):
        nowhere = [tmp_path / f"{index}.jpg" for index in range(12)]
        assert len(write([*nowhere, files[0]], tmp_path / "features", [0] * 13).bad) == 12
        assert capsys.readouterr().out.rstrip().endswith("and 2 more.")

    def test_nothing_but_bad_ones_cannot_train_a_head(self, tmp_path):
        assert write([tmp_path / "none.jpg"], tmp_path / "features", [0]).pictures == 0
        with pytest.raises(ValueError, match="not one of its 1 files could be opened"):
            shards.dataset(tmp_path / "features")


class TestDataset:
    def test_knows_its_shape_and_its_length(self, written):
        data = shards.dataset(written, 20)
        assert data.element_spec == (tf.TensorSpec((None, 6), "float32"), tf.TensorSpec((None,), "int32"))
        assert int(data.cardinality()) == len(list(data)) == 5
        assert [len(labels) for _, labels in data] == [20, 20, 20, 20, 10]

    def test_shuffles_anew_each_pass_as_the_seed_says(self, written, expected):
        data = shards.dataset(written, 20, shuffle=True, seed=3)
        first, second = whole(data), whole(data)
        assert not np.array_equal(first[0], second[0])
        for rows, labels in (first, second):
            order = [int(np.abs(expected - row).sum(axis=1).argmin()) for row in rows]
            assert sorted(order) == list(range(COUNT)) and order != list(range(COUNT))
            assert labels.tolist() == [LABELS[index] for index in order]
        np.testing.assert_array_equal(read(written, shuffle=True, seed=3)[0], first[0])
        assert not np.array_equal(read(written, shuffle=True, seed=4)[0], first[0])

    def test_a_shuffled_pass_draws_from_everywhere_and_reads_two_shards_worth(self, tmp_path, monkeypatch):
        by_hand(tmp_path, np.arange(1024, dtype="float32")[:, None])  # sorted by class, one in each of four shards
        sizes = []

        def counted(*arguments):
            values = original(*arguments)
            sizes.append(len(values[0]))
            return values

        original = shard_files.read
        monkeypatch.setattr(shard_files, "read", counted)
        rows, labels = read(tmp_path, shuffle=True)
        assert sizes == [512, 512] and sorted(rows.ravel()) == list(range(1024))
        assert np.mean(np.diff(rows.ravel()) == 1) < 0.1
        assert all(len(set(labels[start : start + 512])) >= 3 for start in (0, 512))
        sizes.clear()
        assert read(tmp_path)[0].ravel().tolist() == list(range(1024)) and sizes == [256] * 4

    def test_trains_a_head_as_arrays_do(self, written, expected):
        losses = []
        for data in (shards.dataset(written, 16), (expected, np.array(LABELS))):
            start = keras.initializers.GlorotUniform(0)
            head = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, kernel_initializer=start)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            head.compile(keras.optimizers.Adam(0.05), loss)
            given = {"x": data} if not isinstance(data, tuple) else {"x": data[0], "y": data[1], "batch_size": 16}
            losses.append(head.fit(**given, epochs=3, shuffle=False, verbose=0).history["loss"])
        np.testing.assert_allclose(*losses, rtol=1e-5)
        assert losses[0][-1] < losses[0][0]

    def test_damage_ends_a_pass_and_says_what_to_do(self, tmp_path):
        rows = np.random.default_rng(0).normal(size=(64, 16)).astype("float32")  # noise, which stays as it is
        by_hand(tmp_path, rows)
        path, data = tmp_path / "part-00001.parquet", shards.dataset(tmp_path)
        before, value = path.read_bytes(), rows[20, :2].tobytes()
        assert before.count(value) == 1
        for damaged in (before.replace(value, value[::-1]), before[:-100]):
            path.write_bytes(damaged)
            with pytest.raises(tf.errors.OpError, match=r"part-00001\.parquet is damaged.*shards\.write again"):
                list(data)
        with pytest.raises(storage.StorageError, match="is damaged"):
            shards.dataset(tmp_path)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"files": "pictures"}, "expected a list of paths"),
            ({"files": []}, "files is empty"),
            ({"files": [None]}, "cannot be the path of a file"),
            ({"labels": [0]}, r"labels of shape \(1,\)"),
            ({"labels": [0.5, 1]}, "expected a whole number for each"),
            ({"labels": [-1, 1]}, "expected a whole number for each"),
            ({"labels": ["cat", "dog"]}, "expected a whole number for each"),
            ({"trunk": "trunk.keras"}, "expected a keras.Model"),
            ({"trunk": keras.Sequential([keras.layers.Dense(2)])}, "not built"),
            ({"size": (64, 64)}, "expected shape"),
            ({"size": 8}, "at least 32"),
            ({"fit": "squeeze"}, "fit='squeeze'"),
            ({"shard": 0}, "shard"),
            ({"batch": 1.5}, "batch"),
            ({"precision": "float16"}, "precision='float16'"),
            ({"client": "localhost:8786"}, "expected a distributed.Client"),
        ],
    )
    def test_what_does_not_fit_is_told(self, files, tmp_path, change, words):
        if "client" in change:
            pytest.importorskip("distributed")
        arguments = {"files": files[:2], "labels": [0, 1], "target": tmp_path / "new"} | change
        with pytest.raises(ValueError, match=words):
            write(**arguments)
        assert not list(tmp_path.glob("new/part-*"))

    def test_code_of_ones_own_has_no_name_to_continue_under(self, files, tmp_path):
        image = keras.Input((SIDE, SIDE, 3))
        trunk = keras.Model(image, keras.layers.Lambda(lambda rows: rows[:, 0, 0])(image))
        with pytest.raises(ValueError, match="code of its own"):
            write(files[:2], tmp_path, [0, 1], trunk)

    @pytest.mark.parametrize("package", ["pyarrow.parquet", "distributed"])
    def test_a_missing_package_is_one_line(self, files, tmp_path, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=r'need \w+: pip install "swap-the-head\[many\]"'):
            write(files[:2], tmp_path, [0, 1], client="a client")

    def test_a_worker_that_does_not_find_the_folder_says_so(self, tmp_path):
        with pytest.raises(storage.StorageError, match="about.json cannot be read on .*shared disk"):
            shard_worker.shard(0, tmp_path / "elsewhere", os.getcwd(), 4)

    def test_a_plan_multiplies_out(self):
        table = shards.plan(100, pictures=[10**5, 10**7], workers=[1, 10], numbers=1000, bytes_per_picture=50_000)
        assert table["hours"].round(3).tolist() == [0.278, 0.028, 27.778, 2.778]
        assert table["GB of Parquet"].tolist() == [0.4, 0.4, 40, 40]
        assert table["MB/s to read"].tolist() == [5, 50, 5, 50]


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def die_in_the_middle(victim, target, marker):
    """Make one worker kill itself within a shard, when two shards or more are there."""
    from helpers.pictures import fitting

    original, before = fitting.pixels, []

    def dying(*arguments):
        done = sorted(path.name for path in target.glob("part-*"))
        if len(done) >= 2 and done in before:
            marker.write_text(f"{os.getpid()} {len(done)}")
            os.kill(os.getpid(), signal.SIGKILL)
        before.append(done)
        return original(*arguments)

    if os.getpid() == victim:
        fitting.pixels = dying


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signal")
class TestWorkers:
    def test_both_ways_continue_each_other(self, client, files, tmp_path, capsys):
        bad = tmp_path / "bad.png"
        bad.write_text("no picture")
        some, labels = [*files[:20], bad], LABELS[:21]
        target = tmp_path / "features"
        first = write(some, target, labels, client=client)
        assert (first.pictures, first.computed, list(first.bad)) == (20, 3, [str(bad)])
        (target / "part-00001.parquet").write_bytes(b"")
        here = write(some, target, labels)
        assert (here.pictures, here.computed, here.bad) == (20, 1, first.bad)
        (target / "part-00002.parquet").unlink()
        assert write(some, target, labels, client=client).computed == 1

    def test_workers_that_do_not_find_the_pictures_are_no_bad_pictures(self, client, files, tmp_path, monkeypatch):
        folder = tmp_path / "only here"
        folder.mkdir()
        (folder / "picture.png").write_bytes(files[0].read_bytes())
        listed = shard_files.write_list

        def gone(*arguments):
            digest = listed(*arguments)
            (folder / "picture.png").unlink()  # as a disk that workers do not have
            return digest

        monkeypatch.setattr(shard_files, "write_list", gone)
        with pytest.raises(storage.StorageError, match="Not one file of part-00000.parquet is found on"):
            write([folder / "picture.png"], tmp_path / "features", [0], client=client)

    def test_two_give_what_one_process_gives_though_one_is_killed(self, client, files, tmp_path, expected):
        target, marker = tmp_path / "features", tmp_path / "killed"
        victim = min(client.run(os.getpid).values())
        client.run(die_in_the_middle, victim, target, marker)
        done = write(files, target, client=client)
        killed, finished = map(int, marker.read_text().split())
        assert killed == victim and 2 <= finished < NUMBER
        assert (done.pictures, done.shards, done.bad) == (COUNT, NUMBER, {})
        rows, labels = read(target)
        np.testing.assert_allclose(rows, expected, atol=1e-5)
        assert labels.tolist() == LABELS and not list(target.glob(f"{storage.WRITING}*"))

    def test_when_they_die_again_and_again_what_is_finished_is_kept(
        self, client, files, tmp_path, monkeypatch, expected
    ):
        monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
        for victim in client.run(os.getpid).values():
            client.run(die_in_the_middle, victim, tmp_path, tmp_path / "killed")
        with pytest.raises(RuntimeError, match="Workers died again and again.*call again"):
            write(files, tmp_path, client=client)
        assert write(files, tmp_path).computed < NUMBER
        np.testing.assert_allclose(read(tmp_path)[0], expected, atol=1e-5)
