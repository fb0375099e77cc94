"""What manifest.json says, schema 1: the one description of a bundle, checked whole when read."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import from_json
from typing_extensions import Self

from edgecls._lib.validation import message_from_validation
from edgecls.errors import BundleError

SCHEMA = 1
MANIFEST_NAME = "manifest.json"
LETTERBOX_GREY = 114

Color = Literal["rgb", "bgr", "grey"]
Resize = Literal["stretch", "letterbox", "center_crop"]
Interpolation = Literal["area", "bilinear"]
Activation = Literal["softmax", "sigmoid", "none"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]


class Part(BaseModel):
    """One object of the manifest: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )


class PixelRule(Part):
    """How a picture becomes the model's input: value = (pixel - mean) / std, pixel 0 to 255."""

    color: Color = "rgb"
    resize: Resize = "stretch"
    interpolation: Interpolation = "area"
    pad_value: int | None = Field(None, ge=0, le=255)
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return 1 if self.color == "grey" else 3

    @property
    def pad(self) -> int:
        """Return the pixel value of a letterbox's bars."""
        return LETTERBOX_GREY if self.pad_value is None else self.pad_value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels:
                raise ValueError(
                    f"{name} needs {self.channels} values for {self.color}, received {len(values)}"
                )
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0, received {min(self.std)}")
        if self.pad_value is not None and self.resize != "letterbox":
            raise ValueError(f"pad_value is for letterbox only, resize is {self.resize}")
        return self


class InputRule(PixelRule):
    """The whole rule: the pixels and the size."""

    width: int = Field(ge=1, le=4096)
    height: int = Field(ge=1, le=4096)


class OutputRule(Part):
    """What turns the model's output into scores; "none": it already gives probabilities."""

    activation: Activation


class Decision(Part):
    """The label that people are told about, and the score from which on it counts."""

    label: str
    threshold: float = Field(gt=0, lt=1)


class Accuracy(Part):
    """A measured accuracy: on what, how many images, and how sure."""

    dataset: str
    dataset_sha256: Sha256 | None = None
    metric: str
    value: float
    n: int = Field(ge=1)
    ci95: tuple[float, float]
    threshold: float | None = None


class Variant(Part):
    """One artefact: the same classifier for one runtime at one precision."""

    name: Word
    runtime: Word
    precision: Word
    recipe: str | None = None
    file: str
    sha256: Sha256
    bytes: int = Field(ge=1)
    accuracy: Accuracy | None = None

    @field_validator("file")
    @classmethod
    def _inside(cls, file: str) -> str:
        if not is_safe_name(file) or file == MANIFEST_NAME:
            raise ValueError("must be a plain relative path inside the bundle")
        return file


class Provenance(Part):
    """Where the numbers come from; free form, told but never interpreted."""

    training: dict[str, JsonValue] = {}
    calibration: dict[str, JsonValue] = {}


class Manifest(Part):
    """The whole file. The order of `variants` is the author's preference."""

    schema_number: Literal[1] = Field(1, alias="schema")
    name: Word
    version: Word
    task: Literal["classification"] = "classification"
    input: InputRule
    output: OutputRule
    labels: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(min_length=2)
    decision: Decision | None = None
    variants: tuple[Variant, ...] = Field(min_length=1)
    provenance: Provenance = Provenance()
    license: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, words in (
            ("label", self.labels),
            ("variant name", [variant.name for variant in self.variants]),
        ):
            twice = sorted({word for word in words if list(words).count(word) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} appears more than once")
        if self.decision and self.decision.label not in self.labels:
            raise ValueError(f"decision.label {self.decision.label!r} is not among the labels")
        return self

    def as_bytes(self) -> bytes:
        """Return the file's content: indented JSON, None left out, the same bytes every time."""
        text = self.model_dump_json(by_alias=True, exclude_none=True, indent=2)
        return text.encode() + b"\n"


def parse_manifest(data: bytes, *, origin: str) -> Manifest:
    """Check the content of a manifest.json.

    Args:    origin: the bundle, for messages.
    Raises:  BundleError for a schema of the future, and with every fault otherwise, a line each.
    """
    hint = "get the bundle again, or make it anew with: edgecls bundle create"
    try:
        content = from_json(data)
    except ValueError as error:
        raise BundleError(f"{origin}: {MANIFEST_NAME} is not JSON: {error}", hint=hint) from error
    number = content.get("schema") if isinstance(content, dict) else None
    if isinstance(number, int) and number > SCHEMA:
        raise BundleError(
            f"{origin}: manifest schema {number}, expected {SCHEMA}: "
            "the bundle was made by a newer edgecls",
            hint="pip install --upgrade edgecls",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        place = f"{origin}/{MANIFEST_NAME}"
        raise BundleError(
            message_from_validation(error, Manifest, origin=place), hint=hint
        ) from error


def is_safe_name(name: str) -> bool:
    """Tell whether `name` is a relative POSIX path that stays inside its folder."""
    path = PurePosixPath(name)
    return (
        bool(name)
        and len(name) <= 255
        and not path.is_absolute()
        and path.as_posix() == name
        and bool(path.parts)  # "." has none
        and not {".", ".."} & set(path.parts)
        and not any(char in name for char in "\\:\0\n")
        and name.isprintable()
    )
