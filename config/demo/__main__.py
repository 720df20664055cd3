"""`python -m config.demo` runs the demo; with `audience` or `crew` behind it, one of its scripted parts."""

import asyncio
import sys


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    match arguments:
        case []:
            from config.demo import stage

            return stage.main()
        case ["audience"]:
            from config.demo import audience

            return asyncio.run(audience.main())
        case ["crew"]:
            from config.demo import crew

            return asyncio.run(crew.main())
    print("Run `make demo`.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(0)
