"""A training recipe: one TOML file that, with the data, decides the weights.

Every field has bounds and a description, unknown fields are refused and all errors are told at
once. The resolved recipe is kept in the run's folder as JSON, and reads back the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
OptionValue = bool | int | float | str


class Part(BaseModel):
    """One table of the recipe: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Data(Part):
    """Which images, which label each has, and which of them train."""

    root: Path | None = Field(
        None,
        description="Folder of the images, or one CSV manifest; relative to the recipe. --data "
        "replaces it.",
    )
    manifests: tuple[str, ...] = Field(
        (), description="CSV files inside root; none: a folder per class, or per split and class."
    )
    source: Literal["files", "cifar10"] = Field(
        "files", description="cifar10 comes through keras.datasets and needs no root."
    )
    labels: tuple[str, ...] = Field(
        (), description="In the order of the model's outputs; none: those of the data, sorted."
    )
    ignore_labels: tuple[str, ...] = Field((), description="Rows with these labels are left out.")
    group: str = Field(
        "group",
        description="Column whose equal values never straddle splits. Where the data has neither "
        "this column nor splits, near-duplicates found by a perceptual hash make the groups.",
    )
    slices: tuple[str, ...] = Field((), description="Columns to report accuracy by.")
    leave_out: dict[str, str] = Field(
        {}, max_length=1,
        description="Column -> value: its images, of all splits, are the test images, and no "
        "others; edgecls train --leave-out sets it in each of its runs.",
    )  # fmt: skip
    without: dict[str, tuple[str, ...]] = Field(
        {}, description="Column -> values: these rows are left out, of every split."
    )
    val_share: float = Field(0.15, gt=0, lt=0.5, description="Where the data has no val split.")
    test_share: float = Field(0.15, gt=0, lt=0.5, description="Where the data has no test split.")
    balance: tuple[str, ...] = Field(
        (), description='Draw evenly over these columns ("label" is one), instead of each once.'
    )
    balance_power: Share = Field(
        1.0, description="1: every value equally often; 0.5: by the root of its size; 0: as it is."
    )
    unreadable_max: Share = Field(
        0.01, description="Share of images that may turn out unreadable before the run stops."
    )
    composition: Literal["images", "persons"] = Field(
        "images", description="persons: compose views from the person boxes of the manifests."
    )
    judge: Path | None = Field(
        None,
        description="With composition = persons: a bundle that looks at every person-free window "
        "of a person photograph first; many show somebody whom no box marks.",
    )
    judge_score_max: Share = Field(
        0.9, description="Windows to which the judge gives a higher person score are left out."
    )


class Input(Part):
    """What the network sees; written into the bundle, so that the device does the same."""

    size_px: int = Field(224, ge=8, le=1024, description="Width and height.")
    resize: Literal["stretch", "letterbox", "center_crop"] = Field(
        "stretch", description="How a picture of another shape fits; the device does the same."
    )
    normalise: Literal[
        "minus_one_one", "unit", "bytes", "mean_std", "mean_image", "pca_whitening", "zca_whitening"
    ] = Field(
        "minus_one_one",
        description="minus_one_one: pixel / 127.5 - 1; unit: pixel / 255; bytes: 0 to 255; "
        "mean_std: per channel, of the training images; mean_image and whitening: per value, of "
        "the training images, as first layers of the network.",
    )


class Architecture(Part):
    """The network."""

    name: str = Field(description="A name of the table, or module:function of your own.")
    weights: str = Field(
        "none", min_length=1,
        description='"imagenet", a .weights.h5 or .keras file, a bundle that has a float ONNX '
        'variant, or "none": start at random.',
    )  # fmt: skip
    start_share: float = Field(
        0.0, ge=0, le=1,
        description="So much of the start weights, a bundle's, is kept in the result: the trained "
        "ones are averaged with them.",
    )  # fmt: skip
    prune_images: int = Field(
        0, ge=0, le=4_000,
        description="weights is a bundle of the wide network that this one is a narrow form of: "
        "its channels are chosen so that they say the same on so many training images. Each takes "
        "3 MB of memory at 128 px.",
    )  # fmt: skip
    options: dict[str, OptionValue] = Field(
        {}, description="What the network offers: width, minimalistic, dropout ..."
    )


class Augmentation(Part):
    """How likely each change of a training image is, 0 to 1; they come in this order."""

    crop: Share = Field(0.0, description="Cut a window before resizing.")
    crop_area: tuple[float, float] = Field(
        (0.3, 1.0), description="Share of the area that is kept."
    )
    flip: Share = Field(0.5, description="Mirror left and right.")
    wide_angle: Share = Field(0.0, description="Bend as a wide lens does.")
    occlusion: Share = Field(0.0, description="Hide a part behind a post or a blot.")
    colour: Share = Field(0.0, description="Brightness, contrast, gamma, saturation, tint.")
    rain: Share = Field(0.0, description="Draw streaks.")
    blur: Share = Field(0.0, description="Defocus or smear.")
    sharpen: Share = Field(0.0, description="Over-sharpen.")
    grey: Share = Field(0.0, description="Drop the colour.")
    night: Share = Field(0.0, description="Dark, often grey, vignetted, noisy.")
    noise: Share = Field(0.0, description="Sensor noise.")
    caption: Share = Field(0.0, description="Write a clock into a corner.")
    resample: Share = Field(0.0, description="Shrink and grow again.")
    jpeg: Share = Field(0.0, description="Compress at quality 30 to 95.")
    mixup: float = Field(0.0, ge=0, le=2, description="Alpha of the beta distribution; 0: off.")
    cutmix: float = Field(0.0, ge=0, le=2, description="Alpha of the beta distribution; 0: off.")

    @model_validator(mode="after")
    def _areas_ordered(self) -> Augmentation:
        low, high = self.crop_area
        if not 0 < low <= high <= 1:
            raise ValueError(f"crop_area must rise inside 0 to 1, received {low}, {high}")
        return self


class Phase(Part):
    """One stretch of training with its own optimizer and schedule."""

    name: Word = Field(description="A short word, for logs and --set.")
    epochs: int = Field(ge=1, le=10_000, description="At most so many.")
    steps: int | None = Field(None, ge=1, description="Batches per epoch; none: all images once.")
    train: str = Field(
        "all", description='"all", "head" (the layers after the backbone), or the name of the '
        "backbone layer from which on weights move.",
    )  # fmt: skip
    batch_norm: Literal["frozen", "adapt"] = Field(
        "frozen", description="frozen: stored statistics, the choice for small data."
    )
    batch_norm_momentum: float = Field(0.99, gt=0, lt=1, description="With batch_norm = adapt.")
    size_px: int | None = Field(None, ge=8, le=1024, description="Other than the input's.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        "adamw", description="A fresh one per phase."
    )
    rate: float = Field(1e-3, gt=0, le=10, description="Peak learning rate.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="adamw and sgd only.")
    momentum: float = Field(0.9, ge=0, lt=1, description="sgd only.")
    clip_norm: float = Field(1.0, ge=0, description="Of all gradients together; 0: off.")
    schedule: Literal["constant", "cosine", "plateau"] = Field(
        "cosine", description="How the rate falls: not, to a hundredth, or when gains cease."
    )
    warmup_epochs: float = Field(0.0, ge=0, description="From a twentieth of the rate up to it.")
    plateau_epochs: int = Field(3, ge=1, description="Without gain before the rate drops.")
    plateau_factor: float = Field(0.3, gt=0, lt=1, description="By which the rate then drops.")
    ema: float | None = Field(None, gt=0, lt=1, description="Momentum of averaged weights.")
    stop_after_epochs: int | None = Field(
        None, ge=1, description="Early stopping: epochs without gain on the validation split."
    )
    keep: Literal["best", "last"] = Field("best", description="By the validation split's loss.")
    augment: bool = Field(True, description="Whether training images are changed at all.")
    cached_views: int = Field(
        0, ge=0, le=64,
        description='With train = "head": compute the backbone\'s features of so many augmented '
        "views per image once, and train the head on them; much faster on a CPU.",
    )  # fmt: skip
    stored_views: int = Field(
        0, ge=0, le=10_000_000,
        description="With composition = persons and teachers: compose so many views once, keep "
        "them with the teachers' answers, and train on those; for nets far smaller than their "
        "teachers.",
    )  # fmt: skip
    fake_quant: bool = Field(
        False, description="Train with int8 rounding in weights and activations."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Phase:
        if self.cached_views and self.train != "head":
            raise ValueError(f'cached_views needs train = "head", received {self.train!r}')
        if self.cached_views and self.fake_quant:
            raise ValueError("cached_views and fake_quant exclude each other")
        if self.warmup_epochs >= self.epochs and self.warmup_epochs > 0:
            raise ValueError("warmup_epochs must be smaller than epochs")
        return self


class Training(Part):
    """What holds for all phases."""

    batch: int = Field(32, ge=1, le=4096, description="Images per step.")
    seed: int = Field(20, ge=0, lt=2**31, description="Of weights, order and augmentation.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share given to all classes.")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count more, so that all count alike."
    )
    workers: int = Field(2, ge=1, le=64, description="Threads that read and augment images.")
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="mixed_*: on a GPU that is built for it."
    )
    gpus: int = Field(1, ge=0, le=64, description="2 and more: the same network on each of them.")
    heat_weight: float = Field(
        0.5, ge=0, description="Of the person boxes as a second target; person networks only."
    )


class Distillation(Part):
    """Learn from bigger networks as well as from labels."""

    teachers: tuple[str, ...] = Field(
        min_length=1,
        description=".keras files, or bundles where views are stored; logits are averaged.",
    )
    temperature: float = Field(2.0, gt=0, le=100, description="Softens both answers.")
    weight: Share = Field(0.7, description="Of the teachers; the labels get the rest.")


class Recipe(Part):
    """The whole file."""

    name: Word = Field(description="A short word; names the run's folder.")
    description: str = Field("", description="A sentence for people.")
    data: Data
    input: Input = Input()
    architecture: Architecture
    augmentation: Augmentation = Augmentation()
    training: Training = Training()
    phases: tuple[Phase, ...] = Field(min_length=1)
    distillation: Distillation | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        names = [phase.name for phase in self.phases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two phases are called {twice[0]!r}")
        if self.phases[-1].size_px not in (None, self.input.size_px):
            raise ValueError(
                f"the last phase has size_px {self.phases[-1].size_px}, expected the input's "
                f"{self.input.size_px}: it is what the device will see"
            )
        if self.data.composition == "persons" and self.training.class_weights != "none":
            raise ValueError("class_weights do not go with composition = persons")
        if self.distillation is not None and any(phase.cached_views for phase in self.phases):
            raise ValueError("cached_views and distillation exclude each other")
        stores = any(phase.stored_views for phase in self.phases)
        if stores and (self.distillation is None or self.data.composition != "persons"):
            raise ValueError("stored_views needs distillation.teachers and composition = persons")
        per_value = self.input.normalise in ("mean_image", "pca_whitening", "zca_whitening")
        sizes = {phase.size_px for phase in self.phases} - {None, self.input.size_px}
        if per_value and sizes:
            raise ValueError(f"input.normalise = {self.input.normalise} allows one size only")
        if len(set(self.data.labels)) != len(self.data.labels):
            raise ValueError("data.labels names a label twice")
        return self
