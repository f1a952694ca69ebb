"""Load libcurl so that no other library's symbols stand before its own.

TensorFlow holds an older libcurl whose symbols every library loaded later would take: pycurl then refuses to load. Bound at
once and to its own symbols (RTLD_NOW, RTLD_DEEPBIND: dlopen(3)) it loads before or after TensorFlow.
"""

import os
import sys

_was = sys.getdlopenflags()
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
try:
    import pycurl
finally:
    sys.setdlopenflags(_was)

__all__ = ["pycurl"]
