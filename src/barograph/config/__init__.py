"""The settings of a training, judged before its first step.

A file or a trainer's arguments are read in the names of their framework (`dialects/`) and become a `Plan`, in which
every setting has one name. Each check (`checks/`) looks at the plan and says what it finds (`judge`).
"""
