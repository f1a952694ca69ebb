"""Ask a service whether it is well: `health.py URL [COMPONENT...]`; exit 1 where it, or a named component, is not."""

import json
import sys
from urllib.request import urlopen


def main(url: str, *components: str) -> str:
    """Return what is wrong with a service, or nothing: it must answer, and each component must call itself healthy."""
    if not url.startswith("http://"):
        return f"{url}: no http:// address; give the service's own health page"
    try:
        with urlopen(url, timeout=5) as answer:
            said = answer.read()
    except OSError as error:
        return f"{url}: {error}"
    states = {name: json.loads(said).get(name) or {} for name in components}
    return ", ".join(f"{name}: {of.get('status')}" for name, of in states.items() if of.get("status") != "healthy")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
