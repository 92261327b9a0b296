"""What a page's Content-Security-Policy needs."""

import base64
import hashlib


def hashes(*texts: str) -> str:
    """The sources that allow exactly these inline scripts or styles."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{digest}'" for digest in digests)
