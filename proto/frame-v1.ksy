meta:
  id: frame_v1
  title: Tickwire frame v1 (document 002's frame)
  license: MIT
  ks-version: 0.11
  endian: le
doc: |
  Specified in frames.md, which this file follows. Not checked here: the CRC, and that the frame ends after its
  last record.
seq:
  - id: crc32
    type: u4
    doc: CRC-32 (IEEE) of byte 4 to the end.
  - id: num_records
    type: u2
  - id: records
    type: record
    repeat: expr
    repeat-expr: num_records
types:
  record:
    doc: One trade.
    seq:
      - id: symbol_id
        type: u2
      - id: price
        type: f8
      - id: volume
        type: f8
