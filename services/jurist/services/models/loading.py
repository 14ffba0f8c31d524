"""Loads weights with transformers, and makes sure that what makes a model fast does not change what it says."""

# What torch and transformers leave without a type is no error of this file.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from jurist.services.models.causal import Causal
from jurist.services.models.chat import Chat
from jurist.services.models.rating import Classifier
from jurist.verifiers import Message, Prompt, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.services.models.settings import Weights

__all__ = ["Model", "load"]

SAMPLED_BYTES = 1 << 20  # of the beginning and the end of each file of weights: what tells one training from another
UNBOUNDED_TOKENS = 1_000_000  # a tokenizer that knows no limit says so by a huge number
AGREEMENT = {torch.float64: 1e-9, torch.float32: 1e-4}  # of probabilities computed in two ways
COARSE_AGREEMENT = 5e-2  # in 16 bits; P(yes) was seen to move by 0.011

PROBE = (
    "Some models cannot have a beginning computed once for many prompts, or rows of unequal lengths beside each "
    "other. Whether this one can is found out by asking it the same both ways. The number is "
)


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model. `identity` names it with its revision; `notes` are for its owner."""

    answers: Causal | Classifier
    identity: str
    notes: Sequence[str]


def load(name: str, settings: Weights, stopped: Callable[[], bool]) -> Model:
    """Load a model.

    Raises:
        OSError, ValueError, RuntimeError: as transformers and torch say that it cannot be.
    """
    transformers.utils.logging.disable_progress_bar()
    device = _device(settings.device)
    if device == "cpu":
        torch.set_num_threads(settings.threads)
    where: dict[str, Any] = {"revision": settings.revision} if settings.revision else {}
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(settings.path, **where)
    family: Any = (
        transformers.AutoModelForCausalLM
        if settings.kind == "judge"
        else transformers.AutoModelForSequenceClassification
    )
    model: Any = family.from_pretrained(settings.path, dtype=_dtype(settings.dtype, device), **where).to(device).eval()
    revision = _revision(settings, model)
    title = f"{name}@{revision[:12]}"
    context = settings.context_tokens or _context(model, tokenizer)
    chat = Chat(tokenizer, settings.chat_options)
    identity = f"{settings.path}@{revision} {model.dtype} {dict(settings.chat_options)} {context}"
    if settings.kind == "reward":
        labels = model.config.num_labels
        if labels != 1:
            raise ValueError(f"a reward model has one label, not {labels}")
        text = model.config.get_text_config()
        if text.pad_token_id is None:  # rows are of one length and never padded; without one it takes single rows only
            text.pad_token_id = -1
        rate = Classifier(
            model, chat, name=title, context_tokens=context, batch_tokens=settings.batch_tokens, stopped=stopped
        )
        return Model(rate, identity, ())
    judge = Causal(
        model,
        tokenizer,
        chat,
        name=title,
        context_tokens=context,
        batch_tokens=settings.batch_tokens,
        stopped=stopped,
    )
    return Model(judge, identity, _checked(judge, model.dtype))


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(wanted: str, device: str) -> Any:  # noqa: ANN401  # a torch.dtype or "auto"
    if wanted != "auto":
        return getattr(torch, wanted)
    return torch.float32 if device == "cpu" else "auto"


def _context(model: Any, tokenizer: Any) -> int:  # noqa: ANN401
    known = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [limit for limit in (known, tokenizer.model_max_length) if limit and limit < UNBOUNDED_TOKENS]
    return min(limits, default=UNBOUNDED_TOKENS)


def _revision(settings: Weights, model: Any) -> str:  # noqa: ANN401
    """Return what tells these weights from others: a hub's commit, else a digest of the files' sizes and ends."""
    commit = getattr(model.config, "_commit_hash", None)
    if commit:
        return str(commit)
    digest = hashlib.sha256(settings.revision.encode())
    for file in sorted(Path(settings.path).iterdir()):
        if file.is_file():
            with file.open("rb") as content:
                size = file.stat().st_size
                digest.update(f"{file.name} {size} ".encode())
                digest.update(content.read(SAMPLED_BYTES))
                content.seek(max(0, size - SAMPLED_BYTES))
                digest.update(content.read())
    return digest.hexdigest()


def _checked(judge: Causal, dtype: torch.dtype) -> Sequence[str]:
    """Ask prompts together and alone; where the answers differ, have them computed alone from now on."""
    prompts = [
        Prompt(messages=(Message("user", PROBE + number),), labels=("Yes", "No"), template="")
        for number in ("1.", "twenty-two.", "three hundred and thirty-three.")
    ]
    alone = [reply for prompt in prompts for reply in judge.answer([prompt])]
    together = judge.answer(prompts)
    moved = max(
        abs(one.probabilities[0] - other.probabilities[0])
        for one, other in zip(alone, together, strict=True)
        if isinstance(one, Reading) and isinstance(other, Reading)
    )
    if moved <= AGREEMENT.get(dtype, COARSE_AGREEMENT):
        return ()
    judge.alone = True
    return (f"prompts asked together answer otherwise (by {moved:.2g}) than alone: each is computed alone",)
