import shlex
import sys

from keras_aegan.cli.arguments import parse
from keras_aegan.cli.mistakes import UsageError


def main(argv: list[str] | None = None) -> int:
    """Runs the command `keras-aegan`.

    Args:
        argv: The arguments, without the command's name. Defaults to those
            that the process was started with.

    Returns:
        The exit code: 0 for success, 2 for a mistake in the arguments or in
        the data, which one line on stderr explains, and 130 for Ctrl-C.

    Raises:
        SystemExit: With code 2 if the arguments cannot be parsed, and with
            code 0 after `--help` or `--version`.

    Example:

    ```python
    main(["generate", "--preset", "aegan_mnist", "--output", "samples.png"])
    ```
    """
    argv = sys.argv[1:] if argv is None else argv
    args = parse(argv)
    args.command_line = shlex.join(["keras-aegan", *argv])
    try:
        args.run(args)
    except UsageError as error:
        print(f"keras-aegan: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"keras-aegan: interrupted. {interrupt}", file=sys.stderr)
        return 130
    return 0
