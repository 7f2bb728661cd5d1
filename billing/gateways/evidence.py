"""Evidence in a dispute as gateways take it; `panel.kernel.evidence` names its texts and documents and their limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from panel.kernel.evidence import Document, Text


@dataclass(frozen=True, slots=True)
class Upload:
    """A PDF to hand over. The same `key` again, within the gateway's memory, makes no second copy."""

    key: str
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence for one dispute. `documents` holds the references that uploads got.

    A text that is left out stays as it is at the gateway; an empty one is taken away there, and so is an empty
    reference.
    """

    key: str
    dispute: str
    texts: Mapping[Text, str]
    documents: Mapping[Document, str]
