/** What Binance's messages are made of, four characters at a time, as the scanner compares them. */

/** Four ASCII characters as the 32-bit word they are in memory. */
function word(text: string): number {
  return (
    text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24)
  );
}

export const stream0 = word('{"st');
export const stream1 = word('ream');
export const stream2 = word('m":"');
export const trade0 = word('@tra');
export const trade1 = word('de",');
export const data0 = word('"dat');
export const data1 = word('a":{');
export const eventTrade0 = word('"e":');
export const eventTrade1 = word('"tra');
export const eventE = word('"E":');
export const agg0 = word('@agg');
export const agg1 = word('Trad');
export const agg2 = word('e","');
export const agg3 = word('data');
export const agg4 = word('":{"');
export const agg5 = word('e":"');
export const agg6 = word('aggT');
export const agg7 = word('rade');
export const agg8 = word('","E');
export const agg9 = word(',"E"');
export const book0 = word('@boo');
export const book1 = word('kTic');
export const book2 = word('ker"');
export const book3 = word(',"da');
export const book4 = word('ta":');
export const book5 = word('{"u"');
export const book6 = word('"u":');
export const rawEvent = word('{"e"');
export const rawTrade1 = word(':"tr');
export const rawTrade2 = word('ade"');
export const rawAgg1 = word(':"ag');
export const rawAgg2 = word('gTra');
export const rawAgg3 = word('de",');
export const symbol0 = word(',"s"');
export const symbol1 = word('s":"');
export const id0 = word('","t');
export const id1 = word('"t":');
export const aggId0 = word('","a');
export const aggId1 = word('"a":');
export const price0 = word(',"p"');
export const price1 = word('p":"');
export const size0 = word('","q');
export const size1 = word('q":"');
export const time0 = word('","T');
export const time1 = word('"T":');
export const first0 = word('","f');
export const first1 = word('"f":');
export const last0 = word(',"l"');
export const last1 = word('"l":');
export const plainTime0 = word(',"T"');
export const buyer0 = word('","b');
export const buyer1 = word('"b":');
export const seller0 = word(',"a"');
export const maker0 = word(',"m"');
export const makerTrue1 = word(':tru');
export const makerTrue2 = word('e,"M');
export const makerTrue3 = word('":tr');
export const makerFalse1 = word(':fal');
export const makerFalse2 = word('se,"');
export const makerFalse3 = word('M":t');
export const close1 = word('rue}');
export const close2 = word('ue}}');
export const bid0 = word('","b');
export const bid1 = word('b":"');
export const bidSize0 = word('","B');
export const bidSize1 = word('B":"');
export const ask0 = word('","a');
export const ask1 = word('a":"');
export const askSize0 = word('","A');
export const askSize1 = word('A":"');

/** A text to compare as a whole: its words of four, and its last four again (they may overlap). */
export interface Literal {
  readonly length: number;
  readonly words: Int32Array;
  readonly last: number;
}

/** `text` has four characters or more. */
export function literal(text: string): Literal {
  const words = Int32Array.from({ length: text.length >> 2 }, (_, i) => word(text.slice(i * 4, i * 4 + 4)));
  return { length: text.length, words, last: word(text.slice(-4)) };
}

/** Whether the literal stands at `p`; its bytes must lie within the view. */
export function isAt({ length, words, last }: Literal, view: DataView, p: number): boolean {
  for (let k = 0; k < words.length; k++) if (view.getInt32(p + k * 4, true) !== words[k]) return false;
  return view.getInt32(p + length - 4, true) === last;
}

export const depth = literal('@depth');
export const depthSpeed = literal('@100ms');
export const depthHead = literal('","data":{"e":"depthUpdate","E":');
export const rawDepthHead = literal('{"e":"depthUpdate","E":');
export const streamHead = literal('{"stream":"');
export const symbolHead = literal(',"s":"');
export const firstUpdateHead = literal('","U":');
export const lastUpdateHead = literal(',"u":');
export const bidsHead = literal(',"b":[');
export const asksHead = literal(',"a":[');
