"""What is wrong with a proof, or keeps a document from being secured."""


class ProofError(Exception):
    """A document whose proofs do not hold, or that cannot be secured.

    `code` is a stable word, `detail` for people, `pointer` a JSON pointer fragment into the document.
    """

    def __init__(self, code: str, detail: str, pointer: str = "#") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer
