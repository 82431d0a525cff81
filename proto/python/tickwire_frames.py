#!/usr/bin/env python3
"""Decodes Tickwire frames v1 and v2 (../frames.md). Standard library only.

    python3 tickwire_frames.py [--v1 | --v2] FILE...

prints one line of JSON per file: the frame, or {"fault": reason}. Without --v1 or --v2 it looks for v2's magic.

`decode_v2(data)` and `decode_v1(data)` give dicts with whole numbers as ints (v1: floats) and raise FrameFault.
"""

import json
import struct
import sys
import zlib

FRAME_BYTES_MAX = 65_536
NUMBER_MAX = 2**53 - 1
INSTRUMENT_MAX = 2**32 - 1
TIME_BASE_MICROS = 2**20 * 1_000
LEVEL_MAX = 1_000_000
RESOLUTIONS = 10
CHANNELS = 16
BOOK_LEVELS_MAX = 2_000

TRADE, QUOTE, TICKER, BAR, ENIGMA, HEARTBEAT, DICTIONARY, ERROR = 1, 2, 3, 4, 5, 8, 12, 16
BOOK_SNAPSHOT, BOOK_DELTA, BOOK_TOP, STATUS = 6, 7, 17, 18
GAP_STATES = {9: "gap", 10: "repaired", 11: "lost"}
# Kind: how many records its blocks may have.
RECORDS = {TRADE: (1, 512), QUOTE: (1, 512), DICTIONARY: (1, 512), HEARTBEAT: (0, 512)}
RECORDS |= {kind: (1, 1) for kind in (TICKER, BAR, ENIGMA, ERROR, *GAP_STATES)}
RECORDS |= {kind: (1, 1) for kind in (BOOK_SNAPSHOT, BOOK_DELTA, BOOK_TOP, STATUS)}
STATES = ("live", "stale", "syncing")


class FrameFault(Exception):
    """A frame that cannot be trusted. `reason` is one of the reasons of ../frames.md."""

    def __init__(self, reason, detail=""):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class _Unknown(Exception):
    """A flag, resolution, channel or state unknown to this decoder: its block is skipped."""


def crc32(data):
    """CRC-32 (IEEE); of b"123456789" it is 0xCBF43926."""
    return zlib.crc32(data) & 0xFFFFFFFF


def decode_v1(data):
    """Document 002's frame: {"records": [{"symbolId", "price", "volume"}]}."""
    _check_envelope(data, 6)
    (count,) = struct.unpack_from("<H", data, 4)
    if len(data) != 6 + 18 * count:
        raise FrameFault("bad-length", f"{count} records in {len(data)} bytes")
    names = ("symbolId", "price", "volume")
    return {"records": [dict(zip(names, row)) for row in struct.iter_unpack("<Hdd", data[6:])]}


def decode_v2(data):
    """Header and blocks: {"dictionary", "timeBase", "blocks": [...], "skipped"}. Times are µs since 1970."""
    _check_envelope(data, 16)
    if data[4:6] != b"TW":
        raise FrameFault("bad-magic")
    if data[6] != 2:
        raise FrameFault("bad-version", f"version {data[6]}")
    dictionary, time_base = struct.unpack_from("<II", data, 8)
    reader, blocks, skipped = _Reader(data, 16, len(data)), [], 0
    while reader.at < reader.end:
        block = _block(reader, time_base)
        if block is None:
            skipped += 1
        else:
            blocks.append(block)
    return {"dictionary": dictionary, "timeBase": time_base, "blocks": blocks, "skipped": skipped}


def _check_envelope(data, least):
    if len(data) < least:
        raise FrameFault("too-short", f"{len(data)} bytes")
    if len(data) > FRAME_BYTES_MAX:
        raise FrameFault("too-long", f"{len(data)} bytes")
    if crc32(data[4:]) != struct.unpack_from("<I", data)[0]:
        raise FrameFault("bad-crc")


class _Reader:
    """A place in a range of bytes; every read checks the range first."""

    def __init__(self, data, at, end):
        self.data, self.at, self.end = data, at, end

    def take(self, count):
        if count > self.end - self.at:
            raise FrameFault("bad-length", f"cut off at {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self):
        return self.take(1)[0]

    def varuint(self):
        value = 0
        for shift in range(0, 56, 7):
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                return checked(value)
        raise FrameFault("bad-number", "more than 8 bytes")

    def varint(self):
        coded = self.varuint()
        return coded >> 1 if coded & 1 == 0 else -(coded >> 1) - 1

    def amount(self):
        low = self.varuint()
        if low >= 2**48:
            raise FrameFault("bad-number", f"low limb of {low}")
        return (self.varuint() << 48) + low

    def instrument(self):
        number = self.varuint()
        if number > INSTRUMENT_MAX:
            raise FrameFault("bad-number", f"instrument {number}")
        return number

    def text(self, length):
        return self.take(length).decode("utf-8", errors="replace")


def checked(value):
    if not 0 <= value <= NUMBER_MAX:
        raise FrameFault("bad-number", f"{value} is out of range")
    return value


def _block(frame, time_base):
    """The next block, or None when it is skipped; the frame's reader goes on after it either way."""
    head = frame.u8()
    instrument = frame.varuint()
    length = frame.varuint()
    if instrument > INSTRUMENT_MAX:
        raise FrameFault("bad-number", f"instrument {instrument}")
    frame.take(length)
    reader = _Reader(frame.data, frame.at - length, frame.at)
    kind = head & 0x1F
    if kind not in RECORDS:
        return None
    count = reader.varuint()
    least, most = RECORDS[kind]
    if not least <= count <= most:
        raise FrameFault("bad-number", f"{count} records of kind {kind}")
    cursor = reader.varuint()
    unit = 1 if head & 0x40 else 1_000
    time = checked(time_base * TIME_BASE_MICROS + reader.varuint() * unit)
    received = checked(time + reader.varint()) if head & 0x20 else 0
    block = {"instrument": instrument, "cursor": cursor, "time": time, "snapshot": head & 0x80 != 0}
    block |= {"micros": unit == 1, "received": received, "kind": _NAMES.get(kind, "gap")}
    try:
        block["records"] = _READERS[kind](reader, block, kind, count, unit)
    except _Unknown:
        return None
    if reader.at != reader.end:
        raise FrameFault("bad-length", f"{reader.end - reader.at} bytes left over in a block")
    return block


def _flags(reader, known):
    flags = reader.u8()
    if flags & ~known:
        raise _Unknown
    return flags


def _trades(reader, block, _kind, count, unit):
    number, time, price, records = block["cursor"], block["time"], 0, []
    for _ in range(count):
        flags = _flags(reader, 0x7F)
        number = checked(number + (1 if flags & 4 else reader.varint()))
        if not flags & 2:
            time = checked(time + reader.varint() * unit)
        if not flags & 8:
            price = checked(price + reader.varint())
        size = reader.varuint()
        merged = checked(reader.varuint() + 1) if flags & 32 else 1
        record = {"instrument": block["instrument"], "id": number, "time": time, "price": price, "size": size}
        record |= {"takerSold": flags & 1 != 0, "merged": merged, "late": flags & 16 != 0}
        records.append(record | ({"quarantined": True} if flags & 64 else {}))
    return records


def _quotes(reader, block, _kind, count, unit):
    version, time, records = block["cursor"], block["time"], []
    bid = bid_size = ask = ask_size = 0
    for _ in range(count):
        flags = _flags(reader, 0x1F)
        version = checked(version + reader.varint())
        if not flags & 2:
            time = checked(time + reader.varint() * unit)
        if not flags & 1:
            bid = checked(bid + reader.varint())
        if not flags & 4:
            bid_size = reader.varuint()
        if not flags & 8:
            ask = checked(bid + reader.varint())
        if not flags & 16:
            ask_size = reader.varuint()
        record = {"instrument": block["instrument"], "version": version, "time": time, "bid": bid}
        records.append(record | {"bidSize": bid_size, "ask": ask, "askSize": ask_size})
    return records


def _ticker(reader, block, *_):
    last = reader.varuint()
    record = {"instrument": block["instrument"], "time": block["time"], "last": last}
    record |= {"open": checked(last + reader.varint()), "high": checked(last + reader.varint())}
    record |= {"low": checked(last - reader.varuint()), "volume": reader.amount(), "quoteVolume": reader.amount()}
    return [record | {"count": reader.varuint()}]


def _bar(reader, block, *_):
    resolution = reader.u8()
    flags = _flags(reader, 7)
    if resolution >= RESOLUTIONS:
        raise _Unknown
    record = {"instrument": block["instrument"], "resolution": resolution, "openTime": checked(block["cursor"] * 1_000_000)}
    record["revision"] = reader.varuint()
    record["open"] = reader.varuint()
    record["high"] = checked(record["open"] + reader.varuint())
    record["low"] = checked(record["open"] - reader.varuint())
    record["close"] = checked(record["open"] + reader.varint())
    record |= {"volume": reader.amount(), "quoteVolume": reader.amount(), "count": reader.varuint()}
    record |= {"takerBuyVolume": reader.amount(), "takerBuyQuoteVolume": reader.amount(), "firstId": reader.varuint()}
    record["lastId"] = checked(record["firstId"] + reader.varuint())
    record |= {"closed": flags & 1 != 0, "corrected": flags & 2 != 0, "incomplete": flags & 4 != 0}
    return [record | {"lastTime": block["time"]}]


def _enigma(reader, block, *_):
    level = reader.varuint()
    if level > LEVEL_MAX:
        raise FrameFault("bad-number", f"level {level}")
    record = {"instrument": block["instrument"], "time": block["time"], "level": level}
    record |= {"price": reader.varuint(), "ath": reader.varuint(), "atl": reader.varuint()}
    record["athTime"] = checked(reader.varuint() * 1_000_000)
    return [record | {"atlTime": checked(reader.varuint() * 1_000_000)}]


def _gap(reader, block, kind, *_):
    first = block["cursor"]
    last = checked(first + reader.varuint())
    record = {"instrument": block["instrument"], "state": GAP_STATES[kind], "from": first, "to": last}
    return [record | {"time": block["time"]}]


def _book_counts(reader):
    counts = reader.varuint(), reader.varuint()
    if max(counts) > BOOK_LEVELS_MAX:
        raise FrameFault("bad-number", f"{counts} levels")
    return counts


def _book_sides(block, flags):
    return {"instrument": block["instrument"], "bidsWhole": flags & 1 == 0, "asksWhole": flags & 2 == 0}


def _book(reader, block, *_):
    flags = _flags(reader, 3)
    counts = _book_counts(reader)
    record = _book_sides(block, flags)
    best_bid = 0
    for name, count, way in (("bids", counts[0], -1), ("asks", counts[1], 1)):
        levels, price = [], 0
        for level in range(count):
            if level == 0:
                price = reader.varuint() if way < 0 else checked(best_bid + reader.varint())
            else:
                step = reader.varuint()
                if step == 0:
                    raise FrameFault("bad-number", "a price twice")
                price = checked(price + way * step)
            levels.append([price, reader.varuint()])
        record[name] = levels
        best_bid = levels[0][0] if way < 0 and levels else 0
    return [record]


def _book_delta(reader, block, *_):
    flags = _flags(reader, 3)
    record = _book_sides(block, flags)
    record["previous"] = checked(block["cursor"] - reader.varuint())
    record["firstUpdate"] = checked(block["cursor"] - reader.varuint())
    price = 0
    for name, count in zip(("bids", "asks"), _book_counts(reader)):
        record[name] = []
        for _level in range(count):
            price = checked(price + reader.varint())
            record[name].append([price, reader.varuint()])
    return [record]


def _status(reader, block, *_):
    channel, state = reader.u8(), reader.u8()
    if channel >= CHANNELS or state >= len(STATES):
        raise _Unknown
    record = {"instrument": block["instrument"], "channel": channel, "state": STATES[state]}
    return [record | {"since": checked(block["time"] - reader.varint()), "time": block["time"]}]


def _heartbeat(reader, _block, _kind, count, _unit):
    return [
        {"kind": reader.varuint(), "instrument": reader.instrument(), "cursor": reader.varuint()} for _ in range(count)
    ]


def _dictionary(reader, _block, _kind, count, _unit):
    records = []
    for _ in range(count):
        record = {"id": reader.instrument(), "active": _flags(reader, 1) == 1}
        record |= {"priceDecimals": reader.u8(), "sizeDecimals": reader.u8()}
        records.append(record | {name: reader.text(reader.u8()) for name in ("symbol", "base", "quote")})
    return records


def _error(reader, *_):
    return [reader.text(reader.varuint())]


_NAMES = {TRADE: "trade", QUOTE: "quote", TICKER: "ticker", BAR: "bar", ENIGMA: "enigma"}
_NAMES |= {HEARTBEAT: "heartbeat", DICTIONARY: "dictionary", ERROR: "error"}
_NAMES |= {BOOK_SNAPSHOT: "bookSnapshot", BOOK_DELTA: "bookDelta", BOOK_TOP: "bookTop", STATUS: "status"}
_READERS = {TRADE: _trades, QUOTE: _quotes, TICKER: _ticker, BAR: _bar, ENIGMA: _enigma}
_READERS |= {HEARTBEAT: _heartbeat, DICTIONARY: _dictionary, ERROR: _error} | {kind: _gap for kind in GAP_STATES}
_READERS |= {BOOK_SNAPSHOT: _book, BOOK_TOP: _book, BOOK_DELTA: _book_delta, STATUS: _status}


def decode(data):
    """A frame of either protocol: v2 begins with its magic after the CRC, which no v1 frame is long enough for."""
    return decode_v2(data) if data[4:6] == b"TW" else decode_v1(data)


def _as_text(value):
    """Numbers as text, as in the golden vectors: no reader of JSON then loses a digit."""
    if isinstance(value, dict):
        return {key: _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    return value if isinstance(value, (bool, str)) else repr(value)


def main(arguments):
    decoders = {"--v1": decode_v1, "--v2": decode_v2}
    decoder = decode
    if arguments and arguments[0] in decoders:
        decoder = decoders[arguments.pop(0)]
    if not arguments:
        sys.exit(__doc__)
    status = 0
    for name in arguments:
        with open(name, "rb") as file:
            data = file.read(FRAME_BYTES_MAX + 1)
        try:
            line = _as_text(decoder(data))
        except FrameFault as fault:
            line, status = {"fault": fault.reason}, 1
        print(json.dumps(line, ensure_ascii=False))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
