# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read and verify incremental images, by libincremental.

    with dm_incremental.Image("app.inc") as image:
        image.trust("4f0c...")
        block = image.read(0, 4096)

An image may also be read by a function: Image(read=f, size=n), where f(offset, length)
returns that many bytes of the image file, or raises OSError (with errno ENODATA where
they are absent). Failures are OSError, with the library's sentence.

(The module "incremental" of PyPI is something else.)
"""
import collections
import ctypes
import errno
import os

__all__ = ["Image", "Info", "version"]

_NEWEST = 0xffffffff


class _Error(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * 512)]


_READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64,
                         ctypes.c_size_t, ctypes.c_void_p,
                         ctypes.POINTER(_Error))


class _Io(ctypes.Structure):
    _fields_ = [("read", _READ), ("context", ctypes.c_void_p)]


class _Info(ctypes.Structure):
    _fields_ = [("file_size", ctypes.c_uint64), ("device_size", ctypes.c_uint64),
                ("generation", ctypes.c_uint32), ("generations", ctypes.c_uint32),
                ("chunk_size", ctypes.c_uint32), ("block_size", ctypes.c_uint32),
                ("epoch", ctypes.c_uint32), ("root_size", ctypes.c_uint32),
                ("salt_size", ctypes.c_uint32), ("uuid", ctypes.c_uint8 * 16),
                ("hash_name", ctypes.c_char * 32), ("root", ctypes.c_uint8 * 64),
                ("salt", ctypes.c_uint8 * 256)]


class _Range(ctypes.Structure):
    _fields_ = [("offset", ctypes.c_uint64), ("length", ctypes.c_uint64)]


Info = collections.namedtuple(
    "Info", "file_size device_size generation generations chunk_size "
    "block_size epoch uuid hash_name root salt")

_lib = ctypes.CDLL("libincremental.so.0")
_image = ctypes.c_void_p
_error = ctypes.POINTER(_Error)
for _name, _arguments in {
        "open": [ctypes.POINTER(_image), ctypes.c_char_p, ctypes.c_uint32, _error],
        "open_io": [ctypes.POINTER(_image), ctypes.POINTER(_Io), ctypes.c_uint64,
                    ctypes.c_uint32, _error],
        "trust": [_image, ctypes.c_char_p, ctypes.c_size_t, _error],
        "check_signature": [_image, ctypes.c_char_p, _error],
        "read": [_image, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p, _error],
        "plan": [_image, ctypes.c_uint64, ctypes.c_uint64,
                 ctypes.POINTER(ctypes.POINTER(_Range)),
                 ctypes.POINTER(ctypes.c_size_t), _error],
        "verify": [_image, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p, _error],
}.items():
    getattr(_lib, "incremental_" + _name).argtypes = _arguments
_lib.incremental_version.restype = ctypes.c_char_p
_lib.incremental_close.argtypes = [_image]
_lib.incremental_close.restype = None
_lib.incremental_free.argtypes = [ctypes.c_void_p]
_lib.incremental_free.restype = None
_lib.incremental_get_info.argtypes = [_image, ctypes.POINTER(_Info), ctypes.c_size_t]
_lib.incremental_get_info.restype = None


def version():
    """The library's version."""
    return _lib.incremental_version().decode()


def _call(name, *arguments):
    error = _Error()
    result = getattr(_lib, "incremental_" + name)(*arguments, ctypes.byref(error))
    if result < 0:
        raise OSError(-result, error.text.decode("utf-8", "backslashreplace"))


def _callback(function):
    """The C function for a Python one, from which no exception may escape."""
    def read(_context, offset, length, buffer, error):
        try:
            data = function(offset, length)
            if len(data) != length:
                raise OSError(errno.EIO, "the reading function returned "
                              f"{len(data)} bytes, not {length}")
            ctypes.memmove(buffer, bytes(data), length)
            return 0
        except OSError as failure:
            text, code = failure.strerror or str(failure), failure.errno or errno.EIO
        except Exception as failure:  # pylint: disable=broad-except
            text, code = f"{type(failure).__name__}: {failure}", errno.EIO
        error.contents.text = text.encode()[:511]
        return -code
    return _READ(read)


class Image:
    """One generation of an image."""

    def __init__(self, path=None, generation=None, read=None, size=None):
        """Open the file @path, or what @read returns, of @size bytes in all."""
        self._handle = None
        if (path is None) == (read is None) or (read and size is None):
            raise TypeError("either a path, or read and size")
        number = _NEWEST if generation is None else generation
        handle = _image()
        if path is not None:
            _call("open", ctypes.byref(handle), os.fsencode(path), number)
        else:
            self._function = _callback(read)    # must live as long as the image
            _call("open_io", ctypes.byref(handle),
                  ctypes.byref(_Io(self._function, None)), size, number)
        self._handle = handle

    def close(self):
        """Free the image; it may be closed twice."""
        if self._handle:
            _lib.incremental_close(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()

    def _open(self):
        if not self._handle:
            raise ValueError("the image is closed")
        return self._handle

    @property
    def info(self):
        """Facts about the generation."""
        info = _Info()
        _lib.incremental_get_info(self._open(), ctypes.byref(info), ctypes.sizeof(info))
        return Info(info.file_size, info.device_size, info.generation,
                    info.generations, info.chunk_size, info.block_size, info.epoch,
                    bytes(info.uuid).hex(), info.hash_name.decode(),
                    bytes(info.root)[:info.root_size].hex(),
                    bytes(info.salt)[:info.salt_size].hex())

    def trust(self, root):
        """Fail unless the root digest is this one, in hexadecimal or bytes."""
        digest = bytes.fromhex(root) if isinstance(root, str) else bytes(root)
        _call("trust", self._open(), digest, len(digest))

    def check_signature(self, certificates):
        """Fail unless it is signed by one of the certificates in this file."""
        _call("check_signature", self._open(), os.fsencode(certificates))

    def read(self, offset, length):
        """Verified bytes of the device."""
        if not 0 <= length < 1 << 31 or offset < 0:
            raise ValueError("not a range of the device")
        buffer = ctypes.create_string_buffer(max(length, 1))
        _call("read", self._open(), offset, length, buffer)
        return buffer.raw[:length]

    def plan(self, offset, length):
        """The ranges of the file that such a read takes: (offset, length)."""
        if offset < 0 or length < 0:
            raise ValueError("not a range of the device")
        ranges, count = ctypes.POINTER(_Range)(), ctypes.c_size_t()
        _call("plan", self._open(), offset, length, ctypes.byref(ranges),
              ctypes.byref(count))
        result = [(ranges[i].offset, ranges[i].length) for i in range(count.value)]
        _lib.incremental_free(ranges)
        return result

    def verify(self, offset, data):
        """Fail unless these are the bytes of the file there; see the C header."""
        _call("verify", self._open(), offset, len(data), bytes(data))
