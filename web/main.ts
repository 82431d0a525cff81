/** The page: one connection, the state that its events make, and the panels that draw it. */
import { channel, channelNames, connect } from '../src/client/client.ts';
import { BookPanel } from './book-panel.ts';
import { ChartPanel } from './chart-panel.ts';
import { ConnectionPanel } from './connection-panel.ts';
import { EnigmaPanel } from './enigma-panel.ts';
import { MarketFeed } from './market-feed.ts';
import { MarketState, type Resolution, type Row, resolutions } from './market-state.ts';
import { NoticeList } from './notice-list.ts';
import { QuotePanel } from './quote-panel.ts';
import { RenderPass } from './render-pass.ts';
import { apiUrl } from './rest.ts';
import { SymbolList } from './symbol-list.ts';
import { TradeTape } from './trade-tape.ts';

/** A new candle each second: something to see also in the first minute of a new server. */
const defaultResolution = '1s';

const state = new MarketState();
const pass = new RenderPass();
const client = connect(socketUrl());
const notices = new NoticeList(pass);
const connection = new ConnectionPanel(state, client, pass);
const quotes = new QuotePanel(state, client, pass);
const tape = new TradeTape(state, client, pass);
const book = new BookPanel(state, client, pass);
const enigma = new EnigmaPanel(state, client, pass);
const list = new SymbolList(state, client, pass, (symbol) => choose(symbol, state.selection!.resolution));
const chart = new ChartPanel(
  state,
  client,
  () => feed,
  pass,
  (resolution) => choose(state.selection!.symbol, resolution),
);
const feed = new MarketFeed(client, state, {
  symbols: listed,
  series: chart.touchSeries,
  bar: chart.touch,
  trouble: (text) => notices.add('fault', text),
});

client.on('dictionary', (entries) => {
  state.learn(client.dictionary.epoch, entries);
  list.touch();
  quotes.touch();
  chart.touchSeries();
});
client.on('ticker', (ticker) => moved(state.takeTicker(ticker)));
client.on('trades', (batch) => {
  if (!batch.snapshot && batch.count > 0) connection.heard(batch.time[batch.count - 1]!);
  moved(state.takeTrades(batch));
  tape.touch();
});
client.on('quotes', (batch) => {
  state.takeQuotes(batch);
  quotes.touch();
});
client.on('enigma', (level) => {
  if (!state.isSelected(level.instrument)) return;
  state.enigma = level;
  enigma.touch();
  chart.touchMarks();
});
client.on('bookTop', (batch) => book.take(batch));
client.on('status', (status) => {
  if (status.channel === channel.book) book.takeStatus(status);
  if (status.channel === channel.book && status.state === 'syncing') return;
  const name = channelNames[status.channel] ?? 'stream';
  notices.add(
    status.state === 'live' ? 'repaired' : 'gap',
    `${symbolOf(status.instrument)}: ${name} ${status.state === 'live' ? 'live again' : status.state}`,
  );
});
client.on('gap', ({ instrument, state: kind, from, to }) => {
  notices.add(kind, `${symbolOf(instrument)}: ${rangeText(from, to)}`);
});
client.on('jump', ({ instrument, from, to }) => {
  notices.add('lost', `${symbolOf(instrument)}: ${rangeText(from, to)} did not come, and nobody said so`);
});
client.on('fault', ({ reason, message }) =>
  notices.add('fault', `a frame was refused, ${reason}: ${message}`),
);
client.on('refused', ({ code, error }) => {
  notices.add('fault', `the server refused (${code}): ${error}`);
  void feed.begin();
});
client.on('notice', (code, text) => notices.add('fault', `the server says (${code}): ${text}`));

let welcomes = 0;
client.on('welcome', () => {
  welcomes++;
  if (welcomes > 1) feed.reload();
});

void feed.begin();
addEventListener('hashchange', chooseFromHash);

function moved(row: Row | undefined): void {
  if (row === undefined) return;
  list.touchRow(row);
  if (row === state.selected) quotes.touch();
}

function listed(): void {
  list.touch();
  if (state.selected === undefined) chooseFromHash();
}

/** `#BINANCE:BTCUSDT/1m`; what is not known there has its default. */
function chooseFromHash(): void {
  const [symbol, resolution] = location.hash.slice(1).split('/');
  const known = state.rows.has(symbol!) ? symbol! : state.rows.keys().next().value;
  if (known !== undefined)
    choose(known, resolutions.find((name) => name === resolution) ?? defaultResolution);
}

function choose(symbol: string, resolution: Resolution): void {
  const { selection } = state;
  if (selection?.symbol === symbol && selection.resolution === resolution) return;
  feed.select({ symbol, resolution });
  history.replaceState(null, '', `#${symbol}/${resolution}`);
  for (const touch of [list.touch, quotes.touch, tape.touch, book.touch, enigma.touch, chart.touchMarks])
    touch();
}

function symbolOf(instrument: number): string {
  return client.dictionary.get(instrument)?.symbol ?? `instrument ${instrument}`;
}

function rangeText(from: number, to: number): string {
  return from === to ? `trade ${from}` : `trades ${from} to ${to} (${to - from + 1})`;
}

function socketUrl(): string {
  const url = apiUrl('ws');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
