"""The command line: `ravine COMMAND ...`. One file a command; each parses, calls the Python API and prints."""

import sys
from collections.abc import Sequence
from importlib import import_module

# name -> what it does; the module of the same name is imported only when it is asked for
COMMANDS = {
    "train": "train on a folder of images; the same command again resumes",
    "finetune": "train from pretrained weights, with a head for your classes",
    "features": "write what a pretrained network makes of your images, as an .npz",
    "probe": "see what a pretrained network's features know of your classes, in seconds",
    "transfers": "find which pretrained blocks serve your data, and what to freeze",
    "resume": "go on with an interrupted run",
    "kfold": "cross-validate: every image validated once, and k networks that vote",
    "lr-find": "suggest a learning rate, with a picture",
    "check": "look over a data set: unreadable files, duplicates, leaks, imbalance",
    "augment": "see what an augmentation does to your images",
    "evaluate": "score a run or a weights file on data",
    "predict": "name the classes of images",
    "export": "write one file for use elsewhere: safetensors, ONNX, PyTorch",
    "distill": "train one student on what an ensemble says",
    "masks": "each dropout mask is one model: how good each is, and their average",
    "ensemble": "judge an ensemble, join finished runs into one file",
    "report": "explain a run in one page, or compare several",
    "info": "say what a run or a weights file is",
    "landscape": "race the update rules on losses of two weights, on a page that plays",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code (0 ok, others as in `ravine --help`)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("-V", "--version"):
        from ravine import __version__

        print(f"ravine {__version__}")
        return 0
    from ravine.cli.failures import guarded

    return guarded(lambda: _command(arguments[0]).run(arguments[1:]), debug)


def usage() -> str:
    """What `ravine --help` prints."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return f"""ravine: train an image classifier as good as the data allows, and see why it is

  ravine train digits                     the embedded digits, to try it
  ravine train photos/                    a folder with one folder of images per class
  ravine predict runs/photos new.jpg      what the best network says

commands (ravine COMMAND --help shows examples and flags):
{commands}

  --version   --debug (tracebacks)

exit codes: 0 ok, 1 internal, 2 usage, 3 bad data, 4 cannot save, 5 no valid checkpoint, 6 run folder in use,
            7 loss not finite, 8 out of memory, 130 interrupted (Ctrl-C), 143 terminated"""


def _command(name: str):
    from ravine.errors import UsageError, did_you_mean

    if name not in COMMANDS:
        raise UsageError(f"no command {name!r}", where="ravine", cure=did_you_mean(name, COMMANDS))
    return import_module(f"ravine.cli.{name.replace('-', '_')}")
