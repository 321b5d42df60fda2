"""What an operator is told when a speech engine's package or model is not there."""

from __future__ import annotations

from broadcast.errors import InvalidInput


def no_package(engine: str, extra: str) -> InvalidInput:
    return InvalidInput(
        f"The speech engine {engine} is not installed. Install it with: pip install 'maeul[{extra}]'.",
        f"음성 엔진 {engine}이(가) 설치되어 있지 않습니다. 설치: pip install 'maeul[{extra}]'.",
        field="tts_engines",
    )


def no_model(engine: str, setting: str, files: str) -> InvalidInput:
    """The path itself is not told: it is the machine's business."""
    return InvalidInput(
        f"The speech engine {engine} finds no model: {setting} must lead to {files}.",
        f"음성 엔진 {engine}의 모델이 없습니다. {setting}에 {files} 파일이 있어야 합니다.",
        field=setting.removeprefix("MAEUL_").lower(),
    )
