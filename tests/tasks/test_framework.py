"""What every task has in common: settings, configuration files, saved models, predictions."""

import dataclasses
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from jconv import InputError
from jconv.cli import main
from jconv.tasks import (
    TASKS,
    DigitsSettings,
    Settings,
    find_task,
    load_model,
    photograph,
    predict,
    read_config,
    save_image,
    settings_from,
    train_digits,
)
from jconv.tasks._fields import document_fields, fields, setting
from jconv.tasks._settings import write_config
from jconv.tasks._table import _names


@document_fields
@dataclass(frozen=True)
class Everything(Settings):
    """All kinds of fields.

    Examples
    --------
    >>> Everything().flag
    False
    """

    flag: bool = setting(False, "a truth value")
    shape: Literal["box", "disk"] = setting("box", "one of several")
    data: str | None = setting(None, "a text or nothing")
    sizes: tuple[float, ...] = setting((1.0, 2.0), "numbers", above=0, most=9)
    names: tuple[str, ...] = setting(("a",), "texts")


def test_docstrings_of_settings_describe_their_fields():
    text = Everything.__doc__
    parts = [
        "All kinds of fields.",
        "Parameters\n---",
        "seed : an integer >= 0",
        "flag : true or false",
        "Examples\n---",
    ]
    assert [part for part in parts if part not in text] == []
    assert sorted(parts, key=text.index) == parts
    assert "data : a string, or None\n    A text or nothing. Default None.\n" in text
    assert "sizes : a list of numbers > 0 and <= 9\n    Numbers. Default (1.0, 2.0).\n" in text


def test_a_configuration_comes_back_from_its_file(tmp_path):
    for told in (Everything(), Everything(flag=True, shape="disk", data='ä "quoted" \\ 🎈\n', sizes=[3, 4.5], seed=7)):
        write_config(tmp_path / "c.toml", told, "a comment")
        assert settings_from(Everything, read_config(tmp_path / "c.toml"), "c") == told
    assert told.sizes == (3.0, 4.5)
    assert isinstance(told.sizes[0], float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"flagg": True}, "here: there is no setting 'flagg'; did you mean 'flag'. Known settings: seed, steps"),
        ({"flag": 1}, "here: `flag` must be true or false, got 1"),
        ({"steps": True}, "`steps` must be an integer >= 1, got True"),
        ({"shape": "dsk"}, "`shape` must be one of 'box', 'disk', got 'dsk'; did you mean 'disk'"),
        ({"sizes": []}, "`sizes` must be a list of numbers > 0 and <= 9, got"),
        ({"sizes": [1, 10]}, "`sizes` must be a list of numbers > 0 and <= 9"),
        ({"sizes": [1, float("inf")]}, "`sizes` must be a list"),
        ({"names": "abc"}, "`names` must be a list of strings, got 'abc'"),
        ({"data": 5}, "`data` must be a string, got 5"),
        ({"seed": -1}, "`seed` must be an integer >= 0, got -1"),
        ({"learning_rate": None}, "`learning_rate` must be a number > 0, got None"),
    ],
)
def test_wrong_settings_are_named(values, message):
    with pytest.raises(InputError, match=message):
        settings_from(Everything, values, "here")
    if set(values) <= set(fields(Everything)):
        with pytest.raises(InputError, match=message.removeprefix("here: ")):
            Everything(**values)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_is_complete(task):
    assert find_task(task.name) is task
    assert dataclasses.is_dataclass(task.settings)
    settings = task.settings()
    assert all(field.about for field in fields(type(settings)).values())
    assert settings_from(task.settings, {}, "x") == settings
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.seed = 3


def test_an_unknown_task_is_named():
    with pytest.raises(InputError, match=r"there is no task 'digit'; did you mean 'digits'\? Known tasks: digits, "):
        find_task("digit")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    result = train_digits(DigitsSettings(steps=60, seed=2))
    result.save(folder)
    return result, folder


def test_a_saved_model_predicts_as_the_trained_one(run, tmp_path):
    from jconv.tasks._digits import split_digits

    result, folder = run
    assert load_model(folder).settings_as(DigitsSettings) == result.settings
    assert settings_from(DigitsSettings, read_config(folder / "config.toml"), "x") == result.settings
    _, _, images, labels = split_digits(2)
    files = [tmp_path / f"{i}.png" for i in range(len(images))]
    for file, image in zip(files, np.asarray(images)):
        save_image(file, image[..., 0])
    rows = predict(folder, files, tmp_path / "out")
    right = np.mean([row["digit"] for row in rows] == np.asarray(labels))
    # 8 bits of grey hold the sixteen levels of these pictures up to a 510th
    assert abs(right - result.metrics()["test_accuracy"]) <= 1 / len(images)
    assert [row["file"] for row in rows] == [str(file) for file in files]
    assert json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"] == rows
    big = np.kron(1 - np.asarray(images)[0, ..., 0], np.ones((9, 9)))
    save_image(tmp_path / "big.png", np.dstack([big] * 3))
    assert predict(folder, [tmp_path / "big.png"], tmp_path / "out")[0]["digit"] == rows[0]["digit"]


def test_models_that_do_not_fit_are_refused(run, tmp_path):
    _, folder = run
    save_image(tmp_path / "a.png", photograph()[:20, :20])
    with np.load(folder / "model.npz") as file:
        arrays = dict(file)

    def rewritten(change):
        about = json.loads(str(arrays["about"]))
        change(about)
        np.savez(tmp_path / "model.npz", **{**arrays, "about": np.array(json.dumps(about))})

    def refused(message):
        with pytest.raises(InputError, match=message):
            predict(tmp_path, [tmp_path / "a.png"], tmp_path / "out")

    rewritten(lambda about: about["settings"].update(widths=[16, 24]))
    refused(r"is another network: its array params.hidden.kernel is float32\[128, 128\], here it is float32\[96, 128\]")
    rewritten(lambda about: about["settings"].update(width=3))
    refused("there is no setting 'width'; did you mean 'widths'")
    rewritten(lambda about: about.update(task="cats"))
    refused("there is no task 'cats'")
    rewritten(lambda about: about.pop("settings"))
    refused("is not a model of jconv, or is damaged")
    (tmp_path / "model.npz").write_bytes((folder / "model.npz").read_bytes()[:999])
    refused("is not a model of jconv, or is damaged")
    np.savez(tmp_path / "model.npz", about=np.array([{}], dtype=object))
    refused("is not a model of jconv, or is damaged")


def deflated(path, name, header, count):
    """An archive of one array that swells to `count` zero bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(count // 2**20):
            file.write(bytes(2**20))


def test_a_model_that_swells_is_refused_by_its_directory(run, tmp_path, monkeypatch):
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**23,)}
    deflated(tmp_path / "model.npz", "params.w", header, 2**25)
    assert (tmp_path / "model.npz").stat().st_size < 2**16
    monkeypatch.setenv("JCONV_MAX_BYTES", str(2**24))
    with pytest.raises(InputError, match=r"model.npz' asks for 33.6 MB of memory, and the limit is 16.8 MB"):
        load_model(tmp_path)
    monkeypatch.delenv("JCONV_MAX_BYTES")
    deflated(tmp_path / "model.npz", "params.w", {**header, "shape": (10**13,)}, 2**20)
    with pytest.raises(InputError, match=r"'params.w.npy' of .* declares float32\[10000000000000\], and its entry has"):
        load_model(tmp_path)


def test_a_model_with_nan_is_refused(run, tmp_path):
    with np.load(run[1] / "model.npz") as file:
        arrays = dict(file)
    arrays["params.hidden.kernel"][0, 0] = np.nan
    np.savez(tmp_path / "model.npz", **arrays)
    with pytest.raises(InputError, match=r"holds NaN or infinity in its array params.hidden.kernel; train it again"):
        load_model(tmp_path)


def test_prediction_goes_on_past_files_that_cannot_be_used(run, tmp_path, capsys):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        save_image(tmp_path / folder / "same.png", photograph()[:20, :20])
    (tmp_path / "text.png").write_text("no picture")
    files = [tmp_path / name for name in ("a/same.png", "text.png", "gone.png", ".", "b/same.png")]
    with pytest.raises(InputError, match="no such file"):
        predict(run[1], files, tmp_path / "out")
    rows = predict(run[1] / "model.npz", files, tmp_path / "out", skip_damaged=True)
    assert ["error" in row for row in rows] == [False, True, True, True, False]
    assert "its content is none of these" in rows[1]["error"]
    assert "it is a folder" in rows[3]["error"]
    assert json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"] == rows
    assert main(["predict", str(run[1]), *map(str, files), "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr()
    assert shown.out.count("digit") == 2
    assert shown.err.endswith("jconv: error: 3 of 5 files could not be used\n")
    assert "gone.png" in shown.err


def test_files_of_one_name_have_predictions_of_their_own():
    assert _names([Path("a/x.png"), Path("b/x.png"), Path("x.jpg"), Path("y.png")]) == ["x", "x-2", "x-3", "y"]


def test_files_that_are_missing_are_named(run, tmp_path):
    with pytest.raises(InputError, match=r"cannot read '.*gone.png': no such file"):
        predict(run[1], [tmp_path / "gone.png"], tmp_path / "out")
    with pytest.raises(InputError, match="no files were named"):
        predict(run[1], [], tmp_path / "out")
    assert not (tmp_path / "out").exists()
