"""Entry point: run a command, print errors as one line each, return the exit code."""

import sys

from metaanalysis.errors import InputError, MetaAnalysisError


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a computation failed or a check did not hold, 2 wrong input."""
    from metaanalysis.cli import app

    try:
        app()
    except MetaAnalysisError as error:
        lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
        for line in lines:
            print(f"error: {' '.join(line.split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
