/**
 * WebSocket frames from server to client: never masked, so a header and the payload as it is (RFC 6455, 5.2).
 *
 *   0        1            2                4                        10
 *   +--------+------------+----------------+------------------------+
 *   |FIN|op  | length<126 |                                         |  2 bytes
 *   |FIN|op  | 126        | length, 16 bit |                         |  4 bytes
 *   |FIN|op  | 127        | length, 64 bit, big-endian              | 10 bytes
 */
const finalText = 0x81;
export const headerBytesMax = 10;

export function headerBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** Writes the header of one text frame and answers where its payload begins. */
export function writeHeader(bytes: Buffer, at: number, length: number): number {
  bytes[at] = finalText;
  if (length < 126) {
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    bytes[at + 1] = 126;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length & 0xff;
    return at + 4;
  }
  bytes[at + 1] = 127;
  bytes.writeUInt32BE(Math.floor(length / 4_294_967_296), at + 2);
  bytes.writeUInt32BE(length >>> 0, at + 6);
  return at + 10;
}
