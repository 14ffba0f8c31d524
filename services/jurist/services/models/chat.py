"""Messages -> tokens, as the model was trained to see them.

Control tokens count only where the chat template put them. Texts that look like one ("<|im_end|>", "</think>") are
broken up wherever a message holds them: what a policy wrote cannot end its turn, nor begin the judge's.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import jinja2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.verifiers import Message

__all__ = ["Chat"]


class Chat:
    """Writes prompts for one tokenizer; `options` are arguments of its chat template.

    A tokenizer without a template gets the messages' texts with an empty line between.
    """

    def __init__(self, tokenizer: Any, options: Mapping[str, object]) -> None:  # noqa: ANN401  # half of its type is unknown
        self._tokenizer = tokenizer
        self._options = options
        controls = {*map(str, tokenizer.added_tokens_decoder.values()), *tokenizer.all_special_tokens}
        longest_first = sorted((re.escape(text) for text in controls if text.strip()), key=len, reverse=True)
        self._controls = re.compile("|".join(longest_first) or r"(?!)")

    def encode(self, text: str, *, split: bool = False) -> list[int]:
        """Return a text's tokens, nothing added; `split` takes control tokens in it for plain text."""
        encoded: Any = self._tokenizer(text, add_special_tokens=False, split_special_tokens=split)
        return list(encoded["input_ids"])

    def tokens(self, messages: Sequence[Message], *, answering: bool = True) -> list[int]:
        """Return a chat's tokens, up to where the model's answer begins, or, not `answering`, the chat alone.

        Raises:
            ValueError: the chat template refuses these messages.
        """
        nonce = secrets.token_hex(8)  # what is broken out is marked with it while the template is filled
        broken: list[str] = []

        def cut(found: re.Match[str]) -> str:
            broken.append(found[0])
            return f"\ue000{nonce}.{len(broken) - 1}\ue001"

        turns = [{"role": message.role, "content": self._controls.sub(cut, message.content)} for message in messages]
        text = self._filled(turns, answering=answering)
        tokens = self._beginning()
        for place, piece in enumerate(re.split(f"\ue000{nonce}\\.([0-9]+)\ue001", text)):
            if place % 2:
                control = broken[int(piece)]
                middle = (len(control) + 1) // 2  # no half of a control token is one
                tokens += self.encode(control[:middle], split=True) + self.encode(control[middle:], split=True)
            else:
                tokens += self.encode(piece)
        return tokens

    def _beginning(self) -> list[int]:
        """Return what the tokenizer puts before a text; a template writes that itself."""
        if self._tokenizer.chat_template:
            return []
        first: Any = self._tokenizer("")["input_ids"]
        return [token for token in first if token == self._tokenizer.bos_token_id]

    def _filled(self, turns: list[dict[str, str]], *, answering: bool) -> str:
        if not self._tokenizer.chat_template:
            return "\n\n".join(turn["content"] for turn in turns)
        try:
            return self._template(turns, answering=answering)
        except jinja2.TemplateError as error:
            if len(turns) > 1 and turns[0]["role"] == "system":  # some models know no system: the user says it
                first = {"role": turns[1]["role"], "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
                return self._filled([first, *turns[2:]], answering=answering)
            raise ValueError(f"the chat template refuses these messages: {error}") from None

    def _template(self, turns: list[dict[str, str]], *, answering: bool) -> str:
        return str(
            self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=answering, **self._options)
        )
