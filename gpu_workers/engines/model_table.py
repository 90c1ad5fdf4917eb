"""The trained networks that Packshot knows: where they come from, under which terms, for what.

Owns the table and nothing else: what lies on this machine is `model_registry`'s. No weights come
with Packshot; an operator fetches them.

Checksums of the first six are those that projects independent of one another publish for the same
file (looked up in November 2026), and rembg 2.0.86 holds an MD5 for each of them; the one of
bria-rmbg stands in rembg's source. For u2net_cloth_seg only rembg's MD5 is known: its SHA-256 is
recorded when it is first fetched. Terms: U-2-Net #208, BiRefNet #276 #306 #316, rembg #837, the
model pages. Memory of the BiRefNets: peaks of 8 to 10 GB that others measured on CPUs at 1024 x
1024 with onnxruntime's arena off, not measured by us.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

ModelKind: TypeAlias = Literal["segmenter", "garment"]
Commercial: TypeAlias = Literal["yes", "grey", "no"]

_RELEASE: Final = "https://github.com/danielgatis/rembg/releases/download/v0.0.0/"
_GB: Final = 10**9


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network of the operator wants its input and gives its output."""

    input_px: int
    """Side of the square it is run at."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """Subtracted from and divided into red, green and blue of 0 to 1."""
    output: Literal["probability", "logit"]


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One network: its file, its terms, and what a picture loses without it."""

    name: str
    title: str
    kind: ModelKind
    source: str
    """Address of the file, or of who offers the service; empty if the operator brings the file."""
    file_name: str
    """Name within the models folder; empty for a service."""
    licence: str
    commercial: Commercial
    """``yes``: whoever made the weights allows it. ``grey``: the code's licence does, but the
    training data or the weights' own terms leave doubt. ``no``: the licence forbids it."""
    provenance: str
    loss: str
    """What pictures lose where it is missing."""
    sha256: str = ""
    """Lower-case hex; empty where no source of it is known."""
    size_bytes: int = 0
    """0 if unknown."""
    memory_bytes: int = 0
    """Peak of one picture on a CPU; 0 if it stays below a gigabyte or is unknown."""
    recipe: Recipe | None = None
    """Set for the operator's own networks only."""

    @property
    def is_service(self) -> bool:
        """Whether photos leave the machine."""
        return not self.file_name

    @property
    def is_own(self) -> bool:
        """Whether the operator brought it."""
        return self.recipe is not None


MODELS: Final = (
    RegisteredModel(
        name="birefnet-general-lite",
        title="BiRefNet lite",
        kind="segmenter",
        source=f"{_RELEASE}BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
        file_name="birefnet-general-lite.onnx",
        licence="MIT",
        commercial="yes",
        provenance="The author puts code and weights under MIT; some of the pictures it was "
        "trained on have stricter terms. Converted to ONNX by rembg.",
        loss="Products white on white, in rooms, dark on dark or several in one photo are missed "
        "or flagged more often: that is where the built-in segmenter fails.",
        sha256="5600024376f572a557870a5eb0afb1e5961636bef4e1e22132025467d0f03333",
        size_bytes=224_005_088,
        memory_bytes=8 * _GB,
    ),
    RegisteredModel(
        name="birefnet-general",
        title="BiRefNet",
        kind="segmenter",
        source=f"{_RELEASE}BiRefNet-general-epoch_244.onnx",
        file_name="birefnet-general.onnx",
        licence="MIT",
        commercial="yes",
        provenance="As BiRefNet lite, with the larger backbone.",
        loss="As BiRefNet lite; thin parts, straps and openings are found less often. "
        "Made for a GPU: slow on a CPU.",
        sha256="58f621f00f5d756097615970a88a791584600dcf7c45b18a0a6267535a1ebd3c",
        size_bytes=972_666_916,
        memory_bytes=int(8.5 * _GB),
    ),
    RegisteredModel(
        name="isnet-general-use",
        title="IS-Net",
        kind="segmenter",
        source=f"{_RELEASE}isnet-general-use.onnx",
        file_name="isnet-general-use.onnx",
        licence="Apache-2.0",
        commercial="grey",
        provenance="Trained on DIS5K, whose own terms restrict commercial use.",
        loss="Rooms and busy backdrops fail more often on machines too small for BiRefNet.",
        sha256="60920e99c45464f2ba57bee2ad08c919a52bbf852739e96947fbb4358c0d964a",
        size_bytes=178_648_008,
    ),
    RegisteredModel(
        name="u2net",
        title="U²-Net",
        kind="segmenter",
        source=f"{_RELEASE}u2net.onnx",
        file_name="u2net.onnx",
        licence="Apache-2.0",
        commercial="grey",
        provenance="The author says Apache-2.0 and to look at the data's licences (DUTS); who "
        "converted the file was asked and not answered.",
        loss="As IS-Net, on machines smaller still: it looks at 320 pixels only, and its edge is "
        "found again in the photo.",
        sha256="8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
        size_bytes=175_997_641,
    ),
    RegisteredModel(
        name="u2netp",
        title="U²-Net small",
        kind="segmenter",
        source=f"{_RELEASE}u2netp.onnx",
        file_name="u2netp.onnx",
        licence="Apache-2.0",
        commercial="grey",
        provenance="As U²-Net.",
        loss="Little: the lightest network, rougher than U²-Net.",
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        size_bytes=4_574_861,
    ),
    RegisteredModel(
        name="silueta",
        title="Silueta",
        kind="segmenter",
        source=f"{_RELEASE}silueta.onnx",
        file_name="silueta.onnx",
        licence="none stated",
        commercial="grey",
        provenance="U²-Net made smaller by the author of rembg, without a statement of its own.",
        loss="Little: U²-Net in a quarter of its size.",
        sha256="75da6c8d2f8096ec743d071951be73b4a8bc7b3e51d9a6625d63644f90ffeedb",
        size_bytes=44_173_029,
    ),
    RegisteredModel(
        name="bria-rmbg",
        title="RMBG 2.0",
        kind="segmenter",
        source=f"{_RELEASE}bria-rmbg-2.0.onnx",
        file_name="bria-rmbg.onnx",
        licence="CC BY-NC 4.0",
        commercial="no",
        provenance="Commercial use needs a paid licence of BRIA. rembg's own default: Packshot "
        "never loads it unasked.",
        loss="Nothing that BiRefNet does not give under clearer terms.",
        sha256="5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
        memory_bytes=int(8.5 * _GB),
    ),
    RegisteredModel(
        name="u2net_cloth_seg",
        title="Cloth parser",
        kind="garment",
        source=f"{_RELEASE}u2net_cloth_seg.onnx",
        file_name="u2net_cloth_seg.onnx",
        licence="MIT",
        commercial="grey",
        provenance="The code is MIT; trained on iMaterialist, a data set for research.",
        loss="A garment on a person or a mannequin is not told from skin and stand; ghost "
        "mannequin and display start from the whole silhouette.",
        size_bytes=176_194_565,
        memory_bytes=2 * _GB,
    ),
    RegisteredModel(
        name="withoutbg",
        title="withoutBG",
        kind="segmenter",
        source="https://withoutbg.com",
        file_name="",
        licence="paid service",
        commercial="grey",
        provenance="Sends every photo to withoutbg.com and costs money for each; its key is "
        "WITHOUTBG_API_KEY.",
        loss="Nothing that has to leave the machine.",
    ),
    RegisteredModel(
        name="atlascloud",
        title="Atlas Cloud",
        kind="segmenter",
        source="https://www.atlascloud.ai",
        file_name="",
        licence="paid service",
        commercial="grey",
        provenance="Sends every photo to atlascloud.ai and costs money for each; its key is "
        "ATLASCLOUD_API_KEY.",
        loss="Nothing that has to leave the machine.",
    ),
)
