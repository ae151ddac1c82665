"""Configurations that more than one file of tests gives to a driver, a supervisor or a provider of discovery."""

FAST = """
[policies]
announce_period_ms = 200
"""
RANGES = """
[driver]
stream_id_range = "20000-20009"
descriptor_stream_id_range = "31000-31009"
control_stream_id_range = "32000-32009"
"""


def small(*names, header_nslots=64, stride_bytes=4096):
    """The profile "small" with one pool, and a stream of it for each name: 10000, 10001 ..."""
    text = f"[profiles.small]\nheader_nslots = {header_nslots}\npayload_pools = [ {{ pool_id = 1, stride_bytes = {stride_bytes} }} ]\n"
    return text + "".join(f'[streams.{name}]\nstream_id = {10000 + i}\nprofile = "small"\n' for i, name in enumerate(names))


def silent(streams):
    """A driver that leaves the hellos to a supervisor; its announces have a stream of their own."""
    return '[driver]\nannounce_stream_id = 1001\nanswer_hello = "never"\n' + streams


def supervisor(count):
    """A supervisor with that many private streams of each kind to give."""
    return f"""
[supervisor]
per_consumer_enabled = true
per_consumer_descriptor_base = 31600
per_consumer_descriptor_range = {count}
per_consumer_control_base = 32600
per_consumer_control_range = {count}
"""


def discovery(announce_stream_id=1001, instance="driver-01"):
    """A provider that knows one driver."""
    return f"""
[discovery]
request_channel = "aeron:ipc?term-length=4m"
request_stream_id = 7000
announce_channel = "aeron:ipc?term-length=4m"
announce_stream_id = {announce_stream_id}
metadata_channel = "aeron:ipc?term-length=4m"
metadata_stream_id = 1300
driver_instance_id = "{instance}"
driver_control_channel = "aeron:ipc?term-length=4m"
driver_control_stream_id = 1000
"""
