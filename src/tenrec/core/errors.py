"""Every error that tenrec raises on purpose.

```
TenrecError
├─ InputError          what the user gave cannot be used        exit status 2
│  ├─ ConfigError      a configuration key or value
│  ├─ DataError        a file, row or column
│  └─ UnsolvableError  a problem outside what an exact method covers
└─ WorkError           the work itself failed                   exit status 1
   └─ InterruptedWork  stopped by the user, resumable           exit status 130
```
A message says what was given, what was needed and how to fix it, in one sentence.
"""


class TenrecError(Exception):
    """Root of all deliberate errors."""

    exit_status = 1


class InputError(TenrecError):
    """What the user gave cannot be used."""

    exit_status = 2


class ConfigError(InputError):
    """A configuration key or value is unknown or impossible."""


class DataError(InputError):
    """A data file, row or column cannot be used."""


class UnsolvableError(InputError):
    """The problem lies outside what the exact method can solve."""


class WorkError(TenrecError):
    """The work itself failed."""


class InterruptedWork(WorkError):
    """The user stopped the work; the message says how to resume."""

    exit_status = 130
