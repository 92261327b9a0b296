"""A container's health check: exit code 0 when this service's /readyz answers 200, else 1."""

import os
import sys
import urllib.error
import urllib.request

if __name__ == "__main__":
    url = f"http://127.0.0.1:{os.environ['LAUREL_PORT']}/readyz"
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=4) as answer:
            sys.exit(0 if answer.status == 200 else 1)
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"{url}: {error}")
