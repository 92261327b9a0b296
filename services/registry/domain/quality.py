"""What a client says it would rather have: the lists of RFC 9110 with their weights (12.4.2)."""


def read(header: str) -> list[tuple[str, float]]:
    """Each member in lower case with its weight; one whose weight cannot be read is not wanted (0)."""
    return [_read(part) for part in header.split(",") if part.strip()]


def _read(part: str) -> tuple[str, float]:
    value, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, weight = parameter.partition("=")
        if name.strip() == "q":
            try:
                return value, min(max(float(weight), 0.0), 1.0)
            except ValueError:
                return value, 0.0
    return value, 1.0
