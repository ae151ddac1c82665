"""Frames of a real stream in NumPy by way of DLPack, through the C interface and ctypes: shapes, types, read-only, lifetime."""

import ctypes
import os

import numpy as np
import pytest
from cli import environment, start_tp
from configs import FAST, small
from harness.waiting import until

CONFIG = FAST + small("cam1", header_nslots=8)
COPY = 2

pytestmark = pytest.mark.skipif("" != os.environ.get("TP_INSTRUMENTED", ""), reason="an instrumented library cannot be loaded into Python")


class View(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("stream_id", ctypes.c_uint32), ("epoch", ctypes.c_uint64), ("seq", ctypes.c_uint64),
        ("payload", ctypes.c_void_p), ("payload_bytes", ctypes.c_size_t), ("tensor", ctypes.c_void_p), ("timestamp_ns", ctypes.c_uint64),
        ("publish_timestamp_ns", ctypes.c_uint64), ("trace_id", ctypes.c_uint64), ("meta_version", ctypes.c_uint32),
        ("pool_id", ctypes.c_uint16), ("reserved16", ctypes.c_uint16), ("opaque", ctypes.c_void_p * 3), ("opaque_words", ctypes.c_uint64 * 2),
        ("reserved", ctypes.c_uint64 * 2)]


class Frame:
    """What numpy.from_dlpack takes: an object that makes a capsule of a DLManagedTensor."""

    def __init__(self, managed):
        self.managed = managed

    def __dlpack__(self, stream=None):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(self.managed, b"dltensor", None)

    def __dlpack_device__(self):
        return (1, 0)


class Library:
    def __init__(self):
        self.tp = ctypes.CDLL(os.path.join(os.environ["TP_BIN_DIR"], "..", "lib", "libtensor_pool.so"))
        self.tp.tp_errmsg.restype = ctypes.c_char_p
        self.tp.tp_frame_view_is_valid.restype = ctypes.c_bool
        self.tp.tp_dlpack_is_valid.restype = ctypes.c_bool
        self.tp.tp_dlpack_is_valid.argtypes = [ctypes.c_void_p]
        self.tp.tp_consumer_next.argtypes = [ctypes.c_void_p, ctypes.POINTER(View), ctypes.c_int64]
        for name in ("tp_consumer_close", "tp_client_close"):
            getattr(self.tp, name).argtypes = [ctypes.c_void_p]
            getattr(self.tp, name).restype = None

    def ok(self, rc):
        assert rc >= 0, self.tp.tp_errmsg().decode()
        return rc


@pytest.fixture
def library(sandbox, monkeypatch):
    for name, value in environment(sandbox).items():
        if name.startswith(("TP_", "SHM_")):
            monkeypatch.setenv(name, str(value))
    return Library()


@pytest.fixture
def consumer(library, start):
    start.driver(config=CONFIG)
    client, made = ctypes.c_void_p(), ctypes.c_void_p()
    library.ok(library.tp.tp_connect(ctypes.byref(client), None))
    library.ok(library.tp.tp_consumer_open(ctypes.byref(made), client, 10000))
    yield made
    if made.value:
        library.tp.tp_consumer_close(made)
    library.tp.tp_client_close(client)


def publish(start, sandbox, *arguments):
    return start_tp(start, sandbox, "pub", "cam1", "--pattern", "counter", "--wait-consumers", 1, "--linger", 3, *arguments)


def next_array(library, consumer, flags=0):
    """The next frame as (seq, handle of the export, array)."""
    view, managed = View(), ctypes.c_void_p()
    assert 1 == library.tp.tp_consumer_next(consumer, ctypes.byref(view), 20_000_000_000)
    library.ok(library.tp.tp_dlpack_from_view(ctypes.byref(managed), ctypes.byref(view), flags))
    array = np.from_dlpack(Frame(managed.value))
    assert library.tp.tp_frame_view_is_valid(ctypes.byref(view))
    return view, managed, array


def counter(seq, length):
    return ((np.arange(length, dtype=np.uint64) + np.uint64(seq)) % np.uint64(256)).astype(np.uint8)


@pytest.mark.parametrize("short, dtype", [("u8", np.uint8), ("i16", np.int16), ("u32", np.uint32), ("i64", np.int64), ("f32", np.float32),
    ("f64", np.float64)])
def test_arrays_have_the_shape_type_and_bytes_of_the_frame(library, consumer, start, sandbox, short, dtype):
    publish(start, sandbox, "--shape", "4x5x6", "--dtype", short, "--hz", 20, "--count", 3)
    view, managed, array = next_array(library, consumer)
    size = np.dtype(dtype).itemsize
    assert array.shape == (4, 5, 6) and array.dtype == dtype and array.strides == (30 * size, 6 * size, size)
    assert array.ctypes.data == view.payload
    assert (np.frombuffer(array.tobytes(), np.uint8) == counter(view.seq, 120 * size)).all()
    assert not array.flags.writeable
    with pytest.raises(ValueError):
        array[0, 0, 0] = 1
    assert library.tp.tp_dlpack_is_valid(managed)


def test_array_tells_that_its_slot_was_overwritten_and_a_copy_stays(library, consumer, start, sandbox):
    publish(start, sandbox, "--shape", "100", "--dtype", "u8", "--hz", 50, "--count", 40)
    view, managed, array = next_array(library, consumer)
    view2, managed2, copy = next_array(library, consumer, COPY)
    assert array.ctypes.data == view.payload and copy.ctypes.data != view2.payload
    until(lambda: not library.tp.tp_dlpack_is_valid(managed), 20, "the ring to come round")
    assert library.tp.tp_dlpack_is_valid(managed2)
    assert (copy == counter(view2.seq, 100)).all()
    assert array.shape == (100,)


def test_array_outlives_the_consumer(library, consumer, start, sandbox):
    publish(start, sandbox, "--shape", "100", "--dtype", "u8", "--hz", 20, "--count", 2)
    view, managed, array = next_array(library, consumer)
    expected = counter(view.seq, 100)
    part = array[10:20]
    library.tp.tp_consumer_close(consumer)
    consumer.value = None
    del array
    assert not library.tp.tp_dlpack_is_valid(managed)
    assert (part == expected[10:20]).all()
    del part
