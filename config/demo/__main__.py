"""`python -m config.demo` runs the demo; with `audience` or `crew` behind it, one of its scripted parts."""

import asyncio
import sys

from config.demo import audience, crew, stage


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    match arguments:
        case []:
            return stage.main()
        case ["audience"]:
            return asyncio.run(audience.main())
        case ["crew"]:
            return asyncio.run(crew.main())
    print("Run `make demo`.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(0)
