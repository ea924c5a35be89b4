"""The `docaxis` command: what a person or a script does at the axis, and the demonstration.

`main` lists the commands; each group is one module that loads what it needs when it runs, so that
`docaxis --help` is quick. `session` is what all commands share: who calls, how answers are told,
and which exit code an error means. Words are in `messages`, in two languages.
"""
