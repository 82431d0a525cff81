meta:
  id: frame_v2
  title: Tickwire frame v2
  license: MIT
  ks-version: 0.11
  endian: le
doc: |
  Specified in frames.md, which this file follows. Blocks of kinds that are not in use stay raw bytes. Not checked
  here: the CRC, the bounds of numbers, and flags that are not known yet (whose blocks a decoder skips).
  Differences are summed up by the instances; numbers are exact up to 2^53 where the target language's are
  (multiplications, no shifts), and sums that pass it stay as two limbs.
seq:
  - id: crc32
    type: u4
    doc: CRC-32 (IEEE) of byte 4 to the end.
  - id: magic
    contents: TW
  - id: version
    contents: [2]
  - id: flags
    type: u1
    doc: None is defined; unknown ones are ignored.
  - id: dictionary
    type: u4
    doc: Version of the dictionary that instrument numbers belong to.
  - id: time_base
    type: u4
    doc: In units of 2^20 ms since 1970.
  - id: blocks
    type: block
    repeat: eos
types:
  varuint:
    doc: LEB128 of at most 8 bytes; need not be the shortest.
    seq:
      - id: groups
        type: u1
        repeat: until
        repeat-until: _ < 128 or groups.size == 8
    instances:
      value:
        value: >-
          groups[0] % 128
          + (groups.size > 1 ? (groups[1] % 128) * 128 : 0)
          + (groups.size > 2 ? (groups[2] % 128) * 16384 : 0)
          + (groups.size > 3 ? (groups[3] % 128) * 2097152 : 0)
          + (groups.size > 4 ? (groups[4] % 128) * 268435456 : 0)
          + (groups.size > 5 ? (groups[5] % 128) * 34359738368 : 0)
          + (groups.size > 6 ? (groups[6] % 128) * 4398046511104 : 0)
          + (groups.size > 7 ? (groups[7] % 128) * 562949953421312 : 0)
  varint:
    doc: Zig-zag of a signed number.
    seq:
      - id: coded
        type: varuint
    instances:
      value:
        value: 'coded.value % 2 == 0 ? coded.value / 2 : 0 - (coded.value / 2) - 1'
  amount:
    doc: A sum of high × 2^48 + low.
    seq:
      - id: low
        type: varuint
      - id: high
        type: varuint
  text:
    seq:
      - id: len_value
        type: u1
      - id: value
        type: str
        size: len_value
        encoding: UTF-8
  block:
    seq:
      - id: head
        type: u1
      - id: instrument
        type: varuint
      - id: len_body
        type: varuint
      - id: body
        size: len_body.value
        type:
          switch-on: kind
          cases:
            'kinds::trade': body
            'kinds::quote': body
            'kinds::ticker': body
            'kinds::bar': body
            'kinds::enigma': body
            'kinds::book_snapshot': body
            'kinds::book_delta': body
            'kinds::book_top': body
            'kinds::status': body
            'kinds::heartbeat': body
            'kinds::gap': body
            'kinds::repaired': body
            'kinds::lost': body
            'kinds::dictionary': body
            'kinds::error': body
    instances:
      kind:
        value: head % 32
        enum: kinds
      has_receive:
        value: (head & 0x20) != 0
      is_micros:
        value: (head & 0x40) != 0
      is_snapshot:
        value: (head & 0x80) != 0
  body:
    seq:
      - id: num_records
        type: varuint
      - id: cursor
        type: varuint
        doc: The place of the first record in its stream.
      - id: time_since_base
        type: varuint
      - id: receive_difference
        type: varint
        if: _parent.has_receive
      - id: records
        repeat: expr
        repeat-expr: num_records.value
        type:
          switch-on: _parent.kind
          cases:
            'kinds::trade': trade(_index)
            'kinds::quote': quote(_index)
            'kinds::ticker': ticker
            'kinds::bar': bar
            'kinds::enigma': enigma
            'kinds::book_snapshot': book
            'kinds::book_delta': book_delta
            'kinds::book_top': book
            'kinds::status': status
            'kinds::heartbeat': stream_cursor
            'kinds::gap': gap
            'kinds::repaired': gap
            'kinds::lost': gap
            'kinds::dictionary': entry
            'kinds::error': error
    instances:
      unit:
        value: '_parent.is_micros ? 1 : 1000'
        doc: µs in the block's unit of time.
      time:
        value: _root.time_base * 1048576000 + time_since_base.value * unit
        doc: µs since 1970.
      received:
        value: time + receive_difference.value
        if: _parent.has_receive
        doc: When the server got the last record, µs since 1970.
  trade:
    params:
      - id: index
        type: s4
    seq:
      - id: flags
        type: u1
      - id: id_difference
        type: varint
        if: not is_next_id
      - id: time_difference
        type: varint
        if: not is_same_time
      - id: price_difference
        type: varint
        if: not is_same_price
      - id: size
        type: varuint
      - id: merged_more
        type: varuint
        if: is_aggregate
    instances:
      taker_sold:
        value: (flags & 1) != 0
      is_same_time:
        value: (flags & 2) != 0
      is_next_id:
        value: (flags & 4) != 0
      is_same_price:
        value: (flags & 8) != 0
      is_late:
        value: (flags & 16) != 0
      is_aggregate:
        value: (flags & 32) != 0
      is_quarantined:
        value: (flags & 64) != 0
      previous_id:
        value: 'index == 0 ? _parent.cursor.value : _parent.records[index - 1].as<trade>.trade_id.as<s8>'
      previous_time:
        value: 'index == 0 ? _parent.time : _parent.records[index - 1].as<trade>.time.as<s8>'
      previous_price:
        value: 'index == 0 ? 0 : _parent.records[index - 1].as<trade>.price.as<s8>'
      trade_id:
        value: 'previous_id + (is_next_id ? 1 : id_difference.value)'
      time:
        value: 'previous_time + (is_same_time ? 0 : time_difference.value * _parent.unit)'
        doc: µs since 1970.
      price:
        value: 'previous_price + (is_same_price ? 0 : price_difference.value)'
        doc: Mantissa.
      merged:
        value: 'is_aggregate ? merged_more.value + 1 : 1'
        doc: How many trades of the venue it stands for.
  quote:
    params:
      - id: index
        type: s4
    seq:
      - id: flags
        type: u1
      - id: version_difference
        type: varint
      - id: time_difference
        type: varint
        if: not is_same_time
      - id: bid_difference
        type: varint
        if: not is_same_bid
      - id: own_bid_size
        type: varuint
        if: not is_same_bid_size
      - id: spread
        type: varint
        if: not is_same_ask
      - id: own_ask_size
        type: varuint
        if: not is_same_ask_size
    instances:
      is_same_bid:
        value: (flags & 1) != 0
      is_same_time:
        value: (flags & 2) != 0
      is_same_bid_size:
        value: (flags & 4) != 0
      is_same_ask:
        value: (flags & 8) != 0
      is_same_ask_size:
        value: (flags & 16) != 0
      version:
        value: '(index == 0 ? _parent.cursor.value : _parent.records[index - 1].as<quote>.version.as<s8>) + version_difference.value'
      previous_time:
        value: 'index == 0 ? _parent.time : _parent.records[index - 1].as<quote>.time.as<s8>'
      time:
        value: 'previous_time + (is_same_time ? 0 : time_difference.value * _parent.unit)'
        doc: µs since 1970.
      previous_bid:
        value: 'index == 0 ? 0 : _parent.records[index - 1].as<quote>.bid.as<s8>'
      bid:
        value: 'previous_bid + (is_same_bid ? 0 : bid_difference.value)'
      previous_bid_size:
        value: 'index == 0 ? 0 : _parent.records[index - 1].as<quote>.bid_size.as<s8>'
      bid_size:
        value: 'is_same_bid_size ? previous_bid_size : own_bid_size.value'
      previous_ask:
        value: 'index == 0 ? 0 : _parent.records[index - 1].as<quote>.ask.as<s8>'
      ask:
        value: 'is_same_ask ? previous_ask : bid + spread.value'
      previous_ask_size:
        value: 'index == 0 ? 0 : _parent.records[index - 1].as<quote>.ask_size.as<s8>'
      ask_size:
        value: 'is_same_ask_size ? previous_ask_size : own_ask_size.value'
  ticker:
    doc: 24 hours by whole minutes.
    seq:
      - id: last
        type: varuint
      - id: open_above_last
        type: varint
      - id: high_above_last
        type: varint
      - id: low_below_last
        type: varuint
      - id: volume
        type: amount
      - id: quote_volume
        type: amount
      - id: num_trades
        type: varuint
    instances:
      open:
        value: last.value + open_above_last.value
      high:
        value: last.value + high_above_last.value
      low:
        value: last.value - low_below_last.value
  bar:
    doc: Its open time, in seconds, is the block's cursor; the block's time is that of its last trade.
    seq:
      - id: resolution
        type: u1
        enum: resolutions
      - id: flags
        type: u1
      - id: revision
        type: varuint
      - id: open
        type: varuint
      - id: high_above_open
        type: varuint
      - id: low_below_open
        type: varuint
      - id: close_above_open
        type: varint
      - id: volume
        type: amount
      - id: quote_volume
        type: amount
      - id: num_trades
        type: varuint
      - id: taker_buy_volume
        type: amount
      - id: taker_buy_quote_volume
        type: amount
      - id: first_id
        type: varuint
      - id: more_ids
        type: varuint
    instances:
      is_closed:
        value: (flags & 1) != 0
      is_corrected:
        value: (flags & 2) != 0
      is_incomplete:
        value: (flags & 4) != 0
      high:
        value: open.value + high_above_open.value
      low:
        value: open.value - low_below_open.value
      close:
        value: open.value + close_above_open.value
      last_id:
        value: first_id.value + more_ids.value
  enigma:
    seq:
      - id: level
        type: varuint
        doc: Per cent × 10,000.
      - id: price
        type: varuint
      - id: ath
        type: varuint
      - id: atl
        type: varuint
      - id: ath_time
        type: varuint
        doc: s since 1970; 0 unknown.
      - id: atl_time
        type: varuint
  gap:
    doc: Trade ids from the block's cursor to `last`.
    seq:
      - id: more_ids
        type: varuint
    instances:
      last:
        value: _parent.cursor.value + more_ids.value
  book:
    doc: A whole book or its best levels, best first; the block's cursor is its last update id.
    seq:
      - id: flags
        type: u1
      - id: num_bids
        type: varuint
      - id: num_asks
        type: varuint
      - id: bids
        type: bid(_index)
        repeat: expr
        repeat-expr: num_bids.value
      - id: asks
        type: ask(_index)
        repeat: expr
        repeat-expr: num_asks.value
    instances:
      is_bids_cut:
        value: (flags & 1) != 0
      is_asks_cut:
        value: (flags & 2) != 0
  bid:
    params:
      - id: index
        type: s4
    seq:
      - id: step
        type: varuint
        doc: The price of the first; of others how far below the one before.
      - id: size
        type: varuint
    instances:
      price:
        value: 'index == 0 ? step.value : _parent.bids[index - 1].as<bid>.price.as<s8> - step.value'
  ask:
    params:
      - id: index
        type: s4
    seq:
      - id: above_bid
        type: varint
        if: index == 0
      - id: step
        type: varuint
        if: index > 0
      - id: size
        type: varuint
    instances:
      best_bid:
        value: '_parent.num_bids.value == 0 ? 0 : _parent.bids[0].as<bid>.price.as<s8>'
      price:
        value: 'index == 0 ? best_bid + above_bid.value : _parent.asks[index - 1].as<ask>.price.as<s8> + step.value'
  book_delta:
    doc: A change of a book; size 0 takes a level away.
    seq:
      - id: flags
        type: u1
      - id: since_previous
        type: varuint
      - id: since_first
        type: varuint
      - id: num_bids
        type: varuint
      - id: num_asks
        type: varuint
      - id: levels
        type: change(_index)
        repeat: expr
        repeat-expr: num_bids.value + num_asks.value
        doc: Bids, then asks.
    instances:
      is_bids_cut:
        value: (flags & 1) != 0
      is_asks_cut:
        value: (flags & 2) != 0
      previous:
        value: _parent.cursor.value - since_previous.value
      first_update:
        value: _parent.cursor.value - since_first.value
  change:
    params:
      - id: index
        type: s4
    seq:
      - id: price_difference
        type: varint
      - id: size
        type: varuint
    instances:
      price:
        value: '(index == 0 ? 0 : _parent.levels[index - 1].as<change>.price.as<s8>) + price_difference.value'
  status:
    doc: The state of one stream of the instrument.
    seq:
      - id: channel
        type: u1
      - id: state
        type: u1
        enum: stream_states
      - id: ago
        type: varint
        doc: µs before the block's time.
    instances:
      since:
        value: _parent.time - ago.value
        doc: µs since 1970.
  stream_cursor:
    doc: The last cursor that was sent of one log stream.
    seq:
      - id: kind
        type: varuint
      - id: instrument
        type: varuint
      - id: cursor
        type: varuint
  entry:
    doc: What an instrument number stands for.
    seq:
      - id: instrument
        type: varuint
      - id: flags
        type: u1
      - id: price_decimals
        type: u1
      - id: size_decimals
        type: u1
      - id: symbol
        type: text
      - id: base
        type: text
      - id: quote
        type: text
    instances:
      is_active:
        value: (flags & 1) != 0
  error:
    doc: Its number is the block's cursor; see control.md.
    seq:
      - id: len_message
        type: varuint
      - id: message
        type: str
        size: len_message.value
        encoding: UTF-8
enums:
  kinds:
    1: trade
    2: quote
    3: ticker
    4: bar
    5: enigma
    6: book_snapshot
    7: book_delta
    8: heartbeat
    9: gap
    10: repaired
    11: lost
    12: dictionary
    13: session
    14: watch_list
    15: order_event
    16: error
    17: book_top
    18: status
  resolutions:
    0: second1
    1: second5
    2: minute1
    3: minute5
    4: minute15
    5: hour1
    6: hour4
    7: day1
    8: week1
    9: month1
  stream_states:
    0: live
    1: stale
    2: syncing
