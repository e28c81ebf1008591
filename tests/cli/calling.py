"""A command, called as the shell calls it."""

from ravine.cli import main


def called(capsys, *arguments):
    code = main([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err
