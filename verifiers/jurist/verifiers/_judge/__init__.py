"""What verifiers that ask a language model share: the candidate, the prompt, the verdict read from the reply."""
