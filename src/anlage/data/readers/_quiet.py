"""Keep third-party decoders silent, and name what they raise on bytes that nobody has checked.

Logging levels, warning filters and Pillow's pixel limit are global, and readers may run in
several threads. So the first block that is entered changes them, and the last one that is left
puts them back.
"""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from contextlib import ExitStack
from types import TracebackType
from typing import Final

from PIL import Image

__all__ = ["FAULTS", "quiet"]

# decoders meet hostile bytes deep inside and let whatever happens there escape
FAULTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # and RecursionError, NotImplementedError
    StopIteration,
    SyntaxError,  # Pillow's word for a broken PNG
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_TALKATIVE = ("pydicom", "pylibjpeg", "openjpeg", "PIL", "tifffile")


class _Quiet:
    """Let no library log or warn in this block: their messages quote values and paths.

    Pillow's own limit on pixels is off inside, too: readers check their own limits first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._undo = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._undo = ExitStack()
                self._undo.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
                self._undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                Image.MAX_IMAGE_PIXELS = None
                for name in _TALKATIVE:
                    logger = logging.getLogger(name)
                    self._undo.callback(logger.setLevel, logger.level)
                    logger.setLevel(logging.CRITICAL + 1)
            self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._undo.close()


quiet = _Quiet()
